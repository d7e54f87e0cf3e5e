"""Places where papers stand, moves between them, their plan and their labels."""
