"""The journal and the checks: what was done by whom, and whether everything is still whole."""
