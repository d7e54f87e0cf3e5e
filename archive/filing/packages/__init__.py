"""Packages of filed items (BagIt, RFC 8493): made to leave the house, judged when they come in."""
