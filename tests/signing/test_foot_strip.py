"""People added on the way sign above the footer of the last page, where nothing is printed."""

import io
import shutil
from itertools import pairwise

import pypdfium2
import pytest
from PIL import Image

from archive.signing import detours
from archive.signing.boxes import MM
from archive.signing.foot_strip import strip_boxes
from tests.conftest import one_page_pdf

FOOT = (20 * MM, 12 * MM, 178 * MM, 25 * MM)


def scanned_page():
    """A page that is one picture from edge to edge."""
    out = io.BytesIO()
    Image.new("RGB", (420, 594), "white").save(out, "PDF", resolution=50.8)
    return out.getvalue()


def test_six_stand_side_by_side_within_the_margins():
    boxes = strip_boxes(one_page_pdf("[sig:经理]"), 6)
    assert [box.role for box in boxes] == ["加签"] * 6
    assert all(left.x1 <= right.x0 for left, right in pairwise(boxes))
    assert boxes[0].x0 >= FOOT[0] - 1 and boxes[-1].x1 <= FOOT[2] + 1
    assert all(FOOT[1] - 1 <= box.y0 < box.y1 <= FOOT[3] for box in boxes)


def test_where_something_is_printed_they_stay_invisible():
    boxes = strip_boxes(scanned_page(), 6)
    assert len(boxes) == 6 and all(box.x1 == box.x0 == 0 for box in boxes)


@pytest.mark.office
@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("soffice"), reason="没有安装 LibreOffice，跳过")
class TestOnPaper:
    @pytest.fixture
    def converter(self, office_converter):
        return office_converter

    @pytest.mark.parametrize("code", ["E01", "E03", "E06", "E08", "E10"])
    def test_an_added_signature_is_seen_on_the_last_page(
        self, desk, company, drawn_signature, code
    ):
        paper = desk.submit(company.sales_clerk, code=code)
        desk.sign(company.sales_clerk, paper)
        before = ink_at_the_foot(desk.file(paper))
        given = (company.sales_head, paper, [company.other_head])
        desk.do(detours.add_signers, *given, "before")
        desk.sign(company.other_head, paper, drawn_png=drawn_signature)
        assert desk.verdict(paper).trusted and "钱主任" in desk.signed_by(paper)
        assert ink_at_the_foot(desk.file(paper)) > before + 100


def ink_at_the_foot(pdf):
    """Return how many dark dots the strip of the last page has, its forms drawn."""
    with pypdfium2.PdfDocument(pdf) as document:
        document.init_forms()
        page = document[len(document) - 1]
        picture = page.render(scale=2, may_draw_forms=True).to_pil().convert("L")
    left, bottom, right, top = (round(edge * 2) for edge in FOOT)
    strip = picture.crop((left, picture.height - top, right, picture.height - bottom))
    return sum(strip.histogram()[:128])
