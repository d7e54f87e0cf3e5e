"""Files made to harm whoever looks at them: the verdict is plain, and comes within its limits."""

import io
import re
import zipfile

import pypdf
import pytest

from archive.signing.verdicts import judge_file
from archive.trust import public_routes
from tests.conftest import one_page_pdf

TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-'
    'officedocument.wordprocessingml.document.main+xml"/></Types>'
)
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)


@pytest.fixture(autouse=True)
def nobody_asked_yet():
    public_routes.FILES.forget()


def word_of(**parts):
    """A Word package of these parts; double underscores stand for slashes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("[Content_Types].xml", TYPES)
        for name, content in parts.items():
            package.writestr(name.replace("__", "/") + ".xml", content)
    return out.getvalue()


def many_parts():
    return word_of(**{f"word__part{number}": "<a/>" for number in range(20_000)})


def entity_bomb():
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    return word_of(word__document=f'<!DOCTYPE a [<!ENTITY e0 "x">{entities}]><a>&e11;</a>')


def page_tree_loop():
    return one_page_pdf("").replace(b"/Kids[3 0 R]", b"/Kids[2 0 R]")


def previous_table_loop():
    pdf = one_page_pdf("")
    start = pdf[pdf.rindex(b"startxref") :].split()[1]
    return pdf.replace(b"/Root 1 0 R>>", b"/Root 1 0 R/Prev " + start + b">>")


def locked():
    writer, out = pypdf.PdfWriter(), io.BytesIO()
    writer.add_blank_page(100, 100)
    writer.encrypt("秘密", algorithm="AES-256")
    writer.write(out)
    return out.getvalue()


def deep_array():
    return one_page_pdf("").replace(b"<</Type/Catalog", b"<</X " + b"[" * 50_000 + b"/Type/Catalog")


HOSTILE = {
    "empty": lambda: b"",
    "text renamed": lambda: "这是一段文字".encode() * 100,
    "old Word file renamed": lambda: OLE,
    "zip bomb": lambda: word_of(word__document=bytes(150_000_000)),
    "many parts": many_parts,
    "entity bomb": entity_bomb,
    "page tree loop": page_tree_loop,
    "table loop": previous_table_loop,
    "deep array": deep_array,
    "with a password": locked,
    "half a PDF": lambda: one_page_pdf("")[:400],
}


@pytest.mark.parametrize("made", HOSTILE.values(), ids=HOSTILE.keys())
def test_verdict_is_plain_and_never_ours(resources, made):
    verdict = judge_file(resources, made())
    assert not verdict.ours and not verdict.intact and not verdict.trusted
    assert re.search("[一-鿿]", verdict.why) and not verdict.signatures


def test_page_shows_neither_a_hostile_name_nor_a_fault(client_for):
    name = '../../<script>alert(1)</script>".pdf'
    sent = {"file": (io.BytesIO(HOSTILE["zip bomb"]()), name)}
    answer = client_for(None).post("/verify", data=sent)
    assert answer.status_code == 200 and b"<script>alert" not in answer.data
