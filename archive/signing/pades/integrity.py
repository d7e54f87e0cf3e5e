"""Whether a file is as it was signed: what was changed, smuggled in or appended afterwards."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from asn1crypto import parser as asn1_parser
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import fields as sig_fields
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature, read_certification_data
from pyhanko.sign.validation.status import PdfSignatureStatus, SignatureCoverageLevel

from archive.signing.pades.faults import UNREADABLE
from archive.signing.pades.identity import entry
from archive.signing.pades.reached import number_of, reachable_from, resolve

_PEEK: Callable[[bytes], int] = asn1_parser.peek
_HEX = re.compile(rb"(?:[0-9A-Fa-f]{2})+\Z")
_ONLY_SIGNING = (sig_fields.MDPPerm.NO_CHANGES, sig_fields.MDPPerm.FILL_FORMS)
_FILLS = sig_fields.MDPPerm.FILL_FORMS
_FILLED = frozenset({"/V", "/AP"})
_END = re.compile(rb"%%EOF[\r\n]*\Z")


def integrity_fault(
    pdf: bytes,
    signature: EmbeddedPdfSignature,
    status: PdfSignatureStatus,
    *,
    is_last: bool,
    altered: Sequence[str] = (),
) -> str:
    """Say what was done to the file after this signature; empty if nothing.

    ``altered``: the entries that stood on the paper when it was signed and were changed since.
    """
    if not status.intact:
        return "签名之后，文件内容被改动过。"
    if not status.valid:
        return "签名数据与证书对不上，签名是假的或已损坏。"
    if status.coverage < SignatureCoverageLevel.ENTIRE_REVISION or not fills_gap(pdf, signature):
        return "签名没有盖住整份文件，其中可能夹带了内容。"
    if status.docmdp_ok is False:
        return "签名之后，文件里又加进了不允许的改动（例如加页、改内容、加签名栏）。"
    if altered:
        return f"签名之后，“{'、'.join(altered)}”一栏里填好的内容又被改动过。"
    # stricter than pyHanko, which lets pass an update without effect
    is_open = is_last and status.coverage != SignatureCoverageLevel.ENTIRE_FILE
    if is_open and not _only_proof_follows(pdf, signature):
        return "最后一次签名之后，文件又被追加了内容。"
    return ""


def fills_gap(pdf: bytes, signature: EmbeddedPdfSignature) -> bool:
    """Whether the hole in the signed bytes holds the signature and nothing else."""
    _, length, resume, _ = (int(number) for number in signature.byte_range)
    hole = pdf[length:resume]
    if hole[:1] != b"<" or hole[-1:] != b">" or not _HEX.match(hole[1:-1]):
        return False
    content = bytes.fromhex(hole[1:-1].decode("ascii"))
    end = _PEEK(content)
    return content == signature.pkcs7_content and not content[end:].strip(b"\0")


def falsely_filled(
    reader: PdfFileReader, signatures: Sequence[EmbeddedPdfSignature]
) -> tuple[str, ...]:
    """Return the signature fields that hold something which is no signature, as people know them.

    pyHanko passes over such a value, and the field would count as signed.
    """
    signed = {number_of(each.sig_field.container_ref) for each in signatures}
    return tuple(
        entry(reference.get_object(), "/TU", name)
        for name, value, reference in sig_fields.enumerate_sig_fields(reader)
        if value is not None and number_of(reference) not in signed
    )


def only_fills_since_certified(signature: EmbeddedPdfSignature) -> bool:
    """Whether every update after the certifying signature did nothing but fill empty fields.

    That is: no object of the file was freed, the catalogue is the same one, and every object an
    update replaced was an empty signature or text field of the certified revision and differs in
    its value and appearance alone, which are new. All else in the file is then byte for byte what
    was certified, because nothing else of it can be reached anew. Anything this does not know,
    pyHanko's comparison judges.
    """
    reader, base = signature.reader, signature.signed_revision
    if reader.xrefs.hybrid_xrefs_present or signature.docmdp_level != _FILLS:
        return False
    root = number_of(reader.trailer.raw_get("/Root", revision=base))
    for revision in range(base + 1, reader.xrefs.total_revisions):
        if number_of(reader.trailer.raw_get("/Root", revision=revision)) != root:
            return False
        if reader.xrefs.refs_freed_in_revision(revision):
            return False
        before, after = (reader.get_historical_resolver(one) for one in (revision - 1, revision))
        for each in reader.xrefs.explicit_refs_in_revision(revision):
            introduced = reader.xrefs.get_introducing_revision(each)
            if introduced == revision:
                continue
            if introduced > base or not _is_fill(reader, revision, before(each), after(each)):
                return False
    return True


def only_fills_follow(signature: EmbeddedPdfSignature) -> bool:
    """Whether later updates touched nothing of this revision but signature fields still empty.

    That those were filled as they may be is what the comparison with the certified revision
    shows; where both hold, comparing with this revision too could find nothing more.
    """
    reader, base = signature.reader, signature.signed_revision
    if signature.fieldmdp is None or signature.fieldmdp.action is sig_fields.FieldMDPAction.ALL:
        return False
    empty = {
        number_of(reference)
        for _, value, reference in sig_fields.enumerate_sig_fields(
            reader.get_historical_resolver(base)
        )
        if value is None
    }
    for revision in range(base + 1, reader.xrefs.total_revisions):
        if reader.xrefs.refs_freed_in_revision(revision):
            return False
        for each in reader.xrefs.explicit_refs_in_revision(revision):
            is_old = reader.xrefs.get_introducing_revision(each) <= base
            if is_old and number_of(each) not in empty:
                return False
    return True


def is_certified(reader: PdfFileReader, signatures: Sequence[EmbeddedPdfSignature]) -> bool:
    """Whether the first signature certifies the paper and allows only signing after it."""
    try:
        certification = read_certification_data(reader)
        return (
            certification is not None
            and certification.author_sig.container_ref == signatures[0].sig_object.container_ref
            and certification.permission in _ONLY_SIGNING
        )
    except UNREADABLE:
        return False


def _is_fill(reader: PdfFileReader, revision: int, old: Any, new: Any) -> bool:
    """Whether an object is an empty field that this revision filled, and did nothing else to."""
    if not all(isinstance(one, generic.DictionaryObject) for one in (old, new)):
        return False
    kept = set(old) - _FILLED
    is_same = kept == set(new) - _FILLED and all(old.raw_get(k) == new.raw_get(k) for k in kept)
    if not is_same or "/V" in old or "/V" not in new:
        return False
    value, kind = new.raw_get("/V"), old.get("/FT")
    if kind == "/Tx":
        is_filled = isinstance(value, generic.TextStringObject)
    else:
        is_filled = kind == "/Sig" and _is_new(reader, revision, value)
        is_filled = is_filled and resolve(value).get("/Type") == "/Sig"
    return is_filled and _is_new_look(reader, revision, old, new)


def _is_new_look(reader: PdfFileReader, revision: int, old: Any, new: Any) -> bool:
    """Whether the field looks as before, or as a picture that came with this revision."""
    if "/AP" not in new:
        return "/AP" not in old
    look = new.raw_get("/AP")
    if "/AP" in old and old.raw_get("/AP") == look:
        return True
    if not isinstance(look, generic.DictionaryObject) or set(look) != {"/N"}:
        return False
    return _is_new(reader, revision, look.raw_get("/N"))


def _is_new(reader: PdfFileReader, revision: int, value: Any) -> bool:
    """Whether a value refers to an object that this revision brought."""
    if not isinstance(value, generic.IndirectObject):
        return False
    return bool(reader.xrefs.get_introducing_revision(value.reference) == revision)


def _only_proof_follows(pdf: bytes, signature: EmbeddedPdfSignature) -> bool:
    """Whether every update after the last signature is a time-stamp, or validation data alone.

    That what a stamped update changed was harmless is pyHanko's finding (``docmdp_ok``).
    """
    reader = signature.reader
    stamps = list(reader.embedded_timestamp_signatures)
    stamped = {each.signed_revision for each in stamps}
    last = reader.xrefs.total_revisions - 1
    if last == signature.signed_revision:
        return False
    for revision in range(signature.signed_revision + 1, last + 1):
        if revision not in stamped and not _adds_validation_data(reader, revision):
            return False
    if last in stamped:
        newest = max(stamps, key=lambda each: each.signed_revision)
        coverage = newest.evaluate_signature_coverage()
        return coverage == SignatureCoverageLevel.ENTIRE_FILE and fills_gap(pdf, newest)
    return _END.search(pdf[-16:]) is not None


def _adds_validation_data(reader: PdfFileReader, revision: int) -> bool:
    """Whether an update touches nothing but the catalogue and the document security store."""
    root = reader.get_historical_root(revision)
    if "/DSS" not in root:
        return False
    allowed = {number_of(reader.trailer.raw_get("/Root")), *reachable_from(root.raw_get("/DSS"))}
    changed = reader.xrefs.explicit_refs_in_revision(revision)
    return all(number_of(each) in allowed for each in changed)
