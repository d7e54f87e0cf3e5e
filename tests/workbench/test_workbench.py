"""The first page shows each person what waits for them, and nothing of others."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from flask.testing import FlaskClient

from archive.core.resources import Resources
from archive.filing.codes import make_barcode
from archive.filing.models import Item, ItemCopy
from archive.lending.models import Loan, LoanRequest
from archive.people.readers import write_readers
from archive.people.rights import Actor, Thing
from archive.records import service as records
from archive.records.service import RecordView
from archive.signing.models import SigningRun, SigningTask
from archive.workbench import service
from archive.workbench.service import Card

ClientFor = Callable[[Actor | None], FlaskClient]
RULE = {"code": "own-30", "version": 1}
E01 = {
    "日期": "2026-11-20",
    "客户名称": "青岛海信电器有限公司",
    "公司地址": "青岛市市南区东海西路17号",
    "主办人员": "陈晓东",
    "使用产品": "变频压缩机",
    "开拓经过": "经展会介绍，三次拜访后达成意向。",
}


@pytest.fixture
def draft(resources: Resources, company: Any) -> RecordView:
    with resources.work() as uow:
        made = records.create_draft(uow, company.sales_clerk, "E01", E01)
        uow.commit()
    return made


def cards(resources: Resources, person: Actor) -> dict[str, Card]:
    with resources.reading() as uow:
        return {card.key: card for card in service.cards_for(uow, person)}


def move(resources: Resources, company: Any, draft: RecordView, *states: str) -> None:
    """Take the draft on its way to each of the states."""
    with resources.work() as uow:
        for state in states:
            if state == "in_signing":
                signers = frozenset({company.sales_head.id})
                records.mark_submitted(uow, company.sales_clerk, draft.id, draft.version, signers)
            elif state == "returned":
                records.mark_returned(uow, company.sales_head, draft.id, "请补充地址")
            elif state == "signed":
                records.mark_signed(uow, company.sales_head, draft.id)
        uow.commit()


def lend_to(resources: Resources, company: Any, borrower: Actor, due: date) -> None:
    """Put a filed paper into the borrower's hands."""
    with resources.work() as uow:
        now = uow.now()
        item = Item(
            title="海信买卖合同",
            department_id=company.sales_id,
            year=2026,
            secrecy=1,
            state="shelved",
            created_at=now,
        )
        uow.session.add(item)
        uow.session.flush()
        write_readers(
            uow, "item", item.id, Thing("item", company.sales_id, secrecy=1, state="shelved")
        )
        copy = ItemCopy(item_id=item.id, barcode=make_barcode(1), status="out")
        request = LoanRequest(
            number="JY20260001",
            borrower_id=borrower.id,
            item_id=item.id,
            mode="original",
            purpose="核对合同条款",
            business_reference="KH20260001",
            state="handed_out",
            decision={"rule": {**RULE, "basis": "", "conditions": ""}, "due": due.isoformat()},
            created_at=now,
        )
        uow.session.add_all([copy, request])
        uow.session.flush()
        uow.session.add(
            Loan(
                request_id=request.id,
                copy_id=copy.id,
                borrower_id=borrower.id,
                rule=RULE,
                handed_at=now,
                handed_by=company.archivist.id,
                due_on=due,
                pages_out=3,
            )
        )
        uow.commit()


def begin_papers(resources: Resources, company: Any, count: int) -> None:
    """Begin papers of the clerk; every second one goes to the head of the department."""
    for number in range(count):
        with resources.work() as uow:
            made = records.create_draft(uow, company.sales_clerk, "E01", E01)
            uow.commit()
        if number % 2:
            move(resources, company, made, "in_signing")
            with resources.work() as uow:
                run = SigningRun(record_id=made.id, round=1, state="running", started_at=uow.now())
                uow.session.add(run)
                uow.session.flush()
                task = SigningTask(run_id=run.id, seq=1, role="部门经理", state="open")
                task.assignee_id = company.sales_head.id
                uow.session.add(task)
                uow.commit()


def test_my_draft_waits_for_me_and_for_nobody_else(
    resources: Resources, company: Any, draft: RecordView
) -> None:
    mine = cards(resources, company.sales_clerk)["drafts"]
    assert (mine.total, mine.lines[0].id, "海信" in mine.lines[0].title) == (1, draft.id, True)
    for person in (company.sales_clerk2, company.sales_head, company.archivist, company.leader):
        assert cards(resources, person)["drafts"].total == 0


def test_a_paper_moves_from_card_to_card_on_its_way(
    resources: Resources, company: Any, draft: RecordView
) -> None:
    clerk, archivist = company.sales_clerk, company.archivist

    def where() -> list[str]:
        busy = [card for card in cards(resources, clerk).values() if card.total]
        waiting = cards(resources, archivist)["to_file"].total
        return [card.key for card in busy] + ["to_file"] * waiting

    seen = [where()]
    move(resources, company, draft, "in_signing")
    seen.append(where())
    move(resources, company, draft, "signed")
    seen.append(where())
    assert seen == [["drafts"], ["in_signing"], ["to_file"]]


def test_a_returned_paper_presses_and_says_why(
    resources: Resources, company: Any, draft: RecordView
) -> None:
    assert "returned" not in cards(resources, company.sales_clerk)
    move(resources, company, draft, "in_signing", "returned")
    card = cards(resources, company.sales_clerk)["returned"]
    assert (card.total, card.is_urgent) == (1, True)
    assert "请补充地址" in card.lines[0].note


@pytest.mark.parametrize(("due", "late"), [(date(2026, 11, 30), False), (date(2026, 11, 16), True)])
def test_what_i_borrowed_shows_its_due_day_and_lateness(
    resources: Resources, company: Any, due: date, late: bool
) -> None:
    lend_to(resources, company, company.sales_clerk, due)
    mine = cards(resources, company.sales_clerk)["borrowed"]
    assert (mine.total, mine.is_urgent, mine.lines[0].is_late) == (1, late, late)
    assert due.isoformat() in mine.lines[0].note
    assert cards(resources, company.archivist)["overdue"].total == int(late)
    assert cards(resources, company.sales_clerk2)["borrowed"].total == 0


def test_only_the_archive_sees_filing_and_overdue_cards(resources: Resources, company: Any) -> None:
    for name, person in company.everyone().items():
        shown = cards(resources, person).keys()
        assert ("to_file" in shown) == (name in ("archivist", "archive_head")), name
        assert ("overdue" in shown) == (name in ("archivist", "archive_head", "leader")), name


def test_the_administrator_gets_no_cards_of_papers(
    resources: Resources, company: Any, draft: RecordView, client_for: ClientFor
) -> None:
    assert cards(resources, company.admin) == {}
    page = client_for(company.admin).get("/")
    assert page.status_code == 200
    assert "只用于系统管理" in page.text and "海信" not in page.text


def test_every_card_leads_to_a_page_that_is_there(
    resources: Resources, company: Any, draft: RecordView, client_for: ClientFor
) -> None:
    lend_to(resources, company, company.sales_clerk, date(2026, 11, 16))
    for person in (company.sales_clerk, company.archivist):
        client = client_for(person)
        html = client.get("/").text
        lists = html.partition('class="cards"')[2].partition('class="quiet"')[0]
        links = [part.partition('"')[0].replace("&amp;", "&") for part in lists.split('href="')[1:]]
        assert links
        assert {link: client.get(link).status_code for link in links} == dict.fromkeys(links, 200)


def test_a_form_is_started_from_the_first_page(client_for: ClientFor, company: Any) -> None:
    client = client_for(company.sales_clerk)
    html = client.get("/").text
    key = html.partition('name="draft_key" value="')[2].partition('"')[0]
    assert len(key) > 16
    first = client.post("/records/new", data={"form": "E01", "draft_key": key})
    again = client.post("/records/new", data={"form": "E01", "draft_key": key})
    assert first.status_code == 302 and first.headers["Location"] == again.headers["Location"]


def test_the_page_asks_for_each_set_once_however_many_papers_wait(
    resources: Resources, company: Any, client_for: ClientFor, count_statements: Any
) -> None:
    page = client_for(company.sales_clerk)
    begin_papers(resources, company, 2)
    page.get("/")
    with count_statements() as few:
        page.get("/")
    begin_papers(resources, company, 14)
    with count_statements() as many:
        shown = page.get("/").text
    assert len(few) == len(many) <= 25
    card = cards(resources, company.sales_clerk)["in_signing"]
    assert (card.total, len(card.lines)) == (8, service.SHOWN)
    assert {line.note for line in card.lines} == {"等部门经理 王建国"} and "等部门经理" in shown
    assert cards(resources, company.sales_clerk)["drafts"].total == 8
