"""Reads an XML package piece by piece: the description as a tree, each file's data decoded apart.

A stranger's file: document types, entities and processing instructions are refused, and so is
what is deeper, longer or more than any honest package. Decoded data goes to a folder, or
nowhere when a package is only judged. Knows no item and no database.
"""

import binascii
import hashlib
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO
from xml.parsers import expat

from lxml import etree

from archive.core.errors import Invalid
from archive.filing.packages import xml_form as form
from archive.filing.packages.bag import HAS_SM3

PIECE = 1 << 16
DEEPEST = 16
MOST_ELEMENTS = 100_000
MOST_TEXT = 1 << 20  # letters in one element that is not data
MOST_WORDS = 16 << 20  # letters of description in a package
MOST_ATTRIBUTES = 8
MOST_FILES = 1000
MOST_FILE = 1 << 30
LONGEST_TOKEN = 4 << 20  # bytes read without anything coming of it


@dataclass
class Decoded:
    """One file's data as it came out: how much, which digests, where it lies (or nowhere)."""

    size: int
    sha256: str
    sm3: str
    path: Path | None


@dataclass(frozen=True)
class Parsed:
    """A package as read: its tree without data, its files in order, what its signature is over."""

    root: Any
    files: tuple[Decoded, ...]
    signed_digest: bytes


def parse_package(opened: Callable[[], BinaryIO], folder: Path | None = None) -> Parsed:
    """Read a package; ``opened`` gives its bytes from the start, twice. Raises Invalid."""
    reading = _Reading(folder)
    with ExitStack() as stack, opened() as stream:
        stack.callback(reading.close)
        reading.read(stream)
    with opened() as stream:
        digest = _digest(stream, reading.signed)
    return Parsed(reading.root, tuple(reading.files), digest)


def _sums() -> list[Any]:
    return [hashlib.sha256(), *([hashlib.new("sm3")] if HAS_SM3 else [])]


@dataclass
class _Data:
    """A file's data on its way: decoded, summed, written."""

    out: BinaryIO | None
    path: Path | None
    size: int = 0
    rest: str = ""
    is_padded: bool = False  # after padding nothing may come
    sums: list[Any] = field(default_factory=_sums)

    def take(self, text: str) -> None:
        letters = self.rest + "".join(text.split())
        if letters and self.is_padded:
            raise Invalid("“编码数据”不是正确的 Base64")
        whole = len(letters) - len(letters) % 4
        self.rest = letters[whole:]
        try:
            content = binascii.a2b_base64(letters[:whole].encode("ascii"), strict_mode=True)
        except (ValueError, binascii.Error) as wrong:
            raise Invalid("“编码数据”不是正确的 Base64") from wrong
        self.is_padded = letters[:whole].endswith("=")
        self.size += len(content)
        if self.size > MOST_FILE:
            raise Invalid(f"有文件超过 {MOST_FILE >> 20} MB")
        for one in self.sums:
            one.update(content)
        if self.out is not None:
            self.out.write(content)

    def end(self) -> Decoded:
        if self.rest:
            raise Invalid("“编码数据”不完整")
        if self.out is not None:
            self.out.close()
        sm3 = self.sums[1].hexdigest() if len(self.sums) > 1 else ""
        return Decoded(self.size, self.sums[0].hexdigest(), sm3, self.path)


class _Reading:
    """What Expat calls while it reads."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._builder: Any = etree.TreeBuilder()
        self._stack: list[int] = []  # letters in each open element
        self._data: _Data | None = None
        self._elements = self._words = self._came = 0
        self.files: list[Decoded] = []
        self.signed: list[int] = []
        self.root: Any = None
        self._parser = expat.ParserCreate("UTF-8", " ")
        self._parser.buffer_text = True
        self._parser.buffer_size = 1 << 18
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.StartDoctypeDeclHandler = self._refuse_type
        self._parser.EntityDeclHandler = self._refuse_type
        self._parser.ProcessingInstructionHandler = self._refuse_instruction

    def read(self, stream: BinaryIO) -> None:
        """Read to the end; raise Invalid with the line where the reading stopped."""
        try:
            self._feed(stream)
        except expat.ExpatError as wrong:
            raise Invalid(f"XML 封装包第 {wrong.lineno} 行不是完好的 XML，没有导入。") from wrong
        except ValueError as wrong:
            raise Invalid("XML 封装包里有不能用的名字或文字，没有导入。") from wrong
        except Invalid as wrong:
            line = self._parser.CurrentLineNumber
            raise Invalid(f"XML 封装包第 {line} 行：{wrong.message}，没有导入。") from wrong
        self.root = self._builder.close()

    def close(self) -> None:
        """Close what is still open."""
        if self._data is not None and self._data.out is not None:
            self._data.out.close()

    def _feed(self, stream: BinaryIO) -> None:
        quiet = 0
        while piece := stream.read(PIECE):
            before = self._came
            self._parser.Parse(piece, False)
            quiet = 0 if self._came != before else quiet + len(piece)
            if quiet > LONGEST_TOKEN:
                raise Invalid("有一个标签或注释太长")
        self._parser.Parse(b"", True)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._came += 1
        self._elements += 1
        if self._data is not None:
            raise Invalid("“编码数据”里不能有别的元素")
        if self._elements > MOST_ELEMENTS:
            raise Invalid(f"元素太多（超过 {MOST_ELEMENTS} 个）")
        if len(self._stack) >= DEEPEST:
            raise Invalid(f"层次太深（超过 {DEEPEST} 层）")
        letters = sum(len(key) + len(value) for key, value in attributes.items())
        if len(attributes) > MOST_ATTRIBUTES or letters > MOST_TEXT:
            raise Invalid("元素的属性太多或太长")
        space, _, word = name.rpartition(" ")
        self._stack.append(0)
        plain = {_qualified(key): value for key, value in attributes.items()}
        element = self._builder.start(f"{{{space}}}{word}" if space else word, plain)
        element.sourceline = min(self._parser.CurrentLineNumber, 65535)
        if word == form.SIGNED and not self.signed:
            self.signed.append(self._parser.CurrentByteIndex)
        if word == form.DATA:
            self._data = self._opened()

    def _end(self, name: str) -> None:
        self._came += 1
        space, _, word = name.rpartition(" ")
        if self._data is not None:
            self.files.append(self._data.end())
            self._data = None
        if word == form.SIGNED and len(self.signed) == 1:
            self.signed.append(self._parser.CurrentByteIndex)
        self._stack.pop()
        self._builder.end(f"{{{space}}}{word}" if space else word)

    def _text(self, text: str) -> None:
        self._came += 1
        if self._data is not None:
            self._data.take(text)
            return
        self._stack[-1] += len(text)
        self._words += len(text)
        if self._stack[-1] > MOST_TEXT or self._words > MOST_WORDS:
            raise Invalid("说明文字太长")
        self._builder.data(text)

    def _opened(self) -> _Data:
        if len(self.files) >= MOST_FILES:
            raise Invalid(f"文件太多（超过 {MOST_FILES} 个）")
        if self._folder is None:
            return _Data(None, None)
        path = self._folder / f"{len(self.files):04d}"
        return _Data(path.open("wb"), path)

    def _refuse_type(self, *_: object) -> None:
        raise Invalid("有文档类型或实体声明（DTD），不安全")

    def _refuse_instruction(self, *_: object) -> None:
        raise Invalid("有处理指令，不安全")


def _qualified(key: str) -> str:
    space, _, word = key.rpartition(" ")
    return f"{{{space}}}{word}" if space else word


def _digest(stream: BinaryIO, signed: list[int]) -> bytes:
    """Return the SHA-256 over the bytes of the signed object, both tags included."""
    digest = hashlib.sha256()
    if len(signed) == 2:
        _skip(stream, signed[0])
        left = signed[1] - signed[0]
        while left and (piece := stream.read(min(left, PIECE))):
            digest.update(piece)
            left -= len(piece)
        tag = stream.read(PIECE)
        digest.update(tag[: tag.find(b">") + 1])
    return digest.digest()


def _skip(stream: BinaryIO, count: int) -> None:
    while count and (piece := stream.read(min(count, PIECE))):
        count -= len(piece)
