"""Signing in: what is asked at the door, who holds which key to it, and what is noted about it."""
