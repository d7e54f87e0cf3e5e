"""Signing in order, with proof: the chain, the company's authority, PDF signatures."""
