"""The shell every page wears: layout, navigation, headers, and the error → status table."""
