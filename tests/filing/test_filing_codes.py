"""档号 in every spelling, provisional codes that nobody takes for final ones, barcodes."""

import re

import pytest
from barcode.codex import Code128
from hypothesis import given
from hypothesis import strategies as st

from archive.filing.codes import (
    ReferenceCode,
    check_digit,
    clean_barcode,
    final_of,
    find_reference,
    find_tail,
    fold_reference,
    is_same_reference,
    make_barcode,
)
from archive.filing.labels import QUIET, barcode_svg, qr_svg

CODE = "Z109-KH·2026-D30-XSB-0001"


@pytest.mark.parametrize(
    "typed",
    [
        CODE,
        "z109-kh·2026-d30-xsb-0001",
        "Ｚ１０９－ＫＨ・２０２６－Ｄ３０－ＸＳＢ－０００１",
        "Z109–KH•2026–D30–XSB–0001",
        "Z109—KH．2026—D30—XSB—0001",
        "Z109-KH.2026-D30-XSB-0001",
        "Z109-KH･2026-D30-XSB-0001",
        " Z109 - KH · 2026 - D30 - XSB - 0001 ",
        "Z109\u3000-\u3000KH·2026-D30-XSB-0001",
        "Z109-KH·2026-D30-XSB-\u200b0001",
        "Z109-KH‧2026−D30‐XSB‑0001",
        "Z109-KH·2026-D30-XSB-1",
        "Z109 KH 2026 D30 XSB 0001",
        "z109 kh 2026 d30 xsb 1",
        "Ｚ１０９　ＫＨ　２０２６　Ｄ３０　ＸＳＢ　１",
        "z109kh2026d30xsb0001",
        "Z109.KH.2026.D30.XSB.0001",
        "Z109-KH-2026-D30-XSB-0001",
    ],
)
def test_every_spelling_is_brought_to_one(typed):
    assert str(find_reference(typed)) == CODE
    assert is_same_reference(typed, CODE)


@pytest.mark.parametrize(
    ("typed", "parts"),
    [
        ("Z109-WS·2011-Y-BGS-0001", ("Z109", "WS", 2011, "Y", "BGS", 1, False)),
        ("Z109-WS·2011-Y-0001", ("Z109", "WS", 2011, "Y", "", 1, False)),
        ("Z109-KH·HT·2026-D10-XSB-9999", ("Z109", "KH·HT", 2026, "D10", "XSB", 9999, False)),
        ("Z109-KH·2026-D30-XSB-L0007", ("Z109", "KH", 2026, "D30", "XSB", 7, True)),
    ],
)
def test_the_parts_of_a_code(typed, parts):
    code = find_reference(typed)
    assert code == ReferenceCode(*parts)
    assert str(code) == typed


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "Z109",
        "Z109-KH·2026-D30-XSB-",
        "Z109-KH·2026-D30-XSB-00001",
        "Z109-KH·2026-D30-XSB-0000",
        "Z109-KH·26-D30-XSB-0001",
        "Z109-KH·2026-D20-XSB-0001",
        "Z109-K·2026-D30-XSB-0001",
        "Z10-KH·2026-D30-XSB-0001",
        "Z109-KH·2026-D30-XSBB-0001",
        "Z109-客户·2026-D30-XSB-0001",
        "Z109-KH·2026-D30-XSB-٠٠٠١",
        "Z109-KH·2026-D30-XSB-0001 或 0002",
        "{{7*7}}",
        "\x00",
        "0" * 100_000,
    ],
)
def test_what_is_no_code_is_none(typed):
    assert find_reference(typed) is None
    assert not is_same_reference(typed, typed)


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("z109ws022011ybgs0001", "Z109-WS·02·2011-Y-BGS-0001"),
        ("Z109 WS 02 2011 Y BGS 1", "Z109-WS·02·2011-Y-BGS-0001"),
        ("z109ws2011y0001", "Z109-WS·2011-Y-0001"),
        ("z109kh2026d30xsbl0007", "Z109-KH·2026-D30-XSB-L0007"),
    ],
)
def test_a_code_without_its_marks_keeps_its_parts(typed, code):
    assert str(find_reference(typed)) == code


@pytest.mark.parametrize(
    ("typed", "parts"),
    [
        ("BGS-0001", {"unit": "BGS", "serial": "0001"}),
        ("bgs 1", {"unit": "BGS", "serial": "1"}),
        ("ＢＧＳ－１", {"unit": "BGS", "serial": "1"}),
        ("2011 0001", {"year": "2011", "serial": "0001"}),
        ("2011—Y—BGS—0001", {"year": "2011", "retention": "Y", "unit": "BGS", "serial": "0001"}),
        ("D30-12", {"retention": "D30", "serial": "12"}),
        ("KH·2026 L7", {"category": "KH", "year": "2026", "serial": "L7"}),
        ("KH·02·2026 7", {"category": "KH", "second": "02", "year": "2026", "serial": "7"}),
    ],
)
def test_the_end_of_a_code_is_read_into_its_parts(typed, parts):
    assert find_tail(typed) == parts


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "0001",
        "BGS",
        "BGS-0000",
        "0001-BGS",
        "客户-0001",
        "1 2 3 4",
        "BGS BGS 1",
        "-",
        "9" * 10_000,
    ],
)
def test_what_is_no_end_of_a_code_has_no_parts(typed):
    assert find_tail(typed) == {}


def test_codes_in_their_order_sort_as_their_parts_do():
    told = [
        "Z108-WS·2026-Y-XSB-0001",
        "Z109-KH·2025-D30-XSB-0011",
        "Z109-KH·2026-D10-XSB-0002",
        "Z109-KH·2026-D30-0007",
        "Z109-KH·2026-D30-KFB-9999",
        "Z109-KH·2026-D30-XSB-0002",
        "Z109-KH·2026-D30-XSB-0010",
        "Z109-KH·2026-Y-XSB-0001",
        "Z109-KH·02·2024-D30-XSB-0001",
        "Z109-WS·2011-Y-BGS-0001",
    ]
    codes = [find_reference(text) for text in told]
    assert sorted(codes, key=lambda code: code.order) == codes == sorted(codes)


def test_a_provisional_code_is_never_taken_for_a_final_one():
    provisional = find_reference("Z109-KH·2026-D30-XSB-L0001")
    assert not is_same_reference(str(provisional), CODE)
    assert str(final_of(provisional, 3)) == "Z109-KH·2026-D30-XSB-0003"


def test_a_part_of_a_code_is_folded_for_searching():
    assert fold_reference("ｚ109 － kh•2026") == "Z109-KH·2026"


def test_codes_sort_by_class_then_number():
    texts = ["Z109-KH·2026-D30-XSB-0010", "Z109-KH·2025-D30-XSB-0011", "Z109-KH·2026-D30-XSB-0009"]
    assert [str(code) for code in sorted(map(find_reference, texts))] == [
        texts[1],
        texts[2],
        texts[0],
    ]


def test_check_digit_agrees_with_a_published_example():
    """ISO 7064 MOD 11,10, the worked example of the standard: 0794 has check digit 5."""
    assert check_digit("0794") == "5"


@given(st.integers(1, 999_999_999), st.integers(0, 9), st.integers(0, 9))
def test_every_single_wrong_digit_is_noticed(number, place, digit):
    barcode = make_barcode(number)
    wrong = barcode[: place + 1] + str(digit) + barcode[place + 2 :]
    assert clean_barcode(barcode) == barcode
    assert (clean_barcode(wrong) == "") == (wrong != barcode)


@pytest.mark.parametrize("text", ["a0000000014", " A0000 000014\r\n", "Ａ００００００００１４"])
def test_a_scanned_barcode_is_read_in_any_width(text):
    assert clean_barcode(text) == "A0000000014"


@pytest.mark.parametrize(
    "text", ["", "A", "A0000000015", "B0000000014", "A00000000141", "档" * 11, "0" * 10_000, "\x00"]
)
def test_what_is_no_barcode_reads_as_nothing(text):
    assert clean_barcode(text) == ""


@pytest.mark.parametrize("number", [0, -1, 1_000_000_000])
def test_barcodes_run_from_one_to_the_last(number):
    with pytest.raises(ValueError, match="range"):
        make_barcode(number)


def test_pictures_carry_no_inline_style():
    bars, dots = barcode_svg("A0000000014"), qr_svg(CODE)
    for picture in (bars, dots):
        assert picture.startswith("<svg")
        assert "style" not in picture
    assert bars != barcode_svg("A0000000028")


def test_the_picture_holds_exactly_the_bars_of_code_128():
    modules = Code128("A0000000014").build()[0]
    drawn = ["0"] * len(modules)
    for left, width in re.findall(r"M(\d+) 0h(\d+)v", barcode_svg("A0000000014")):
        for place in range(int(left) - QUIET, int(left) - QUIET + int(width)):
            drawn[place] = "1"
    assert "".join(drawn) == modules
