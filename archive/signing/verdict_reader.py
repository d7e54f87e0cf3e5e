"""Judges a stranger's file in a child process with limits, which is killed when it goes over them.

Called by ``verdicts`` for the public page.
"""

import hashlib
import json
import subprocess
import tempfile
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from archive.signing.judging import FileVerdict, Known, SignerVerdict
from indexer.children import Room, reader, running
from indexer.confined import Bounds

MEMORY = 1 << 30
SECONDS = 30
_DIED = "这个文件太复杂或已损坏，核验时意外停止，不能给出结论。"


def judge_apart(
    content: bytes, known: Known, seconds: int = SECONDS, memory: int = MEMORY
) -> FileVerdict:
    """As ``judge_bytes``; a file that is too much for it gets a verdict that says so."""
    with tempfile.TemporaryDirectory(prefix="verdict-") as folder:
        source, grounds = Path(folder, "source"), Path(folder, "known.json")
        source.write_bytes(content)
        grounds.write_text(json.dumps(_as_json(known)), encoding="utf-8")
        answer = _ask_child(source, grounds, seconds, memory)
    if answer is None:
        return FileVerdict(False, False, _DIED, (), hashlib.sha256(content).hexdigest())
    return _as_verdict(answer)


def verdict_json(verdict: FileVerdict) -> dict[str, object]:
    """Return a verdict as plain JSON, as the child prints it."""
    plain = asdict(verdict)
    for one in plain["signatures"]:
        for key in ("time", "stamped_at"):
            one[key] = one[key].isoformat() if one[key] else None
    return plain


def known_from(plain: dict[str, object]) -> Known:
    """Return what ``_as_json`` wrote down; for the child."""
    told: dict[str, str] = plain["revoked"]  # type: ignore[assignment]
    return Known(
        company=str(plain["company"]),
        roots=_bytes(plain["roots"]),
        issuing=str(plain["issuing"]).encode(),
        registered=_bytes(plain["registered"]),
        stamp_roots=_bytes(plain["stamp_roots"]),
        revoked={serial: datetime.fromisoformat(since) for serial, since in told.items()},
        now=datetime.fromisoformat(str(plain["now"])),
    )


def _as_json(known: Known) -> dict[str, object]:
    return {
        "company": known.company,
        "roots": [each.decode() for each in known.roots],
        "issuing": known.issuing.decode(),
        "registered": [each.decode() for each in known.registered],
        "stamp_roots": [each.decode() for each in known.stamp_roots],
        "revoked": {serial: since.isoformat() for serial, since in known.revoked.items()},
        "now": known.now.isoformat(),
    }


def _bytes(texts: object) -> tuple[bytes, ...]:
    return tuple(str(each).encode() for each in texts) if isinstance(texts, list) else ()


def _ask_child(source: Path, grounds: Path, seconds: int, memory: int) -> dict[str, object] | None:
    command = reader("archive.signing.verdict_child", source, grounds)
    bounds = Bounds(memory, seconds, output=0)
    try:
        with running(command, bounds, Room(source.parent)) as child:
            output, _ = child.communicate(timeout=seconds * 2)
    except subprocess.TimeoutExpired:
        return None
    try:
        answer = json.loads(output)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None


def _as_verdict(answer: dict[str, object]) -> FileVerdict:
    told = answer.pop("signatures")
    waiting = answer.pop("waiting")
    signatures = tuple(
        SignerVerdict(**{**one, "time": _time(one["time"]), "stamped_at": _time(one["stamped_at"])})
        for one in (told if isinstance(told, list) else ())
    )
    steps = tuple(str(each) for each in waiting) if isinstance(waiting, list) else ()
    return FileVerdict(signatures=signatures, waiting=steps, **answer)  # type: ignore[arg-type]


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
