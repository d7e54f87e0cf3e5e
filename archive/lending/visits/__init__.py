"""Outsiders who read in the archive (外来查阅): noted, accompanied, decided, seen off."""
