"""The four steps on one screen: Enter after Enter, papers alike in one act, hundreds as a task."""

import pytest
from sqlalchemy import func, select

from archive.filing import service as filing
from archive.filing.import_rows import ImportRow
from archive.filing.incoming import screen
from archive.filing.models import FilingStep, Item, ItemCopy
from archive.filing.offers import Outside, offer_paper
from archive.jobs import drain_all
from archive.records.models import Record
from archive.tasks import service as tasks
from storage.journal import JournalEntry

PLACE = {"room": "库房一", "row": "01", "bay": "02", "shelf": "03", "box": "7", "pages": "2"}


@pytest.fixture
def papers(resources, company):
    """Return a maker of offered papers, of a class; returns their ids."""

    def make(count, item_class="合同"):
        ids = []
        with resources.work() as uow:
            for n in range(count):
                row = ImportRow(where="", title=f"{item_class}{n}")
                outside = Outside(company.sales_id, item_class)
                ids.append(offer_paper(uow, company.archivist, row, None, outside).id)
            uow.commit()
        return ids

    return make


def version(resources, item_id):
    with resources.reading() as uow:
        return uow.session.get(Item, item_id).row_version


def steps_of(resources, item_id):
    with resources.reading() as uow:
        return [one.step for one in filing.load_item(uow, item_id).steps]


def test_enter_after_enter_goes_through_all_steps_and_on_to_the_next(
    resources, company, client_for, signed_record, papers
):
    record = signed_record()
    (item,) = papers(1)
    client = client_for(company.archivist)
    page = client.get("/filing/screen").get_data(as_text=True)
    assert "还有 2 份" in page and "合格，收进" in page

    def act(step, key, **more):
        sent = {"at": key, "next": f"r{record.id}", **more}
        if key.startswith("i"):
            sent["version"] = version(resources, int(key[1:]))
        return client.post(f"/filing/screen/{step}", data=sent).headers.get("Location", "")

    key = f"i{item}"
    belonging = {
        "item_class": "合同",
        "retention": "D30",
        "category": "HT",
        "year": "2026",
        "unit": "XSB",
        "secrecy": "内部",
    }
    with resources.reading() as uow:
        proposed = filing.proposed_for_item(uow, filing.load_item(uow, item))
    belonging |= {"category": proposed.category, "retention": proposed.retention}
    assert act("accept", key).endswith(f"at={key}")
    assert act("classify", key, **belonging).endswith(f"at={key}")
    assert act("catalogue", key).endswith(f"at={key}")
    assert act("shelve", key, **PLACE).endswith(f"at=r{record.id}")
    assert len(steps_of(resources, item)) == 4
    taken = act("accept", f"r{record.id}")
    made = taken.rpartition("=")[2]
    assert made.startswith("i") and "归属确定" in client.get(taken).get_data(as_text=True)
    assert act("rest", made, place="库房一").endswith(f"next=r{record.id}") is False
    assert len(steps_of(resources, int(made[1:]))) == 4
    assert "都办完了" in client.get("/filing/screen").get_data(as_text=True)


def test_what_is_typed_wrong_stays_on_the_screen(resources, company, client_for, papers):
    (item,) = papers(1)
    client = client_for(company.archivist)
    with resources.work() as uow:
        filing.accept_offered(uow, company.archivist, item)
        uow.commit()
    sent = {"at": f"i{item}", "version": version(resources, item), "item_class": "没有这一类"}
    sent |= {"retention": "D10", "category": "HT", "year": "2026", "unit": "x", "secrecy": "内部"}
    answer = client.post("/filing/screen/classify", data=sent)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "归档方案里没有这个类目" in page and 'value="x"' in page.lower()
    stale = client.post("/filing/screen/catalogue", data={"at": f"i{item}", "version": 1})
    assert stale.status_code == 302
    assert "刚被别人办过" in client.get("/filing/screen").get_data(as_text=True)
    assert steps_of(resources, item) == ["鉴别"]


def test_a_key_of_nothing_is_not_there(company, client_for):
    client = client_for(company.archivist)
    for key in ("", "x1", "i", "i-1", "i99999999999999999999", "i99", "r99"):
        _is_not_there(client, key)


def _is_not_there(client, key):
    answer = client.post("/filing/screen/accept", data={"at": key, "version": "1"})
    assert answer.status_code == 404
    assert client.get(f"/filing/screen?at={key}").status_code == 200


def test_a_record_goes_back_with_its_reason(resources, company, client_for, signed_record):
    record = signed_record()
    client = client_for(company.archivist)
    empty = client.post("/filing/screen/back", data={"at": f"r{record.id}", "reason": " "})
    assert empty.status_code == 422
    client.post("/filing/screen/back", data={"at": f"r{record.id}", "reason": "页面不清"})
    with resources.reading() as uow:
        assert uow.session.get(Record, record.id).state == "returned"


@pytest.mark.slow
def test_alike_papers_are_filed_in_one_act_each_with_its_own_steps(
    resources, company, client_for, papers
):
    ids = papers(3)
    others = papers(1, "质量")
    client = client_for(company.archivist)
    mixed = {"paper": [f"i{ids[0]}", f"i{others[0]}"], "place": "库房一"}
    page = client.post("/filing/screen/many", data=mixed, follow_redirects=True)
    assert "不是同一种" in page.get_data(as_text=True)
    sent = {"paper": [f"i{one}" for one in ids], "place": "库房一-02"}
    page = client.post("/filing/screen/many", data=sent, follow_redirects=True)
    assert "已归档 3 份文件" in page.get_data(as_text=True)
    with resources.reading() as uow:
        steps = select(func.count()).select_from(FilingStep)
        assert uow.session.scalar(steps) == 12
        codes = list(uow.session.scalars(select(Item.provisional_code).where(Item.id.in_(ids))))
        assert len(set(codes)) == 3 and all(codes)
        assert set(uow.session.scalars(select(ItemCopy.location))) == {"库房一-02"}
        shelved = select(func.count()).where(JournalEntry.action == "item.shelve")
        assert uow.session.scalar(shelved) == 3
    nothing = client.post("/filing/screen/many", data={}, follow_redirects=True)
    assert "请先勾选" in nothing.get_data(as_text=True)


@pytest.mark.slow
def test_hundreds_are_a_task_that_does_each_once(
    resources, company, client_for, papers, monkeypatch
):
    monkeypatch.setattr(screen, "AT_ONCE_DIRECTLY", 2)
    ids = papers(7)
    with resources.work() as uow:
        filing.file_in_one(uow, company.archivist, ids[0])  # filed meanwhile by someone else
        uow.commit()
    with resources.work() as uow:
        task = screen.start_many(uow, company.archivist, [f"i{one}" for one in ids[1:]], "库房一")
        uow.commit()
    steps = screen.many_work(resources, task)
    next(steps)  # five are filed, then the worker is killed before it could tell
    steps.close()
    drain_all(resources)
    with resources.reading() as uow:
        told = tasks.get_task(uow, company.archivist, task.id)
        assert told.result["notes"] == ["已归档 6 份。"]
        assert uow.session.scalar(select(func.count()).select_from(FilingStep)) == 28
    papers(3)
    answer = client_for(company.archivist).post("/filing/screen/many", data={"group": "c:合同"})
    assert "/tasks/" in answer.headers["Location"]


def test_the_list_costs_a_fixed_number_of_statements(resources, company, papers, count_statements):
    papers(2)
    with resources.reading() as uow, count_statements() as few:
        screen.queue(uow, company.archivist)
    papers(20)
    with resources.reading() as uow, count_statements() as many:
        shown, total = screen.queue(uow, company.archivist)
    assert (len(shown), total) == (22, 22)
    assert len(many) == len(few)
