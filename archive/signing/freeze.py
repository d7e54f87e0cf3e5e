"""Makes the bytes of a submission and of each signature, outside any transaction.

Submission freezes Word and PDF, puts every signature field in place and certifies the PDF;
a signature extends the PDF and makes the Word file anew with one more signature in its box.
All bytes are in the blob store when these return.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from archive.core.clock import local_day, show_day, show_instant
from archive.core.errors import Conflict
from archive.core.resources import Resources
from archive.documents import service as documents
from archive.forms.service import get_form
from archive.people.rights import Actor
from archive.records.service import correction_line
from archive.records.views import RecordView
from archive.signing import pades
from archive.signing.appearance import compose
from archive.signing.areas import entry_texts, find_areas
from archive.signing.authority import SigningKey
from archive.signing.boxes import MM, find_boxes
from archive.signing.foot_strip import strip_boxes
from archive.signing.frozen import seal_word, verify_url, with_record
from archive.signing.keys import company_key, open_authority, person_key, seal_key
from archive.signing.lettering import set_paragraph
from archive.signing.proofs import note_paper, with_stamp
from archive.signing.rules import PlannedField, field_name, spare_slots
from archive.signing.seals.across import across_boxes, put_across
from archive.signing.seals.views import SealAsked
from archive.signing.slots import marks_of, place_fields, seal_of
from archive.signing.timestamps import TimeAuthority
from archive.signing.views import RunView, TaskView
from doc_templates import SEAL_ROLE, Form, SealMark, SignatureMark
from storage.blobs import BlobRef

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PDF = "application/pdf"
PNG = "image/png"


@dataclass(frozen=True)
class FrozenPaper:
    """Word and prepared PDF of a submission, safe in the blob store."""

    word: BlobRef
    pdf: BlobRef
    pages: int


@dataclass(frozen=True)
class SignedPaper:
    """Word and PDF after one more signature, its picture, and the PDF it was put on."""

    word: BlobRef
    pdf: BlobRef
    image: BlobRef
    pages: int
    before_sha256: str
    certificate_serial: str


@dataclass(frozen=True)
class Stamp:
    """A seal about to be put on: which, its picture, and by whom."""

    seal_id: int
    name: str
    image_png: bytes
    keeper: str


@dataclass(frozen=True)
class _Given:
    """A signature about to be put on a PDF: whose, with which key, its picture, on what.

    ``seal_png`` is set where it is the company's seal; ``reason`` stands in the signature.
    """

    name: str
    key: SigningKey
    image: bytes
    before: bytes
    before_sha256: str
    reason: str
    seal_png: bytes = b""


def freeze_submission(
    resources: Resources,
    record: RecordView,
    fields: Sequence[PlannedField],
    seal: SealAsked | None = None,
) -> FrozenPaper:
    """Render, convert, place the signature fields and certify; raise what any of them raises.

    ``seal``: the company's seal that will be put on; its place is kept, in its own size.
    """
    form = _form_of(resources, record)
    roles = {one.role for one in fields}
    with_outside = any(one.role in roles for one in form.signers if not one.is_electronic)
    word = _make_word(
        resources,
        form,
        record,
        {},
        record.round + 1,
        with_outside=with_outside,
        with_seal=seal is not None,
    )
    plain = documents.make_pdf(resources.converter, word)
    sizes = {SEAL_ROLE: (seal.width_mm * MM, seal.height_mm * MM)} if seal else {}
    places = find_boxes(plain, [one.role for one in fields], sizes)
    boxes = place_fields(fields, places, strip_boxes(plain, len(spare_slots())))
    reason = f"{form.title} {record.number or ''} 提交定稿".strip()
    whole = with_record(resources, plain, word, form, record)
    areas = find_areas(resources, form, record)
    if seal is not None and seal.across:
        areas |= across_boxes(plain, seal.width_mm, seal.height_mm)
    whole = pades.add_text_fields(whole, areas)
    company, now = company_key(resources), resources.clock()
    pdf, why = with_stamp(
        resources,
        lambda authority: pades.prepare(whole, boxes, company, reason, now, authority=authority),
    )
    frozen = FrozenPaper(
        word=resources.blobs.put(word, WORD),
        pdf=resources.blobs.put(pdf, PDF),
        pages=documents.count_pages(pdf),
    )
    note_paper(resources, record.id, frozen.pdf, pdf, why)
    return frozen


def freeze_signature(
    resources: Resources,
    actor: Actor,
    record: RecordView,
    run: RunView,
    task: TaskView,
    drawn_png: bytes | None,
    pdf_sha256: str,
    images: Mapping[int, str],
    own_password: str = "",
    filled: Mapping[str, object] | None = None,
) -> SignedPaper:
    """Sign the PDF in the task's field and print the signature into the Word file.

    ``images`` holds the pictures of the signatures given before, by slot; ``own_password`` opens
    the signer's own certificate, where there is one; ``filled`` are the signer's own entries, which
    stand in ``record`` too.
    """
    texts = entry_texts(_form_of(resources, record), filled or {})
    before = resources.blobs.read(pdf_sha256)
    if texts:
        before = pades.fill_text_fields(before, texts, set_paragraph)
    key = person_key(resources, actor, own_password)
    image = _appearance(resources, drawn_png, actor.name, task)
    given = _Given(actor.name, key, image, before, pdf_sha256, task.role)
    return _put_signature(resources, record, run, task, given, images)


def freeze_outside(
    resources: Resources,
    record: RecordView,
    run: RunView,
    task: TaskView,
    drawn_png: bytes | None,
    pdf_sha256: str,
    images: Mapping[int, str],
    key: SigningKey,
) -> SignedPaper:
    """Sign for the other party, whose name stands in ``task``, with a key made for this act."""
    before = resources.blobs.read(pdf_sha256)
    image = _appearance(resources, drawn_png, task.assignee_name, task)
    given = _Given(task.assignee_name, key, image, before, pdf_sha256, task.role)
    return _put_signature(resources, record, run, task, given, images)


def freeze_seal(
    resources: Resources,
    record: RecordView,
    run: RunView,
    task: TaskView,
    stamp: Stamp,
    pdf_sha256: str,
    images: Mapping[int, str],
) -> SignedPaper:
    """Put the company's seal on, with the seal's own key; across the edges too where asked."""
    before = resources.blobs.read(pdf_sha256)
    if run.seal is not None and run.seal.across:
        pages = documents.count_pages(before)
        before = put_across(before, stamp.image_png, stamp.name, pages)
    key = seal_key(resources, stamp.seal_id, stamp.name)
    name = f"{open_authority(resources).company} {stamp.name}"
    reason = f"{task.role}（保管人 {stamp.keeper}）"
    given = _Given(name, key, stamp.image_png, before, pdf_sha256, reason, stamp.image_png)
    return _put_signature(resources, record, run, task, given, images)


def close_for_scan(
    resources: Resources, record: RecordView, run: RunView, pdf_sha256: str
) -> tuple[BlobRef, int]:
    """Close a paper that the other party signed on paper; return the PDF and its pages."""
    now = resources.clock()
    _check_clock(run, now)
    company = company_key(resources)
    before = resources.blobs.read(pdf_sha256)
    reason = f"{record.number} 对方在纸上签字"
    pdf, why = with_stamp(
        resources,
        lambda authority: pades.close_paper(before, company, reason, now, authority=authority),
    )
    ref = resources.blobs.put(pdf, PDF)
    note_paper(resources, record.id, ref, pdf, why)
    return ref, documents.count_pages(pdf)


def _check_clock(run: RunView, now: datetime) -> None:
    """Refuse a signature that would be dated before its forerunner: it would never be believed."""
    last = max((act.at for act in run.acts), default=now)
    if now < last - pades.CLOCK_SKEW:
        raise Conflict(
            f"服务器的时钟（{show_instant(now)}）比这份文件上一步（{show_instant(last)}）还早，"
            "现在签的日后核验不过，没有办成。请管理员校准服务器的时间后再办。"
        )


def _put_signature(
    resources: Resources,
    record: RecordView,
    run: RunView,
    task: TaskView,
    given: _Given,
    images: Mapping[int, str],
) -> SignedPaper:
    now = resources.clock()
    _check_clock(run, now)
    form, company = _form_of(resources, record), company_key(resources)

    def put_on(authority: TimeAuthority | None) -> bytes:
        signed = pades.approve(
            given.before,
            field_name(task.slot),
            given.key,
            given.image,
            given.name,
            given.reason,
            now,
            authority=authority,
        )
        if not task.ends_run:
            return signed
        reason = f"{record.number} 签核完毕"
        return pades.close_paper(signed, company, reason, now, authority=authority)

    pdf, why = with_stamp(resources, put_on)
    day = show_day(local_day(now))
    mark = SignatureMark(given.name, day, given.image, task.on_behalf_of)
    marks = marks_of(resources.blobs, run, images, task, mark)
    seal = seal_of(resources.blobs, run, given.seal_png)
    word = _make_word(resources, form, record, marks, run.round, seal=seal)
    signed = SignedPaper(
        word=resources.blobs.put(word, WORD),
        pdf=resources.blobs.put(pdf, PDF),
        image=resources.blobs.put(given.image, PNG),
        pages=documents.count_pages(pdf),
        before_sha256=given.before_sha256,
        certificate_serial=given.key.serial_hex,
    )
    note_paper(resources, record.id, signed.pdf, pdf, why)
    return signed


def _appearance(resources: Resources, drawn_png: bytes | None, name: str, task: TaskView) -> bytes:
    """Return the picture of a signature given now; one beside the chain says what it is."""
    foot = f"{task.stands_as} {show_day(local_day(resources.clock()))}".strip()
    return compose(drawn_png, name, foot, task.on_behalf_of)


def _make_word(
    resources: Resources,
    form: Form,
    record: RecordView,
    marks: Mapping[str, SignatureMark],
    round: int,
    *,
    with_outside: bool = False,
    with_seal: bool = False,
    seal: SealMark | None = None,
) -> bytes:
    """Return the Word file with its own check address, signed for the company."""
    address = verify_url(resources, record.id, round)
    with resources.reading() as uow:
        note = correction_line(uow, record.id)
    public_url = resources.settings.public_url
    word = documents.make_word(
        form,
        record,
        marks,
        public_url,
        check_url=address,
        with_outside=with_outside,
        with_seal=with_seal,
        seal=seal,
        note=note,
    )
    return seal_word(resources, word, form, record)


def _form_of(resources: Resources, record: RecordView) -> Form:
    with resources.reading() as uow:
        return get_form(uow, record.form_code, record.form_version)
