"""The first page after signing in: what waits for this person, and quick ways to begin."""
