"""The desk's page in a real browser while its network is cut, at the width of a tablet."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright
from sqlalchemy import select
from waitress import create_server

from archive.lending import service as lending
from archive.lending.models import Loan
from archive.people import access
from archive.people.gate import COOKIE

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="没有安装 Chromium"),
]


@pytest.fixture
def desk(app, shelf, company, clock) -> Iterator[Page]:
    """The desk's page, the archivist signed in; the server's clock is the browser's."""
    clock.now = datetime.now(UTC)
    with shelf.resources.work() as uow:
        token = access.open_session(uow, company.archivist.id, "", "")
        uow.commit()
    server = create_server(app, host="127.0.0.1", port=0, threads=8)
    threading.Thread(target=server.run, daemon=True).start()
    address = f"http://127.0.0.1:{server.effective_port}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
        )
        context = browser.new_context(viewport={"width": 820, "height": 1100})
        context.add_cookies([{"name": COOKIE, "value": token, "url": address}])
        tab = context.new_page()
        faults: list[str] = []
        tab.on("pageerror", lambda error: faults.append(str(error)))
        tab.address = f"{address}/loans/desk"
        yield tab
        assert faults == []
        browser.close()
    server.close()


def scan(desk: Page, code: str) -> None:
    desk.fill("[data-desk-scan]", code)
    desk.press("[data-desk-scan]", "Enter")


def open_desk(desk: Page) -> None:
    with desk.expect_response("**/loans/desk/offline"):
        desk.goto(desk.address)
    desk.wait_for_function("localStorage.length > 0")


def test_a_desk_cut_off_goes_on_and_sends_its_queue_once(desk, shelf, company, clock):
    item_id, barcode = shelf.item()
    request = shelf.approved(company.sales_clerk, item_id)
    lent, other = shelf.item(title="在外的")
    shelf.lent(company.sales_clerk2, lent, other)
    open_desk(desk)
    desk.context.set_offline(True)
    scan(desk, barcode.lower())
    panel = desk.locator("[data-offline-desk]")
    expect(panel.locator("[data-state]")).to_have_text("断网")
    panel.locator("[name=staff_no]").fill("0002")
    panel.get_by_role("button", name="记下借出").click()
    expect(panel.locator("[data-told]")).to_contain_text("不是陈晓东的")
    panel.locator("[name=staff_no]").fill("0001")
    panel.get_by_role("button", name="记下借出").click()
    expect(panel.locator("[data-count]")).to_have_text("还有 1 笔没有上传")
    scan(desk, other)
    panel.get_by_role("button", name="记下归还").click()
    expect(panel.locator("[data-told]")).to_contain_text("清点页数")
    panel.locator("[name=pages]").fill("3")
    panel.get_by_role("button", name="记下归还").click()
    scan(desk, "A1234567890")
    expect(panel.locator("[data-told]")).to_contain_text("认不出")
    # meanwhile the other desk, with a network, takes the second one back
    with shelf.resources.reading() as uow:
        assert len(uow.session.scalars(select(Loan)).all()) == 1
    clock.now = datetime.now(UTC)
    desk.context.set_offline(False)
    expect(panel.locator("[data-count]")).to_have_text("没有待上传的", timeout=15000)
    expect(panel.locator("[data-report] li")).to_have_count(2)
    with shelf.resources.reading() as uow:
        loans = uow.session.scalars(select(Loan).order_by(Loan.id)).all()
        assert [loan.returned_at is None for loan in loans] == [False, True]
        assert loans[1].request_id == request.id
        assert loans[1].handed_at < clock.now
    panel.get_by_role("button", name="都知道了").click()
    expect(panel.locator("[data-report] li")).to_have_count(0)
    scan(desk, barcode)  # with a network the page works as ever
    expect(desk.get_by_role("heading", name="新开发客户报告表（海信）")).to_be_visible()


def test_a_form_already_open_when_the_network_drops_is_kept_and_conflicts_are_told(
    desk, shelf, company, clock
):
    item_id, barcode = shelf.item()
    request = shelf.approved(company.sales_clerk, item_id)
    open_desk(desk)
    scan(desk, barcode)
    button = desk.get_by_role("button", name="借出", exact=True)
    expect(button).to_be_visible()
    desk.context.set_offline(True)
    button.click()
    panel = desk.locator("[data-offline-desk]")
    expect(panel.locator("[data-count]")).to_have_text("还有 1 笔没有上传")
    shelf.do(lending.withdraw, company.sales_clerk, request.id)
    clock.now = datetime.now(UTC)
    desk.context.set_offline(False)
    expect(panel.locator("[data-report] li")).to_contain_text("冲突", timeout=15000)
    expect(panel.locator("[data-report] li")).to_contain_text("已撤回")
    with shelf.resources.reading() as uow:
        assert uow.session.scalars(select(Loan)).all() == []
