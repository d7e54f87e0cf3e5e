"""Search over records and items: what the index holds, and who finds what."""
