"""Hand-over lists (归档移交清单): what departments owe the archive, handed over and received."""
