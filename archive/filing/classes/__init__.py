"""The filing plan as data with versions, the tree of its classes, and what is due to be filed."""
