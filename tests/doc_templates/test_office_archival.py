"""What the PDFs are: archival, tagged, whole, over many pages, and right when copied from."""

import io
import shutil
import subprocess
import unicodedata

import pypdfium2
import pytest
from pypdf import PdfReader

from doc_templates import list_forms, load_form, render_word, sample_values
from doc_templates.pdf import OfficeConverter

pytestmark = [
    pytest.mark.slow,
    pytest.mark.office,
    pytest.mark.skipif(shutil.which("soffice") is None, reason="没有 LibreOffice"),
]
CODES = [form.code for form in list_forms()]
RARE = "𠮷野㐀龘鿏商事"
NAMES = "朱镕基李喆陈玥张堃赵婳孙燊—1龑Aa"
MARKS = "、。，；：？！“双”‘单’《书》（括）【方】——……·￥１２Ａ"
RADICAL_LOOKALIKES = (
    "一二人入八刀力十土士大女子寸小山工己干广弓心手支文斗方日月木水火玉瓜田白皮目石"
    "示立竹米羊老而耳肉自至舌舟色虫血行衣西见角言谷豆"
)
ACTIONS = {"/JavaScript", "/JS", "/Launch", "/AA", "/EmbeddedFiles", "/RichMedia", "/URI"}


@pytest.fixture(scope="module")
def office():
    with OfficeConverter() as converter:
        yield converter


@pytest.fixture(scope="module")
def sample_pdfs(office):
    return {
        code: office.to_pdf(render_word(load_form(code), sample_values(code))) for code in CODES
    }


def close(text):
    return "".join(text.split())


def by_pdfium(pdf):
    with pypdfium2.PdfDocument(pdf) as document:
        return close("".join(page.get_textpage().get_text_range() for page in document))


def by_poppler(pdf):
    done = subprocess.run(
        ["pdftotext", "-enc", "UTF-8", "-", "-"], input=pdf, capture_output=True, check=True
    )
    return close(done.stdout.decode("utf-8"))


def fonts(reader):
    for page in reader.pages:
        for font in page["/Resources"].get("/Font", {}).values():
            yield font.get_object()


@pytest.mark.parametrize("code", CODES)
def test_every_form_is_pdf_a_2b_tagged_and_without_anything_that_acts(code, sample_pdfs):
    pdf = sample_pdfs[code]
    reader = PdfReader(io.BytesIO(pdf))
    catalog = reader.trailer["/Root"]
    metadata = catalog["/Metadata"].get_data()
    assert b"<pdfaid:part>2</pdfaid:part>" in metadata
    assert b"<pdfaid:conformance>B</pdfaid:conformance>" in metadata
    (intent,) = (one.get_object() for one in catalog["/OutputIntents"])
    assert intent["/S"] == "/GTS_PDFA1" and intent["/DestOutputProfile"].get_object().get_data()
    assert catalog["/MarkInfo"]["/Marked"] and "/StructTreeRoot" in catalog
    assert not reader.is_encrypted and "/Encrypt" not in reader.trailer
    assert "/ID" in reader.trailer
    assert isinstance(catalog["/OpenAction"], list), "a place to open at, no action"
    for number in range(1, int(reader.trailer["/Size"])):
        thing = reader.get_object(number)
        if isinstance(thing, dict):
            assert not ACTIONS & set(thing), thing


@pytest.mark.parametrize("code", CODES)
def test_every_face_is_inside_and_can_be_read_back(code, sample_pdfs):
    found = list(fonts(PdfReader(io.BytesIO(sample_pdfs[code]))))
    assert found
    for font in found:
        assert "/ToUnicode" in font, font["/BaseFont"]
        inner = font["/DescendantFonts"][0].get_object() if "/DescendantFonts" in font else font
        embedded = inner["/FontDescriptor"].get_object()
        assert {"/FontFile", "/FontFile2", "/FontFile3"} & set(embedded), font["/BaseFont"]


@pytest.mark.parametrize(
    "word", [RARE, MARKS, RADICAL_LOOKALIKES], ids=["rare", "marks", "strokes"]
)
def test_what_is_copied_from_the_pdf_is_what_was_written(word, office):
    values = sample_values("E01") | {"客户名称": word, "备注": word, "开拓经过": word}
    pdf = office.to_pdf(render_word(load_form("E01"), values))
    for text in (by_pdfium(pdf), by_poppler(pdf)):
        for letter in set(word):
            assert text.count(letter) >= 3, f"{letter} U+{ord(letter):X}"
        assert text.count(word) >= 2
        assert not [one for one in text if "RADICAL" in unicodedata.name(one, "")]
        assert not [one for one in text if unicodedata.category(one) in ("Co", "Cn")]


def test_three_hundred_transactions_run_over_pages_under_their_head(office):
    form, values = load_form("E08"), sample_values("E08")
    row = values["交易"][0]
    values["交易"] = [{**row, "订单号": f"PO-{n:04d}"} for n in range(300)]
    pdf = office.to_pdf(render_word(form, values))
    with pypdfium2.PdfDocument(pdf) as document:
        pages = [close(page.get_textpage().get_text_range()) for page in document]
    holding = [text for text in pages if "PO-" in text]
    assert len(holding) > 5
    assert all("产品编号" in text for text in holding)
    assert all(f"PO-{n:04d}" in "".join(pages) for n in range(300))
    assert all(f"共{len(pages)}页" in text for text in pages)


def test_long_course_of_events_grows_and_loses_nothing(office):
    lines = [f"第{n}次拜访，谈定第{n}项。" for n in range(150)]
    values = sample_values("E01") | {"开拓经过": "\n".join(lines)}
    pdf = office.to_pdf(render_word(load_form("E01"), values))
    text = by_pdfium(pdf)
    assert all(line in text for line in lines)
    assert 1 < len(PdfReader(io.BytesIO(pdf)).pages) < 8
    assert all(f"[sig:{one.role}]" in text for one in load_form("E01").chain)


def test_metadata_and_page_size_are_those_of_the_form(sample_pdfs):
    for form in list_forms():
        page = PdfReader(io.BytesIO(sample_pdfs[form.code])).pages[0]
        wide = float(page.mediabox.width) > float(page.mediabox.height)
        assert wide == (form.orientation == "landscape"), form.code
