"""Files in files: e-mails with their attachments, and ZIPs; each inner file read like any other.

How deep, how many and how large is bounded over the whole; what cannot be read is named and the
rest goes on. Runs only in the child process of extraction.
"""

import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any

from lxml import html

from indexer.errors import BROKEN_ZIP, ExtractError
from indexer.reading import Reading

MOST_DEEP, MOST_FILES = 3, 500
_STEP = 1 << 16
_HEADERS = {"Subject": "主题", "From": "发件人", "To": "收件人", "Cc": "抄送", "Date": "日期"}
_HEADER_LINE = re.compile(rb"([A-Za-z][A-Za-z0-9-]*):[^\r\n]*\r?\n(?:[ \t][^\r\n]*\r?\n)*")
_MAIL_HEADERS = frozenset(
    b"from to cc date subject received return-path message-id mime-version delivered-to "
    b"reply-to sender x-mailer dkim-signature".split()
)
_PROLOG = re.compile(r"^\s*<\?xml[^>]*\?>")
TOO_MANY = f"里面的文件超过 {MOST_FILES} 个，其余没有读。"
_IGNORED = ("__MACOSX/", ".DS_Store", "Thumbs.db")

Read = Callable[[Path, int], Reading]


class TooMuch(ExtractError):
    """Inner files hold more than may be unpacked: the whole is refused."""


class Bundle:
    """Where inner files are put to be read, and how much of them there may still be."""

    def __init__(self, folder: Path, most_bytes: int, read: Read) -> None:
        self._folder = folder
        self._left = most_bytes
        self._files = 0
        self._read = read

    def read_zip(self, archive: zipfile.ZipFile, depth: int) -> Reading:
        """Read every file of a ZIP, in order."""
        entries = [one for one in archive.infolist() if not one.is_dir() and _is_real(one.filename)]
        found = Reading([], len(entries), "zip")
        for entry in entries:
            self._add(found, _name_of(entry), _pieces(archive, entry), depth)
        return found

    def read_mail(self, path: Path, depth: int) -> Reading:
        """Read an e-mail: its head, its words, its attachments."""
        with path.open("rb") as file:
            mail = BytesParser(policy=policy.default).parse(file)
        lines = [f"{word}：{mail[name]}" for name, word in _HEADERS.items() if mail[name]]
        found = Reading(["\n".join(lines), _body(mail)], 0, "eml")
        for place, attached in enumerate(mail.iter_attachments(), start=1):
            name = attached.get_filename() or f"附件{place}"
            self._add(found, name, iter([_bytes_of(attached)]), depth)
            found.pages += 1
        return found

    def _add(self, found: Reading, name: str, pieces: Iterator[bytes], depth: int) -> None:
        if self._files >= MOST_FILES:
            if TOO_MANY not in found.warnings:
                found.warnings.append(TOO_MANY)
            return
        try:
            inner = self._read(self._put(pieces, depth), depth + 1)
        except (TooMuch, MemoryError):
            raise
        except ExtractError as refusal:
            found.warnings.append(f"{name}：{refusal.message}")
            return
        except Exception as error:  # noqa: BLE001 - one bad file must not hide the others
            kind = type(error).__name__
            found.warnings.append(f"{name}：文件已损坏或格式有误，无法读取（{kind}）。")
            return
        found.parts += [f"【{name}】", *inner.parts]
        found.warnings += [f"{name}：{one}" for one in inner.warnings]

    def _put(self, pieces: Iterator[bytes], depth: int) -> Path:
        if depth >= MOST_DEEP:
            raise ExtractError(f"压缩包、邮件里又套了超过 {MOST_DEEP} 层，没有再读。")
        self._files += 1
        path = self._folder / str(self._files)
        with path.open("wb") as file:
            for piece in pieces:
                self._left -= len(piece)
                if self._left < 0:
                    raise TooMuch("文件解开后太大，可能是压缩炸弹，已拒绝读取。")
                file.write(piece)
        if not path.stat().st_size:
            raise ExtractError("是空的。")
        return path


def is_mail(head: bytes) -> bool:
    """Say whether a file begins as an e-mail does: header lines, two of them an e-mail's own."""
    names, place = set(), 0
    while (line := _HEADER_LINE.match(head, place)) is not None:
        names.add(line[1].lower())
        place = line.end()
    return len(names & _MAIL_HEADERS) >= 2


def text_of_html(content: str) -> str:
    """Return the words of a web page, without scripts and styles."""
    try:
        root: Any = html.fromstring(_PROLOG.sub("", content))
    except (ValueError, html.etree.ParserError):
        return ""
    for one in root.xpath("//script|//style"):
        one.drop_tree()
    for one in root.xpath("//br|//p|//div|//tr|//li|//h1|//h2|//h3|//table"):
        one.tail = "\n" + (one.tail or "")
    return re.sub(r"(?<![ \t])[ \t]*\n\s*", "\n", str(root.text_content())).strip()


def _pieces(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    if entry.flag_bits & 1:
        raise ExtractError("加了密码，无法读取。")
    try:
        with archive.open(entry) as file:
            while piece := file.read(_STEP):
                yield piece
    except BROKEN_ZIP as error:
        raise ExtractError("在压缩包里已损坏，或用了不支持的压缩方式。") from error


def _is_real(name: str) -> bool:
    return not any(name.startswith(one) or name.endswith(one) for one in _IGNORED)


def _name_of(entry: zipfile.ZipInfo) -> str:
    """Return an entry's name; old Chinese archivers wrote GBK and did not say so."""
    name = entry.filename
    if not entry.flag_bits & 0x800:
        with suppress(UnicodeEncodeError, UnicodeDecodeError):
            name = name.encode("cp437").decode("gbk")
    return name[-120:]


def _body(mail: EmailMessage) -> str:
    body = mail.get_body(("plain", "html"))
    if body is None:
        return ""
    try:
        content = str(body.get_content())
    except (LookupError, UnicodeError):  # an encoding that is none
        raw = body.get_payload(decode=True)
        content = raw.decode("gb18030", "replace") if isinstance(raw, bytes) else ""
    return text_of_html(content) if body.get_content_subtype() == "html" else content


def _bytes_of(part: EmailMessage) -> bytes:
    if part.get_content_maintype() == "message":
        inner: Any = part.get_payload()
        return inner[0].as_bytes() if isinstance(inner, list) and inner else b""
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""
