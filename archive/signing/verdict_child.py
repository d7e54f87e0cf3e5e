"""The child process that judges one stranger's file: ``python -m archive.signing.verdict_child``.

Sets its own limits first, prints one JSON verdict. Started only by ``verdict_reader``.
"""

import json
import logging
import resource
import sys
from collections.abc import Sequence
from pathlib import Path

from archive.signing.judging import judge_bytes
from archive.signing.verdict_reader import known_from, verdict_json
from indexer.alone import leave_network


def main(arguments: Sequence[str]) -> int:
    """FILE KNOWN MEMORY SECONDS; prints the verdict."""
    source, grounds = Path(arguments[0]), Path(arguments[1])
    memory, seconds = int(arguments[2]), int(arguments[3])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    leave_network()
    logging.disable()
    known = known_from(json.loads(grounds.read_text(encoding="utf-8")))
    verdict = judge_bytes(source.read_bytes(), known)
    print(json.dumps(verdict_json(verdict), ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
