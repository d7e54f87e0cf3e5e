"""The child process that recognises pages: ``python -m indexer.scan_child JOBS``.

JOBS is a JSON file of [path, page]; one JSON line is printed for each as soon as it is read, so
that what was read before it was stopped is not lost. Started only by ``recognition``.
"""

import json
import sys
from pathlib import Path

from indexer.confined import confine
from indexer.recogniser import Recogniser


def main(arguments: list[str]) -> int:
    """Read the pages one after another; a page that cannot be read tells why."""
    confine()
    jobs = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    recogniser = Recogniser()
    for path, page in jobs:
        try:
            told = {"text": recogniser.read_page(Path(path), int(page))}
        except Exception as error:  # noqa: BLE001 - models and decoders raise anything
            told = {"error": type(error).__name__}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
