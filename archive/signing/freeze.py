"""Makes the bytes of a submission and of each signature, outside any transaction.

Submission freezes Word and PDF, puts every signature field in place and certifies the PDF;
a signature extends the PDF and makes the Word file anew with one more signature in its box.
All bytes are in the blob store when these return.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from archive.core.clock import local_day, show_day
from archive.core.resources import Resources
from archive.documents import service as documents
from archive.people.rights import Actor
from archive.records.views import RecordView
from archive.signing import pades
from archive.signing.appearance import compose
from archive.signing.boxes import find_boxes
from archive.signing.keys import company_key, person_key
from archive.signing.rules import PlannedStep, field_name
from archive.signing.views import RunView, TaskView
from doc_templates import SignatureMark, load_form
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


def freeze_submission(
    resources: Resources, record: RecordView, steps: tuple[PlannedStep, ...]
) -> FrozenPaper:
    """Render, convert, place the signature fields and certify; raise what any of them raises."""
    form = load_form(record.form_code, record.form_version)
    word = documents.make_word(form, record, {}, resources.settings.public_url)
    plain = documents.make_pdf(resources.converter, word)
    boxes = find_boxes(plain, [step.role for step in steps])
    fields = {field_name(step.seq): boxes[step.role] for step in steps}
    reason = f"{form.title} {record.number or ''} 提交定稿".strip()
    pdf = pades.prepare(plain, fields, company_key(resources), reason, resources.clock())
    return FrozenPaper(
        word=resources.blobs.put(word, WORD),
        pdf=resources.blobs.put(pdf, PDF),
        pages=documents.count_pages(pdf),
    )


def freeze_signature(
    resources: Resources,
    actor: Actor,
    record: RecordView,
    run: RunView,
    task: TaskView,
    drawn_png: bytes | None,
    pdf_sha256: str,
    images: Mapping[int, str],
) -> SignedPaper:
    """Sign the PDF in the task's field and print the signature into the Word file.

    ``images`` holds the pictures of the signatures given before, by step.
    """
    now = resources.clock()
    day = show_day(local_day(now))
    image = compose(drawn_png, actor.name, day)
    key = person_key(resources, actor)
    before = resources.blobs.read(pdf_sha256)
    pdf = pades.approve(before, field_name(task.seq), key, image, actor.name, task.role, now)
    marks = _marks_before(resources, run, images)
    marks[task.role] = SignatureMark(name=actor.name, date=day, image_png=image)
    form = load_form(record.form_code, record.form_version)
    word = documents.make_word(form, record, marks, resources.settings.public_url)
    return SignedPaper(
        word=resources.blobs.put(word, WORD),
        pdf=resources.blobs.put(pdf, PDF),
        image=resources.blobs.put(image, PNG),
        pages=documents.count_pages(pdf),
        before_sha256=pdf_sha256,
        certificate_serial=key.serial_hex,
    )


def _marks_before(
    resources: Resources, run: RunView, images: Mapping[int, str]
) -> dict[str, SignatureMark]:
    marks: dict[str, SignatureMark] = {}
    for task in run.tasks:
        if task.seq in images and task.done_at is not None:
            marks[task.role] = SignatureMark(
                name=task.assignee_name,
                date=show_day(local_day(task.done_at)),
                image_png=resources.blobs.read(images[task.seq]),
            )
    return marks
