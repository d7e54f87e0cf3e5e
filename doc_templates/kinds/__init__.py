"""The field kinds, one family a file; fields.py puts them into one table.

Callers outside this folder import from fields.py.
"""
