"""Recognises the words on pages that are pictures, in a child process with limits (OCR).

Where rapidocr is not installed nothing is recognised, and that is said. Called by extraction.
"""

import importlib.util
import json
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from indexer.children import Room, lent, reader, running
from indexer.confined import Bounds
from indexer.reading import Scan

MOST_PAGES = 300
SECONDS_A_PAGE = 60
MEMORY = 1 << 30
MOST_OUTPUT = 64 << 20
ABSENT = "没有装文字识别（rapidocr），图片里的字读不出。"

Tell = Callable[[int, int], None]


def is_there() -> bool:
    """Say whether words can be recognised here."""
    return all(importlib.util.find_spec(name) for name in ("rapidocr", "onnxruntime"))


def recognise(
    scans: Sequence[Scan], folder: Path, seconds: float, tell: Tell
) -> tuple[list[str | None], list[str]]:
    """Return the words of each page (None where it could not be read) and what to warn of.

    `tell` is told after each page how many of how many are read. `seconds` bounds it all.
    """
    if not is_there():
        return [None] * len(scans), [ABSENT]
    chosen = scans[:MOST_PAGES]
    place = folder / "scan"
    place.mkdir()
    paths = {one.path: lent(Path(one.path), place) for one in chosen}
    jobs = place / "pages.json"
    jobs.write_text(json.dumps([[str(paths[one.path]), one.page] for one in chosen]), "utf-8")
    command = reader("indexer.scan_child", jobs)
    bounds = Bounds(MEMORY, int(seconds) + 1, output=MOST_OUTPUT, is_mapped=True)
    found: list[str | None] = []
    with running(command, bounds, Room(place, tuple(paths.values()))) as child:
        timer = threading.Timer(seconds, child.kill)
        timer.start()
        drained = threading.Thread(target=_drain, args=(child,), daemon=True)
        drained.start()
        try:
            _take(child.stdout, found, len(scans), tell)
            child.wait()
        finally:
            timer.cancel()
    found += [None] * (len(scans) - len(found))
    lost = sum(one is None for one in found)
    return found, [f"有 {lost} 页是图片，没有识别出来。"] if lost else []


def _take(stream: IO[bytes] | None, found: list[str | None], total: int, tell: Tell) -> None:
    for line in stream or ():
        try:
            told = json.loads(line)
        except ValueError:
            return
        found.append(told.get("text"))
        tell(len(found), total)


def _drain(child: "subprocess.Popen[bytes]") -> None:
    for _ in child.stderr or ():
        pass
