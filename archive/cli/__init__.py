"""The command ``archive``: each command parses, opens units of work, calls services, commits.

Data goes to stdout, everything else to stderr; exit 0 on success, 1 for a finding or a refusal,
2 for wrong use. With ``--json`` one JSON value and nothing else is printed.
"""

from archive.cli.root import main

__all__ = ["main"]
