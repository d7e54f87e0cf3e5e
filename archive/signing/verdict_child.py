"""The child process that judges one stranger's file: ``python -m archive.signing.verdict_child``.

Confines itself first, prints one JSON verdict. Started only by ``verdict_reader``.
"""

import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from archive.signing.judging import judge_bytes
from archive.signing.verdict_reader import known_from, verdict_json
from indexer.confined import confine


def main(arguments: Sequence[str]) -> int:
    """FILE KNOWN; prints the verdict."""
    confine()
    source, grounds = Path(arguments[0]), Path(arguments[1])
    logging.disable()
    known = known_from(json.loads(grounds.read_text(encoding="utf-8")))
    verdict = judge_bytes(source.read_bytes(), known)
    print(json.dumps(verdict_json(verdict), ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
