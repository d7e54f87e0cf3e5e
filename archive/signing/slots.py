"""Where each signature goes, in the PDF and in the Word file.

Several people of one step share its box, people added on the way sign beside one another at the
foot of the last page, and the company closes the paper.

Only places and pictures. Called by ``freeze``.
"""

import io
import math
from collections.abc import Mapping, Sequence

from PIL import Image

from archive.core.clock import local_day, show_day
from archive.signing.boxes import Box
from archive.signing.reserved import CLOSING_FIELD, CLOSING_TOOLTIP
from archive.signing.rules import PlannedField, field_name, spare_slots
from archive.signing.views import RunView, TaskView
from doc_templates import SealMark, SignatureMark
from storage.blobs import BlobStore

WIDTH, HEIGHT = 354, 142  # 30 mm × 12 mm at 300 dpi


def place_fields(
    fields: Sequence[PlannedField], boxes: Mapping[str, Box], added: Sequence[Box]
) -> dict[str, Box]:
    """Return every signature field of a paper by name, in signing order; the closing one last.

    ``added`` are the places of people who are added on the way.
    """
    placed = {
        field_name(one.slot): share_of(boxes[one.role], one.share, one.shares) for one in fields
    }
    for slot, box in zip(spare_slots(), added, strict=True):
        placed[field_name(slot)] = box
    placed[CLOSING_FIELD] = Box(CLOSING_TOOLTIP, 0, 0, 0, 0, 0)
    return placed


def share_of(box: Box, share: int, shares: int) -> Box:
    """Return one person's part of a box that several share: rows of up to three."""
    across, down = grid_of(shares)
    wide, high = (box.x1 - box.x0) / across, (box.y1 - box.y0) / down
    column, row = share % across, share // across
    left, top = box.x0 + column * wide, box.y1 - row * high
    return Box(
        box.role,
        box.page,
        round(left, 2),
        round(top - high, 2),
        round(left + wide, 2),
        round(top, 2),
    )


def grid_of(shares: int) -> tuple[int, int]:
    """Return how many stand beside and below one another."""
    across = min(3, math.ceil(math.sqrt(shares)))
    return across, math.ceil(shares / across)


def marks_of(
    blobs: BlobStore,
    run: RunView,
    images: Mapping[int, str],
    signing: TaskView,
    mark: SignatureMark,
) -> dict[str, SignatureMark]:
    """Return what stands in each box of the Word file once this signature is given.

    ``images`` holds the pictures of the signatures that count, by slot. People added on the way
    sign in the PDF only: the form has no box for them.
    """
    given: dict[str, dict[int, SignatureMark]] = {}
    for task in run.live_tasks:
        if _is_signature(task) and task.state == "done" and task.slot in images:
            given.setdefault(task.role, {})[task.slot] = _mark_of(blobs, task, images[task.slot])
    if _is_signature(signing):
        given.setdefault(signing.role, {})[signing.slot] = mark
    return {role: _together(run, role, marks) for role, marks in given.items()}


def seal_of(blobs: BlobStore, run: RunView, image_png: bytes = b"") -> SealMark | None:
    """Return the company's seal as it stands in the Word file: put on before, or just now."""
    seal = run.seal
    if seal is None or not (image_png or seal.image_sha256):
        return None
    picture = image_png or blobs.read(seal.image_sha256)
    return SealMark(seal.seal_name, picture, seal.width_mm, seal.height_mm)


def _is_signature(task: TaskView) -> bool:
    return task.kind == "normal" and not task.is_seal


def _mark_of(blobs: BlobStore, task: TaskView, digest: str) -> SignatureMark:
    return SignatureMark(
        name=task.assignee_name,
        date=show_day(local_day(task.done_at)) if task.done_at else "",
        image_png=blobs.read(digest),
        on_behalf_of=task.on_behalf_of,
    )


def _together(run: RunView, role: str, marks: Mapping[int, SignatureMark]) -> SignatureMark:
    """Return the marks of one box as one: side by side in the order of their fields."""
    normal = {one.slot for one in run.tasks if one.role == role and one.kind == "normal"}
    slots = sorted(normal | set(marks))  # the other party has a slot and no task
    present = [marks[slot] for slot in slots if slot in marks]
    if len(slots) == 1:
        return present[0]
    pictures = [marks[slot].image_png if slot in marks else None for slot in slots]
    return SignatureMark(
        name="、".join(one.name for one in present),
        date=present[-1].date,
        image_png=montage(pictures),
        on_behalf_of="",
    )


def montage(pictures: Sequence[bytes | None]) -> bytes:
    """Return several signatures in one picture of the box's size; None leaves a place empty."""
    across, down = grid_of(len(pictures))
    wide, high = WIDTH // across, HEIGHT // down
    sheet = Image.new("RGBA", (WIDTH, HEIGHT), (255, 255, 255, 0))
    for place, png in enumerate(pictures):
        if png is None:
            continue
        with Image.open(io.BytesIO(png), formats=["PNG"]) as opened:
            picture = opened.convert("RGBA")
        picture.thumbnail((wide, high), Image.Resampling.LANCZOS)
        left = (place % across) * wide + (wide - picture.width) // 2
        top = (place // across) * high + (high - picture.height) // 2
        sheet.paste(picture, (left, top))
    out = io.BytesIO()
    sheet.save(out, "PNG", dpi=(300, 300))
    return out.getvalue()
