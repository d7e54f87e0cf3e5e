"""Files bent at random: what reads strangers' files answers or refuses, and takes nothing half.

The bytes of a good file are changed, cut or doubled, outside and inside its ZIP. A few tries each
in the slow suite; ``make fuzz`` takes minutes (``FUZZ_EXAMPLES``).
"""

import io
import json
import os
import shutil
import zipfile
from dataclasses import replace

import openpyxl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from archive.core.errors import ArchiveError
from archive.documents.binding import Piece, bind_pdf
from archive.filing import service as filing
from archive.filing.models import Item
from archive.filing.packages.incoming import read_incoming
from archive.filing.packages.making import start_package
from archive.jobs import drain_all
from archive.search.answers import as_answer
from archive.search.service import search
from archive.tasks import service as tasks
from doc_templates import load_form, render_word, sample_values
from doc_templates.check import check_form
from doc_templates.errors import FormError
from indexer import extract_child
from indexer.errors import ExtractError
from tests.conftest import DATABASE, FrozenClock, QuickConverter, _opened, one_page_pdf
from tests.fuzz.test_fuzz_words import typed

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "15"))
house = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None
)
NASTY = (
    b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>",
    b"&b;",
    b"../",
    b"\x00",
    b"\xff\xfe",
    b"]]>",
    b"<" * 50,
    b"9" * 40,
    b"-1",
    b"\xed\xa0\x80",
    b"/Kids[2 0 R]",
    b"<w:tbl>",
)


def bent(draw, content):
    """Return the bytes with a few places changed."""
    found = bytearray(content)
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(0, max(0, len(found) - 1)))
        how = draw(st.sampled_from(["flip", "cut", "double", "nasty", "end"]))
        if how == "flip" and found:
            found[at] ^= draw(st.integers(1, 255))
        elif how == "cut":
            del found[at : at + draw(st.integers(1, 200))]
        elif how == "double":
            found[at:at] = found[at : at + draw(st.integers(1, 400))] * draw(st.integers(1, 8))
        elif how == "nasty":
            found[at:at] = draw(st.sampled_from(NASTY))
        else:
            del found[at:]
    return bytes(found)


@st.composite
def bent_file(draw, content):
    """A good file changed outside, or a member of its ZIP changed and packed again."""
    if not content.startswith(b"PK") or draw(st.booleans()):
        return bent(draw, content)
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        names = sorted(old.namelist())
        chosen = draw(st.sampled_from(names))
        for name in names:
            inside = old.read(name)
            is_it = name == chosen
            new.writestr(name, bent(draw, inside) if is_it else inside, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def word():
    return render_word(load_form("E01"), sample_values("E01"))


def excel():
    book, out = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["客户", "金额", "日期"])
    book.active.append(["青岛海信", 1409.5, "2026-11-23"])
    book.save(out)
    return out.getvalue()


GOOD = {
    "docx": word,
    "xlsx": excel,
    "pdf": lambda: one_page_pdf("青岛海信 [sig:a]"),
    "txt": lambda: "客户：青岛海信\n金额：1,409.50\n".encode("gb18030"),
}


@pytest.fixture(scope="module")
def good():
    return {kind: make() for kind, make in GOOD.items()}


@pytest.mark.parametrize("kind", GOOD)
def test_a_bent_file_is_read_or_refused(good, tmp_path_factory, kind):
    """What the child would answer can always be written down; it survives what it reads."""
    folder = tmp_path_factory.mktemp("fuzz")
    path = folder / f"a.{kind}"
    path.write_bytes(good[kind])
    assert extract_child.read_whole(path, 1 << 24, folder).told()["parts"]  # unbent it is read

    @house
    @given(bent_file(good[kind]))
    def read(content):
        path.write_bytes(content)
        try:
            answer = extract_child.read_whole(path, 1 << 24, folder).told()
        except ExtractError as refusal:
            assert refusal.message
        except Exception:  # noqa: BLE001 - the child answers these in its own words
            return
        else:
            json.dumps(answer)

    read()


def test_a_bent_template_is_checked_or_refused(good):
    form = load_form("E01")

    @house
    @given(bent_file(good["docx"]))
    def check(content):
        try:
            check_form(replace(form, template=content))
        except FormError as refusal:
            assert refusal.message

    check()


def test_a_bent_pdf_is_bound_or_refused(good):
    @house
    @given(bent_file(good["pdf"]))
    @example(good["pdf"].replace(b"/Kids[3 0 R]", b"/Kids[]"))
    @example(good["pdf"].replace(b"/Kids[3 0 R]", b"/Kids[<</Type/Page>>]"))
    def bind(content):
        try:
            bound, pages = bind_pdf([Piece("a.pdf", "甲", good["pdf"]), Piece("b", "乙", content)])
        except ArchiveError as refusal:
            assert "乙" in refusal.message
        else:
            assert bound.startswith(b"%PDF") and pages >= 1

    bind()


# ---------------------------------------------------------------- packages and the whole search


@pytest.fixture(scope="module")
def house_of(settled, tmp_path_factory):
    """An archive with two filed papers, searchable."""
    database, company = settled
    folder = tmp_path_factory.mktemp("fuzzed")
    shutil.copyfile(database, folder / DATABASE)
    opened = _opened(folder, QuickConverter(), FrozenClock())
    for title in ("青岛海信年度采购合同 HT-2024-0017", "龙井茶包装机验收单"):
        upload = filing.keep_upload(opened.blobs, f"{title}\n金额 1409.50 元".encode(), "正文.txt")
        with opened.work() as uow:
            row = filing.read_row({"title": title})
            made = filing.offer_paper(uow, company.archivist, row, upload)
            filing.file_in_one(uow, company.archivist, made.id)
            uow.commit()
    drain_all(opened)
    yield opened, company
    opened.database.dispose()


def package_of(house, make):
    resources, company = house
    with resources.work() as uow:
        task = start_package(uow, company.archivist, "item", 1, make)
        uow.commit()
    drain_all(resources)
    with resources.reading() as uow:
        file = tasks.get_task(uow, company.archivist, task.id).of_role(tasks.RESULT)[0]
    return file.name.rpartition(".")[2], resources.blobs.read(file.sha256)


@pytest.mark.parametrize("make", ["bag", "xml"])
def test_a_bent_package_is_taken_or_refused_whole(house_of, tmp_path, make):
    resources, company = house_of
    ending, content = package_of(house_of, make)
    path = tmp_path / f"包.{ending}"
    with resources.reading() as uow:
        before = uow.session.query(Item).count()

    @house
    @given(bent_file(content))
    def take(changed):
        path.write_bytes(changed)
        try:
            for batch in read_incoming(path, resources):
                with resources.work() as uow:
                    filing.import_batch(uow, company.archivist, batch)
        except ArchiveError as refusal:
            assert refusal.message

    take()
    with resources.reading() as uow:
        assert uow.session.query(Item).count() == before, "nothing was committed"


def test_whatever_is_typed_in_the_search_box_is_answered(house_of):
    resources, company = house_of

    @house
    @given(typed)
    def ask(text):
        found = search(resources, company.archivist, text)
        json.dumps(as_answer(found)).encode()

    ask()
