"""Two versions of a record side by side: what was filled in, and the text of the Word files.

A version that was sent to be signed is compared by the Word file kept then, any other by one
made afresh from its values and the template of its form version; bytes are made outside any
unit of work. Called by ``compare_routes`` for pages and programs.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from archive.core.errors import NotFound
from archive.core.resources import Resources
from archive.documents.comparing import (
    EntryPair,
    TextDifference,
    entry_differences,
    text_difference,
)
from archive.documents.service import WORD, list_documents
from archive.forms.service import get_form
from archive.people.rights import Actor
from archive.records.service import RecordView, VersionView, get_record, list_versions
from doc_templates import Form, PrintContext, document_text, render_word

NOT_KEPT = "没有提交过的版本没有存下 Word 文件，按当时填写的内容重新生成。"
_MARK = re.compile(r"\[sig:[^\]]*\]")


@dataclass(frozen=True)
class Comparison:
    """Two versions of one record, older and newer as asked for, and what differs.

    ``text`` is None where the Word files could not be compared; ``text_note`` says why, or how
    the texts came about.
    """

    record: RecordView
    form: Form
    versions: tuple[VersionView, ...]
    old: VersionView
    new: VersionView
    entries: tuple[EntryPair, ...]
    text: TextDifference | None
    text_note: str


@dataclass(frozen=True)
class _Source:
    """Where a version's Word text comes from: a kept file, or its values."""

    version: VersionView
    sha256: str


def compare_versions(
    resources: Resources, actor: Actor, record_id: int, old_n: int, new_n: int
) -> Comparison:
    """Compare two versions of a record the actor may read; raise NotFound."""
    with resources.reading() as uow:
        record = get_record(uow, actor, record_id)
        versions = list_versions(uow, actor, record_id)
        form = get_form(uow, record.form_code, record.form_version)
        old, new = _pick(versions, old_n), _pick(versions, new_n)
        files = list_documents(uow, record_id)
    rounds = _rounds(versions)
    words = {(one.round, one.stage): one.sha256 for one in files if one.kind == WORD}
    sources = [
        _Source(version, _earliest(words, rounds.get(version.n, 0))) for version in (old, new)
    ]
    texts = [_text(resources, record, form, source) for source in sources]
    kept = [bool(source.sha256) for source in sources]
    return Comparison(
        record=record,
        form=form,
        versions=versions,
        old=old,
        new=new,
        entries=entry_differences(form, old.content, new.content),
        text=text_difference(*texts),
        text_note="" if all(kept) else NOT_KEPT,
    )


def _pick(versions: Sequence[VersionView], n: int) -> VersionView:
    found = next((one for one in versions if one.n == n), None)
    if found is None:
        raise NotFound(f"没有第 {n} 个版本。")
    return found


def _rounds(versions: Sequence[VersionView]) -> dict[int, int]:
    """Return the signing round of every version that was sent to be signed, by its number."""
    sent = (one.n for one in reversed(versions) if one.kind == "submit")
    return dict(zip(sent, count(1), strict=False))


def _earliest(words: dict[tuple[int, int], str], round: int) -> str:
    """Return the Word file of a round as it was submitted; "" for none."""
    stages = sorted(place for place in words if place[0] == round)
    return words[stages[0]] if stages else ""


def _text(resources: Resources, record: RecordView, form: Form, source: _Source) -> str:
    if source.sha256:
        docx = resources.blobs.read(source.sha256)
    else:
        context = PrintContext(number=record.number, version=f"{record.form_version}")
        docx = render_word(form, source.version.content, context, draft=True)
    return _MARK.sub("", document_text(docx))
