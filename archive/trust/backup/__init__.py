"""Getting everything back: backups made while the server runs, restored into an empty place."""
