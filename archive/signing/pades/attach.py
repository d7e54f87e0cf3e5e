"""Puts the data and the Word file into the PDF, before any signature: PDF/A-2b becomes 3b.

One file is then the whole record. Only PDF/A-3 may carry files of any kind, each with its
relationship to the paper (ISO 19005-3 6.8).
"""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.embed import EmbeddedFileObject, EmbeddedFileParams, FileSpec, embed_file
from pyhanko.pdf_utils.reader import PdfFileReader

from archive.core.clock import local
from archive.signing.pades.faults import MALFORMED, UNREADABLE, SigningRefused
from archive.signing.pades.identity import entry, resolved
from archive.signing.pades.pen import open_update

SOURCE, DATA = "Source", "Data"  # the file the PDF was made from; the data it shows
LARGEST_ATTACHMENT = 100_000_000

_PART = re.compile(rb"(<pdfaid:part>|pdfaid:part=\")[12](?=[<\"])")


@dataclass(frozen=True)
class Attachment:
    """A file inside a PDF: ASCII name, media type, and its relationship to the paper."""

    name: str
    media_type: str
    content: bytes
    relationship: str
    description: str = ""


def attach(pdf: bytes, attachments: Sequence[Attachment], now: datetime) -> bytes:
    """Return the PDF with the files in it, marked as PDF/A-3 where it was PDF/A before.

    Raises SigningRefused where the structure does not allow it.
    """
    writer: Any = open_update(pdf)
    try:
        for each in sorted(attachments, key=lambda one: one.name):
            embed_file(writer, _file_spec(writer, each, now))
        _mark_part_3(writer)
        output = io.BytesIO()
        writer.write(output)
    except (*MALFORMED, NotImplementedError) as wrong:
        raise SigningRefused("PDF 的结构不允许附加文件。请重新生成 PDF 后再试。") from wrong
    return output.getvalue()


def attachments_of(pdf: bytes) -> tuple[Attachment, ...]:
    """Return the files that a PDF says belong to it (AF); raise SigningRefused if unreadable."""
    try:
        root: Any = PdfFileReader(io.BytesIO(pdf)).root
        files = resolved(root, "/AF")
        return tuple(_read(files[place]) for place in range(len(files)))
    except UNREADABLE as wrong:
        raise SigningRefused("这份 PDF 打不开，读不出附带的文件。") from wrong


def _file_spec(writer: Any, each: Attachment, now: datetime) -> FileSpec:
    if not each.name.isascii() or len(each.content) > LARGEST_ATTACHMENT:
        raise SigningRefused(f"“{each.name[:40]}”不能附加到 PDF：名称须为英文，且不超过 100 MB。")
    embedded = EmbeddedFileObject.from_file_data(
        writer,
        each.content,
        mime_type=each.media_type,
        params=EmbeddedFileParams(modification_date=local(now).replace(microsecond=0)),
    )
    return FileSpec(
        file_spec_string=each.name,
        file_name=each.name,
        embedded_data=embedded,
        description=each.description or None,
        af_relationship=generic.NameObject(f"/{each.relationship}"),
    )


def _mark_part_3(writer: Any) -> None:
    """Change the part in the XMP; a PDF that was no PDF/A does not become one."""
    if "/Metadata" not in writer.root:
        return
    stream: Any = writer.root["/Metadata"]
    content: bytes = stream.data
    changed = _PART.sub(rb"\g<1>3", content)
    if changed == content:
        return
    fresh = generic.StreamObject(
        {key: stream.raw_get(key) for key in ("/Type", "/Subtype") if key in stream},
        stream_data=changed,
    )
    writer.root[generic.NameObject("/Metadata")] = writer.add_object(fresh)
    writer.update_root()


def _read(spec: Any) -> Attachment:
    stream = spec["/EF"]["/F"]
    return Attachment(
        name=entry(spec, "/UF") or entry(spec, "/F"),
        media_type=entry(stream, "/Subtype").removeprefix("/"),
        content=stream.data,
        relationship=entry(spec, "/AFRelationship").removeprefix("/"),
        description=entry(spec, "/Desc"),
    )
