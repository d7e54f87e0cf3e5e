"""Filled forms: drafts, their versions and what becomes of them."""
