"""Reads what a draft's page sends into ``DraftEdits``. Knows no Flask: plain mappings."""

import re
from collections.abc import Mapping

from archive.core.errors import Invalid
from archive.forms.views import DraftEdits, FieldEdit, SignerEdit

SETTINGS = (
    "title",
    "pack",
    "title_rule",
    "description",
    "item_class",
    "retention",
    "secrecy",
    "number",
)
LONGEST_ENTRY = 4_000
MOST_FIELDS = 2_000


def read_edits(sent: Mapping[str, str]) -> DraftEdits:
    """Return the edits of a posted page; raise Invalid for what no page sends."""
    for name, text in sent.items():
        if len(text) > LONGEST_ENTRY:
            raise Invalid(f"“{text[:20]}…”太长，最多 {LONGEST_ENTRY} 字。", {name: "太长"})
    paths = [name.removeprefix("kind|") for name in sent if name.startswith("kind|")]
    if len(paths) > MOST_FIELDS:
        raise Invalid(f"栏目太多，最多 {MOST_FIELDS} 个。")
    roles = [name.removeprefix("candidate|") for name in sent if name.startswith("candidate|")]
    dropped = frozenset(path for path in paths if f"drop|{path}" in sent)
    return DraftEdits(
        settings={name: sent[name] for name in SETTINGS if name in sent},
        fields=tuple(_field(sent, path) for path in paths if path not in dropped),
        signers=tuple(_signer(sent, role, at) for at, role in enumerate(roles, 1)),
        dropped=dropped,
    )


def read_version(text: str) -> int:
    """Return the version an edit was made from; 0 (never current) for anything else."""
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else 0


def _field(sent: Mapping[str, str], path: str) -> FieldEdit:
    choices = re.split(r"[、，,;；\n]\s*", sent.get(f"choices|{path}", ""))
    return FieldEdit(
        path=path,
        label=sent.get(f"label|{path}", "").strip(),
        kind=sent[f"kind|{path}"],
        required=f"required|{path}" in sent,
        printed=f"hidden|{path}" not in sent,
        help=sent.get(f"help|{path}", "").strip(),
        choices=tuple(dict.fromkeys(one.strip() for one in choices if one.strip())),
        sample=sent.get(f"sample|{path}"),
    )


def _signer(sent: Mapping[str, str], role: str, at: int) -> SignerEdit:
    place = sent.get(f"place|{role}", "")
    return SignerEdit(
        role=role,
        candidate=sent[f"candidate|{role}"].strip(),
        optional=f"optional|{role}" in sent,
        place=int(place) if re.fullmatch(r"[0-9]{1,3}", place) else at,
    )
