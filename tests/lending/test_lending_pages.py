"""The pages of lending: the asker's, the approver's, the desk's, the register's."""

import pytest
from sqlalchemy import func, select

from archive.lending import service as lending
from archive.lending.models import Loan, LoanRefusal, LoanRequest

PURPOSE = "客户续签合同前核对资质"


def send(client, item_id, act="send", **changes):
    form = {
        "item": item_id,
        "mode": "original",
        "purpose": PURPOSE,
        "business_reference": "海信",
        "act": act,
        **changes,
    }
    return client.post("/loans/new", data=form)


def text_of(answer) -> str:
    return answer.get_data(as_text=True)


def count(shelf, model) -> int:
    with shelf.resources.reading() as uow:
        return uow.session.scalar(select(func.count()).select_from(model))


def test_the_form_shows_every_way_before_sending(shelf, company, client_for):
    item_id, _ = shelf.item()
    page = text_of(client_for(company.sales_clerk).get(f"/loans/new?item={item_id}"))
    assert "新开发客户报告表（海信）" in page
    assert "2026年12月7日" in page and "王建国、孙文静" in page
    for way in ("原件外借", "现场阅览", "电子阅览", "复印摘录"):
        assert way in page
    assert "disabled" not in page.partition("怎么借")[2].partition("</fieldset>")[0]


def test_checking_shows_the_decision_and_writes_nothing(shelf, company, client_for):
    item_id, _ = shelf.item()
    client = client_for(company.sales_clerk)
    assert "可以原件外借" in text_of(send(client, item_id, "check"))
    page = text_of(send(client, item_id, "check", purpose="看", business_reference=""))
    assert "没有写明借阅用途" in page and "没有业务依据" in page
    assert count(shelf, LoanRequest) == count(shelf, LoanRefusal) == 0


def test_a_refused_request_shows_all_reasons_and_loses_nothing_typed(shelf, company, client_for):
    item_id, _ = shelf.item()
    answer = send(client_for(company.other_clerk), item_id, purpose="A<B & {{7*7}}")
    page = text_of(answer)
    assert answer.status_code == 403
    assert "没有业务联系" in page and "A&lt;B &amp; {{7*7}}" in page
    assert "新开发客户报告表" not in page and "无权查看题名" in page
    assert count(shelf, LoanRefusal) == 1


@pytest.mark.parametrize(
    "changes",
    [{"mode": "带走"}, {"mode": ""}, {"purpose": "核\x00对资质"}, {"purpose": "核" * 600}],
)
def test_what_cannot_be_kept_is_said_at_the_form(shelf, company, client_for, changes):
    item_id, _ = shelf.item()
    for act in ("send", "check") if "mode" in changes else ("send",):
        answer = send(client_for(company.sales_clerk), item_id, act, **changes)
        assert answer.status_code == 422 and "alert-danger" in text_of(answer)
    assert count(shelf, LoanRequest) == 0


@pytest.mark.parametrize("query", ["", "?item=999", "?item=abc", "?item=99999999999999999999999"])
def test_asking_for_nothing_is_not_found(shelf, company, client_for, query):
    assert client_for(company.sales_clerk).get(f"/loans/new{query}").status_code == 404


def test_the_paper_goes_its_way_through_the_pages(shelf, company, client_for):
    item_id, barcode = shelf.item()
    clerk, head = client_for(company.sales_clerk2), client_for(company.sales_head)
    desk = client_for(company.archivist)
    sent = send(clerk, item_id)
    assert sent.status_code == 302
    request_url = sent.headers["Location"]
    assert "JY2026-0001" in text_of(clerk.get("/loans"))
    assert "撤回申请" in text_of(clerk.get(request_url))

    assert PURPOSE in text_of(head.get("/loans/approvals"))
    no_reason = head.post(f"{request_url}/decide", data={"act": "refuse", "opinion": ""})
    assert no_reason.status_code == 422 and "请写明不同意的理由" in text_of(no_reason)
    for client in (head, desk):
        done = client.post(f"{request_url}/decide", data={"act": "approve", "opinion": "同意。"})
        assert done.status_code == 302
    assert "请带工牌到借阅台取件" in text_of(clerk.get(request_url))

    page = text_of(desk.get(f"/loans/desk?barcode={barcode}"))
    assert "办理借出" in page and "林美玲" in page
    wrong = desk.post("/loans/desk/hand-out", data={"barcode": barcode, "staff_no": "0001"})
    assert wrong.status_code == 422 and "没有获准" in text_of(wrong)
    assert count(shelf, Loan) == 0
    out = desk.post(
        "/loans/desk/hand-out",
        data={"barcode": barcode, "staff_no": company.sales_clerk2.staff_no, "pages": "3"},
        follow_redirects=True,
    )
    assert "已借给林美玲，应于2026年12月7日归还" in text_of(out)
    assert "2026-12-07" in text_of(clerk.get("/loans"))
    assert "林美玲" in text_of(desk.get("/loans/register"))
    assert "借出" in text_of(clerk.get(f"/items/{item_id}"))

    assert "办理归还" in text_of(desk.get(f"/loans/desk?barcode={barcode}"))
    for bad in ("", "三", "3.5", "-1", "²"):
        answer = desk.post("/loans/desk/return", data={"barcode": barcode, "pages": bad})
        assert answer.status_code == 422 and "没有办成" in text_of(answer)
    back = desk.post(
        "/loans/desk/return",
        data={"barcode": barcode, "pages": "3", "condition": "完好", "note": "封面有铅笔字"},
        follow_redirects=True,
    )
    assert "已收回，请放回 库房一-02-03-04 盒12" in text_of(back)
    log = text_of(desk.get("/loans/register?view=lent"))
    assert "完好；封面有铅笔字" in log and "已归还" in log
    history = text_of(desk.get(f"/loans/items/{item_id}/log"))
    assert "申请原件外借" in history and "归还" in history


def test_missing_pages_are_said_at_once(shelf, company, client_for):
    item_id, barcode = shelf.item()
    shelf.lent(company.sales_clerk, item_id, barcode)
    answer = client_for(company.archivist).post(
        "/loans/desk/return",
        data={"barcode": barcode, "pages": "2", "condition": "完好"},
        follow_redirects=True,
    )
    assert "有异常：页数不符：借出 3 页，归还 2 页" in text_of(answer)


def test_an_unknown_barcode_is_said_at_the_desk(shelf, company, client_for):
    desk = client_for(company.archivist)
    answer = desk.get("/loans/desk?barcode=<script>alert(1)</script>")
    assert answer.status_code == 422 and "没有条码" in text_of(answer)
    assert "<script>alert" not in text_of(answer)
    assert desk.post("/loans/desk/hand-out", data={"barcode": "A1"}).status_code == 422
    assert desk.get("/loans/desk").status_code == 200


def test_a_request_is_withdrawn_from_the_list(shelf, company, client_for):
    request = shelf.ask(company.sales_clerk, shelf.item()[0])
    client = client_for(company.sales_clerk)
    answer = client.post(f"/loans/{request.id}/withdraw", follow_redirects=True)
    assert "已撤回" in text_of(answer)
    assert client.post(f"/loans/{request.id}/withdraw").status_code == 409


def test_the_register_shows_refusals_with_their_reasons(shelf, company, client_for):
    shelf.ask(company.other_clerk, shelf.item()[0], purpose="<b>私事</b>", reference="朋友")
    archive = client_for(company.archivist)
    page = text_of(archive.get("/loans/register?view=refused"))
    assert "赵客服" in page and "没有业务联系" in page and "&lt;b&gt;私事" in page
    assert archive.get("/loans/register?view=refused&from=昨天").status_code == 422
    assert archive.get("/loans/register?view=lent&from=2026-12-01&to=2026-01-01").status_code == 422
    assert archive.get("/loans/register?view=lent&page=0").status_code == 422
    assert archive.get("/loans/register?view=strange").status_code == 200


PAGES = {
    "/loans": "sales_clerk sales_head leader archivist archive_head",
    "/loans/approvals": "sales_clerk sales_head leader archivist archive_head",
    "/loans/desk": "archivist archive_head",
    "/loans/register": "leader archivist archive_head",
    "/loans/items/1/log": "leader archivist archive_head",
}


@pytest.mark.parametrize("url", PAGES)
def test_pages_open_to_those_who_may(shelf, company, client_for, url):
    shelf.item()
    for name, who in company.everyone().items():
        if name in ("sales_clerk2", "finance_clerk", "other_clerk", "other_head"):
            continue
        expected = 200 if name in PAGES[url].split() else 403
        assert client_for(who).get(url).status_code == expected, name
    assert client_for(None).get(url).status_code in (302, 401)


def test_others_do_not_find_my_request(shelf, company, client_for):
    request = shelf.ask(company.sales_clerk, shelf.item()[0])
    for who in (company.sales_clerk2, company.other_head):
        assert client_for(who).get(f"/loans/{request.id}").status_code == 404
    assert client_for(company.sales_head).get(f"/loans/{request.id}").status_code == 200


def test_the_items_page_offers_to_borrow_and_shows_who_has_it(shelf, company, client_for):
    item_id, barcode = shelf.item()
    page = text_of(client_for(company.sales_clerk).get(f"/items/{item_id}"))
    assert f"/loans/new?item={item_id}" in page and "没有借出" in page
    shelf.lent(company.sales_clerk2, item_id, barcode)
    page = text_of(client_for(company.sales_clerk).get(f"/items/{item_id}"))
    assert "林美玲" in page and "2026-12-07" in page and "借阅历史" not in page
    page = text_of(client_for(company.archivist).get(f"/items/{item_id}"))
    assert "借阅历史" in page


def test_the_inbox_counts_loan_requests(shelf, company, client_for):
    shelf.ask(company.sales_clerk, shelf.item()[0])
    with shelf.resources.reading() as uow:
        assert lending.waiting_count(uow, company.sales_head) == 1
    assert "待我审批 1 份" in text_of(client_for(company.sales_head).get("/loans"))
