"""The index's folder: whole generations side by side, one of them current.

    CURRENT            the name of the generation that serves
    gen-…/             a Whoosh index and META.json; never changed into another shape, only replaced
    write.lock         held while a generation is written or replaced
    rebuild.lock       held for as long as a new generation is being built beside
    changed.log        ids changed while a rebuild runs, so that it can catch up before the swap
    rebuild.json       how far the rebuild that is running has come

Locks are the kernel's (flock): a killed process leaves none behind. Not here: what is in a
generation (index, writer).
"""

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from indexer.errors import IndexBusy
from indexer.schema import SCHEMA_VERSION, serves_meanwhile

_META = "META.json"
_DAMAGED, _EVERY = "DAMAGED", "*"
_PROGRESS = "rebuild.json"
FIRST_RIGHTS = "1"
"""The meaning of reader tokens in indexes that do not say it."""


class Trouble(StrEnum):
    """Why an index must be rebuilt, in words for the user."""

    NONE = ""
    MISSING = "检索索引不存在，需要重建。"
    DAMAGED = "检索索引已损坏，需要重建。"
    OLD = "检索索引是旧版本建立的，需要重建。"
    OUTDATED = "检索索引是旧版本建立的，需要重建；重建期间照旧可查。"
    INCOMPLETE = "检索索引不完整，需要重建。"

    @property
    def is_usable(self) -> bool:
        """True when what is there may still be searched and written."""
        return self in {Trouble.NONE, Trouble.INCOMPLETE, Trouble.OUTDATED}

    @property
    def is_readable(self) -> bool:
        """True when it may be searched, or what is whole of it."""
        return self.is_usable or self is Trouble.DAMAGED


class Generations:
    """The generations in one folder; several processes may each have one of these."""

    def __init__(self, folder: Path, rights: str = FIRST_RIGHTS) -> None:
        """`rights` says what reader tokens mean: what was written under others is not searched."""
        self.folder = folder
        self._rights = rights
        folder.mkdir(parents=True, exist_ok=True)
        self._texts = _KeptTexts()
        self._folder = str(folder)  # plain paths: every search looks here first
        self._current = f"{folder}/CURRENT"

    def find_current(self) -> Path | None:
        """The generation that serves, or None when there is none (any more)."""
        name = self._texts.read(self._current).strip()
        if not name.startswith("gen-") or not os.path.isdir(f"{self._folder}/{name}"):  # noqa: PTH112
            return None
        return _joined(self.folder, name)

    def create(self) -> Path:
        """A new, empty generation, not yet serving."""
        path = self.folder / f"gen-{time.strftime('%Y%m%d%H%M%S')}-{secrets.token_hex(4)}"
        path.mkdir()
        return path

    def make_current(self, generation: Path) -> None:
        """Let a generation serve from now on; in one step, for all processes."""
        sync_folder(generation)
        _write_whole(self.folder / "CURRENT", generation.name)

    def sweep(self) -> None:
        """Remove generations that do not serve; only while holding the rebuild lock."""
        current = self.find_current()
        for path in self.folder.glob("gen-*"):
            if path != current:
                shutil.rmtree(path, ignore_errors=True)

    def trouble(self, generation: Path | None) -> Trouble:
        """Why a generation (or the lack of one) calls for a rebuild."""
        if generation is None:
            return Trouble.MISSING
        if os.path.exists(f"{generation}/{_DAMAGED}"):  # noqa: PTH110
            return Trouble.DAMAGED
        meta = _meta_of(self._texts.read(f"{generation}/{_META}"))
        version, is_complete = meta.get("schema"), meta.get("complete") is True
        if meta.get("rights", FIRST_RIGHTS) != self._rights:
            return Trouble.OLD  # its tokens may let in whom they must not: never asked again
        if version == SCHEMA_VERSION:
            return Trouble.NONE if is_complete else Trouble.INCOMPLETE
        if not isinstance(version, str) or not serves_meanwhile(version):
            return Trouble.OLD
        return Trouble.OUTDATED if is_complete else Trouble.INCOMPLETE

    def write_meta(self, generation: Path, *, complete: bool) -> None:
        """Say by which version a generation was written, and whether it holds everything."""
        meta = {"schema": SCHEMA_VERSION, "complete": complete, "rights": self._rights}
        _write_whole(generation / _META, json.dumps(meta, ensure_ascii=False))

    def mark_damaged(self, generation: Path, segment: str = "") -> None:
        """Tell every process that this generation must be replaced, and which segment to leave.

        Where no one segment is known to be the damaged one, none is searched any more.
        """
        with contextlib.suppress(OSError), (generation / _DAMAGED).open("a") as file:
            file.write(f"{segment or _EVERY}\n")

    def damaged_segments(self, generation: Path) -> frozenset[str] | None:
        """The segments to leave out; None where the whole generation must not be searched."""
        named = frozenset(self._texts.read(f"{generation}/{_DAMAGED}").split())
        return None if _EVERY in named or not named else named

    @contextmanager
    def lock(self, name: str, wait_seconds: float) -> Iterator[None]:
        """Hold a lock; raises IndexBusy when it is not free in time."""
        deadline = time.monotonic() + wait_seconds
        with (self.folder / f"{name}.lock").open("wb") as file:
            while not _try_lock(file.fileno()):
                if time.monotonic() >= deadline:
                    raise IndexBusy("索引正在被另一个程序写入，请稍后再试。")
                time.sleep(0.01)
            yield

    def is_rebuilding(self) -> bool:
        """True while some process builds a new generation."""
        with (self.folder / "rebuild.lock").open("ab") as file:
            return not _try_lock(file.fileno())

    def note_changes(self, ids: Iterable[str]) -> None:
        """Remember ids for the rebuild that is running; only while holding the write lock."""
        with (self.folder / "changed.log").open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(entry_id) + "\n" for entry_id in ids)

    def take_changes(self) -> list[str]:
        """Ids changed since the last call, each once; a line cut by a crash is left out."""
        path = self.folder / "changed.log"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        ids: dict[str, None] = {}
        for line in lines:
            with contextlib.suppress(ValueError):
                ids[json.loads(line)] = None
        return list(ids)

    def note_progress(self, done: int, total: int) -> None:
        """Say how far a rebuild is; only while holding the rebuild lock."""
        beside = self.folder / f".{_PROGRESS}"
        beside.write_text(json.dumps([done, total]), encoding="ascii")
        beside.replace(self.folder / _PROGRESS)

    def forget_progress(self) -> None:
        """Say that no rebuild runs."""
        (self.folder / _PROGRESS).unlink(missing_ok=True)

    def find_progress(self) -> tuple[int, int] | None:
        """How many entries of how many the running rebuild has written; None when none runs."""
        text = self._texts.read(f"{self._folder}/{_PROGRESS}")
        if not text or not self.is_rebuilding():
            return None
        done, total = json.loads(text)
        return done, total


@lru_cache(maxsize=8)
def _joined(folder: Path, name: str) -> Path:
    return folder / name


@lru_cache(maxsize=8)
def _meta_of(text: str) -> dict[str, object]:
    try:
        meta = json.loads(text)
    except ValueError:
        return {}
    return meta if isinstance(meta, dict) else {}


class _KeptTexts:
    """Small files that are only ever replaced as a whole, read again when they were."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[tuple[int, int, int], str]] = {}

    def read(self, path: str) -> str:
        """The text of a file, empty when there is none that can be read."""
        try:
            status = os.stat(path)  # noqa: PTH116
            mark = status.st_ino, status.st_mtime_ns, status.st_size
            known = self._known.get(path)
            if known is not None and known[0] == mark:
                return known[1]
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, ValueError):
            return ""
        self._known = {**self._known, path: (mark, text)} if len(self._known) < 8 else {}
        return text


def sync_folder(folder: Path, but: Collection[Path] = ()) -> None:
    """Bring the files of a folder, and the folder, to the disk (Whoosh itself never does).

    Without those that were there before and are never changed.
    """
    for path in folder.iterdir():
        if path not in but and path.is_file():
            _sync(path, os.O_RDONLY)
    _sync(folder, os.O_RDONLY | os.O_DIRECTORY)


def _sync(path: Path, flags: int) -> None:
    with contextlib.suppress(FileNotFoundError):
        number = os.open(path, flags)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def _write_whole(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with beside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    _sync(path.parent, os.O_RDONLY | os.O_DIRECTORY)


def _try_lock(number: int) -> bool:
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
