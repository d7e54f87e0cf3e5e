"""What a paper shows beside its values: numbers, signatures, and pictures in place of tags.

Values come checked and are shown by printing.py; here come the tags that every form has, and
every picture by the tag it stands in for. Called by word.py; fills nothing in.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from doc_templates.definition import SEAL_ROLE, Form
from doc_templates.images import (
    Picture,
    entry_picture,
    find_barcode_picture,
    qr_picture,
    seal_picture,
    signature_picture,
)
from doc_templates.printing import harmless, printed_values

SEAL_TAG = "印章"
BUILT_IN_TAGS = frozenset({"编号", "档号", "版本", "核验码", "条码", SEAL_TAG})
ROLE_TAGS = ("签名", "签名人", "签日")
BLANK_DAY = "\u3000\u3000年\u3000月\u3000日"

TagPath = tuple[str | int, ...]
Pictures = Mapping[TagPath, Picture]


@dataclass(frozen=True, slots=True)
class SignatureMark:
    """A signature given: the name and date shown, its picture, and for whom it was given."""

    name: str
    date: str
    image_png: bytes | None = None
    on_behalf_of: str = ""


@dataclass(frozen=True, slots=True)
class SealMark:
    """A seal put on: its name, its picture, and its size in mm."""

    name: str
    image_png: bytes
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class PrintContext:
    """What is printed beside the values: numbers, version, check address, signatures.

    `images` holds the pictures that entries name, by SHA-256; `with_outside`: the other party
    signs in this system too, so its place is marked; `with_seal`: so is the place of the company's
    seal, until `seal` was put on.
    """

    number: str = ""
    ref_code: str = ""
    version: str = ""
    verify_url: str = ""
    signatures: Mapping[str, SignatureMark] = field(default_factory=lambda: MappingProxyType({}))
    images: Mapping[str, bytes] = field(default_factory=lambda: MappingProxyType({}))
    seal: SealMark | None = None
    with_outside: bool = False
    with_seal: bool = False


NO_CONTEXT = PrintContext()


def print_tags(
    form: Form,
    values: Mapping[str, object],
    context: PrintContext = NO_CONTEXT,
    *,
    draft: bool = False,
) -> dict[str, object]:
    """Return every tag of the form as plain printed text, for values that were checked."""
    return {
        "条码": "" if find_barcode_picture(context.number) else harmless(context.number),
        SEAL_TAG: f"[sig:{SEAL_ROLE}]" if context.with_seal and not (context.seal or draft) else "",
        **printed_values(form, values),
        **_printed_context(form, context, draft),
    }


def print_pictures(
    form: Form, values: Mapping[str, object], context: PrintContext = NO_CONTEXT
) -> dict[TagPath, Picture]:
    """Return the pictures by the path of the tag they stand in for: ("签名", "经理").

    A form may have entries called 条码 or 印章; then these are its own. Raises BadTemplate for
    bytes that are no picture.
    """
    if context == NO_CONTEXT:
        return {}
    pictures: dict[TagPath, Picture] = {}
    bars = find_barcode_picture(context.number)
    if bars and form.find_field("条码") is None:
        pictures[("条码",)] = bars
    if context.verify_url:
        pictures[("核验码",)] = qr_picture(context.verify_url)
    seal = context.seal
    if seal and form.find_field(SEAL_TAG) is None:
        pictures[(SEAL_TAG,)] = seal_picture(
            seal.image_png, harmless(seal.name), seal.width, seal.height
        )
    roles = {signer.role for signer in form.signers}
    for role, mark in context.signatures.items():
        if mark.image_png and role in roles:
            pictures["签名", role] = signature_picture(mark.image_png, harmless(mark.name))
    for path, label, digest in _image_entries(form, values) if context.images else ():
        if digest in context.images:
            pictures[path] = entry_picture(context.images[digest], label)
    return pictures


def image_digests(form: Form, values: Mapping[str, object]) -> tuple[str, ...]:
    """Return the SHA-256 of every picture that the values name, for PrintContext.images."""
    return tuple(dict.fromkeys(digest for _, _, digest in _image_entries(form, values)))


def _image_entries(form: Form, values: Mapping[str, object]) -> Iterator[tuple[TagPath, str, str]]:
    """Yield path, label and digest of every picture entry that is filled in."""
    for entry in form.fields:
        value = values.get(entry.key)
        if entry.kind == "image" and isinstance(value, str) and value:
            yield (entry.key,), entry.label, value
        columns = [column for column in entry.columns if column.kind == "image"]
        if not columns or not isinstance(value, list):
            continue
        rows = [row for row in value if isinstance(row, Mapping)]
        for at, row in enumerate(rows):
            for column in columns:
                digest = row.get(column.key)
                if isinstance(digest, str) and digest:
                    yield (entry.key, at, column.key), column.label, digest


def _printed_context(form: Form, context: PrintContext, draft: bool) -> dict[str, object]:
    """Return the tags that belong to every form: numbers, version, signatures.

    A signature still to be given to the file itself brings its date along: no blank beside it.
    """
    boxes, names, days = {}, {}, {}
    for signer in form.signers:
        role, mark = signer.role, context.signatures.get(signer.role)
        is_asked = signer.is_electronic or context.with_outside
        is_open = mark is None and is_asked and not draft
        boxes[role] = f"[sig:{role}]" if is_open else ""
        names[role] = harmless(_shown_name(mark))
        dates_itself = is_open and bool(context.verify_url)
        days[role] = harmless(mark.date) if mark else "" if dates_itself else BLANK_DAY
    return {
        "编号": harmless(context.number),
        "档号": harmless(context.ref_code),
        "版本": harmless(context.version) or str(form.version),
        "核验码": "",
        "签名": boxes,
        "签名人": names,
        "签日": days,
    }


def _shown_name(mark: SignatureMark | None) -> str:
    if mark is None:
        return ""
    if mark.on_behalf_of:
        return f"{mark.name} 代 {mark.on_behalf_of}"
    return "" if mark.image_png else mark.name
