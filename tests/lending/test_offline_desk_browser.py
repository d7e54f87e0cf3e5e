"""The desk's page in a real browser while its network is cut, at the width of a tablet.

Where the page is opened again, the server itself is out of reach: what a browser asks from a
service worker is not cut off by its switch.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Error, Page, expect, sync_playwright
from sqlalchemy import select

from archive.lending import service as lending
from archive.lending.models import Loan
from archive.people import access
from archive.people.gate import COOKIE
from tests.served_here import ServedHere

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="没有安装 Chromium"),
]


class Line:
    """A server that can be cut off: its port refuses until it is back."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._server = ServedHere(app)
        self.port = self._server.port

    def join(self) -> None:
        """Serve, at the same port as before."""
        self._server = ServedHere(self._app, self.port)

    def cut(self) -> None:
        """Refuse every connection, those that are open too."""
        self._server.close()


@pytest.fixture
def line(app) -> Iterator[Line]:
    """The desk's line to the server."""
    found = Line(app)
    yield found
    found.cut()


@pytest.fixture
def desk(line, shelf, company, clock) -> Iterator[Page]:
    """The desk's page, the archivist signed in; the server's clock is the browser's."""
    clock.now = datetime.now(UTC)
    with shelf.resources.work() as uow:
        token = access.open_session(uow, company.archivist.id, "", "")
        uow.commit()
    address = f"http://127.0.0.1:{line.port}"
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


IS_KEPT = """async () => {
  await navigator.serviceWorker.ready;
  while (!navigator.serviceWorker.controller) await new Promise((go) => setTimeout(go, 50));
}"""
KEPT = """async () => {
  const found = {};
  for (const name of await caches.keys()) {
    const kept = await (await caches.open(name)).keys();
    found[name] = kept.map((one) => new URL(one.url).pathname);
  }
  return found;
}"""


def test_the_desk_opens_again_while_the_server_is_out_of_reach(desk, line, shelf, company, clock):
    item_id, barcode = shelf.item()
    request = shelf.approved(company.sales_clerk, item_id)
    open_desk(desk)
    desk.evaluate(IS_KEPT)
    line.cut()
    desk.reload()
    panel = desk.locator("[data-offline-desk]")
    expect(panel.locator("[data-state]")).to_have_text("断网")
    expect(panel.locator("[data-told]")).to_contain_text("刷新或关掉这一页也不要紧")
    assert company.archivist.name not in desk.content()
    scan(desk, barcode)
    panel.get_by_role("button", name="记下借出").click()
    expect(panel.locator("[data-count]")).to_have_text("还有 1 笔没有上传")
    desk.reload()  # and what was noted is still there
    expect(panel.locator("[data-count]")).to_have_text("还有 1 笔没有上传")
    refused = desk.context.new_page()
    with pytest.raises(Error):
        refused.goto(desk.address.replace("/desk", "/register"))
    refused.close()  # its error page may still be on the way: the desk is opened in another
    elsewhere = desk.context.new_page()
    elsewhere.goto(desk.address)
    expect(elsewhere.locator("[data-offline-desk] [data-state]")).to_have_text("断网")
    elsewhere.close()
    clock.now = datetime.now(UTC)
    line.join()
    panel.locator("[data-send]").click()
    expect(panel.locator("[data-count]")).to_have_text("没有待上传的", timeout=15000)
    with shelf.resources.reading() as uow:
        assert uow.session.scalars(select(Loan.request_id)).all() == [request.id]
    desk.get_by_role("link", name="有网了，回到借阅台").click()
    expect(desk.get_by_role("heading", name="上传的结果")).to_be_visible()
    expect(desk.locator(".topbar-user")).to_be_visible()  # the page itself again
    kept = desk.evaluate(KEPT)
    assert len(kept) == 1
    others = [one for paths in kept.values() for one in paths if "/static/" not in one]
    assert others == ["/loans/desk/shell"]


def test_a_signature_drawn_without_a_network_is_sent_with_its_act(
    desk, line, shelf, company, clock
):
    item_id, barcode = shelf.item()
    request = shelf.approved(company.sales_clerk, item_id)
    open_desk(desk)
    line.cut()
    scan(desk, barcode)
    panel = desk.locator("[data-offline-desk]")
    panel.get_by_text("手写签名", exact=True).click()
    box = panel.locator("canvas").bounding_box()
    desk.mouse.move(box["x"] + 40, box["y"] + 40)
    desk.mouse.down()
    for step in range(1, 6):
        desk.mouse.move(box["x"] + 40 + 40 * step, box["y"] + 40 + 15 * (step % 2), steps=4)
    desk.mouse.up()
    panel.get_by_role("button", name="记下借出").click()
    expect(panel.locator("[data-queue] li")).to_contain_text("已手写签名")
    clock.now = datetime.now(UTC)
    line.join()
    panel.locator("[data-send]").click()
    expect(panel.locator("[data-report] li")).to_contain_text("已登记", timeout=15000)
    with shelf.resources.reading() as uow:
        loan = uow.session.scalars(select(Loan)).one()
        assert (loan.request_id, loan.out_way) == (request.id, "drawn")
        assert shelf.resources.blobs.read(loan.out_picture).startswith(b"\x89PNG")
