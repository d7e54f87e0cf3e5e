"""Grants (授权): somebody is let in to papers that are not theirs, until a day."""
