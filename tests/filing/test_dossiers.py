"""Dossiers: one PDF of a customer, a volume, an order, with links, bookmarks and page numbers."""

import hashlib
import io
from dataclasses import replace
from types import SimpleNamespace

import pytest
from openpyxl import Workbook
from PIL import Image
from pypdf import PdfReader, PdfWriter

from archive.core.errors import Invalid, NotFound
from archive.filing import service as filing
from archive.filing.dossier import work as dossier
from archive.filing.dossier.pages import pages_of
from archive.filing.dossier.work import DOSSIER, dossier_work, start_dossier
from archive.filing.import_rows import ImportedFile, batch_of
from archive.filing.models import Item, ItemFile
from archive.people.readers import write_readers
from archive.tasks import service as tasks
from archive.tasks.runner import drain_tasks
from tests.conftest import one_page_pdf

HISENSE = "青岛海信电器股份有限公司"
PDF = "application/pdf"
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def picture():
    out = io.BytesIO()
    Image.new("RGB", (300, 200), "navy").save(out, "PNG")
    return out.getvalue()


def blank_pdf(*sizes, turn=0, password=""):
    writer = PdfWriter()
    for size in sizes:
        writer.add_blank_page(*size).rotate(turn)
    if password:
        writer.encrypt(password)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def table(*rows):
    book = Workbook()
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


FILES = (
    ("买卖合同", "合同", "HT-2026-0001", "合同.pdf", PDF, blank_pdf((595, 842), (842, 595))),
    ("合同附图", "合同", "", "附图.png", "image/png", picture()),
    ("会谈纪要", "资料", "", "纪要.txt", "text/plain", "提到 HT-2026-0001 的交货".encode()),
    ("交货单 HT-2026-0001", "资料", "", "交货.pdf", PDF, blank_pdf((842, 595), turn=90)),
    ("报价表", "资料", "", "报价.xlsx", SHEET, table(("品名", "单价"), ("变频压缩机", "1,250.00"))),
    ("加密件", "资料", "", "密.pdf", PDF, blank_pdf((595, 842), password="x")),
    ("坏件", "资料", "", "坏.pdf", PDF, b"%PDF-1.7 broken"),
)  # fmt: skip


@pytest.fixture
def world(resources, company):
    """Seven papers of one customer, filed, of every kind; ids by title."""
    ids = {}
    for title, kind, number, name, media, content in FILES:
        fields = {"title": title, "customer": HISENSE, "number": number, "department": "销售部"}
        (row,) = batch_of([fields | {"date": "2026-11-0" + str(len(ids) + 1)}]).rows
        row = replace(row, file=ImportedFile(name, resources.blobs.put(content, media)))
        with resources.work() as uow:
            batch = SimpleNamespace(rows=(row,), faults=())
            (ids[title],) = filing.import_batch(uow, company.archivist, batch).imported
            item = uow.session.get_one(Item, ids[title])
            item.item_class, customer = kind, item.customer_id
            uow.commit()
    return SimpleNamespace(ids=ids, customer=customer)


def worked(resources, task_id):
    """Let the worker do this task alone, slice by slice, and return it."""
    drain = drain_tasks({DOSSIER: dossier_work})
    for ticket in range(1, 20):
        drain(resources, [SimpleNamespace(key=f"task:{task_id}", payload={"ticket": ticket})])
    with resources.reading() as uow:
        return tasks.load_task(uow, task_id)


@pytest.fixture
def make(resources, company):
    def made(scope, number, actor=None):
        actor = actor or company.archivist
        with resources.work() as uow:
            task = start_dossier(uow, actor, scope, number)
            uow.commit()
        task = worked(resources, task.id)
        assert task.state == "done", task.message
        (file,) = task.of_role(tasks.RESULT)
        return PdfReader(io.BytesIO(resources.blobs.read(file.sha256))), task

    return made


def bookmarks(reader):
    """Title → page number from one, of every bookmark."""
    found = {}

    def walk(items):
        for one in items:
            if isinstance(one, list):
                walk(one)
            else:
                found[one.title] = reader.get_destination_page_number(one) + 1

    walk(reader.outline)
    return found


def links(reader, at):
    """The page numbers the links of a page lead to, from the top down."""
    places = []
    for one in reader.pages[at].get("/Annots", []):
        link = one.get_object()
        target = link["/Dest"][0]
        number = target if isinstance(target, int) else reader.get_page_number(target.get_object())
        places.append((-float(link["/Rect"][1]), number + 1))
    return [number for _, number in sorted(places)]


def test_contents_and_bookmarks_lead_to_the_pages_they_name(make, world):
    reader, task = make("customer", world.customer)
    marks = bookmarks(reader)
    contents = reader.pages[1].extract_text()
    order = ["买卖合同", "合同附图", "会谈纪要", "交货单 HT-2026-0001", "报价表"]
    assert [title for title in marks if title in order] == order
    assert links(reader, 1) == [marks[title] for title in order]
    for title in order:
        assert f"{title} " in contents or title in contents
    assert marks["买卖合同"] == marks["合同"] == 4 and marks["合同附图"] == 6
    assert marks["附上原件的文件"] == 3 and marks["原件核对表"] == len(reader.pages)
    assert "提到 HT-2026-0001 的交货" in reader.pages[marks["会谈纪要"] - 1].extract_text()
    total = len(reader.pages)
    for number, page in enumerate(reader.pages, 1):
        assert f"第 {number} 页 共 {total} 页" in page.extract_text()
    assert task.files[0].note == f"{total} 页"


@pytest.mark.slow
def test_cover_says_that_originals_count_and_lists_them(make, world, resources):
    reader, _ = make("customer", world.customer)
    cover, last = reader.pages[0].extract_text(), reader.pages[-1].extract_text()
    assert (
        "客户档案卷宗" in cover and HISENSE in cover and "签名以原件为准" in cover.replace("\n", "")
    )
    with resources.reading() as uow:
        item = filing.load_item(uow, world.ids["买卖合同"])
    assert item.files[0].sha256 in last and item.provisional_code in last


def test_nothing_is_left_out_what_has_no_pages_is_attached_with_its_reason(make, world, resources):
    reader, task = make("customer", world.customer)
    told = reader.pages[2].extract_text().replace("\n", "")
    whole = {title: content for title, *_, content in FILES}
    for n, (title, why, name) in enumerate(
        (
            ("报价表", "版面和算式以附上的原件为准", "报价.xlsx"),
            ("加密件", "加了密码", "密.pdf"),
            ("坏件", "打不开", "坏.pdf"),
        ),
        1,
    ):
        attachment = f"附件{n:03d} {name}"
        assert title in told and why in told and f"名为“{attachment}”" in told
        assert reader.attachments[attachment] == [whole[title]]
    words = reader.pages[bookmarks(reader)["报价表"] - 1].extract_text()
    assert "变频压缩机" in words and "1,250.00" in words
    assert "附上原件" in reader.pages[0].extract_text()
    assert len(task.result["notes"]) == 4 and "附上原件：报价表" in task.result["notes"][1]


def test_a_missing_file_is_named_and_the_others_are_bound(make, world, resources):
    digest = hashlib.sha256(FILES[-1][-1]).hexdigest()
    resources.blobs.delete(digest)
    reader, _ = make("customer", world.customer)
    assert bookmarks(reader)["未收入的文件"] == 4
    assert "坏.pdf：库里的文件缺失或已损坏" in reader.pages[3].extract_text().replace("\n", "")
    assert "附件003 坏.pdf" not in reader.attachments


@pytest.mark.slow
def test_signed_paper_carries_its_code_to_be_checked_and_its_word_draft_stays_out(
    resources, company, signed_record, make
):
    record = signed_record(pdf=one_page_pdf("签"))
    with resources.work() as uow:
        item = filing.file_record(uow, company.archivist, record.id)
        uow.commit()
    waiting = signed_record(使用产品="控制器", pdf=one_page_pdf("签二"))
    reader, _ = make("customer", item.customer_id)
    last = reader.pages[-1]
    assert last.extract_text().count("已电子签名") == 2
    assert last.get_contents().get_data().count(b" re") > 500, "two QR codes"
    marks = bookmarks(reader)
    assert waiting.title in marks and marks["已签未归档"] == len(reader.pages) - 1
    assert len(reader.pages) == 5, "cover, contents, two papers, originals: no Word drafts"
    order, _ = make("order", item.id)
    assert len(order.pages) == 4 and record.number in order.pages[0].extract_text()


@pytest.mark.slow
def test_order_takes_what_names_its_number(make, world):
    reader, _ = make("order", world.ids["买卖合同"])
    marks = bookmarks(reader)
    assert "交货单 HT-2026-0001" in marks and "合同附图" not in marks
    assert "HT-2026-0001 买卖合同" in reader.pages[0].extract_text().replace("\n", "")


def test_reader_finds_only_what_they_may_read_and_no_trace_of_the_rest(
    resources, company, make, world
):
    secret = world.ids["坏件"], world.ids["合同附图"]
    with resources.work() as uow:
        for number in secret:
            uow.session.get_one(Item, number).secrecy = 3
            write_readers(uow, "item", number, filing.thing_of_item(uow, number))
        uow.commit()
    reader, task = make("customer", world.customer, company.sales_clerk)
    text = "".join(page.extract_text() for page in reader.pages)
    for word in ("坏件", "合同附图", "附图.png"):
        assert word not in text and word not in str(task.result) and word not in task.title
    assert "买卖合同" in bookmarks(reader)


@pytest.mark.slow
def test_right_lost_on_the_way_leaves_no_trace(resources, company, world):
    with resources.work() as uow:
        task = start_dossier(uow, company.sales_clerk, "customer", world.customer)
        for title in ("加密件", "合同附图"):
            uow.session.get_one(Item, world.ids[title]).secrecy = 3
            write_readers(
                uow, "item", world.ids[title], filing.thing_of_item(uow, world.ids[title])
            )
        uow.commit()
    task = worked(resources, task.id)
    assert task.state == "done" and "加密件" not in str(task.result)


@pytest.mark.slow
def test_file_that_is_gone_is_said(resources, make, world):
    with resources.reading() as uow:
        file = uow.session.query(ItemFile).filter_by(item_id=world.ids["买卖合同"]).one()
        resources.blobs.delete(file.sha256)
    _, task = make("customer", world.customer)
    assert any("买卖合同" in note and "缺失" in note for note in task.result["notes"])


@pytest.mark.slow
def test_nothing_there_too_much_and_unknown_are_refused(resources, company, world, monkeypatch):
    from archive.customers import service as customers

    with resources.work() as uow:
        empty = customers.ensure_customer(uow, company.archivist, "空客户")
        for scope, number, error in (
            ("customer", empty, Invalid),
            ("customer", 999, NotFound),
            ("volume", 999, NotFound),
            ("order", 999, NotFound),
            ("order", world.ids["合同附图"], Invalid),
            ("everything", 1, Invalid),
        ):
            with pytest.raises(error):
                start_dossier(uow, company.archivist, scope, number)
    for limit in ("MOST_BYTES", "MOST_PAGES"):
        with monkeypatch.context() as patch:
            patch.setattr(dossier, limit, 1)
            with resources.work() as uow:
                task = start_dossier(uow, company.archivist, "order", world.ids["买卖合同"])
                uow.commit()
            told = worked(resources, task.id)
        assert told.state == "failed"


@pytest.mark.slow
def test_work_begun_again_goes_on_and_a_second_dossier_is_its_own(
    resources, company, world, monkeypatch, make
):
    made, whole = [], dossier.pages_of

    def counting(content, *rest):
        made.append(content)
        if len(made) == 2:
            raise KeyError("the worker fell over")
        return whole(content, *rest)

    monkeypatch.setattr(dossier, "pages_of", counting)
    with resources.work() as uow:
        task = start_dossier(uow, company.archivist, "order", world.ids["买卖合同"])
        uow.commit()
    with pytest.raises(KeyError):
        worked(resources, task.id)
    with resources.reading() as uow:
        assert tasks.load_task(uow, task.id).memory["at"] == 1
    assert worked(resources, task.id).state == "done"
    assert made[1:] == [made[1]] * 2 != made[:2], "the first paper was not made again"
    first, again = make("volume", volume_of(resources, world))[0], make("customer", world.customer)
    assert len(first.pages) == len(again[0].pages)


def volume_of(resources, world):
    with resources.reading() as uow:
        return filing.load_item(uow, world.ids["买卖合同"]).volume_id


def test_files_of_every_kind_become_pages():
    scan = io.BytesIO()
    frames = [Image.new("L", (200, 300), shade) for shade in (0, 128, 255)]
    frames[0].save(scan, "TIFF", save_all=True, append_images=frames[1:])
    assert pages_of(scan.getvalue(), "image/tiff", None)[1] == 3
    assert pages_of("行\n".encode("gb18030") * 200, "text/plain", None)[1] == 5
    for content, media in (
        (b"", "application/pdf"),
        (b"not a picture", "image/png"),
        (b"\xff\xfe\x00", "text/plain"),
        (b"<a/>", "text/xml"),
    ):
        with pytest.raises(Invalid):
            pages_of(content, media, None)


@pytest.mark.slow
def test_page_and_call(client_for, api_for, company, world):
    page = client_for(company.sales_clerk)
    assert page.post(f"/dossiers/customer/{world.customer}").status_code == 302
    assert page.post("/dossiers/customer/999").status_code == 404
    assert "卷宗 PDF" in page.get(f"/customers/{world.customer}").get_data(as_text=True)
    item = client_for(company.archivist).get(f"/items/{world.ids['买卖合同']}")
    assert "订单卷宗 PDF" in item.get_data(as_text=True)
    call = api_for(company.sales_clerk)
    answer = call.post("/api/v1/dossiers", json={"scope": "customer", "id": world.customer})
    assert answer.status_code == 202
    assert call.get(answer.get_json()["url"]).get_json()["state"] == "queued"
    for body in ({"scope": "all", "id": 1}, {"scope": "customer", "id": "1"}, {}):
        assert call.post("/api/v1/dossiers", json=body).status_code == 422
    assert (
        api_for(company.admin)
        .post("/api/v1/dossiers", json={"scope": "customer", "id": world.customer})
        .status_code
        == 403
    )
