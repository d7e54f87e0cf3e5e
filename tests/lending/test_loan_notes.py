"""Several papers asked for at once: the basket, the note, one approval, one hand-out, one paper."""

import io
import zipfile
from datetime import date

import pytest
from sqlalchemy import func, select

from archive.core.errors import Conflict, Forbidden, Invalid, NotFound
from archive.filing.models import Item, Volume
from archive.lending import service as lending
from archive.lending.confirming.rules import Confirmed, Way
from archive.lending.groups import acts, basket, service
from archive.lending.groups.acts import Back, Out
from archive.lending.groups.models import LoanGroup
from archive.lending.groups.service import Wish
from archive.lending.incidents.models import LoanIncident
from archive.lending.models import Loan, LoanRefusal, LoanRequest

PURPOSE = "客户续签合同前核对资质"
WISH = Wish("original", PURPOSE, "海信")


def ask(shelf, who, item_ids, wish=WISH, volume=None, **more):
    def act(uow):
        lines = service.lines_for(uow, who, item_ids, volume)
        return service.ask_for_all(uow, who, wish, lines, **more)

    return shelf.do(act)


def consider(shelf, who, item_ids, wish=WISH, volume=None):
    with shelf.resources.reading() as uow:
        return service.consider(uow, who, wish, service.lines_for(uow, who, item_ids, volume))


def group_of(shelf, who, group_id):
    with shelf.resources.reading() as uow:
        return service.get_group(uow, who, group_id)


def approve_all(shelf, group, opinion="同意。"):
    while steps := [one.waits_for for one in group.requests if one.waits_for]:
        approver = shelf.actor(steps[0].approver_id)
        mine = group_of(shelf, approver, group.id).my_turns
        picks = [(one.id, one.version) for one in mine]
        group = shelf.do(acts.decide_many, approver, group.id, picks, opinion)
    return group


def count(shelf, model) -> int:
    with shelf.resources.reading() as uow:
        return uow.session.scalar(select(func.count()).select_from(model))


@pytest.fixture
def volume(shelf):
    """A volume of two papers, one of them in two copies."""
    first, code = shelf.item(title="合同正本")
    second, other = shelf.item(title="合同附件", copies=2)
    with shelf.resources.work() as uow:
        row = Volume(
            fonds="Z109",
            category="KH",
            year=2026,
            retention="D30",
            unit="XSB",
            item_class="客户开发",
            title="2026年度客户开发",
            state="open",
            created_at=uow.now(),
        )
        uow.session.add(row)
        uow.session.flush()
        for item_id in (first, second):
            uow.session.get_one(Item, item_id).volume_id = row.id
        uow.commit()
        return row.id, (first, second), (code, other)


def test_a_note_goes_its_way_in_one_act_each(shelf, company):
    papers = [shelf.item(title=f"报告表 {n}") for n in range(3)]
    outcome = ask(shelf, company.sales_clerk, [item for item, _ in papers])
    group = outcome.group
    assert [one.number for one in group.requests] == [f"{group.number}-{n:03d}" for n in (1, 2, 3)]
    assert outcome.refused == () and group.number == "JY2026-0001"
    group = approve_all(shelf, group)
    assert [one.state for one in group.ready] == ["approved"] * 3
    outs = [Out(code, 3) for _, code in papers]
    with shelf.resources.reading() as uow:
        signer = acts.who_borrows_all(uow, company.archivist, group.id, outs, "0001")
    assert signer.id == company.sales_clerk.id
    done = shelf.do(acts.hand_out_many, company.archivist, group.id, outs, staff_no="0001")
    assert done.state_label == "借出" and count(shelf, Loan) == 3
    assert {one.loan.due_on for one in done.requests} == {date(2026, 12, 7)}


def test_a_refused_paper_does_not_hold_up_the_others_and_says_what_is_possible_instead(
    shelf, company
):
    good, _ = shelf.item()
    secret, _ = shelf.item(secrecy=2)
    raw, _ = shelf.item(state="catalogued")
    found = consider(shelf, company.sales_clerk, [good, secret, raw])
    assert [one.may_send for one in found] == [True, False, False]
    assert "密级高于" in found[1].preview.decision.reasons[0].text and found[1].instead == ()
    other = consider(shelf, company.other_clerk, [good], Wish("original", PURPOSE, "海信"))
    assert {one.code for one in other[0].preview.decision.reasons} >= {"not_connected"}
    outcome = ask(shelf, company.sales_clerk, [good, secret, raw])
    assert [one.item_id for one in outcome.group.requests] == [good]
    assert [one.item_id for one in outcome.refused] == [secret, raw]
    assert count(shelf, LoanRefusal) == 2


def test_a_paper_that_may_not_be_taken_out_says_how_else(shelf, company):
    shelf.signed_record(company.service_id, company.other_clerk, "E10-2026-0007")
    item_id, barcode = shelf.item()
    shelf.lent(company.sales_clerk2, item_id, barcode)
    wish = Wish("original", PURPOSE, "E10-2026-0007")
    found = consider(shelf, company.other_clerk, [item_id], wish)[0]
    assert found.may_queue and not found.may_send
    assert "复印摘录" in found.instead and "原件外借" not in found.instead
    outcome = ask(shelf, company.other_clerk, [item_id], wish, queues=True)
    assert outcome.group.requests[0].queued


def test_a_note_that_nothing_goes_on_takes_no_number(shelf, company):
    secret, good = shelf.item(secrecy=2)[0], shelf.item()[0]
    assert ask(shelf, company.sales_clerk, [secret]).group is None
    assert ask(shelf, company.sales_clerk, [secret, good]).group.number == "JY2026-0001"
    assert ask(shelf, company.sales_clerk, [good]).left != ()
    other = shelf.ask(company.sales_clerk2, shelf.item()[0])
    assert (other.number, count(shelf, LoanGroup)) == ("JY2026-0002", 1)


@pytest.mark.slow
def test_the_limit_is_met_where_it_would_be(shelf, company):
    papers = [shelf.item()[0] for _ in range(7)]
    found = consider(shelf, company.sales_clerk, papers)
    assert [one.may_send for one in found] == [True] * 5 + [False] * 2
    outcome = ask(shelf, company.sales_clerk, papers)
    assert len(outcome.group.requests) == 5 and len(outcome.refused) == 2
    assert {one.code for one in outcome.refused[0].reasons} == {"limit"}


@pytest.mark.slow
def test_a_volume_is_asked_for_whole_and_counts_once(shelf, company, volume):
    volume_id, papers, _ = volume
    singles = [shelf.item()[0] for _ in range(4)]
    ask(shelf, company.sales_clerk, singles)
    outcome = ask(shelf, company.sales_clerk, [], volume=volume_id)
    asked = [one.item_id for one in outcome.group.requests]
    assert sorted(asked) == sorted([papers[0], papers[1], papers[1]])  # one for every copy
    found = consider(shelf, company.sales_clerk, [shelf.item()[0]])
    assert {one.code for one in found[0].preview.decision.reasons} == {"limit"}
    group = approve_all(shelf, outcome.group)
    with shelf.resources.reading() as uow:
        lines = acts.desk_lines(uow, company.archivist, group.id)
    assert len(lines) == 3
    codes = list(dict.fromkeys(code for line in lines for code in line.barcodes))
    done = shelf.do(acts.hand_out_many, company.archivist, group.id, [Out(code) for code in codes])
    assert done.state_label == "借出" and len({one.loan.copy_id for one in done.requests}) == 3


def test_the_day_the_asker_gives_counts_and_never_lies_in_the_past(shelf, company):
    item_id, barcode = shelf.item()
    early = Wish("original", PURPOSE, "海信", date(2026, 11, 28))  # a Saturday
    outcome = ask(shelf, company.sales_clerk, [item_id], early)
    assert outcome.group.requests[0].due == date(2026, 11, 30)
    group = approve_all(shelf, outcome.group)
    done = shelf.do(acts.hand_out_many, company.archivist, group.id, [Out(barcode)])
    assert done.requests[0].loan.due_on == date(2026, 11, 30)
    past = Wish("original", PURPOSE, "海信", date(2026, 11, 22))
    found = ask(shelf, company.sales_clerk, [shelf.item()[0]], past)
    assert found.group is None and found.refused[0].reasons[0].code == "date_past"
    late = Wish("original", PURPOSE, "海信", date(2027, 6, 1))
    later = ask(shelf, company.sales_clerk, [shelf.item()[0]], late).group
    assert later.requests[0].due == date(2026, 12, 7)


def test_one_that_does_not_go_stops_the_whole_act_and_changes_nothing(shelf, company):
    (one, code), (two, other) = shelf.item(), shelf.item()
    group = approve_all(shelf, ask(shelf, company.sales_clerk, [one, two]).group)
    strange = shelf.item()[1]
    desk = company.archivist
    for outs, error in (
        ([Out(code), Out(strange)], Conflict),
        ([Out(code), Out(code.lower())], Invalid),
        ([], Invalid),
        ([Out(code), Out(other, -1)], Invalid),
        ([Out("不是条码")], Conflict),
    ):
        with pytest.raises(error):
            shelf.do(acts.hand_out_many, desk, group.id, outs)
    with pytest.raises(Conflict, match="没有获准"):
        shelf.do(acts.hand_out_many, desk, group.id, [Out(code), Out(other)], staff_no="0002")
    with pytest.raises(Forbidden):
        shelf.do(acts.hand_out_many, company.sales_head, group.id, [Out(code)])
    assert count(shelf, Loan) == 0
    shelf.do(acts.hand_out_many, desk, group.id, [Out(code)])
    with pytest.raises(Conflict):  # a replayed request
        shelf.do(acts.hand_out_many, desk, group.id, [Out(code)])
    assert count(shelf, Loan) == 1


def test_approving_part_and_refusing_the_rest(shelf, company):
    papers = [shelf.item()[0] for _ in range(3)]
    group = ask(shelf, company.sales_clerk, papers).group
    head = company.sales_head
    shown = [(one.id, one.version) for one in group_of(shelf, head, group.id).my_turns]
    shelf.do(acts.decide_many, head, group.id, shown[:2], "同意。")
    with pytest.raises(Conflict):  # a stale page
        shelf.do(acts.decide_many, head, group.id, shown, "同意。")
    with pytest.raises(Invalid, match="理由"):
        shelf.do(acts.decide_many, head, group.id, shown[2:], "", refuses=True)
    shelf.do(acts.decide_many, head, group.id, shown[2:], "这份不必借", refuses=True)
    states = [one.state for one in group_of(shelf, company.sales_clerk, group.id).requests]
    assert states == ["waiting", "waiting", "refused"]
    for picks in ([], [shown[0], shown[0]], [(999, 1)]):
        with pytest.raises((Invalid, Conflict)):
            shelf.do(acts.decide_many, head, group.id, picks, "同意。")
    with pytest.raises(NotFound):
        shelf.do(acts.decide_many, company.other_head, group.id, shown, "同意。")
    left = shelf.do(service.withdraw_all, company.sales_clerk, group.id)
    assert [one.state for one in left.requests] == ["withdrawn", "withdrawn", "refused"]
    with pytest.raises(Conflict):
        shelf.do(service.withdraw_all, company.sales_clerk, group.id)


def test_the_basket_keeps_what_was_put_in(shelf, company, volume):
    volume_id, papers, _ = volume
    who = company.sales_clerk
    assert shelf.do(basket.put_in, who, [papers[0], papers[0]]) == 1
    assert shelf.do(basket.put_volume_in, who, volume_id) == 1
    with shelf.resources.reading() as uow:
        held = basket.in_basket(uow, who)
        assert [one.volume for one in held] == ["2026年度客户开发"] * 2
        assert basket.in_basket(uow, company.sales_clerk2) == ()
    for ids in ([999], [0], [-1], [2**70], []):
        with pytest.raises(NotFound):
            shelf.do(basket.put_in, who, ids)
    with pytest.raises(NotFound):
        shelf.do(basket.put_volume_in, company.finance_clerk, volume_id)
    with pytest.raises(Invalid, match="最多"):
        shelf.do(basket.put_in, who, range(1, 300))
    with pytest.raises(Forbidden):
        shelf.do(basket.put_in, company.admin, [papers[0]])
    shelf.do(basket.take_out, who)
    assert shelf.do(basket.basket_size, who) == 0


@pytest.mark.slow
def test_the_way_through_the_pages(shelf, company, client_for):
    papers = [shelf.item(title=f"报告表 {n}") for n in range(2)]
    clerk, head = client_for(company.sales_clerk), client_for(company.sales_head)
    for item_id, _ in papers:
        answer = clerk.post("/loans/basket/add", data={"item": item_id, "back": "/items?page=1"})
        assert answer.headers["Location"] == "/items?page=1"
    answer = clerk.post("/loans/basket/add", data={"item": 1, "back": "//evil.example"})
    assert answer.headers["Location"] == "/loans/basket"
    assert "放入借阅车" in clerk.get("/items").text
    assert "借阅车（2）" in clerk.get("/loans").text
    assert "报告表 1" in clerk.get("/loans/basket?mode=electronic").text
    form = {"mode": "original", "purpose": PURPOSE, "reference": "海信", "act": "check"}
    form["item"] = [item_id for item_id, _ in papers]
    assert "现在能提交 2 件" in clerk.post("/loans/basket", data=form).text
    wrong = clerk.post("/loans/basket", data={**form, "act": "send", "until": "明天"})
    assert wrong.status_code == 422 and PURPOSE in wrong.text
    none = clerk.post("/loans/basket", data={**form, "act": "send", "purpose": "看"})
    assert none.status_code == 403 and "没有写明借阅用途" in none.text
    assert clerk.post("/loans/basket", data={**form, "item": [999]}).status_code == 200
    sent = clerk.post("/loans/basket", data={**form, "act": "send"})
    note = sent.headers["Location"]
    assert "JY2026-" in clerk.get(note).text
    page = head.get("/loans/approvals").text
    assert "申请原件外借 2 份" in page
    group_id = int(note.rsplit("/", 1)[1])
    turns = group_of(shelf, company.sales_head, group_id).my_turns
    picks = [f"{one.id}.{one.version}" for one in turns]
    bad = head.post(f"{note}/decide", data={"request": ["x"], "act": "approve"})
    assert bad.status_code == 422
    assert head.post(f"{note}/decide", data={"request": picks}).status_code == 302
    approve_all(shelf, group_of(shelf, company.sales_clerk, group_id))
    desk = client_for(company.archivist)
    number = group_of(shelf, company.sales_clerk, group_id).number
    assert desk.get(f"/loans/desk?barcode={number.lower()}").headers["Location"] == f"{note}/desk"
    page = desk.get(f"{note}/desk").text
    assert all(code in page for _, code in papers)
    code, other = papers[0][1], papers[1][1]
    out = {"barcode": [code, other], f"pages-{code}": "x", "staff_no": "0001"}
    refused = desk.post(f"{note}/desk", data=out)
    assert refused.status_code == 422 and "页数要填数字" in refused.text
    assert desk.post(f"{note}/desk", data={**out, f"pages-{code}": "3"}).status_code == 302
    assert count(shelf, Loan) == 2
    word = clerk.get(f"{note}/A01.docx")
    with zipfile.ZipFile(io.BytesIO(word.data)) as package:
        text = package.read("word/document.xml").decode()
    assert "报告表 0" in text and "报告表 1" in text and "王建国" in text and number in text
    assert client_for(company.other_clerk).get(f"{note}/A01.docx").status_code == 404


def test_the_way_over_the_api(shelf, company, api_for):
    papers = [shelf.item() for _ in range(2)]
    clerk, head = api_for(company.sales_clerk), api_for(company.sales_head)
    body = {
        "items": [item_id for item_id, _ in papers],
        "mode": "original",
        "purpose": PURPOSE,
        "business_reference": "海信",
    }
    told = clerk.post("/api/v1/loans/notes/decision", json=body).get_json()
    assert [line["allowed"] for line in told["lines"]] == [True, True]
    assert count(shelf, LoanRequest) == 0
    note = clerk.post("/api/v1/loans/notes", json=body)
    assert note.status_code == 201
    made = note.get_json()
    assert clerk.post("/api/v1/loans/notes", json=body).status_code == 403
    url = f"/api/v1/loans/notes/{made['id']}"
    picks = [{"id": one["id"], "version": one["version"]} for one in made["requests"]]
    assert clerk.post(f"{url}/decide", json={"requests": picks}).status_code == 403
    done = head.post(f"{url}/decide", json={"requests": picks, "opinion": "同意。"})
    assert done.status_code == 200
    approve_all(shelf, group_of(shelf, company.sales_clerk, made["id"]))
    desk = api_for(company.archivist)
    copies = [{"barcode": code, "pages": 3} for _, code in papers]
    assert desk.post(f"{url}/hand-out", json={"copies": copies}).status_code == 200
    assert desk.post(f"{url}/hand-out", json={"copies": copies}).status_code == 409
    assert count(shelf, LoanGroup) == 1
    for wrong in ({"items": "x"}, {"items": [1], "mode": 3}, {"until": "明天"}, {"more": 1}):
        assert clerk.post("/api/v1/loans/notes", json={**body, **wrong}).status_code in (400, 422)
    assert api_for(company.other_clerk).get(url).status_code == 404


def test_a_request_alone_is_still_served_as_before(shelf, company):
    item_id, barcode = shelf.item()
    assert shelf.lent(company.sales_clerk, item_id, barcode).group_id is None
    with pytest.raises(NotFound):
        group_of(shelf, company.sales_clerk, 2**70)
    assert lending.register is not None


@pytest.fixture
def note_out(shelf, company):
    """A note of three papers, all of them out: its id and their barcodes."""
    papers = [shelf.item() for _ in range(3)]
    group = approve_all(shelf, ask(shelf, company.sales_clerk, [one for one, _ in papers]).group)
    outs = [Out(code) for _, code in papers]
    shelf.do(acts.hand_out_many, company.archivist, group.id, outs)
    return group.id, [code for _, code in papers]


def test_what_came_back_of_a_note_is_taken_back_at_once_and_the_rest_stays_out(
    shelf, company, note_out, drawn_signature
):
    group_id, codes = note_out
    backs = [Back(codes[0], 3), Back(codes[2].lower(), 2, "有污渍")]
    with shelf.resources.reading() as uow:
        signer = acts.who_returns_all(uow, company.archivist, group_id, backs)
    picture = shelf.resources.blobs.put(drawn_signature, "image/png")
    signed = Confirmed(Way.DRAWN, signer.id, picture)
    done = shelf.do(acts.take_back_many, company.archivist, group_id, backs, confirmed=signed)
    assert signer.id == company.sales_clerk.id
    assert [one.loan.intact for one in done] == [True, False]
    assert "页数不符" in done[1].loan.condition and "有污渍" in done[1].loan.condition
    group = group_of(shelf, company.archivist, group_id)
    assert [one.loan.barcode for one in group.out] == [codes[1]]
    with shelf.resources.reading() as uow:
        digests = uow.session.scalars(
            select(Loan.back_digest).where(Loan.returned_at.is_not(None))
        ).all()
    assert len(set(digests)) == 2  # one signature, bound to each loan by itself
    assert count(shelf, LoanIncident) == 2  # pages and damage, of the one paper


def test_one_that_does_not_come_back_stops_the_whole_return(shelf, company, note_out):
    group_id, codes = note_out
    alone, other = shelf.item()
    shelf.lent(company.sales_clerk, alone, other)
    for backs, why in (
        ([], "扫描"),
        ([Back(codes[0], 3), Back(codes[0], 3)], "扫了两次"),
        ([Back(codes[0], 3), Back(other, 3)], other),
        ([Back(codes[0], 3), Back(codes[1], -1)], f"条码 {codes[1]}"),
    ):
        with pytest.raises((Conflict, Invalid)) as refused:
            shelf.do(acts.take_back_many, company.archivist, group_id, backs)
        assert why in refused.value.message
    with pytest.raises(Forbidden):
        shelf.do(acts.take_back_many, company.sales_clerk, group_id, [Back(codes[0], 3)])
    assert len(group_of(shelf, company.archivist, group_id).out) == 3
    shelf.do(acts.take_back_many, company.archivist, group_id, [Back(codes[0], 3)])
    with pytest.raises(Conflict, match="整单没有归还"):  # twice is once
        shelf.do(acts.take_back_many, company.archivist, group_id, [Back(codes[0], 3)])


def test_a_note_comes_back_through_the_pages_and_the_api(
    shelf, company, note_out, client_for, api_for
):
    group_id, codes = note_out
    desk = client_for(company.archivist)
    number = group_of(shelf, company.archivist, group_id).number
    page = desk.get(f"/loans/desk?barcode={number}", follow_redirects=True).text
    assert "还来的勾上" in page and all(code in page for code in codes)
    assert "整单归还" in desk.get(f"/loans/desk?barcode={codes[0]}").text
    address = f"/loans/notes/{group_id}/return"
    form = {"barcode": codes[:2], f"pages-{codes[0]}": "3", f"note-{codes[0]}": "封面有折痕"}
    refused = desk.post(address, data=form)
    assert refused.status_code == 422 and "没有填页数" in refused.text
    assert "封面有折痕" in refused.text  # nothing typed is lost
    done = desk.post(address, data={**form, f"pages-{codes[1]}": "3"}, follow_redirects=True)
    assert "已收回 2 份，还有 1 份在外" in done.text
    api = api_for(company.archivist)
    path = f"/api/v1/loans/notes/{group_id}/return"
    told = api.post(path, json={"copies": [{"barcode": codes[2], "pages": 3}]}).get_json()
    assert all(one["loan"]["returned_at"] for one in told["requests"])
    assert api.post(path, json={"copies": [{"barcode": codes[2], "pages": 3}]}).status_code == 409
