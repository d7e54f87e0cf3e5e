"""How each item of the check is decided, on plain facts about one paper. Pure.

A rule returns nothing when the paper passes, else a sentence. What cannot be decided here is
said so (``NotDone``), never passed over in silence. Source: archive.md 4, DA/T 70.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from archive.filing.codes import find_reference
from archive.filing.rules import STEPS

_HEADS = {
    "application/pdf": (b"%PDF-",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/tiff": (b"II*\x00", b"MM\x00*"),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": (b"PK\x03\x04",),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": (b"PK\x03\x04",),
    "application/ofd": (b"PK\x03\x04",),
    "text/xml": (),
    "text/plain": (),
}
_ACTIVE = {"/JavaScript": "脚本", "/Launch": "启动外部程序的动作"}
_SHORTEST_YEAR, _LATEST_YEAR = 1900, 2199


class Verdict(StrEnum):
    """What came of an item; ``label`` is shown."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    NOT_DONE = "na"

    @property
    def label(self) -> str:
        """Return the verdict as shown to people."""
        return {"pass": "合格", "fail": "不合格", "na": "未检测"}[self.value]


class NotDone(Exception):
    """The item cannot be decided; ``why`` says so in the report."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True)
class FileFacts:
    """A file as it is registered, and as its bytes are now (``sha256`` "" when they are gone)."""

    role: str
    name: str
    media_type: str
    registered_sha256: str
    registered_size: int
    sha256: str
    size: int
    head: bytes
    marks: frozenset[str] = frozenset()


@dataclass(frozen=True)
class PaperFacts:
    """One paper with everything the items look at; ``codes`` counts its volume's codes."""

    item_id: int
    title: str
    code: str
    lowest_class: str
    is_ours: bool
    year: int
    pages: int
    responsible: str
    has_date: bool
    steps: tuple[str, ...]
    files: tuple[FileFacts, ...]
    codes: Mapping[str, int]


Rule = Callable[[PaperFacts], str]


def digest(paper: PaperFacts) -> str:
    """Every file is there and its bytes have the registered digest."""
    gone = [file.name for file in paper.files if not file.sha256]
    changed = [
        file.name for file in paper.files if file.sha256 and file.sha256 != file.registered_sha256
    ]
    words = [f"找不到 {name}" for name in gone] + [f"{name} 的内容被改动" for name in changed]
    return "；".join(words)


def size(paper: PaperFacts) -> str:
    """Every file has the registered number of bytes."""
    return "；".join(
        f"{file.name} 登记 {file.registered_size} 字节，现在 {file.size} 字节"
        for file in paper.files
        if file.sha256 and file.size != file.registered_size
    )


def metadata(paper: PaperFacts) -> str:
    """Year and pages are within what they may be."""
    words = []
    if not _SHORTEST_YEAR <= paper.year <= _LATEST_YEAR:
        words.append(f"年度 {paper.year} 不对")
    if paper.pages < 0:
        words.append(f"页数 {paper.pages} 不对")
    return "；".join(words)


def required(paper: PaperFacts) -> str:
    """What every paper must be described by is there (DA/T 18)."""
    wanted = {"题名": paper.title, "归档号": paper.code, "日期": paper.has_date}
    if paper.is_ours:
        wanted |= {"责任者": paper.responsible, "页数": paper.pages}
    empty = [name for name, value in wanted.items() if not value]
    return f"没有填写{'、'.join(empty)}" if empty else ""


def code(paper: PaperFacts) -> str:
    """The code is well-formed, says where the paper belongs, and stands once in the volume."""
    found = find_reference(paper.code)
    if found is None:
        return f"归档号“{paper.code}”不合规范"
    if found.lowest_class != paper.lowest_class:
        return f"归档号 {paper.code} 与归属 {paper.lowest_class} 不一致"
    return f"归档号 {paper.code} 在卷内重复" if paper.codes.get(paper.code, 0) > 1 else ""


def process(paper: PaperFacts) -> str:
    """All four steps of filing are recorded."""
    missing = [step for step in STEPS if step not in paper.steps]
    return f"没有“{'”“'.join(missing)}”的记录" if missing else ""


def master(paper: PaperFacts) -> str:
    """A paper made from a form has its signed master."""
    if not paper.is_ours:
        raise NotDone("外来文件，可以只有纸质原件")
    return "" if any(file.role == "master" for file in paper.files) else "没有正本"


def format_known(paper: PaperFacts) -> str:
    """Every file is of an accepted format, and its bytes begin as that format does."""
    words = []
    for file in paper.files:
        heads = _HEADS.get(file.media_type)
        if heads is None:
            words.append(f"{file.name} 的格式 {file.media_type} 不在接收范围内")
        elif file.sha256 and heads and not file.head.startswith(heads):
            words.append(f"{file.name} 的内容不是 {file.media_type}")
    return "；".join(words)


def encryption(paper: PaperFacts) -> str:
    """No PDF is encrypted."""
    return "；".join(f"{file.name} 加了密" for file in paper.files if "/Encrypt" in file.marks)


def active(paper: PaperFacts) -> str:
    """No PDF shows a script or the start of a program in its plain parts."""
    return "；".join(
        f"{file.name} 含有{words}"
        for file in paper.files
        for mark, words in _ACTIVE.items()
        if mark in file.marks
    )


def virus(_paper: PaperFacts) -> str:
    """No scanner is connected: the report says so."""
    raise NotDone("没有接入病毒扫描程序")


RULES: Mapping[str, Rule] = {
    "digest": digest,
    "size": size,
    "metadata": metadata,
    "required": required,
    "code": code,
    "process": process,
    "master": master,
    "format": format_known,
    "encryption": encryption,
    "active": active,
    "virus": virus,
}
MARKS = {
    "/Encrypt": re.compile(rb"/Encrypt\s+\d+\s+\d+\s+R"),
    "/JavaScript": re.compile(rb"/S\s*/JavaScript"),
    "/Launch": re.compile(rb"/S\s*/Launch"),
}
