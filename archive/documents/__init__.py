"""Word and PDF of a record: made, kept and given out."""
