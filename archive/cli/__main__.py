"""``python -m archive.cli``: the same as the command ``archive``."""

from archive.cli.root import main

main()
