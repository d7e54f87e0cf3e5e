"""A batch of papers from outside: received, described, its doubles decided, registered once."""

import io
import random

import pypdfium2
import pytest
from PIL import Image
from sqlalchemy import func, select

from archive.core.errors import Conflict, Forbidden, Invalid, NotFound
from archive.customers.service import ensure_customer
from archive.filing import service as filing
from archive.filing.incoming import edge, registering, service
from archive.filing.incoming.cutting import start_split
from archive.filing.incoming.edge import Upload, receive
from archive.filing.incoming.looking import Look
from archive.filing.incoming.models import FileState, IntakeFile
from archive.filing.incoming.registering import register_files, start_register
from archive.filing.incoming.service import FileChange
from archive.filing.incoming.sheets import sheets_pdf
from archive.filing.models import FilingStep, Item
from archive.jobs import HANDLERS, drain_all, sweep_orphans
from archive.people.rights import CONFIDENTIAL
from archive.tasks import service as tasks
from storage.files import StoredFile
from storage.journal import JournalEntry

HAISEN = "青岛海信电器股份有限公司"


@pytest.fixture
def quick(monkeypatch):
    """Files are what their first bytes say; the real looking has tests of its own."""

    def look(paths):
        return [
            Look(refused="认不出文件格式。")
            if path.read_bytes().startswith(b"MZ")
            else Look("application/pdf", 2, path.read_bytes().decode("utf-8", "replace"))
            for path in paths
        ]

    monkeypatch.setattr(edge, "look_at_all", look)
    monkeypatch.setitem(HANDLERS, "extract", lambda *_: None)


@pytest.fixture
def batch(resources, company, quick):
    """An open batch of sales contracts that belong to the sales department."""
    common = {"item_class": "合同", "secrecy": "内部", "carrier": "paper"}
    with resources.work() as uow:
        ensure_customer(uow, company.archivist, HAISEN)
        made = service.make_batch(uow, company.archivist, "三月合同", common, company.sales_id)
        uow.commit()
    return made


def put(resources, company, batch, *files):
    uploads = [Upload(name, content) for name, content in files]
    return receive(resources, company.archivist, batch.id, uploads)


def files_of(resources, company, batch, actor=None):
    with resources.reading() as uow:
        found = service.list_files(uow, actor or company.archivist, batch.id, per_page=100)
    return list(found.items)


def change(file, **own):
    values = {"title": file.own.title, **own}
    again = values.pop("again", "")
    return FileChange(file.id, file.version, values, again)


def edit(resources, company, batch, *changes):
    with resources.work() as uow:
        count = service.edit_files(uow, company.archivist, batch.id, changes)
        uow.commit()
    return count


def register(resources, company, batch):
    with resources.work() as uow:
        task = start_register(uow, company.archivist, batch.id)
        uow.commit()
    drain_all(resources)
    with resources.reading() as uow:
        return tasks.get_task(uow, company.archivist, task.id)


def test_a_batch_becomes_items_that_wait_for_appraisal(resources, company, batch):
    received = put(
        resources,
        company,
        batch,
        ("HT-2026-0017 销售合同 2026-03-05.pdf", f"{HAISEN}与本公司".encode()),
        ("病毒.exe", b"MZ"),
    )
    assert [bool(one.refused) for one in received] == [False, True]
    good, bad = files_of(resources, company, batch)
    assert (good.suggested, good.own.number, good.own.date) == (
        HAISEN,
        "HT-2026-0017",
        "2026-03-05",
    )
    assert (bad.state, bad.note) == ("refused", "认不出文件格式。")
    with resources.work() as uow:
        assert service.take_suggestions(uow, company.archivist, batch.id) == 1
        uow.commit()
    task = register(resources, company, batch)
    assert task.result["notes"] == ["登记了 1 件，请接着办四步。"]
    with resources.reading() as uow:
        item = filing.unfinished_items(uow, company.archivist)[0]
        assert (item.state, item.customer_name, item.year) == ("offered", HAISEN, 2026)
        assert (item.department_name, item.pages) == ("销售部", 2)
        assert item.elements["载体"] == "有纸质原件"
        proposed = filing.proposed_for_item(uow, item)
        assert (proposed.item_class, proposed.unit) == ("合同", "XSB")
        assert service.get_batch(uow, company.archivist, batch.id).state == "closed"
    with resources.work() as uow:
        done = filing.file_in_one(uow, company.archivist, item.id)
        uow.commit()
    assert len(done.steps) == 4 and done.item_class == "合同"


def test_what_is_sent_twice_is_entered_once(resources, company, batch):
    put(resources, company, batch, ("a.pdf", b"one"), ("b.exe", b"MZ"))
    again = put(resources, company, batch, ("a.pdf", b"one"), ("b.exe", b"MZ"))
    assert [one.was_here for one in again] == [True, True]
    assert len(files_of(resources, company, batch)) == 2


def test_a_double_waits_until_it_is_decided(resources, company, batch):
    put(resources, company, batch, ("a.pdf", b"one"))
    register(resources, company, batch)
    with resources.work() as uow:
        more = service.make_batch(uow, company.archivist, "又一批", {})
        uow.commit()
    put(resources, company, more, ("又来.pdf", b"one"), ("再来.pdf", b"one"), ("新.pdf", b"two"))
    first, second, third = files_of(resources, company, more)
    assert "内容相同的文件已在库：待归档 a" in first.twins[0]
    assert "与本批的“又来.pdf”内容相同" in second.twins
    assert third.twins == () and first.is_undecided
    task = register(resources, company, more)
    assert task.result["notes"][0].startswith("登记了 1 件")
    first, second, _ = files_of(resources, company, more)
    assert "请先决定" in first.note
    edit(resources, company, more, change(first, again="另一份盖了章"))
    with resources.work() as uow:
        done = service.dismiss_files(uow, company.archivist, more.id, [second.id], "重复")
        uow.commit()
    assert done == 1
    register(resources, company, more)
    states = [file.state for file in files_of(resources, company, more)]
    assert states == ["registered", "dismissed", "registered"]
    with resources.reading() as uow:
        assert uow.session.scalar(select(func.count()).select_from(Item)) == 3


def test_of_a_double_one_may_not_read_only_its_being_there_is_told(resources, company, batch):
    with resources.work() as uow:
        secret = service.make_batch(uow, company.archive_head, "机密", {"secrecy": "机密"})
        uow.commit()
    receive(resources, company.archive_head, secret.id, [Upload("董事会.pdf", b"one")])
    with resources.work() as uow:
        ids = [file.id for file in uow.session.scalars(select(IntakeFile))]
        register_files(uow, company.archive_head, secret.id, ids)
        uow.commit()
    put(resources, company, batch, ("a.pdf", b"one"))
    assert files_of(resources, company, batch)[0].twins == ("内容相同的文件已在库",)
    with resources.reading() as uow:
        with pytest.raises(NotFound):
            service.get_batch(uow, company.archivist, secret.id)
        titles = [one.title for one in service.list_batches(uow, company.archivist).items]
    assert titles == ["三月合同"]


def test_only_who_files_from_outside_sees_batches(resources, company, batch):
    for person in (company.sales_clerk, company.leader, company.admin):
        with resources.reading() as uow, pytest.raises(Forbidden):
            service.get_batch(uow, person, batch.id)
        with pytest.raises(Forbidden):
            receive(resources, person, batch.id, [Upload("a.pdf", b"one")])


@pytest.mark.parametrize(
    ("common", "key"),
    [
        ({"secrecy": "绝密"}, "secrecy"),
        ({"secrecy": "机密"}, "secrecy"),
        ({"carrier": "copy"}, "copy_reason"),
        ({"carrier": "竹简"}, "carrier"),
        ({"item_class": "没有这一类"}, "item_class"),
        ({"form": "Z99"}, "form"),
        ({"year": "26"}, "year"),
        ({"date": "2026-02-30"}, "date"),
        ({"customer": "长" * 121}, "customer"),
        ({"customer": "a\u202eb"}, "customer"),
        ({"customer": ["青岛"]}, "customer"),
    ],
)
def test_wrong_common_values_are_named(resources, company, common, key):
    with resources.work() as uow, pytest.raises(Invalid) as refusal:
        service.make_batch(uow, company.archivist, "批", common)
    assert key in refusal.value.fields


@pytest.mark.parametrize("title", ["", "  ", "长" * 101, None, 7])
def test_a_batch_has_a_name(resources, company, title):
    with resources.work() as uow, pytest.raises(Invalid, match="批次名称"):
        service.make_batch(uow, company.archivist, title, {})


def test_the_grid_is_saved_whole_or_not_at_all(resources, company, batch):
    put(resources, company, batch, ("a.pdf", b"one"), ("b.pdf", b"two"))
    a, b = files_of(resources, company, batch)
    with pytest.raises(Invalid) as refusal:
        edit(resources, company, batch, change(a, title="新题名"), change(b, title="", date="x"))
    assert set(refusal.value.fields) == {f"{b.id}.title", f"{b.id}.date"}
    assert files_of(resources, company, batch)[0].own.title == "a"
    assert edit(resources, company, batch, change(a, title="新题名"), change(b)) >= 1
    with pytest.raises(Conflict, match="刚被别人改过"):
        edit(resources, company, batch, change(a, title="旧页面上的题名"))
    other = FileChange(10**15, 1, {"title": "x"})
    with pytest.raises(NotFound):
        edit(resources, company, batch, other)


def test_a_stale_page_does_not_overwrite_the_common_values(resources, company, batch):
    def save(version):
        with resources.work() as uow:
            service.edit_batch(
                uow, company.archivist, batch.id, version, "四月合同", {}, company.sales_id
            )
            uow.commit()

    save(batch.version)
    with pytest.raises(Conflict, match="刚被别人改过"):
        save(batch.version)


def test_registering_again_changes_nothing_and_goes_on_where_it_was(resources, company, batch):
    put(resources, company, batch, *((f"{n}.pdf", b"%d" % n) for n in range(5)))
    ids = [file.id for file in files_of(resources, company, batch)]
    for _ in range(2):
        with resources.work() as uow:
            register_files(uow, company.archivist, batch.id, ids[:3])
            uow.commit()
    task = register(resources, company, batch)
    assert task.result["notes"][0].startswith("登记了 2 件")
    with resources.reading() as uow:
        assert uow.session.scalar(select(func.count()).select_from(Item)) == 5
        offers = select(func.count()).where(JournalEntry.action == "item.offer")
        assert uow.session.scalar(offers) == 5
    with resources.work() as uow, pytest.raises(Conflict, match="已登记完"):
        start_register(uow, company.archivist, batch.id)


def test_killed_while_registering_it_goes_on_and_doubles_nothing(
    resources, company, batch, monkeypatch
):
    monkeypatch.setattr(registering, "CHUNK", 2)
    put(resources, company, batch, *((f"{n}.pdf", b"%d" % n) for n in range(5)))
    with resources.work() as uow:
        task = start_register(uow, company.archivist, batch.id)
        uow.commit()
    steps = registering.register_work(resources, task)
    next(steps)  # two are items; the worker dies before it could tell
    steps.close()
    drain_all(resources)
    with resources.reading() as uow:
        assert uow.session.scalar(select(func.count()).select_from(Item)) == 5
        assert service.get_batch(uow, company.archivist, batch.id).registered == 5


def test_a_paper_that_cannot_be_registered_stays_with_the_reason(resources, company, batch):
    put(resources, company, batch, ("a.pdf", b"one"), ("b.pdf", b"two"))
    with resources.work() as uow:
        row = uow.session.scalar(select(IntakeFile).where(IntakeFile.name == "a.pdf"))
        uow.session.delete(uow.session.get(StoredFile, row.sha256))
        row.sha256 = None
        uow.commit()
    task = register(resources, company, batch)
    assert "还有 1 个文件没有登记" in task.result["notes"][1]
    left = files_of(resources, company, batch)[0]
    assert (left.state, left.note) == ("waiting", "文件内容已经不在，请重新收一次。")


def test_given_up_bytes_are_let_go_and_filed_ones_stay(resources, company, batch):
    put(resources, company, batch, ("a.pdf", b"one"), ("b.pdf", b"two"))
    a, b = files_of(resources, company, batch)
    with resources.work() as uow:
        register_files(uow, company.archivist, batch.id, [a.id])
        uow.commit()
    with resources.work() as uow, pytest.raises(Invalid, match="作废的原因"):
        service.close_batch(uow, company.archivist, batch.id)
    with resources.work() as uow:
        done = service.close_batch(uow, company.archivist, batch.id, "传错了")
        uow.commit()
    assert done.state == "dismissed"
    with resources.reading() as uow:
        assert uow.session.get(StoredFile, a.digest) is not None
        assert uow.session.get(StoredFile, b.digest) is None
    sweep_orphans(resources)
    assert resources.blobs.exists(a.digest)
    with resources.work() as uow, pytest.raises(Conflict, match="已作废"):
        service.close_batch(uow, company.archivist, batch.id, "再来")


def test_dismissed_files_come_back_while_the_batch_is_open(resources, company, batch):
    put(resources, company, batch, ("a.pdf", b"one"))
    (file,) = files_of(resources, company, batch)
    with resources.work() as uow:
        with pytest.raises(Invalid, match="不收的原因"):
            service.dismiss_files(uow, company.archivist, batch.id, [file.id], " ")
        service.dismiss_files(uow, company.archivist, batch.id, [file.id], "模糊")
        assert service.take_back_files(uow, company.archivist, batch.id, [file.id]) == 1
        uow.commit()
    assert files_of(resources, company, batch)[0].state == FileState.WAITING


def test_a_batch_holds_so_many_and_no_more(resources, company, batch, monkeypatch):
    monkeypatch.setattr(edge, "MOST_FILES", 1)
    put(resources, company, batch, ("a.pdf", b"one"))
    with pytest.raises(Invalid, match="最多 1 个"):
        put(resources, company, batch, ("b.pdf", b"two"))


def test_a_page_of_files_costs_a_fixed_number_of_statements(
    resources, company, batch, count_statements
):
    put(resources, company, batch, *((f"{n}.pdf", b"%d" % n) for n in range(3)))
    with count_statements() as few:
        files_of(resources, company, batch)
    put(resources, company, batch, *((f"{n}.pdf", b"%d" % n) for n in range(3, 12)))
    with count_statements() as many:
        files_of(resources, company, batch)
    assert len(many) == len(few)


@pytest.mark.slow
def test_a_scan_is_split_and_its_parts_carry_what_the_sheet_says(resources, company):
    with resources.work() as uow:
        made = service.make_batch(uow, company.archivist, "扫描", {})
        uow.commit()
    sheet = {"item_class": "合同", "customer": HAISEN, "number": "HT-1"}
    scan = scan_with(sheets_pdf(sheet, 1))
    receive(resources, company.archivist, made.id, [Upload("扫描.pdf", scan)])
    (whole,) = files_of(resources, company, made)
    with resources.work() as uow:
        task = start_split(uow, company.archivist, made.id, whole.id)
        uow.commit()
    drain_all(resources)
    with resources.reading() as uow:
        told = tasks.get_task(uow, company.archivist, task.id)
    assert told.result["notes"] == ["找到 1 张分隔页，拆成 2 份。"]
    split, first, second = files_of(resources, company, made)
    assert (split.state, first.name, second.name) == ("split", "扫描-001.pdf", "扫描-002.pdf")
    own = second.own
    assert (own.item_class, own.customer, own.number) == ("合同", HAISEN, "HT-1")
    assert (first.pages, second.pages, second.parent_id) == (1, 2, whole.id)
    with resources.work() as uow, pytest.raises(Conflict, match="才能按分隔页拆分"):
        start_split(uow, company.archivist, made.id, whole.id)
    register(resources, company, made)
    with resources.reading() as uow:
        assert uow.session.scalar(select(func.count()).select_from(Item)) == 2
        assert uow.session.scalar(select(func.count()).select_from(FilingStep)) == 0
        assert uow.session.get(StoredFile, whole.digest) is None


def scan_with(sheet_pdf):
    """A scan of three papers' pages with the sheet behind the first."""
    sheet = pypdfium2.PdfDocument(sheet_pdf)[0].render(scale=2).to_pil().convert("L")
    pages = []
    for number in range(3):
        page = Image.new("L", sheet.size, 255)
        dirt = random.Random(number)
        for _ in range(500):
            page.putpixel((dirt.randrange(page.width), dirt.randrange(page.height)), 0)
        pages.append(page)
    out = io.BytesIO()
    more = [sheet, *pages[1:]]
    pages[0].save(out, "PDF", save_all=True, append_images=more, resolution=144)  # A4
    return out.getvalue()


def test_secrecy_above_ones_own_is_left_to_others(resources, company, batch):
    assert company.archivist.clearance < CONFIDENTIAL
    with resources.work() as uow, pytest.raises(Invalid, match="涉密权限不到"):
        service.edit_batch(
            uow, company.archivist, batch.id, batch.version, "批", {"secrecy": "机密"}, None
        )
