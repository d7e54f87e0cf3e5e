"""The child process that looks into files: ``python -m archive.filing.checks.content_child``.

Confines itself first, then prints one JSON line for each file named in the list it is
given. Started only by ``content``, which kills it when it goes over its time.
"""

import json
import logging
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from xml.parsers import expat

import pypdf
import pypdfium2
from PIL import Image
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject

from archive.filing.checks.content_zip import look_into_ofd, look_into_word_or_excel
from indexer.confined import confine

MOST_PIXELS = 300_000_000  # A0 at 300 dpi has 140 million
MOST_OBJECTS = 200_000
MOST_FRAMES = 2_000
_PROGRAMS = (".exe", ".dll", ".bat", ".cmd", ".com", ".scr", ".js", ".vbs", ".ps1", ".msi", ".jar")
_PROGRAM_HEADS = (b"MZ", b"\x7fELF")
_OWN_DATA = "data.json"
_ACTIONS = {
    "/JavaScript": "脚本",
    "/Launch": "启动外部程序的动作",
    "/ImportData": "读入外部数据的动作",
    "/SubmitForm": "向外发送数据的动作",
}
Facts = dict[str, Any]


def look_into_pdf(path: Path) -> Facts:
    """Open every page's frame by pdfium, then walk every object for what is active."""
    document = pypdfium2.PdfDocument(path)
    try:
        pages = len(document)
        for page in range(min(pages, MOST_FRAMES)):
            document.get_page_size(page)
    finally:
        document.close()
    if not pages:
        return {"fault": "一页也没有"}
    reader = pypdf.PdfReader(path)
    if reader.is_encrypted:
        return {"pages": pages, "encrypted": "PDF 加密"}
    found: set[str] = set()
    _walk(reader, found)
    data = _embedded(reader, found)
    return {"pages": pages, "active": sorted(found), "data": data}


def look_into_image(path: Path) -> Facts:
    """Decode every frame; a picture of too many pixels is refused before it is unpacked."""
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(path) as picture:
            frames = min(getattr(picture, "n_frames", 1), MOST_FRAMES)
            if picture.format == "JPEG":
                picture.draft(picture.mode, (picture.width // 8, picture.height // 8))
            for frame in range(frames):
                picture.seek(frame)
                picture.load()
    return {"pages": frames}


def look_into_xml(path: Path) -> Facts:
    """Well-formed, and without a DTD: entities would read back as holes."""
    parser = expat.ParserCreate()

    def refuse(*_told: object) -> None:
        raise ValueError("XML 带有 DTD")

    parser.StartDoctypeDeclHandler = refuse
    with path.open("rb") as stream:
        parser.ParseFile(stream)
    return {"pages": 0}


def look_into_text(path: Path) -> Facts:
    """The bytes are text in an encoding that is known."""
    content = path.read_bytes()
    for encoding in ("utf-8", "gb18030", "utf-16"):
        try:
            content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return {"pages": 0}
    return {"fault": "不是认得出编码的文字"}


LOOKS: dict[str, Callable[[Path], Facts]] = {
    "application/pdf": look_into_pdf,
    "image/png": look_into_image,
    "image/jpeg": look_into_image,
    "image/tiff": look_into_image,
    "text/xml": look_into_xml,
    "text/plain": look_into_text,
    "application/ofd": look_into_ofd,
}


def look(path: Path, media_type: str) -> Facts:
    """Return what is inside one file; what goes wrong is its fault."""
    look_into = LOOKS.get(media_type, look_into_word_or_excel)
    try:
        return look_into(path)
    except MemoryError:
        return {"fault": "太大，超出了内存限制"}
    except Exception as wrong:  # noqa: BLE001 - a stranger's file may break its reader in any way
        return {"fault": f"读取时出错（{type(wrong).__name__}）"}


def _walk(reader: pypdf.PdfReader, found: set[str]) -> None:
    """Look at every object, packed ones too, for actions that do something."""
    for number in range(1, min(int(reader.trailer.get("/Size", 0)), MOST_OBJECTS)):
        try:
            thing = reader.get_object(IndirectObject(number, 0, reader))
        except Exception:  # noqa: BLE001, S112 - an unused broken object is no action
            continue
        _look_at(thing, found, 0)


def _look_at(thing: object, found: set[str], depth: int) -> None:
    if depth > 8:
        return
    if isinstance(thing, DictionaryObject):
        action = _ACTIONS.get(str(thing.raw_get("/S")) if "/S" in thing else "")
        if action:
            found.add(action)
        if "/JS" in thing:
            found.add(_ACTIONS["/JavaScript"])
        if "/XFA" in thing:
            found.add("XFA 动态表单")
        for value in thing.values():
            _look_at(value, found, depth + 1)
    elif isinstance(thing, ArrayObject):
        for value in thing:
            _look_at(value, found, depth + 1)


def _embedded(reader: pypdf.PdfReader, found: set[str]) -> dict[str, str]:
    """Note embedded programs; return what the paper's own data says of it."""
    data: dict[str, str] = {}
    for name, contents in reader.attachments.items():
        for content in contents:
            if name.lower().endswith(_PROGRAMS) or content.startswith(_PROGRAM_HEADS):
                found.add(f"可执行的附件 {name[:60]}")
        if name == _OWN_DATA and contents:
            told = json.loads(contents[0])
            if isinstance(told, dict):
                data = {key: str(told.get(key, ""))[:200] for key in ("form", "number", "digest")}
    return data


def main(arguments: Sequence[str]) -> int:
    """LIST; the list is JSON, ``[[path, media type], …]``."""
    confine()
    listed = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    logging.disable()
    for path, media_type in listed:
        print(json.dumps(look(Path(path), media_type), ensure_ascii=True), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
