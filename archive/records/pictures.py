"""Pictures in entries: judged by content, made anew, kept beside the record they belong to.

An entry holds a picture's digest. Only a picture uploaded for this record (or copied with it)
may stand there, so that nobody reads a file by guessing its digest. Called by the pages of
this station and by ``drafts``.
"""

import io
from collections.abc import Iterable, Iterator, Mapping

from PIL import Image, ImageOps, UnidentifiedImageError
from sqlalchemy import select

from archive.core.errors import Invalid, NotFound, TooLarge
from archive.people.rights import Actor, require
from archive.records.models import Record, RecordPicture
from archive.records.rows import get_row, thing_of_row
from archive.records.rules import require_editable
from doc_templates import Form
from storage.blobs import BlobRef
from storage.files import StoredFile
from storage.work import UnitOfWork

MOST_BYTES = 5 * 1024 * 1024
MOST_PIXELS = 40_000_000
LONGEST_SIDE = 2400  # dots: 20 cm at 300 dpi
MOST_PICTURES = 50
MEDIA_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg"}
PLACE = "picture"
_NO_PICTURE = (
    UnidentifiedImageError,
    OSError,
    SyntaxError,
    ValueError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)


def clean_picture(content: bytes) -> tuple[bytes, str]:
    """Return a PNG or JPEG made anew (upright, not larger than prints well) and its media type.

    What the file says of itself is not trusted; notes, places and hidden parts are left behind.
    Raises Invalid, TooLarge.
    """
    if not content:
        raise Invalid("这个文件是空的，请重新选一张图片。", {PLACE: "文件是空的"})
    if len(content) > MOST_BYTES:
        raise TooLarge("图片超过 5 MB，请缩小后再上传。", {PLACE: "最大 5 MB"})
    try:
        return _made_anew(content)
    except _NO_PICTURE as error:
        raise Invalid(
            "这个文件不是能打开的图片，请上传 PNG 或 JPEG（.png、.jpg）。",
            {PLACE: "只收 PNG 或 JPEG"},
        ) from error


def keep_picture(uow: UnitOfWork, actor: Actor, record_id: int, ref: BlobRef) -> str:
    """Note that stored bytes are a picture of this draft; return their digest."""
    row = get_row(uow, record_id)
    require(actor, "record.read", thing_of_row(uow, row))
    require_editable(row.state)
    require(actor, "record.edit", thing_of_row(uow, row))
    known = pictures_of(uow, record_id)
    if len(known) >= MOST_PICTURES and ref.sha256 not in known:
        raise Invalid(f"一份文件最多 {MOST_PICTURES} 张图片。", {PLACE: "图片太多"})
    if ref.sha256 not in known:
        _note(uow, actor, row, uow.keep(ref))
        uow.journal(actor.id, "record.picture", "record", record_id, {"sha256": ref.sha256})
    return ref.sha256


def find_picture(uow: UnitOfWork, actor: Actor, record_id: int, sha256: str) -> str:
    """Return the media type of a picture of a record the actor may read; raise NotFound."""
    require(actor, "record.read", thing_of_row(uow, get_row(uow, record_id)))
    own = RecordPicture.record_id == record_id, RecordPicture.sha256 == sha256
    found = uow.session.scalar(select(StoredFile.media_type).join(RecordPicture).where(*own))
    if found is None:
        raise NotFound("没有这张图片，或者您无权查看。")
    return found


def pictures_of(uow: UnitOfWork, record_id: int) -> frozenset[str]:
    """Return the digests of every picture uploaded for a record."""
    found = select(RecordPicture.sha256).where(RecordPicture.record_id == record_id)
    return frozenset(uow.session.scalars(found))


def copy_pictures(uow: UnitOfWork, actor: Actor, row: Record, digests: Iterable[str]) -> None:
    """Note pictures of an earlier record as pictures of this one too."""
    for digest in sorted(set(digests) - pictures_of(uow, row.id)):
        _note(uow, actor, row, digest)


def named_pictures(form: Form, values: Mapping[str, object]) -> dict[str, str]:
    """Return the digest of every picture in the values, by its path."""
    return dict(_named(form, values))


def require_own(form: Form, values: Mapping[str, object], own: frozenset[str]) -> None:
    """Refuse a picture that was not uploaded for this record."""
    wrong = {
        path: "请重新上传这张图片"
        for path, digest in named_pictures(form, values).items()
        if digest not in own
    }
    if wrong:
        raise Invalid("有图片不是在这份文件里上传的，没有保存。", wrong)


def _named(form: Form, values: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for entry in form.fields:
        value = values.get(entry.key)
        if entry.kind == "image" and isinstance(value, str) and value:
            yield entry.key, value
        columns = [column.key for column in entry.columns if column.kind == "image"]
        if not columns or not isinstance(value, list):
            continue
        for index, line in enumerate(value):
            for key in columns:
                if isinstance(line.get(key), str) and line[key]:
                    yield f"{entry.key}[{index}].{key}", line[key]


def _note(uow: UnitOfWork, actor: Actor, row: Record, digest: str) -> None:
    uow.session.add(
        RecordPicture(record_id=row.id, sha256=digest, made_by=actor.id, made_at=uow.now())
    )
    uow.session.flush()


def _made_anew(content: bytes) -> tuple[bytes, str]:
    with Image.open(io.BytesIO(content), formats=tuple(MEDIA_TYPES)) as opened:
        kind = str(opened.format)
        if opened.width * opened.height > MOST_PIXELS:
            raise TooLarge(
                f"图片太大（{opened.width}×{opened.height} 点），请缩小到 {LONGEST_SIDE} 点以内。",
                {PLACE: "图片的点数太多"},
            )
        upright = ImageOps.exif_transpose(opened)
    upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    out = io.BytesIO()
    if kind == "JPEG":
        upright.convert("RGB").save(out, "JPEG", quality=88, optimize=True)
    else:
        has_ground = "A" not in upright.getbands() and "transparency" not in upright.info
        upright.convert("RGB" if has_ground else "RGBA").save(out, "PNG", optimize=True)
    return out.getvalue(), MEDIA_TYPES[kind]
