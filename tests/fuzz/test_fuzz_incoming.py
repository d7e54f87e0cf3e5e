"""What comes in, bent: scans, lists and other kinds are looked at, cut and read, or refused."""

import contextlib
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pypdf import PdfWriter

from archive.core.errors import ArchiveError
from archive.filing.incoming import separators
from archive.filing.incoming.kinds import Refused, look_at
from archive.filing.incoming.sheets import sheets_pdf
from archive.filing.incoming.splitting import split_scan
from archive.filing.stocktake.lists import read_list
from tests.fuzz.test_fuzz_deeper import TEXTS, other_objects, read_or_refused
from tests.fuzz.test_fuzz_files import GOOD, house
from tests.fuzz.test_fuzz_inside import bending
from tests.fuzz.test_fuzz_words import typed

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def picture(kind):
    out = io.BytesIO()
    sheet = Image.new("RGB", (60, 80), "white")
    more = {"save_all": True, "append_images": [sheet]} if kind == "TIFF" else {}
    sheet.save(out, kind, **more)
    return out.getvalue()


OTHERS = {kind: (lambda kind=kind: picture(kind)) for kind in ("PNG", "JPEG", "TIFF")} | {
    "txt": GOOD["txt"],
    "ole": lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
    "html": "<html><style>p{}</style><p>海信<br>合同</p></html>".encode,
}


@pytest.mark.parametrize("kind", OTHERS)
def test_other_kinds_are_looked_at_and_read_or_refused(kind, tmp_path):
    path, good, said = tmp_path / "a", OTHERS[kind](), set()

    @house
    @given(bending(good))
    def look(content):
        path.write_bytes(content)
        try:
            said.add(look_at(path).media_type)
        except Refused as refusal:
            said.add(refusal.message)
        except Exception:  # noqa: BLE001 - the child answers these in its own words
            return
        if kind in ("txt", "html"):
            read_or_refused(path, tmp_path)

    look()
    assert said


@house
@given(
    st.lists(
        st.lists(st.one_of(typed, st.sampled_from(["DAT-FENJIAN1", "DAT-FENJIAN1?customer=甲"]))),
        max_size=8,
    )
)
def test_codes_cut_a_scan_or_say_there_is_nothing(pages):
    read = [separators.values_of_page(texts) for texts in pages]
    for one in read:
        assert one is None or separators.read_code(separators.code_of(one[0])) == one[0]
    with contextlib.suppress(Refused):
        parts = separators.cut(read)
        assert [n for part, _ in parts for n in part] == [
            n for n, one in enumerate(read) if one is None
        ]


def test_a_bent_scan_with_separators_is_cut_or_refused(tmp_path):
    path, folder = tmp_path / "a.pdf", tmp_path / "parts"
    folder.mkdir()
    writer, out = PdfWriter(clone_from=io.BytesIO(sheets_pdf({"customer": "甲"}, 1))), io.BytesIO()
    writer.add_blank_page(595, 842)
    writer.write(out)
    path.write_bytes(out.getvalue())
    [*_, told] = split_scan(path, folder)
    assert (told["separators"], told["parts"][0]["values"]) == (1, {"customer": "甲"})

    @house
    @given(st.one_of(other_objects(out.getvalue()), bending(out.getvalue())))
    def cut(content):
        path.write_bytes(content)
        try:
            [*_, told] = split_scan(path, folder)
            json.dumps(told)
        except Refused as refusal:
            assert refusal.message
        except Exception:  # noqa: BLE001 - the child answers these in its own words
            return

    cut()


ROWS = st.lists(st.lists(TEXTS, max_size=4).map(",".join), max_size=6)
LINE = "条码,位置,时间\nDA00001,库房一-01,2026-11-23 09:00\n"


@house
@given(
    st.one_of(
        ROWS.map(lambda rows: "\n".join(["条码,位置,时间", *rows]).encode("utf-8", "replace")),
        bending(LINE.encode("gb18030")),
    )
)
def test_a_list_of_barcodes_is_read_or_refused(content):
    with contextlib.suppress(ArchiveError):
        for scan in read_list(content):
            assert scan.barcode and scan.client_id
