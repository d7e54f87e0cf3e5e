import io
import threading
import zipfile
from urllib.parse import unquote

import pytest

from archive.core.errors import Invalid, NotFound, Unavailable
from archive.core.file_names import content_disposition
from archive.core.previews import RecentBytes
from archive.documents import service
from archive.documents.rules import file_name
from archive.records import service as records
from archive.records.schema import sample_values
from doc_templates import load_form
from doc_templates.errors import ConverterMissing

E01 = load_form("E01")


def text_of(docx: bytes) -> str:
    return zipfile.ZipFile(io.BytesIO(docx)).read("word/document.xml").decode()


@pytest.fixture
def draft(resources, company):
    with resources.work() as uow:
        record = records.create_draft(uow, company.sales_clerk, "E01", sample_values(E01))
        uow.commit()
    return record


@pytest.fixture
def sent(resources, company, draft):
    """A submitted record with a kept Word and PDF of its first stage."""
    word, pdf = b"PK kept word", b"%PDF kept"
    refs = [
        resources.blobs.put(word, service.MEDIA_TYPES["docx"]),
        resources.blobs.put(pdf, service.MEDIA_TYPES["pdf"]),
    ]
    with resources.work() as uow:
        record = records.mark_submitted(
            uow, company.sales_clerk, draft.id, draft.version, frozenset({company.sales_head.id})
        )
        for kind, ref in zip(("docx", "pdf"), refs, strict=True):
            service.keep_document(uow, record.id, kind, 1, 0, ref, 1)
        uow.commit()
    return record


def test_a_draft_is_made_afresh_with_no_number(client_for, company, draft):
    answer = client_for(company.sales_clerk).get(f"/records/{draft.id}/document.docx")
    assert answer.status_code == 200
    assert answer.mimetype == service.MEDIA_TYPES["docx"]
    assert draft.customer_name in text_of(answer.data)
    assert "[sig:" not in text_of(answer.data)


def test_the_name_of_the_file_says_what_it_is(client_for, company, draft):
    answer = client_for(company.sales_clerk).get(f"/records/{draft.id}/document.pdf")
    header = answer.headers["Content-Disposition"]
    name = unquote(header.partition("filename*=UTF-8''")[2])
    assert name == f"E01-新开发客户报告表-{draft.customer_name}.pdf"
    assert answer.data.startswith(b"%PDF")
    shown = client_for(company.sales_clerk).get(f"/records/{draft.id}/document.pdf?view=1")
    assert shown.headers["Content-Disposition"].startswith("inline")


def test_kept_bytes_are_served_byte_for_byte(client_for, api_for, company, converter, sent):
    for client, address in (
        (client_for(company.sales_head), "/records"),
        (api_for(company.sales_head), "/api/v1/records"),
    ):
        assert client.get(f"{address}/{sent.id}/document.docx").data == b"PK kept word"
        assert client.get(f"{address}/{sent.id}/document.pdf").data == b"%PDF kept"
    assert converter.texts == []


def test_the_latest_round_and_stage_is_the_one_shown(resources, sent):
    later = resources.blobs.put(b"%PDF later", "application/pdf")
    with resources.work() as uow:
        for round_, stage in ((2, 0), (1, 3), (2, 1), (1, 9)):
            service.keep_document(uow, sent.id, "pdf", round_, stage, later, 2)
        uow.commit()
    with resources.reading() as uow:
        latest = service.latest_document(uow, sent.id, "pdf")
        assert latest is not None
        assert (latest.round, latest.stage, latest.pages, latest.size) == (2, 1, 2, 10)
        assert len(service.list_documents(uow, sent.id)) == 6
        assert service.latest_document(uow, sent.id + 1, "pdf") is None


def test_a_submitted_record_without_kept_file_is_not_made_up(resources, client_for, company, draft):
    with resources.work() as uow:
        records.mark_submitted(uow, company.sales_clerk, draft.id, draft.version, frozenset())
        uow.commit()
    answer = client_for(company.sales_clerk).get(f"/records/{draft.id}/document.pdf")
    assert answer.status_code == 404


def test_the_official_word_carries_number_code_and_markers(draft, sent):
    docx = service.make_word(E01, sent, {}, "https://archive.example")
    assert sent.number in text_of(docx)
    assert "[sig:报告人]" in text_of(docx)
    assert service.verify_url("https://archive.example", draft) == ""
    url = service.verify_url("https://archive.example", sent)
    assert url == f"https://archive.example/verify/{sent.number}-{sent.digest[:12]}"


class NoConverter:
    def to_pdf(self, docx: bytes) -> bytes:
        raise ConverterMissing("没有安装 LibreOffice")


def test_without_the_pdf_service_word_still_works(resources, client_for, company, draft):
    resources.converter = NoConverter()
    clerk = client_for(company.sales_clerk)
    with resources.work() as uow:
        changed = {**draft.content, "备注": "另一份内容，还没有转换过"}
        records.save_draft(uow, company.sales_clerk, draft.id, changed, draft.version)
        uow.commit()
    preview = clerk.get(f"/records/{draft.id}/preview.png")
    assert preview.status_code == 503
    assert "Word 照常可以下载" in preview.get_data(as_text=True)
    assert clerk.get(f"/records/{draft.id}/document.pdf").status_code == 503
    assert clerk.get(f"/records/{draft.id}/document.docx").status_code == 200
    with pytest.raises(Unavailable):
        service.make_pdf(resources.converter, b"")


def test_the_preview_is_a_picture_made_once(client_for, company, converter, draft):
    clerk = client_for(company.sales_clerk)
    address = f"/records/{draft.id}/preview.png"
    first = clerk.get(f"{address}?width=300")
    assert first.data.startswith(b"\x89PNG")
    assert first.headers["X-Page-Count"] == "1"
    made = len(converter.texts)
    assert clerk.get(f"{address}?width=300").data == first.data
    assert len(converter.texts) == made <= 1
    assert clerk.get(f"{address}?page=2").status_code == 404
    for odd in ("page=-1", "page=99999999999999999999"):
        assert clerk.get(f"{address}?{odd}").status_code == 404
    for odd in ("page=x", "width=-5", "width=999999999", "width=x"):
        assert clerk.get(f"{address}?{odd}").status_code == 200


def test_only_readers_are_shown_pictures(client_for, company, draft):
    for stranger in (company.other_clerk, company.archivist, company.admin):
        assert client_for(stranger).get(f"/records/{draft.id}/preview.png").status_code == 404


def test_bytes_that_are_no_pdf_are_refused():
    with pytest.raises(Invalid):
        service.count_pages(b"not a pdf")
    with pytest.raises(Invalid):
        service.page_png(b"", 1, 300)


def test_pages_are_pictured_by_many_threads_at_once(converter):
    pdf = converter.to_pdf(service.render_word(E01, sample_values(E01)))
    sizes = []

    def look() -> None:
        sizes.append(len(service.page_png(pdf, 1, 200)))

    threads = [threading.Thread(target=look) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(sizes) == 12
    assert len(set(sizes)) == 1
    with pytest.raises(NotFound):
        service.page_png(pdf, 0, 200)


def test_the_memory_is_bounded_and_forgets_the_oldest():
    recent = RecentBytes(100)
    made = []

    def make(key: str, size: int) -> bytes:
        return recent.get_or_make(key, lambda: made.append(key) or b"x" * size)

    make("a", 40)
    make("b", 40)
    make("a", 40)
    make("c", 40)
    assert recent.size == 80
    make("a", 40)
    assert made == ["a", "b", "c"]
    make("b", 40)
    assert made == ["a", "b", "c", "b"]
    assert len(make("giant", 1000)) == 1000
    assert recent.size <= 100


def test_a_failure_is_not_remembered():
    recent = RecentBytes(100)
    with pytest.raises(ZeroDivisionError):
        recent.get_or_make("a", lambda: bytes(1 // 0))
    assert recent.get_or_make("a", lambda: b"good") == b"good"


def test_what_many_ask_for_at_once_is_made_once():
    recent, made, gate = RecentBytes(100), [], threading.Event()

    def make() -> bytes:
        gate.wait(2)
        made.append(1)
        return b"x"

    threads = [threading.Thread(target=lambda: recent.get_or_make("a", make)) for _ in range(8)]
    for thread in threads:
        thread.start()
    gate.set()
    for thread in threads:
        thread.join()
    assert made == [1]


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        (("E01", "新开发客户报告表", "海信"), "E01-新开发客户报告表-海信.docx"),
        (("E01", "", "海信"), "E01-海信.docx"),
        (("", ""), "文件.docx"),
        (("E01", "../../etc/passwd"), "E01-etc passwd.docx"),
        (("E01", 'A"B\r\nSet-Cookie: x=1'), "E01-A B Set-Cookie x=1.docx"),
        (("E01", "右\u202ecod.exe"), "E01-右 cod.exe.docx"),
        (("E01", "𠮷🧧\x00\ud800"), "E01-𠮷🧧.docx"),
    ],
)
def test_file_names_hold_nothing_harmful(parts, name):
    assert file_name("docx", *parts) == name
    header = content_disposition(name)
    assert header.isascii()
    assert not set("\r\n") & set(header)
    assert unquote(header.partition("''")[2]) == name


def test_a_very_long_name_is_cut():
    assert len(file_name("pdf", "E01", "长" * 500)) <= 84


@pytest.mark.parametrize("code", ["E01", "E05", "E10"])
def test_the_plain_text_holds_everything_printed(code):
    form = load_form(code)
    text = service.plain_text(sample_values(form), form)
    for entry in form.fields:
        value = sample_values(form).get(entry.key)
        if entry.kind in ("text", "customer", "person") and value:
            assert str(value) in text
        for row in value if entry.kind == "rows" else ():
            assert all(str(row[c.key]) in text for c in entry.columns if c.kind == "text")


def test_the_plain_text_of_a_strange_draft_does_not_fail():
    assert service.plain_text({"日期": "去年", "客户名称": None, "开拓经过": 5}, E01)
    assert service.plain_text({"货品": "不是表"}, load_form("E05")) == ""
