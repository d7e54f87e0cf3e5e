"""Files whose form is whole and whose content is bent: the bending gets past every first look.

XML stays XML and its ZIP fits again, PDF objects stay objects, e-mails nest. Old Office files are
opened by a LibreOffice each, so they are bent by ``make fuzz`` alone.
"""

import contextlib
import copy
import io
import json
import re
import shutil
import subprocess
import zipfile
from dataclasses import replace
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from pypdf import PdfWriter
from pypdf.annotations import FreeText
from pypdf.generic import ArrayObject, DictionaryObject, NameObject

from archive.core.errors import ArchiveError
from archive.documents.binding import Piece, bind_pdf
from archive.filing.incoming.kinds import Refused, look_at
from doc_templates import load_form
from doc_templates.check import check_form
from indexer import extract, extract_child
from indexer.errors import ExtractError
from tests.conftest import one_page_pdf
from tests.fuzz.test_fuzz_files import EXAMPLES, GOOD, bent, house
from tests.fuzz.test_fuzz_inside import INSIDE, bending, mail
from tests.fuzz.test_fuzz_words import PIECES, typed

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
BY_OFFICE = 300  # so many times slower is what a LibreOffice opens
TEXTS = st.one_of(
    st.sampled_from([*PIECES, "{{", "}}", "{{编号}}", "{% for x in 明细 %}", "{% endfor %}", "-1"]),
    st.sampled_from(["9" * 30, "1e999", "nan", "2026-13-45", "A1:XFD1048576", "../x", "字" * 500]),
    typed,
)


# ---------------------------------------------------------------- XML within a ZIP that fits


@st.composite
def rewritten(draw, content):
    """An Office package with parts of one of its XML files changed; it stays XML, and a ZIP."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        parts = [name for name in old.namelist() if name.endswith((".xml", ".rels"))]
        longest = max(parts, key=lambda name: len(old.read(name)))
        chosen = draw(st.one_of(st.just(longest), st.sampled_from(sorted(parts))))
        for name in old.namelist():
            inside = old.read(name)
            new.writestr(name, _changed(draw, inside) if name == chosen else inside)
    return out.getvalue()


def _changed(draw, content):
    root = etree.fromstring(content)
    for _ in range(draw(st.integers(1, 6))):
        elements = [one for one in root.iter() if isinstance(one.tag, str)]
        one = elements[draw(st.integers(0, len(elements) - 1))]
        how = draw(st.sampled_from(["text", "value", "drop", "double", "deep", "rename", "move"]))
        _change(draw, how, one, elements)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)


def _change(draw, how, one, elements):
    parent = one.getparent()
    if how == "text":
        one.text = _for_xml(draw(TEXTS))
    elif how == "value" and one.attrib:
        one.set(draw(st.sampled_from(sorted(one.attrib))), _for_xml(draw(TEXTS)))
    elif how == "rename":
        one.tag = draw(st.sampled_from(elements)).tag
    elif how == "deep":
        for _ in range(draw(st.integers(1, 300))):
            one = etree.SubElement(one, one.tag)
    elif parent is None:
        return
    elif how == "drop":
        parent.remove(one)
    elif how == "double":
        for _ in range(draw(st.integers(1, 20))):
            parent.append(copy.deepcopy(one))
    elif how == "move":
        with contextlib.suppress(ValueError):  # not into itself
            draw(st.sampled_from(elements)).append(one)


def _for_xml(text):
    """Only what XML can carry."""
    return "".join(char for char in text if char in "\t\n" or (char >= " " and char.isprintable()))


def ofd():
    space = 'xmlns:ofd="http://www.ofdspec.org/2016"'
    page = f"<ofd:Page {space}><ofd:TextCode>{{}}</ofd:TextCode></ofd:Page>"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        package.writestr("OFD.xml", "<x/>")
        for number, words in enumerate(("电子发票", "第二页")):
            package.writestr(f"Doc_0/Pages/Page_{number}/Content.xml", page.format(words))
    return out.getvalue()


PACKAGES = {"docx": GOOD["docx"], "xlsx": GOOD["xlsx"], "ofd": ofd}


def read_or_refused(path, folder):
    try:
        json.dumps(extract_child.read_whole(path, 1 << 24, folder).told())
    except ExtractError as refusal:
        assert refusal.message
    except Exception:  # noqa: BLE001 - the child answers these in its own words
        return


@pytest.mark.parametrize("kind", PACKAGES)
def test_a_package_with_other_content_is_read_and_looked_at(kind, tmp_path):
    path, good, looked = tmp_path / f"a.{kind}", PACKAGES[kind](), []
    path.write_bytes(good)
    assert extract_child.read_whole(path, 1 << 24, tmp_path).told()["parts"]

    @house
    @given(rewritten(good))
    def read(content):
        path.write_bytes(content)
        read_or_refused(path, tmp_path)
        with contextlib.suppress(Exception):  # the child answers these in its own words
            looked.append(look_at(path).media_type)

    read()
    assert looked or kind == "ofd"


def test_a_template_with_other_content_is_checked_or_refused():
    form = load_form("E01")
    template = (form.folder / "template.docx").read_bytes()
    assert not any(one.serious for one in check_form(replace(form, template=template)))

    @house
    @given(rewritten(template))
    def check(content):
        assert all(one.message for one in check_form(replace(form, template=content)))

    check()


# ---------------------------------------------------------------- objects of a PDF


def pdf_with_more():
    """A PDF of three pages with a bookmark, a form field's like, a file within, a title."""
    writer, out = PdfWriter(clone_from=io.BytesIO(one_page_pdf("青岛海信 [sig:a]"))), io.BytesIO()
    for _ in range(2):
        writer.add_blank_page(595, 842)
    writer.add_annotation(0, FreeText(text="批注", rect=(50, 550, 200, 650)))
    writer.add_outline_item(title="第一页", page_number=0)
    writer.add_attachment("附件.txt", "内容".encode())
    writer.add_metadata({"/Title": "合同"})
    fields = DictionaryObject({NameObject("/Fields"): ArrayObject()})
    writer.root_object[NameObject("/AcroForm")] = fields
    writer.write(out)
    return out.getvalue()


@st.composite
def other_objects(draw, content):
    """A PDF with references, names and numbers of its objects changed; objects stay objects."""
    found = content
    for _ in range(draw(st.integers(1, 6))):
        pattern, others = draw(
            st.sampled_from(
                [
                    (rb"\d+ 0 R", [b"0 0 R", b"1 0 R", b"2 0 R", b"3 0 R", b"99 0 R", b"null"]),
                    (rb"/[A-Z][A-Za-z]+", [b"/Kids", b"/Parent", b"/Type", b"/Page", b"/Length"]),
                    (rb"(?<= )\d+(?=[ \]/>])", [b"-1", b"0", b"2147483648", b"9" * 30, b"1e9"]),
                    (rb"\[[^\]]*\]", [b"[]", b"[[[]]]", b"<<>>", b"[1 0 R 1 0 R]"]),
                ]
            )
        )
        places = list(re.finditer(pattern, found))
        if places:
            place = draw(st.sampled_from(places))
            found = found[: place.start()] + draw(st.sampled_from(others)) + found[place.end() :]
    return found


def test_a_pdf_of_other_objects_is_read_bound_and_looked_at(tmp_path):
    path, good, done = tmp_path / "a.pdf", pdf_with_more(), []
    plain = one_page_pdf("青岛海信")
    assert bind_pdf([Piece("a.pdf", "甲", plain), Piece("b.pdf", "乙", good)])[1] == 4

    @house
    @given(other_objects(good))
    def read(content):
        path.write_bytes(content)
        read_or_refused(path, tmp_path)
        with contextlib.suppress(Refused):
            look_at(path)
        with contextlib.suppress(ArchiveError):
            done.append(bind_pdf([Piece("a.pdf", "甲", plain), Piece("b.pdf", "乙", content)]))

    read()
    assert done


# ---------------------------------------------------------------- e-mails in e-mails


@st.composite
def files(draw):
    kind = draw(st.sampled_from(sorted(INSIDE.keys() - {"eml", "zip"})))
    return f"a.{kind}", bent(draw, INSIDE[kind]())


SHORT = TEXTS.map(lambda text: text[:60])  # long ones take the library minutes to write
HEADERS = st.dictionaries(st.sampled_from(["Subject", "From", "To", "Date", "X"]), SHORT)
BODIES = st.sampled_from(["请见附件。", "", "字" * 3000, "<b>{{x}}</b>"])
NAMES = st.sampled_from(["信.eml", "../信.eml", "a" * 300, "信.zip", "信.html"])
letters = st.recursive(
    st.tuples(HEADERS, BODIES, st.lists(files(), max_size=2)),
    lambda inner: st.tuples(HEADERS, BODIES, st.lists(st.tuples(NAMES, inner), max_size=3)),
    max_leaves=6,
)
"""Headers, words and what hangs on: names with bytes, or with e-mails again."""


def letter(told):
    """An e-mail with odd headers, and e-mails or ZIPs of them in it."""
    headers, words, parts = told
    made = EmailMessage()
    for name, value in headers.items():
        with contextlib.suppress(ValueError, UnicodeError, IndexError, AttributeError):
            made[name] = value
    made.set_content(words)
    for name, part in parts:
        inner = part if isinstance(part, bytes) else letter(part)
        content = _zipped(inner) if name.endswith(".zip") else inner
        made.add_attachment(content, maintype="application", subtype="x-part", filename=name)
    with contextlib.suppress(UnicodeError, IndexError, ValueError):
        return bytes(made)
    return mail()


def _zipped(content):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        package.writestr("信.eml", content)
    return out.getvalue()


def test_letters_within_letters_are_read_or_refused(tmp_path):
    path, read = tmp_path / "a.eml", []

    @house
    @given(letters)
    def ask(told):
        path.write_bytes(letter(told))
        with contextlib.suppress(ExtractError):
            read.append(extract_child.read_whole(path, 1 << 24, tmp_path).told())

    ask()
    assert any(one["parts"] for one in read)


# ---------------------------------------------------------------- old Office

STREAMS = {"doc": "WordDocument", "ppt": "PowerPoint Document", "xls": "Workbook"}


def container_of(kind, word):
    """An old Word file whose container says it is another program's (the office here is Writer)."""
    at = word.index(STREAMS["doc"].encode("utf-16le"))
    name = STREAMS[kind].encode("utf-16le")
    said = name.ljust(64, b"\0") + (len(name) + 2).to_bytes(2, "little")
    return word[:at] + said + word[at + 66 :]


@pytest.mark.office
@pytest.mark.skipif(EXAMPLES < BY_OFFICE, reason="每份要开一次 LibreOffice，只在 make fuzz 里做")
@pytest.mark.skipif(shutil.which("soffice") is None, reason="没有安装 LibreOffice")
@pytest.mark.parametrize("kind", STREAMS)
def test_a_bent_old_office_file_is_read_or_refused(kind, tmp_path):
    (tmp_path / "a.docx").write_bytes(GOOD["docx"]())
    command = ["soffice", "--headless", f"-env:UserInstallation={(tmp_path / 'p').as_uri()}"]
    command += ["--convert-to", "doc", "--outdir", str(tmp_path), str(tmp_path / "a.docx")]
    subprocess.run(command, capture_output=True, check=True, timeout=120)
    path = tmp_path / "a.doc"
    assert extract(path).method == "doc:office"
    good = container_of(kind, path.read_bytes())

    @settings(house, max_examples=EXAMPLES // BY_OFFICE)
    @given(bending(good))
    def read(content):
        path.write_bytes(content)
        with contextlib.suppress(ExtractError):
            assert extract(path).pages >= 0

    read()
