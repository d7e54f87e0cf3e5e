"""The page and the calls of the calendar of working days."""

import re

import pytest

from archive.core.calendar import load_book
from tests.lending.test_workdays import BASIS, NOTICE, change, version

URL = "/loans/workdays"
API = "/api/v1/calendar"


def text_of(answer) -> str:
    return answer.get_data(as_text=True)


def hidden(page: str, name: str) -> str:
    return re.search(rf'name="{name}" value="([^"]*)"', page)[1]


def test_a_year_is_shown_day_by_day(shelf, company, client_for):
    change(shelf, company.archive_head, "2026-12-02", note="年度<盘点>")
    change(shelf, company.archive_head, "2026-12-07", "2026-12-11", note="库房搬迁")
    page = text_of(client_for(company.archivist).get(URL))
    assert "2026 年工作日历" in page and "暂定" not in page and "元旦" in page
    assert page.count("<caption>") == 12 and page.count('class="workday-day"') == 365
    assert page.count(">休<") + page.count(">班<") == 365
    assert "12月2日（周三）休息：年度&lt;盘点&gt;" in page and page.count(">改<") == 7
    assert "12月7日（周一）至12月11日（周五）休息：库房搬迁" in page
    assert 'name="first"' not in page and "<textarea" not in page
    later = text_of(client_for(company.leader).get(URL + "?year=2028"))
    assert "暂定" in later and "还没有公布" in later
    for year in ("2031", "x", "２０２７", "9" * 5000, "-1", "0"):
        assert "2026 年工作日历" in text_of(client_for(company.archivist).get(f"{URL}?year={year}"))
    assert client_for(company.sales_clerk).get(URL).status_code == 403
    assert URL in text_of(client_for(company.archivist).get("/loans/rules"))


def test_days_are_changed_on_the_page(shelf, company, client_for):
    request = shelf.lent(company.sales_clerk, *shelf.item())
    head = client_for(company.archive_head)
    before = hidden(text_of(head.get(URL)), "before")
    typed = {"first": "2026-12-02", "last": "", "what": "closed", "note": "年度盘点"}
    wrong = head.post(f"{URL}/days", data=typed | {"last": "2026-12-01", "before": before})
    page = text_of(wrong)
    assert wrong.status_code == 422 and "不能早于" in page and 'value="年度盘点"' in page
    saved = head.post(f"{URL}/days", data=typed | {"before": before})
    assert saved.status_code == 302 and saved.location.endswith("?year=2026")
    assert "1 笔借阅的日子跟着改了" in text_of(head.get(saved.location))
    again = head.post(f"{URL}/days", data=typed | {"before": before})
    page = text_of(again)
    assert again.status_code == 409 and "刚被别人改过" in page and 'value="年度盘点"' in page
    assert head.post(f"{URL}/days").status_code == 422
    archivist = client_for(company.archivist)
    assert archivist.post(f"{URL}/days", data=typed).status_code == 403
    assert "2026-12-08" in text_of(client_for(company.sales_clerk).get(f"/loans/{request.id}"))


def test_a_notice_is_shown_before_it_is_saved(shelf, company, client_for):
    head = client_for(company.archive_head)
    typed = {"year": "2027", "text": NOTICE.replace("\n", "\r\n"), "basis": BASIS}
    shown = head.post(f"{URL}/notice", data=typed)
    page = text_of(shown)
    assert shown.status_code == 200 and "没有借阅的日子要改" in page
    assert "2月5日（周五）至2月11日（周四）" in page and "2月13日（周六）" in page
    with shelf.resources.reading() as uow:
        assert load_book(uow).notices == {}
    keys = {name: hidden(page, name) for name in ("before", "seen")}
    other = head.post(f"{URL}/notice", data=typed | keys | {"act": "save", "basis": "另一个文号"})
    assert other.status_code == 409 and "另一个文号" in text_of(other)
    kept = {"text": NOTICE}  # as a browser may send it back
    saved = head.post(f"{URL}/notice", data=typed | keys | kept | {"act": "save"})
    assert saved.status_code == 302
    page = text_of(head.get(saved.location))
    assert "2027 年工作日历" in page and BASIS in page and "2027 年的放假安排已保存" in page
    assert ">春节<" in page and "还没有公布" not in page
    stale = head.post(f"{URL}/notice", data=typed | keys | {"act": "save"})
    assert stale.status_code == 409 and "二、春节" in text_of(stale)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"text": ""}, "没有找到分条"),
        ({"text": NOTICE.replace("共7天。9", "共8天。9")}, "写的是 8 天"),
        ({"text": "长" * 20_001}, "最多 20000 个字"),
        ({"basis": ""}, "请写明文号"),
        ({"year": "2028"}, "请先录入 2027 年"),
        ({"year": "x" * 9999}, "年之间"),
        ({"act": "save", "seen": "x", "text": ""}, "没有找到分条"),
    ],
)
def test_a_refused_notice_loses_nothing(shelf, company, client_for, more, told):
    head = client_for(company.archive_head)
    typed = {"year": "2027", "text": NOTICE, "basis": BASIS} | more
    answer = head.post(f"{URL}/notice", data=typed)
    page = text_of(answer)
    assert answer.status_code == 422 and told in page
    assert typed["basis"] in page and typed["text"].strip()[:30] in page
    assert client_for(company.archivist).post(f"{URL}/notice", data=typed).status_code == 403


def test_the_calls_read_count_change_and_enter(shelf, company, api_for):
    shelf.lent(company.sales_clerk, *shelf.item())
    head, archivist = api_for(company.archive_head), api_for(company.archivist)
    year = archivist.get(f"{API}/2026").get_json()
    by_day = {one["day"]: one for one in year["days"]}
    assert year["published"] and "国务院" in year["basis"]
    assert by_day["2026-10-10"] == {
        "day": "2026-10-10",
        "is_open": True,
        "name": "国庆节",
        "note": "",
        "by_hand": False,
    }
    assert "2026-11-23" not in by_day
    change = {"first": "2026-12-02", "what": "closed", "note": "盘点", "version": year["version"]}
    assert archivist.put(f"{API}/days", json=change).status_code == 403
    changed = head.put(f"{API}/days", json=change)
    assert changed.status_code == 200 and changed.get_json()["moved"] == 1
    assert head.put(f"{API}/days", json=change).status_code == 409
    counted = archivist.get(f"{API}/working-day?after=2026-11-23&count=10").get_json()
    assert counted == {"day": "2026-12-08", "provisional": False}
    notice = {"year": 2027, "text": NOTICE, "basis": BASIS, "dry_run": True}
    read = head.post(f"{API}/notices", json=notice).get_json()
    assert not read["saved"] and read["holidays"][1]["worked"] == ["2027-02-13", "2027-02-20"]
    assert not archivist.get(f"{API}/2027").get_json()["published"]
    saving = notice | {"dry_run": False, "version": version(shelf)}
    assert archivist.post(f"{API}/notices", json=saving).status_code == 403
    assert head.post(f"{API}/notices", json=saving).get_json()["saved"]
    assert head.post(f"{API}/notices", json=saving).status_code == 409
    after = archivist.get(f"{API}/2027").get_json()
    assert after["published"] and after["basis"] == BASIS


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/2031", None, 404),
        ("GET", "/99999999999999999999", None, 404),
        ("GET", "/working-day?after=x&count=1", None, 422),
        ("GET", "/working-day?after=9999-12-31&count=1", None, 422),
        ("GET", "/working-day?after=2026-11-23&count=367", None, 422),
        ("GET", "/working-day?after=2026-11-23&count=0", None, 422),
        ("PUT", "/days", {}, 422),
        ("PUT", "/days", {"first": 1, "what": "closed", "version": ""}, 422),
        ("PUT", "/days", {"first": "2026-12-02", "what": "x", "version": ""}, 422),
        ("POST", "/notices", {"year": "2027", "text": "", "basis": ""}, 422),
        ("POST", "/notices", {"year": 2027, "text": "x" * 50_000, "basis": "文号"}, 422),
        ("POST", "/notices", {"year": 10**30, "text": NOTICE, "basis": "文号"}, 422),
        ("POST", "/notices", {"year": 2027, "text": NOTICE, "basis": "文号", "more": 1}, 422),
    ],
)
def test_wrong_calls_are_refused(shelf, company, api_for, method, path, body, status):
    answer = api_for(company.archive_head).open(f"{API}{path}", method=method, json=body)
    assert answer.status_code == status, text_of(answer)
