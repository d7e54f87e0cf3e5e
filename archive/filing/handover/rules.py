"""Decisions about hand-over lists on plain values: their digest, and what differs on arrival.

No rows, no bytes and no rights here.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from archive.core.errors import Invalid
from archive.filing.record_files import MASTER
from archive.filing.views import ROLE_LABELS

MOST_LINES = 500
MOST_NAMED = 5
FIRST_MONTH, LAST_MONTH = date(2000, 1, 1), date(2199, 12, 1)


@dataclass(frozen=True)
class ListedFile:
    """A file as the list describes it: of which signing round, after how many signatures."""

    role: str
    name: str
    sha256: str
    size: int
    round: int
    stage: int

    @property
    def called(self) -> str:
        """What it is called in a sentence."""
        return f"{ROLE_LABELS.get(self.role, '附件')}“{self.name}”"


@dataclass(frozen=True)
class Listed:
    """A paper as the list describes it."""

    place: int
    record_id: int
    number: str
    title: str
    pages: int
    files: tuple[ListedFile, ...]

    @property
    def called(self) -> str:
        """What it is called in a sentence."""
        return f"第 {self.place} 件《{self.title}》"


@dataclass(frozen=True)
class Present:
    """A paper as it is now: its newest files, and why it can no longer be handed over."""

    files: tuple[ListedFile, ...]
    why_not: str = ""


Bytes = Mapping[str, tuple[str, int] | None]  # by digest: what the bytes are now, None if gone


def list_digest(department_id: int, month: date, lines: Sequence[Listed]) -> str:
    """Return SHA-256 over a list as both sides sign it: every paper and every file in order."""
    told = [
        [
            line.place,
            line.record_id,
            line.number,
            line.title,
            line.pages,
            [[file.role, file.name, file.sha256, file.size] for file in line.files],
        ]
        for line in lines
    ]
    whole = [department_id, month.isoformat(), told]
    text = json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def differences(lines: Sequence[Listed], present: Mapping[int, Present], found: Bytes) -> list[str]:
    """Return a plain sentence for everything that is no longer as the list says.

    Source: archive.md 4 (counts and bytes equal the hand-over list), 5 (offer and accept).
    """
    return [sentence for line in lines for sentence in _of_paper(line, present, found)]


def counting_faults(lines: Sequence[Listed], counted: Mapping[int, int]) -> list[str]:
    """Return a plain sentence for every paper that was not seen or has another page count.

    ``counted`` holds the pages that were counted, by record; a paper not seen is not in it.
    """
    faults = []
    for line in lines:
        pages = counted.get(line.record_id)
        if pages is None:
            faults.append(f"{line.called}没有勾选“见到”")
        elif pages != line.pages:
            faults.append(f"{line.called}清单写 {line.pages} 页，清点 {pages} 页")
    strangers = set(counted) - {line.record_id for line in lines}
    if strangers:
        faults.append(f"清点了清单上没有的 {len(strangers)} 件")
    return faults


def named(faults: Sequence[str]) -> str:
    """Return the first few faults as one sentence, with how many there are."""
    rest = f"；另有 {len(faults) - MOST_NAMED} 处" if len(faults) > MOST_NAMED else ""
    return "；".join(faults[:MOST_NAMED]) + rest


def read_month(text: str) -> date:
    """Return the first day of a month written 2026-11; raise Invalid."""
    year, dash, month = text.strip().partition("-")
    plain = year.isascii() and year.isdigit() and month.isascii() and month.isdigit()
    if dash and plain and len(year) == 4 and len(month) <= 2 and 1 <= int(month) <= 12:
        first = date(int(year) or 1, int(month), 1)
        if FIRST_MONTH <= first <= LAST_MONTH:
            return first
    raise Invalid("月份应写成 2026-11 这样。", {"month": "应如 2026-11"})


def _of_paper(line: Listed, present: Mapping[int, Present], found: Bytes) -> Iterator[str]:
    now = present.get(line.record_id, Present((), "已经不在系统里"))
    if now.why_not:
        yield f"{line.called}{now.why_not}"
        return
    newest = {file.role: file for file in now.files}
    if MASTER not in newest:
        yield f"{line.called}没有签核后的正本"
    added = sorted(set(newest) - {file.role for file in line.files})
    if added:
        words = "、".join(ROLE_LABELS.get(role, "附件") for role in added)
        yield f"{line.called}清单写 {len(line.files)} 个文件，现在多了{words}"
    for file in line.files:
        yield from _of_file(line, file, newest.get(file.role), found)


def _of_file(
    line: Listed, file: ListedFile, newest: ListedFile | None, found: Bytes
) -> Iterator[str]:
    now = found.get(file.sha256)
    if now is None:
        yield f"{line.called}的{file.called}找不到了"
    elif now != (file.sha256, file.size):
        yield (
            f"{line.called}的{file.called}内容与清单不符"
            f"（清单摘要 {file.sha256[:12]}…，现在是 {now[0][:12]}…）"
        )
    # A time-stamp added later keeps round and stage: the same paper, only better proven.
    elif newest is not None and (newest.round, newest.stage) != (file.round, file.stage):
        yield f"{line.called}的{file.called}列入清单以后又换过"
