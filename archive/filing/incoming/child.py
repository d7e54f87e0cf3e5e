"""Reads strangers' files under limits: ``python -m archive.filing.incoming.child COMMAND …``.

``look`` is told paths on stdin, a JSON string a line, and answers each with a JSON line.
``split FILE FOLDER`` cuts a scan at its separator sheets into the folder and tells every page.
``draw FILE TARGET PAGE WIDTH`` makes a picture of one page.
Confines itself first. Started, timed and killed only by ``looking``.
"""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from archive.filing.incoming.drawing import draw_page
from archive.filing.incoming.kinds import Refused, look_at
from archive.filing.incoming.splitting import split_scan
from indexer.confined import confine
from indexer.errors import TOO_DEEP, is_too_deep


def main(arguments: list[str]) -> int:
    """COMMAND [FILE …]; returns 0 also for a refusal."""
    confine()
    command = arguments[0]
    if command == "look":
        for line in sys.stdin:
            _tell(_looked(Path(json.loads(line))))
        return 0
    source, target = Path(arguments[1]), Path(arguments[2])
    if command == "draw":
        _tell(_guarded(lambda: draw_page(source, target, *map(int, arguments[3:5]))))
        return 0
    for told in _split(source, target):
        _tell(told)
    return 0


def _looked(path: Path) -> dict[str, Any]:
    return _guarded(lambda: look_at(path).as_json())


def _guarded(read: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return read()
    except Refused as refusal:
        return {"refused": refusal.message}
    except MemoryError:
        return {"refused": "读取这个文件要用的内存太多，已停止；请另存或拆小后再收。"}
    except Exception as error:  # noqa: BLE001 - parsers of strangers' files raise anything
        if is_too_deep(error):
            return {"refused": TOO_DEEP}
        return {"refused": f"文件已损坏或格式有误，打不开（{type(error).__name__}）。"}


def _split(path: Path, folder: Path) -> Iterator[dict[str, Any]]:
    try:
        yield from split_scan(path, folder)
    except Refused as refusal:
        yield {"refused": refusal.message}
    except MemoryError:
        yield {"refused": "拆分要用的内存太多，已停止；请分成几个文件扫描。"}
    except Exception as error:  # noqa: BLE001 - parsers of strangers' files raise anything
        yield {"refused": f"文件已损坏或格式有误，拆不了（{type(error).__name__}）。"}


def _tell(told: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
