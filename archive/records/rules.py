"""Rules of a record on plain values: which state may follow which, titles, digests, shapes.

No database here. What each entry must look like is the form's business (``doc_templates``);
here stands only what is true of every record. Called by the services of this station.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import date

from archive.core.errors import Conflict, Invalid, TooLarge
from archive.records.models import RecordState
from doc_templates import Field, Form
from doc_templates.fields import is_blank

CONTENT_LIMIT = 1_000_000  # characters of JSON: a paper of some 300 pages
ROWS_LIMIT = 1000
TITLE_LIMIT = 200
NOTE_LIMIT = 500
LARGEST_ID = 2**63 - 1
EDITABLE = frozenset({RecordState.DRAFT, RecordState.RETURNED})
FOLLOWS: Mapping[RecordState, frozenset[RecordState]] = {
    RecordState.IN_SIGNING: EDITABLE,
    RecordState.RETURNED: frozenset({RecordState.IN_SIGNING, RecordState.SIGNED}),
    RecordState.REJECTED: frozenset({RecordState.IN_SIGNING}),
    RecordState.DRAFT: frozenset({RecordState.IN_SIGNING}),
    RecordState.SIGNED: frozenset({RecordState.IN_SIGNING}),
    RecordState.FILED: frozenset({RecordState.SIGNED}),
    RecordState.DESTROYED: frozenset({RecordState.FILED}),
}

_DRAFT_KEY = re.compile(r"[A-Za-z0-9_-]{8,40}")
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
_ROW_PATH = re.compile(r"([^\[]+)\[(\d+)\](.*)")
_DAY = re.compile(r"(\d{4})-\d{2}-\d{2}")


def require_move(present: str, wanted: RecordState) -> None:
    """Refuse a move that the record's way does not have (a draft cannot be filed)."""
    if RecordState(present) not in FOLLOWS[wanted]:
        raise Conflict(
            f"这份文件现在是“{RecordState(present).label}”，"
            f"不能改为“{wanted.label}”；请刷新页面看最新情况。"
        )


def require_unsubmitted(state: str) -> None:
    """Refuse to submit what was submitted already, saying where it is now."""
    if state not in EDITABLE:
        label = RecordState(state).label
        raise Conflict(f"这份文件已经提交过，现在是“{label}”，不能再次提交；请刷新页面看最新情况。")


def require_editable(state: str) -> None:
    """Refuse to change a record that is under way, signed or filed."""
    if state not in EDITABLE:
        raise Conflict(
            f"这份文件现在是“{RecordState(state).label}”，不能再改；"
            "如需修改，请先撤回或由签核人退回。"
        )


def require_version(present: int, made_from: int) -> None:
    """Refuse an edit that was made from another version than the present one."""
    if present != made_from:
        raise Conflict(
            f"这份文件刚在别处被改过（现在是第 {present} 次保存，您改的是第 {made_from} 次），"
            "您填的内容还在；请对照两份内容，选定后再保存。"
        )


def content_digest(form_code: str, form_version: int, content: Mapping[str, object]) -> str:
    """Return the SHA-256 (hex) of what a record says, the same for the same values."""
    told = {"form": form_code, "version": form_version, "values": content}
    text = json.dumps(told, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def clean_title(text: str) -> str:
    """Return a title fit for one line of a list: nothing invisible, not too long."""
    line = " ".join(_UNPRINTABLE.sub("\ufffd", text).split())
    return line if len(line) <= TITLE_LIMIT else line[: TITLE_LIMIT - 1] + "…"


def year_of(form: Form, content: Mapping[str, object], today: date) -> int:
    """Return the year a record belongs to: that of the paper's own date, else this year."""
    match = _DAY.fullmatch(str(content.get(form.date_field, "")))
    return int(match[1]) if match else today.year


def personal_key(author_id: int, draft_key: str) -> str:
    """Return a draft key that no other person can take; refuse one that is no key."""
    if not _DRAFT_KEY.fullmatch(draft_key):
        raise Invalid(
            "草稿标识不对，请重新打开填表页。",
            {"draft_key": "8 到 40 个字母、数字、短横线或下划线"},
        )
    return f"{author_id}:{draft_key}"


def clean_note(reason: str) -> str:
    """Return a reason as it is kept; refuse an empty or endless one."""
    text = _UNPRINTABLE.sub(" ", reason.replace("\r\n", "\n").replace("\n", " ")).strip()
    if not text:
        raise Invalid("请写明原因，好让填报人知道改什么。", {"reason": "请填写原因"})
    if len(text) > NOTE_LIMIT:
        raise Invalid("原因写得太长。", {"reason": f"最多 {NOTE_LIMIT} 个字"})
    return text


def require_shape(form: Form, raw: Mapping[str, object]) -> None:
    """Refuse what is no filling of the form at all, even for a draft.

    A draft keeps every wrong entry as typed; an entry that the form does not have, or a list
    where a word belongs, could not be kept, so it is refused before anything is lost.
    """
    wrong = shape_faults(form, raw)
    if wrong:
        raise Invalid(f"《{form.title}》有 {len(wrong)} 处内容形式不对，没有保存。", wrong)


def shape_faults(form: Form, raw: Mapping[str, object]) -> dict[str, str]:
    """Return what could not even be kept, by its place; raise TooLarge."""
    if len(json.dumps(raw, default=str)) > CONTENT_LIMIT:
        raise TooLarge(f"填写的内容太多（超过 {CONTENT_LIMIT:,} 字），请把长材料作为附件归档。")
    wrong: dict[str, str] = {}
    for key, value in raw.items():
        entry = form.find_field(key)
        if entry is None:
            wrong[key[:80]] = f"《{form.title}》没有这一栏"
        elif entry.kind == "rows":
            wrong |= _wrong_rows(entry, value)
        elif not _is_entry(entry, value):
            wrong[key] = _wanted(entry)
    return wrong


def signer_entries(form: Form) -> dict[str, str]:
    """Return the entries that a signer fills in at his step, with his role."""
    return {entry.key: entry.signer for entry in form.fields if entry.signer}


def as_author(
    form: Form, raw: Mapping[str, object], kept: Mapping[str, object]
) -> Mapping[str, object]:
    """Return what an author may enter: a signer's entries stay as they are kept."""
    signers = signer_entries(form)
    if not signers:
        return raw
    own = {key: value for key, value in raw.items() if key not in signers}
    return own | {key: kept[key] for key in signers if key in kept}


def foreign_entries(
    form: Form, raw: Mapping[str, object], kept: Mapping[str, object]
) -> dict[str, str]:
    """Return the entries that a program filled in on a signer's behalf, with the reason."""
    return {
        key: f"由{role}签署时填写，请留空"
        for key, role in signer_entries(form).items()
        if not (is_blank(raw.get(key)) or raw[key] is False or raw[key] == kept.get(key))
    }


def with_taken(
    form: Form, mine: Mapping[str, object], taken: Mapping[str, object], *, overwrite: bool
) -> dict[str, object]:
    """Return a filling with entries of an earlier record; only blank ones unless overwriting."""
    values = {entry.key: mine.get(entry.key) for entry in form.fields if not entry.is_computed}
    return values | {
        key: value
        for key, value in taken.items()
        if overwrite or _is_empty(form.find_field(key), mine.get(key))
    }


def _is_empty(entry: Field | None, value: object) -> bool:
    if entry is not None and entry.kind == "rows" and isinstance(value, list):
        return not any(_is_typed(entry, index, row) for index, row in enumerate(value))
    return value is False or is_blank(value)


def _is_typed(table: Field, index: int, row: Mapping[str, object]) -> bool:
    """Whether a row holds more than what the form itself put there."""
    preset = table.preset_rows[index] if index < len(table.preset_rows) else {}
    return _is_filled(table, {key: cell for key, cell in row.items() if key not in preset})


def wrong_kinds(form: Form, raw: Mapping[str, object]) -> dict[str, str]:
    """Return what a program must send better: a tick as true/false, a date as text.

    People's entries are read generously; a program says exactly what it means.
    """
    wrong: dict[str, str] = {}
    for entry in form.fields:
        value = raw.get(entry.key)
        if entry.kind == "rows" and isinstance(value, list):
            for index, row in enumerate(value):
                for column in entry.columns:
                    _note_kind(wrong, column, row.get(column.key), f"{entry.key}[{index}].")
        elif entry.kind != "rows":
            _note_kind(wrong, entry, value, "")
    return wrong


def as_on_page(
    form: Form, content: Mapping[str, object], errors: Mapping[str, str]
) -> dict[str, str]:
    """Return the errors of a complete check with rows counted as the page counts them.

    A complete check leaves empty rows out, so its third row may be the fifth on the page.
    """
    places: dict[str, list[int]] = {}
    for table in form.fields:
        rows = content.get(table.key)
        if table.kind == "rows" and isinstance(rows, list):
            places[table.key] = [
                index
                for index, row in enumerate(rows)
                if index < len(table.preset_rows) or _is_filled(table, row)
            ]
    return {_on_page(path, places): why for path, why in errors.items()}


def _is_filled(table: Field, row: Mapping[str, object]) -> bool:
    typed = (row.get(column.key) for column in table.columns if not column.is_computed)
    return any(value is not False and not is_blank(value) for value in typed)


def _on_page(path: str, places: Mapping[str, list[int]]) -> str:
    match = _ROW_PATH.fullmatch(path)
    if match is None or int(match[2]) >= len(places.get(match[1], [])):
        return path
    return f"{match[1]}[{places[match[1]][int(match[2])]}]{match[3]}"


_NUMERIC = frozenset({"integer", "decimal", "number", "money", "percent", "computed"})


def _note_kind(wrong: dict[str, str], entry: Field, value: object, place: str) -> None:
    if value is None or _is_exact(entry, value):
        return
    wrong[place + entry.key] = _wanted(entry)


def _wanted(entry: Field) -> str:
    wanted = {"check": "应为 true 或 false", "multi": "应为文字的列表"}
    number = "应为数字，或写成文字的数字"
    return number if entry.kind in _NUMERIC else wanted.get(entry.kind, "应为文字")


def _is_exact(entry: Field, value: object) -> bool:
    if entry.kind == "check":
        return isinstance(value, bool)
    if entry.kind == "multi":
        return isinstance(value, list) and all(isinstance(one, str) for one in value)
    if isinstance(value, bool):
        return False
    return isinstance(value, str | int | float if entry.kind in _NUMERIC else str)


def _is_entry(entry: Field, value: object) -> bool:
    if entry.kind == "multi" and isinstance(value, list):
        return all(isinstance(one, str) for one in value)
    return value is None or isinstance(value, str | bool | int | float)


def _wrong_rows(table: Field, value: object) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        return {table.key: "这一栏是表格，应逐行填写"}
    if len(value) > ROWS_LIMIT:
        return {table.key: f"表格最多 {ROWS_LIMIT} 行，现在有 {len(value)} 行"}
    columns = {column.key: column for column in table.columns}
    wrong: dict[str, str] = {}
    for index, row in enumerate(value):
        for key, cell in row.items():
            place = f"{table.key}[{index}].{str(key)[:80]}"
            if key not in columns:
                wrong[place] = f"{table.label}没有这一栏"
            elif not _is_entry(columns[key], cell):
                wrong[place] = _wanted(columns[key])
    return wrong
