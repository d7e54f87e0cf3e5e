"""Finding the places for signatures by the markers a template prints."""

import io
import subprocess

import docx
import pytest
from docx.shared import Mm, Pt, RGBColor

from archive.signing.boxes import BOX, BoxError, find_boxes


def pdf_of(*pages, size=(595, 842)):
    """A PDF of pages, each a list of (x, y, points, text); letters have width and a meaning."""
    objects = {
        1: "<< /Type /Catalog /Pages 2 0 R >>",
        3: "<< /Type /Font /Subtype /Type0 /BaseFont /Song /Encoding /Identity-H "
        "/DescendantFonts [4 0 R] /ToUnicode 6 0 R >>",
        4: "<< /Type /Font /Subtype /CIDFontType2 /BaseFont /Song /FontDescriptor 5 0 R "
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> /DW 1000 >>",
        5: "<< /Type /FontDescriptor /FontName /Song /Flags 4 /FontBBox [0 -200 1000 900] "
        "/ItalicAngle 0 /Ascent 900 /Descent -200 /CapHeight 700 /StemV 80 >>",
    }
    letters = sorted({char for page in pages for *_, text in page for char in text})
    codes = {char: number for number, char in enumerate(letters, 1)}
    objects[6] = stream(to_unicode(codes))
    kids = []
    for page in pages:
        shows = [
            f"BT /F1 {points} Tf {x} {y} Td <{''.join(f'{codes[c]:04X}' for c in text)}> Tj ET"
            for x, y, points, text in page
        ]
        objects[len(objects) + 2] = stream("\n".join(shows))
        kids.append(len(objects) + 2)
        objects[kids[-1]] = (
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {size[0]} {size[1]}] "
            f"/Resources << /Font << /F1 3 0 R >> >> /Contents {kids[-1] - 1} 0 R >>"
        )
    listed = " ".join(f"{number} 0 R" for number in kids)
    objects[2] = f"<< /Type /Pages /Count {len(kids)} /Kids [{listed}] >>"
    return assembled(objects)


def stream(text):
    return f"<< /Length {len(text.encode())} >>\nstream\n{text}\nendstream"


def to_unicode(codes):
    lines = [
        f"<{code:04X}> <{char.encode('utf-16-be').hex().upper()}>" for char, code in codes.items()
    ]
    return (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n"
        "1 begincodespacerange <0000> <FFFF> endcodespacerange\n"
        f"{len(lines)} beginbfchar\n" + "\n".join(lines) + "\nendbfchar\nendcmap end end"
    )


def assembled(objects):
    out, offsets = io.BytesIO(b"%PDF-1.7\n"), {}
    out.seek(0, io.SEEK_END)
    for number in sorted(objects):
        offsets[number] = out.tell()
        out.write(f"{number} 0 obj\n{objects[number]}\nendobj\n".encode())
    start = out.tell()
    out.write(f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode())
    for number in sorted(objects):
        out.write(f"{offsets[number]:010d} 00000 n \n".encode())
    out.write(f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\n".encode())
    out.write(f"startxref\n{start}\n%%EOF\n".encode())
    return out.getvalue()


def test_the_box_starts_at_the_marker_and_is_centred_on_it():
    pdf = pdf_of([(80, 700, 12, "客户开发情况报告")], [(100, 400, 1, "[sig:报告人]")])
    box = find_boxes(pdf, ["报告人"])["报告人"]
    assert (box.role, box.page) == ("报告人", 1)
    assert box.x0 == pytest.approx(100, abs=1)
    assert (box.y0 + box.y1) / 2 == pytest.approx(400.4, abs=1)
    assert box.x1 - box.x0 == pytest.approx(BOX[0], abs=0.02)
    assert box.y1 - box.y0 == pytest.approx(BOX[1], abs=0.02)
    assert pytest.approx(85.04, abs=0.01) == BOX[0]


def test_a_marker_torn_into_pieces_is_still_found():
    pieces = [
        (100, 400, 1, "[sig"),
        (105, 400, 1, ":"),
        (108, 400, 1, "部门"),
        (112, 400, 1, "负责人]"),
    ]
    assert find_boxes(pdf_of(pieces), ["部门负责人"])["部门负责人"].x0 == pytest.approx(100, abs=1)


def test_roles_come_in_the_order_asked_and_alike_names_stay_apart():
    pdf = pdf_of([(100, 300, 1, "[sig:总经理]"), (100, 200, 1, "[sig:副总经理]")])
    boxes = find_boxes(pdf, ["副总经理", "总经理"])
    assert list(boxes) == ["副总经理", "总经理"]
    assert boxes["总经理"].y0 > boxes["副总经理"].y0 + 90


@pytest.mark.parametrize(
    "role", ["总经理（签字）", "甲方/乙方", "A<B & C", "{{7*7}}", "𠮷野", "第 一 审"]
)
def test_strange_roles_are_found(role):
    assert find_boxes(pdf_of([(100, 300, 1, f"[sig:{role}]")]), [role])[role].page == 0


@pytest.mark.parametrize(("x", "y"), [(590, 300), (-3, 300), (100, 2), (100, 841), (594, 841)])
def test_the_box_stays_inside_the_page(x, y):
    box = find_boxes(pdf_of([(x, y, 1, "[sig:甲]")]), ["甲"])["甲"]
    assert 0 <= box.x0 < box.x1 <= 595
    assert 0 <= box.y0 < box.y1 <= 842


def test_a_missing_marker_is_named():
    with pytest.raises(BoxError, match="没有“总经理”的签名位置"):
        find_boxes(pdf_of([(100, 300, 1, "[sig:报告人]")]), ["报告人", "总经理"])


def test_a_marker_printed_twice_is_named_with_its_pages():
    pages = [[(100, 300, 1, "[sig:甲]")], [(100, 300, 1, "[sig:甲]")]]
    with pytest.raises(BoxError, match="2 次（第 1 页、第 2 页）"):
        find_boxes(pdf_of(*pages), ["甲"])


@pytest.mark.parametrize("content", [b"", b"no pdf", b"%PDF-1.7\n%%EOF"])
def test_what_is_no_pdf_is_refused(content):
    with pytest.raises(BoxError, match="不是可以打开的 PDF"):
        find_boxes(content, ["甲"])


def test_nothing_asked_nothing_found():
    assert find_boxes(pdf_of([]), []) == {}


@pytest.mark.office
def test_markers_printed_by_libreoffice_are_found(tmp_path):
    document = docx.Document()
    table = document.add_table(rows=0, cols=2)
    roles = ["报告人", "部门负责人", "总经理（签字）", "𠮷野"]
    for role in roles:
        row = table.add_row()
        row.height = Mm(16)
        row.cells[0].text = f"{role}签名："
        for piece in (f"[sig:{role[:1]}", f"{role[1:]}]"):  # Word splits runs as it likes
            run = row.cells[1].paragraphs[0].add_run(piece)
            run.font.size, run.font.color.rgb = Pt(1), RGBColor(255, 255, 255)
    document.save(tmp_path / "paper.docx")
    profile = f"-env:UserInstallation=file://{tmp_path}/profile"
    command = ["soffice", profile, "--headless", "--convert-to", "pdf", "--outdir", tmp_path]
    subprocess.run([*command, tmp_path / "paper.docx"], check=True, capture_output=True)
    boxes = find_boxes((tmp_path / "paper.pdf").read_bytes(), roles)
    heights = [boxes[role].y0 for role in roles]
    assert heights == sorted(heights, reverse=True)
    assert len({box.x0 for box in boxes.values()}) == 1
