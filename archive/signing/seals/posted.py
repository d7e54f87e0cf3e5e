"""Reads what the seal pages post: numbers and sizes as typed, full-width digits too."""

import unicodedata
from collections.abc import Mapping

from archive.core.errors import Invalid
from archive.signing.seals.rules import PaperEntry, SealFields, SealRequest

LABELS = {
    "version": "版本",
    "copies": "份数",
    "approved": "批准份数",
    "stamped": "盖章份数",
    "pages": "页数",
    "seal_copies": "份数",
    "seal": "印章",
}


def number(form: Mapping[str, str], key: str) -> int:
    """Return a whole number; raise Invalid naming the entry."""
    text = unicodedata.normalize("NFKC", form.get(key, "")).strip()
    if not (text.isascii() and text.isdigit() and len(text) < 8):
        raise Invalid(f"“{LABELS[key]}”应是整数。", {key: "请写数字，例如 2"})
    return int(text)


def entered(form: Mapping[str, str]) -> SealFields:
    """Return the entries of a seal; raise Invalid for a size that is no number."""
    wide = _size(form, "width_mm")
    return SealFields(
        name=form.get("name", ""),
        kind=form.get("kind", ""),
        width_mm=wide,
        height_mm=_size(form, "height_mm") if form.get("height_mm", "").strip() else wide,
        keeper=form.get("keeper", ""),
        state=form.get("state", "in_use"),
        note=form.get("note", ""),
    )


def paper_entry(form: Mapping[str, str]) -> PaperEntry:
    """Return a use on a paper from elsewhere; raise Invalid for what is no number."""
    return PaperEntry(
        title=form.get("title", ""),
        why=form.get("why", ""),
        approved_by=form.get("approved_by", ""),
        approved=number(form, "approved"),
        stamped=number(form, "stamped"),
        pages=number(form, "pages"),
        note=form.get("note", ""),
    )


def asked_seal(form: Mapping[str, str]) -> SealRequest | None:
    """Return the seal asked for at submission; None where none was chosen."""
    if not form.get("seal", "").strip():
        return None
    return SealRequest(
        seal_id=number(form, "seal"),
        copies=number(form, "seal_copies"),
        why=form.get("seal_why", ""),
        across=form.get("seal_across") == "1",
    )


def _size(form: Mapping[str, str], key: str) -> float:
    text = unicodedata.normalize("NFKC", form.get(key, "")).strip().lower().removesuffix("mm")
    try:
        return float(text) if len(text) < 8 else 0.0
    except ValueError as wrong:
        raise Invalid("印章的尺寸应是毫米数。", {key: "请写数字，例如 42"}) from wrong
