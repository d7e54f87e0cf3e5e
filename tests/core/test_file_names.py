"""File names in every script: safe on every disk, in a ZIP and in a header, and still readable."""

import re
import unicodedata
import zipfile
from email.message import Message
from pathlib import PureWindowsPath

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from archive.core.file_names import content_disposition, safe_name, unique_name

# What people and enemies call their files; the doors are tried with the same ones.
NAMES = [
    "Angebot für Müller & Söhne.pdf",
    "青岛海信-新开发客户报告表.pdf",
    "عرض سعر ٢٠٢٦.pdf",
    "הצעת מחיר.docx",
    "invoice\u202efdp.exe",
    "\u2066a\u2069\u200f.pdf",
    "报价📎👨‍👩‍👧.pdf",
    "e\u0301te\u0301.pdf",
    "Z͑ͫ̓a̴͛l̷g͠o.pdf",
    "ใบเสนอราคา.pdf",
    "Счёт № 5.pdf",
    "一行\n两行\r\nX-Evil: 1.pdf",
    "段\u2028落.pdf",
    '"引"号\';x=y.pdf',
    "../../etc/passwd",
    "..\\..\\boot.ini",
    "/绝对/路径.pdf",
    "C:\\盘符.pdf",
    "CON",
    "nul.pdf",
    "com1.tar.gz",
    "LPT9 .txt",
    "CON-2026.pdf",
    "CON" + " " * 200 + "x.pdf",
    "末尾的点...",
    "末尾的空格 .pdf ",
    "汉" * 300 + ".pdf",
    "a" * 300,
    "😀" * 120 + ".docx",
    ".",
    "..",
    "......",
    " ",
    "",
    ".htaccess",
    "空\0字节.pdf",
    "100%25.pdf",
    "%2e%2e%2fx.pdf",
    "\ud800孤.pdf",
    "=cmd|' /C calc'!A0.csv",
]
DEVICES = {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"} | {
    f"{port}{number}" for port in ("COM", "LPT") for number in "0123456789¹²³"
}
ANY = st.one_of(
    st.sampled_from(NAMES),
    st.text(st.characters(exclude_categories=()), max_size=400),
    st.text("CONULTPMA1. -_/\\汉", max_size=12),
)


def faults_of(name: str) -> list[str]:
    """Say what keeps a name from being good as one file of a folder, on any system."""
    found = []
    if not name or name != name.strip() or name.strip(".") != name:
        found.append("empty, or dots and blanks at an end")
    if bad := set(name) & set('<>:"/\\|?*%'):
        found.append(f"holds {bad}")
    if any(unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for char in name):
        found.append("turns, hides or breaks the line")
    if len(name.encode()) > 250 or len(name) > 150:
        found.append("too long for a disk")
    if PureWindowsPath(name).name != name or name.partition(".")[0].rstrip().upper() in DEVICES:
        found.append("a path or a device on Windows")
    return found


def test_the_faults_are_seen():
    turned, blank = "a\u202eb", "a\xa0"
    for name in ("", "a.", "a/b", turned, "汉" * 100, "con.txt", "nul .x", " a", blank, "a\nb"):
        assert faults_of(name), name


@given(ANY)
@example("\u202e")
@example("\xa0")
@example("\u3000合同\u3000.\xa0")
def test_any_name_becomes_one_that_is_good_everywhere(name):
    safe = safe_name(name)
    assert faults_of(safe) == []
    assert safe_name(safe) == safe


@pytest.mark.parametrize(
    "name", ["青岛海信-新开发客户报告表.pdf", "عرض سعر ٢٠٢٦.pdf", "Счёт № 5.pdf", "ใบเสนอราคา.pdf"]
)
def test_a_good_name_stays_as_it_is(name):
    assert safe_name(name) == unicodedata.normalize("NFC", name)


def test_the_ending_stays_when_a_name_is_cut():
    for name in NAMES:
        if name.endswith(".pdf"):
            assert safe_name(name).endswith(".pdf"), name


@given(ANY)
@example("\xa0")
@example("\u2003.\u3000x")
def test_a_download_is_called_so_in_a_header_of_one_ascii_line(name):
    header = content_disposition(name)
    assert header.isascii() and header.isprintable()
    whole = re.fullmatch(
        r"attachment; filename=\"([\w.-]+)\"; filename\*=UTF-8''([\w.%~-]+)", header
    )
    assert whole, header
    assert faults_of(whole[1]) == []
    read = Message()
    read["Content-Disposition"] = f"attachment; filename*=UTF-8''{whole[2]}"
    assert read.get_filename() == safe_name(name)


@settings(max_examples=25)
@given(st.lists(ANY, max_size=12))
def test_side_by_side_no_two_are_the_same_and_all_can_be_unpacked(tmp_path_factory, names):
    taken: set[str] = set()
    given_out = [unique_name(safe_name(name), taken) for name in [*names, *names]]
    assert len({name.casefold() for name in given_out}) == len(given_out)
    assert [name for name in given_out if faults_of(name)] == []
    folder = tmp_path_factory.mktemp("包")
    with zipfile.ZipFile(folder / "a.zip", "w") as package:
        for name in given_out:
            package.writestr(name, name.encode())
    out = folder / "拆开"
    out.mkdir()
    with zipfile.ZipFile(folder / "a.zip") as package:
        package.extractall(out)
    assert {path.read_text() for path in out.iterdir()} == set(given_out)
