"""A filled sheet read as papers: which cell is which entry, which line belongs to which paper.

Plain values only. What cannot be told apart refuses the whole file; what is wrong in one row is
a fault of that row, with its place. Checking the values is ``batch``'s work. The sheet is laid
out in ``excel``.
"""

import difflib
import hashlib
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from archive.core.errors import Invalid
from archive.core.sheet_reader import CellFault, ReadBook, ReadSheet, SheetRow
from archive.core.sheets import CHOICES_TITLE, sheet_title
from archive.records.excel import (
    GUIDE,
    LINK,
    NUMBER,
    REASON,
    asked_columns,
    asked_entries,
    is_asked,
    is_needed,
    link_title,
    main_title,
    number_title,
    tables_of,
)
from doc_templates import Field, Form

MOST_NAMED = 20
_ROW_PATH = re.compile(r"([^\[]+)\[(\d+)\](?:\.(.+))?")
_UNSEEN = re.compile("[\\s*＊\u200b-\u200f\u2060\ufeff]")


@dataclass
class Paper:
    """A row of the form's sheet with its lines; plain values, so that it can be kept as JSON.

    ``lines`` holds, by table, the sheet row of each line; ``faults`` pairs of path and reason.
    """

    row: int
    serial: str = ""
    number: str = ""
    raw: dict[str, Any] = field(default_factory=dict)
    lines: dict[str, list[int]] = field(default_factory=dict)
    faults: list[tuple[str, str]] = field(default_factory=list)
    is_hidden: bool = False
    mark: str = ""

    def where(self, path: str) -> str:
        """Return the place of an entry as a person finds it: 第 5 行“单价”."""
        match = _ROW_PATH.fullmatch(path)
        if match is None:
            return f"第 {self.row} 行“{path}”" if path else f"第 {self.row} 行"
        rows, index = self.lines.get(match[1], []), int(match[2])
        place = f"第 {rows[index]} 行" if index < len(rows) else f"第 {index + 1} 条"
        return f"工作表“{match[1]}”{place}" + (f"“{match[3]}”" if match[3] else "")


@dataclass(frozen=True)
class Papers:
    """All papers of a file, and remarks on the file as a whole."""

    papers: tuple[Paper, ...]
    notes: tuple[str, ...]


def find_form_code(book: ReadBook) -> str:
    """Return the code of the form a downloaded sheet was made for, "" if it does not say."""
    for sheet in book.sheets:
        if sheet.title == GUIDE and sheet.rows and len(sheet.rows[0].cells) > 1:
            return str(sheet.rows[0].cells[1] or "").split(" ")[0]
    return ""


def read_papers(form: Form, book: ReadBook) -> Papers:
    """Read a filled file as papers of a form; raise Invalid when it is no file of this form."""
    code = find_form_code(book)
    if code and code != form.code:
        raise Invalid(f"这是表单 {code} 的表格，不是《{form.title}》的；请到 {code} 的导入页上传。")
    main = _main_sheet(form, book)
    notes: list[str] = []
    papers = list(_papers(form, main, notes))
    _require_papers(papers, main)
    _note_doubles(papers)
    by_serial = {paper.serial: paper for paper in papers if paper.serial}
    used = {main.title, GUIDE, CHOICES_TITLE}
    for table in tables_of(form):
        sheet = _find_sheet(book, sheet_title(table.key))
        if sheet is not None and sheet is not main:
            used.add(sheet.title)
            papers.extend(_add_lines(table, sheet, by_serial, notes))
    others = [sheet.title for sheet in book.sheets if sheet.rows and sheet.title not in used]
    notes.extend(f"工作表“{title}”没有用到。" for title in others[:MOST_NAMED])
    _note_hidden(papers, notes)
    _mark(form, papers)
    return Papers(tuple(papers), tuple(notes))


# --- which sheet, which column ------------------------------------------------------------------


def _main_sheet(form: Form, book: ReadBook) -> ReadSheet:
    found = _find_sheet(book, main_title(form))
    if found is not None:
        return found
    taken = {sheet_title(table.key) for table in tables_of(form)} | {GUIDE, CHOICES_TITLE}
    for sheet in book.sheets:
        if sheet.rows and not sheet.is_hidden and sheet.title not in taken:
            return sheet
    raise Invalid("表格里没有内容；请先下载空表，填好后再上传。", {"file": "没有填写"})


def _find_sheet(book: ReadBook, title: str) -> ReadSheet | None:
    wanted = _folded(title)
    return next((one for one in book.sheets if _folded(one.title) == wanted), None)


def _folded(text: object) -> str:
    return _UNSEEN.sub("", unicodedata.normalize("NFKC", str(text))).lower()


@dataclass(frozen=True)
class _Heads:
    """What each column of a sheet is: an entry, the serial, the number, or left aside."""

    entries: Mapping[int, Field]
    link: int | None
    number: int | None
    row: int


def _heads(
    sheet: ReadSheet, entries: Sequence[Field], aside: Iterable[str], link: str, number: str
) -> _Heads:
    """Find the columns by their heads, in any order; refuse a head that nobody knows."""
    known = {_folded(name): entry for entry in entries for name in (entry.label, entry.key)}
    left_aside = {_folded(name) for name in (*aside, REASON)}
    special = {_folded(name): name for name in (link, number) if name}
    first = sheet.rows[0]
    places: dict[str, int] = {}
    found: dict[int, Field] = {}
    wrong: dict[str, str] = {}
    for at, head in enumerate(first.cells):
        name = _folded(head) if isinstance(head, str) else ""
        if name in special and special[name] not in places:
            places[special[name]] = at
        elif name in known and known[name].key not in {entry.key for entry in found.values()}:
            found[at] = known[name]
        elif name and name not in left_aside:
            wrong[_column_name(at)] = _why_unknown(str(head), entries, name in known)
    present = {entry.key for entry in found.values()}
    missing = [e.key for e in entries if is_needed(e) and e.key not in present]
    wrong |= dict.fromkeys(missing, "必填的一栏，表里没有")
    if wrong:
        where = f"工作表“{sheet.title}”" if sheet.title else "表格"
        told = "；".join(f"{place}：{why}" for place, why in list(wrong.items())[:MOST_NAMED])
        raise Invalid(f"{where}的栏目和表单对不上，没有导入。{told}", wrong)
    return _Heads(found, places.get(link), places.get(number), first.number)


def _column_name(at: int) -> str:
    letters = ""
    at += 1
    while at:
        at, rest = divmod(at - 1, 26)
        letters = chr(65 + rest) + letters
    return f"{letters} 列"


def _why_unknown(head: str, entries: Sequence[Field], is_double: bool) -> str:
    if is_double:
        return f"“{head[:30]}”出现了两次"
    near = difflib.get_close_matches(head.strip("* ＊"), [entry.key for entry in entries], 1)
    hint = f"，是不是“{near[0]}”" if near else "；不要的列请删去"
    return f"没有“{head[:30]}”这一栏{hint}"


# --- the rows -----------------------------------------------------------------------------------


def _papers(form: Form, sheet: ReadSheet, notes: list[str]) -> Iterator[Paper]:
    aside = [entry.key for entry in form.fields if not is_asked(entry)]
    entries = asked_entries(form)
    heads = _heads(sheet, entries, aside, link_title(form.fields), number_title(form))
    for row in sheet.rows[1:]:
        paper = Paper(row.number, is_hidden=row.is_hidden)
        for at, entry in heads.entries.items():
            _take(paper, paper.raw, entry, row, at, entry.key)
        paper.number = _word(row, heads.number)
        paper.serial = _word(row, heads.link)
        if paper.raw or paper.number or paper.faults:
            yield paper
        elif len(row.cells) > 1:
            notes.append(f"第 {row.number} 行没有要填的内容，没有算作一份。")


def _take(
    paper: Paper, into: dict[str, Any], entry: Field, row: SheetRow, at: int, path: str
) -> None:
    value = row.cells[at] if at < len(row.cells) else None
    if isinstance(value, CellFault):
        paper.faults.append((path, value.why))
    elif value is not None and value != "":
        into[entry.key] = value


def _word(row: SheetRow, at: int | None) -> str:
    value = row.cells[at] if at is not None and at < len(row.cells) else None
    if value is None or isinstance(value, CellFault):
        return ""
    return unicodedata.normalize("NFKC", str(value)).strip()[:80]


def _require_papers(papers: Sequence[Paper], sheet: ReadSheet) -> None:
    if not papers:
        title = f"工作表“{sheet.title}”" if sheet.title else "表格"
        raise Invalid(f"{title}里只有栏目，没有填写的行；请填好后再上传。", {"file": "没有填写"})


def _note_doubles(papers: Sequence[Paper]) -> None:
    for word, name in (("serial", LINK), ("number", NUMBER)):
        counts = Counter(getattr(paper, word) for paper in papers if getattr(paper, word))
        for paper in papers:
            value = getattr(paper, word)
            if counts.get(value, 0) > 1:
                paper.faults.append(("", f"{name} {value} 在表里出现了 {counts[value]} 次"))


def _add_lines(
    table: Field, sheet: ReadSheet, by_serial: Mapping[str, Paper], notes: list[str]
) -> Iterator[Paper]:
    """Give each line to its paper; yield lines that belong to none as papers of their own."""
    if not sheet.rows:
        return
    aside = [column.key for column in table.columns if not is_asked(column)]
    link = link_title(table.columns)
    heads = _heads(sheet, asked_columns(table), aside, link, "")
    if heads.link is None and len(sheet.rows) > 1:
        raise Invalid(f"工作表“{sheet.title}”没有“{link}”一栏，分不清每行属于哪一份；请补上。")
    for row in sheet.rows[1:]:
        serial = _word(row, heads.link)
        paper = by_serial.get(serial)
        if paper is None:
            paper = Paper(row.number, serial)
            why = f"主表里没有{LINK} {serial}" if serial else f"没有填{link}"
            paper.faults.append((f"{table.key}[0]", f"{why}，不知道这一行属于哪一份"))
        rows = paper.lines.setdefault(table.key, [])
        line: dict[str, Any] = {}
        rows.append(row.number)
        path = f"{table.key}[{len(rows) - 1}]"
        for at, column in heads.entries.items():
            _take(paper, line, column, row, at, f"{path}.{column.key}")
        paper.raw.setdefault(table.key, []).append(line)
        if serial not in by_serial:
            yield paper
        if row.is_hidden:
            notes.append(f"工作表“{sheet.title}”第 {row.number} 行是隐藏行，也算在内。")


def _note_hidden(papers: Sequence[Paper], notes: list[str]) -> None:
    hidden = [str(paper.row) for paper in papers if paper.is_hidden]
    if hidden:
        named = "、".join(hidden[:MOST_NAMED]) + ("等" if len(hidden) > MOST_NAMED else "")
        notes.append(f"第 {named} 行是隐藏行（共 {len(hidden)} 行），也算在内；不要的请选“跳过”。")
    del notes[MOST_NAMED * 2 :]


def _mark(form: Form, papers: Sequence[Paper]) -> None:
    """Give each paper a mark that is the same when the same row comes again, in any file."""
    seen: Counter[str] = Counter()
    for paper in papers:
        told = json.dumps([form.code, paper.raw], sort_keys=True, ensure_ascii=True)
        digest = hashlib.sha256(told.encode("ascii")).hexdigest()
        paper.mark = f"{digest[:32]}-{seen[digest]}"
        seen[digest] += 1
