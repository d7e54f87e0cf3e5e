"""Reads the text of attached files into their items, so that they are found by what they say.

The reading is ``indexer.extract`` (in a child process with limits); here bytes go in and the
text is written beside the item. Called by the worker for outbox kind ``extract``.
"""

import logging
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from sqlalchemy import select, update

from archive.core.resources import Resources
from archive.filing.models import Item, ItemFile
from archive.filing.versions.keeping import note_reading
from archive.search.rules import UNREAD, with_section
from archive.search.store import find_number
from indexer import ExtractError, extract
from storage.errors import StorageError
from storage.outbox import OutboxItem
from storage.work import UnitOfWork

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Attached:
    """A file to be read: its item, name and digest."""

    file_id: int
    item_id: int
    name: str
    sha256: str


@dataclass(frozen=True)
class _Outcome:
    """The text of a file, or why there is none."""

    text: str = ""
    why_not: str = ""


def drain_extract(resources: Resources, items: Sequence[OutboxItem]) -> None:
    """Read the files ``item_file:5`` into their items' texts and have them indexed.

    A file that cannot be read is noted on its item and tried again when someone asks for it.
    """
    for key in dict.fromkeys(item.key for item in items):
        file_id = find_number(key, "item_file")
        if file_id is None:
            log.error("not an attached file: %s", key[:80])
            continue
        with resources.reading() as uow:
            attached = _find_attached(uow, file_id)
        if attached is None:
            continue  # removed meanwhile
        outcome = _read(resources, attached)
        with resources.work() as uow:
            _keep(uow, attached, outcome)
            uow.commit()


def _find_attached(uow: UnitOfWork, file_id: int) -> _Attached | None:
    row = uow.session.execute(
        select(ItemFile.id, ItemFile.item_id, ItemFile.name, ItemFile.sha256).where(
            ItemFile.id == file_id
        )
    ).first()
    return None if row is None else _Attached(*row)


def _read(resources: Resources, attached: _Attached) -> _Outcome:
    try:
        content = resources.blobs.read(attached.sha256)
        with tempfile.TemporaryDirectory(prefix="archive-extract-") as folder:
            path = Path(folder) / f"file{_suffix(attached.name)}"
            path.write_bytes(content)
            found = extract(path)
    except (ExtractError, StorageError) as refusal:
        return _Outcome(why_not=refusal.message)
    return _Outcome(_storable(found.text), "" if found.text.strip() else "文件里没有文字。")


def _suffix(name: str) -> str:
    suffix = PurePath(name).suffix.lower()
    return suffix if len(suffix) <= 10 and suffix[1:].isascii() and suffix[1:].isalnum() else ""


def _storable(text: str) -> str:
    return text.replace("\x00", "").encode("utf-8", "ignore").decode("utf-8")


def _keep(uow: UnitOfWork, attached: _Attached, outcome: _Outcome) -> None:
    row = uow.session.execute(
        select(Item.text, Item.note).where(Item.id == attached.item_id)
    ).first()
    if row is None:
        return
    note = _without(row.note, attached.name)
    changed: dict[str, str] = {"note": note} if note != row.note else {}
    if outcome.text.strip():
        changed["text"] = with_section(row.text, f"附件：{attached.name}", outcome.text)
    if outcome.why_not:
        changed["note"] = _with_note(note, attached.name, outcome.why_not)
    before = {"text": row.text, "note": row.note}
    changed = {name: words for name, words in changed.items() if words != before[name]}
    if not changed:  # read before, by a worker that was cut off after it
        return
    note_reading(uow, attached.item_id, before, changed)
    # Not a change of the description: nobody's edit of the item becomes stale by it.
    uow.session.execute(update(Item).where(Item.id == attached.item_id).values(**changed))
    detail = {"file": attached.file_id, "sha256": attached.sha256, "read": not outcome.why_not}
    uow.journal(None, "item.extract", "item", attached.item_id, detail)
    uow.outbox("index", f"item:{attached.item_id}")


def _with_note(note: str, name: str, why_not: str) -> str:
    line = f"{_named(name)}{why_not}"
    return "\n".join(part for part in (note, line) if part)


def _without(note: str, name: str) -> str:
    """Take out what an earlier try to read the file left."""
    lines = [line for line in note.split("\n") if not line.startswith(_named(name))]
    return "\n".join(lines)


def _named(name: str) -> str:
    return f"附件“{name}”{UNREAD}"
