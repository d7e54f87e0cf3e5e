"""Many papers as one file: a ZIP, or one PDF to read and print; only what one may see."""

import io
import zipfile

import pytest
from pypdf import PdfReader

from archive.core.errors import Forbidden, Invalid
from archive.documents import service as documents
from archive.documents.binding import Piece, bind_pdf, pack_zip
from archive.documents.bundle import MOST_RECORDS, start_bundle
from archive.jobs import drain_all
from archive.records import drafts
from archive.signing import edge
from archive.tasks import service as tasks
from doc_templates import sample_values
from tests.conftest import PASSWORD, one_page_pdf


@pytest.fixture
def make_draft(resources, company):
    def make(name="海信制冷配件厂", author=None):
        with resources.work() as uow:
            values = sample_values("E01") | {"客户名称": name}
            made = drafts.create_draft(uow, author or company.sales_clerk, "E01", values)
            uow.commit()
        return made.id

    return make


@pytest.fixture
def bundle(resources, company):
    """Ask for a bundle and let the worker make it; return the task and its first result."""

    def make(ids, what, actor=None):
        actor = actor or company.sales_clerk
        with resources.work() as uow:
            asked = start_bundle(uow, actor, ids, what)
            uow.commit()
        drain_all(resources)
        with resources.reading() as uow:
            task = tasks.get_task(uow, actor, asked.id)
        files = task.of_role(tasks.RESULT)
        return task, resources.blobs.read(files[0].sha256) if files else b""

    return make


def names_in(content):
    return zipfile.ZipFile(io.BytesIO(content)).namelist()


def test_word_and_pdf_of_every_paper_lie_in_one_zip(make_draft, bundle):
    ids = [make_draft("甲厂"), make_draft("乙厂")]
    task, content = bundle(ids, "both")
    assert task.state == "done"
    assert sorted(name.rpartition(".")[2] for name in names_in(content)) == [
        *("docx", "docx", "pdf", "pdf")
    ]
    assert [len(names_in(bundle(ids, kind)[1])) for kind in ("word", "pdf")] == [2, 2]


def test_two_papers_of_one_name_both_come(make_draft, bundle):
    _, content = bundle([make_draft("甲厂"), make_draft("甲厂")], "word")
    assert len(set(names_in(content))) == 2


def test_what_was_signed_comes_byte_for_byte(resources, company, make_draft, bundle):
    record_id = make_draft()
    edge.submit(resources, company.sales_clerk, record_id, 1)
    edge.sign(resources, company.sales_clerk, record_id, password=PASSWORD, drawn_png=None)
    with resources.reading() as uow:
        kept = documents.latest_document(uow, record_id, "pdf")
    _, content = bundle([record_id], "pdf")
    package = zipfile.ZipFile(io.BytesIO(content))
    assert package.read(package.namelist()[0]) == resources.blobs.read(kept.sha256)


def test_one_pdf_holds_all_with_a_bookmark_each(make_draft, bundle):
    ids = [make_draft("甲厂"), make_draft("乙厂"), make_draft("丙厂")]
    _, content = bundle(ids, "merged")
    reader = PdfReader(io.BytesIO(content))
    assert len(reader.pages) == 3
    assert ["甲厂" in one.title for one in reader.outline] == [True, False, False]


def test_for_two_sided_printing_each_begins_on_a_front(make_draft, bundle):
    _, content = bundle([make_draft("甲厂"), make_draft("乙厂")], "duplex")
    assert len(PdfReader(io.BytesIO(content)).pages) == 3


def test_a_paper_asked_for_twice_comes_once(make_draft, bundle):
    one = make_draft()
    assert len(names_in(bundle([one, one], "word")[1])) == 1


def test_what_one_may_not_see_is_left_out_and_said(company, make_draft, bundle):
    mine, hers = make_draft("甲厂"), make_draft("乙厂", company.sales_clerk2)
    task, content = bundle([mine, hers, 10**9], "word")
    assert len(names_in(content)) == 1
    assert "2 份没有包括" in " ".join(task.result["notes"])
    assert "乙厂" not in str(task.result)


def test_nothing_but_what_one_may_not_see_makes_no_file(company, make_draft, bundle):
    task, content = bundle([make_draft("乙厂", company.sales_clerk2)], "word")
    assert task.state == "failed" and content == b"" and "无权查看" in task.message


@pytest.mark.parametrize(
    ("ids", "make"), [((), "word"), ((1,), "exe"), (range(1, MOST_RECORDS + 2), "word")]
)
def test_a_choice_that_makes_no_sense_is_refused(resources, company, ids, make):
    with resources.work() as uow, pytest.raises(Invalid):
        start_bundle(uow, company.sales_clerk, list(ids), make)


def test_a_bare_administrator_bundles_nothing(resources, company):
    with resources.work() as uow, pytest.raises(Forbidden):
        start_bundle(uow, company.admin, [1], "word")


def test_the_whole_way_on_the_pages_and_over_the_api(
    resources, company, client_for, api_for, make_draft
):
    ids = [make_draft("甲厂"), make_draft("乙厂")]
    client = client_for(company.sales_clerk)
    page = client.post("/records/bundle", data={"ids": [str(one) for one in ids]}).text
    assert "合并成一个 PDF" in page
    sent = {"ids": [str(one) for one in ids], "make": "merged"}
    answer = client.post("/records/bundle", data=sent)
    assert answer.status_code == 302
    drain_all(resources)
    assert "合并2份.pdf" in client.get(answer.headers["Location"]).text
    assert client_for(company.sales_clerk2).get(answer.headers["Location"]).status_code == 404
    for data in ({"ids": "x", "make": "word"}, {"make": "word"}, {"ids": ids, "make": "../x"}):
        assert client.post("/records/bundle", data=data).status_code == 422, data
    call = api_for(company.sales_clerk)
    started = call.post("/api/v1/records/bundle", json={"ids": ids, "make": "both"})
    assert started.status_code == 202
    drain_all(resources)
    assert call.get(started.json["url"]).json["state"] == "done"
    for body in ({"ids": []}, {"ids": ["1"], "make": "word"}, {"ids": ids, "make": "x"}, {}):
        assert call.post("/api/v1/records/bundle", json=body).status_code == 422, body
    assert api_for(None).post("/api/v1/records/bundle", json={}).status_code == 401
    assert api_for(company.admin).post(
        "/api/v1/records/bundle", json={"ids": ids, "make": "word"}
    ).status_code == 403  # fmt: skip


def test_a_choice_of_every_page_follows_the_filters(resources, company, client_for, make_draft):
    for name in ("甲厂", "乙厂", "丙厂"):
        make_draft(name)
    client = client_for(company.sales_clerk)
    answer = client.post("/records/bundle", data={"all": "1", "q": "乙厂", "make": "word"})
    drain_all(resources)
    assert "Word文件1个.zip" in client.get(answer.headers["Location"]).text


# ---------------------------------------------------------------- bytes


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd.pdf", "_.._etc_passwd.pdf"),
        ("..\\a.pdf", "_a.pdf"),
        ("名" * 300 + ".pdf", "名" * 78 + ".pdf"),
        (".pdf", "文件.pdf"),
    ],
)
def test_names_in_a_zip_lead_nowhere(name, kept):
    (found,) = names_in(pack_zip([Piece(name, "", b"x")]))
    assert found == kept


def test_names_that_windows_takes_for_one_are_told_apart():
    found = names_in(pack_zip([Piece("A.pdf", "", b"1"), Piece("a.pdf", "", b"2")]))
    assert found == ["A.pdf", "a (2).pdf"]


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7", b"hello", b"\x00" * 50])
def test_a_broken_pdf_is_named_and_nothing_bound(content):
    with pytest.raises(Invalid, match="乙厂"):
        bind_pdf([Piece("a.pdf", "甲厂", one_page_pdf("x")), Piece("b.pdf", "乙厂", content)])
