"""The entry page in a real browser: nothing typed is lost, tables by keyboard, conflicts."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright
from waitress import create_server

from archive.customers.service import CustomerFields, create_customer
from archive.people import access
from archive.people.gate import COOKIE
from archive.records import service

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="没有安装 Chromium"),
]
AUTOSAVE = "**/autosave"


@pytest.fixture
def page(app, resources, company) -> Iterator[Page]:
    """A browser signed in as the sales clerk; any script error or blocked part fails the test."""
    with resources.work() as uow:
        token = access.open_session(uow, company.sales_clerk.id, "", "")
        uow.commit()
    server = create_server(app, host="127.0.0.1", port=0, threads=8)
    threading.Thread(target=server.run, daemon=True).start()
    address = f"http://127.0.0.1:{server.effective_port}"
    faults: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
        )
        context = browser.new_context(base_url=address, viewport={"width": 1600, "height": 1000})
        context.add_cookies([{"name": COOKIE, "value": token, "url": address}])
        opened = context.new_page()
        opened.on("pageerror", lambda error: faults.append(str(error)))
        opened.on(
            "console",
            lambda message: (
                faults.append(message.text) if "Content Security" in message.text else None
            ),
        )
        yield opened
        browser.close()
    server.close()
    assert faults == []


@pytest.fixture
def stored(resources) -> Callable[[int], service.RecordView]:
    def load(record_id: int) -> service.RecordView:
        with resources.reading() as uow:
            return service.load_record(uow, record_id)

    return load


def box(page: Page, path: str):
    return page.locator(f'[id="f-{path}"]')


def is_saved(page: Page) -> None:
    expect(page.locator("[data-save-state]")).to_contain_text("已保存", timeout=8000)


def save_elsewhere(resources, company, record: service.RecordView, **changed: str) -> None:
    with resources.work() as uow:
        now = service.load_record(uow, record.id)
        values = {**now.content, **changed}
        service.save_draft(uow, company.sales_clerk, record.id, values, now.version)
        uow.commit()


def test_what_is_typed_is_saved_by_itself_and_comes_back(page, make_draft, stored, filled):
    record = make_draft({**filled, "备注": ""})
    page.goto(f"/records/{record.id}/edit")
    box(page, "备注").fill("自动存下的一句话")
    is_saved(page)
    assert stored(record.id).content["备注"] == "自动存下的一句话"
    page.reload()
    expect(box(page, "备注")).to_have_value("自动存下的一句话")


def test_a_wrong_entry_is_told_at_its_place_and_kept(page, make_draft, stored):
    record = make_draft()
    page.goto(f"/records/{record.id}/edit")
    box(page, "日期").fill("11/12/26")
    expect(page.locator('[data-message="日期"]')).to_contain_text("日期的写法不明确")
    expect(box(page, "日期")).to_have_class("entry-box is-invalid")
    is_saved(page)
    assert stored(record.id).content["日期"] == "11/12/26"
    box(page, "日期").fill("2026年11月3日")
    expect(page.locator('[data-message="日期"]')).to_be_empty()


def test_rows_by_keyboard_with_totals_as_one_types(page, make_draft, stored, contract_values):
    record = make_draft({**contract_values, "货品": []}, code="E05")
    page.goto(f"/records/{record.id}/edit")
    page.get_by_role("button", name="加一行").click()
    for text in ("压缩机", "QX", "100", "3"):
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    expect(page.locator("[data-computed=总价]").first).to_have_text("300.00")
    expect(page.locator("[data-computed=总价大写]")).to_have_text("叁佰元整")
    box(page, "货品[0].数量").press("Enter")
    expect(box(page, "货品[1].数量")).to_be_focused()
    page.keyboard.type("7")
    page.keyboard.press("Alt+ArrowUp")
    expect(box(page, "货品[0].数量")).to_have_value("7")
    page.keyboard.press("Control+Delete")
    expect(page.locator("[data-row]")).to_have_count(1)
    page.get_by_role("button", name="撤销").click()
    expect(box(page, "货品[0].数量")).to_have_value("7")
    is_saved(page)
    page.wait_for_timeout(900)
    assert [row["数量"] for row in stored(record.id).content["货品"]] == ["7", "3"]


def test_a_block_from_a_spreadsheet_fills_rows(page, make_draft, stored, contract_values):
    record = make_draft({**contract_values, "货品": [{}]}, code="E05")
    page.goto(f"/records/{record.id}/edit")
    box(page, "货品[0].货品名称").focus()
    page.evaluate(
        """text => {
            const pasted = new DataTransfer();
            pasted.setData("text/plain", text);
            document.activeElement.dispatchEvent(new ClipboardEvent("paste",
                {clipboardData: pasted, bubbles: true, cancelable: true}));
        }""",
        '泵壳\t"DN80 ""重型"""\t1,386.00\t240\r\n叶轮\tφ215\t152.50\t2\r\n',
    )
    expect(page.locator("[data-row]")).to_have_count(2)
    expect(box(page, "货品[0].规格")).to_have_value('DN80 "重型"')
    is_saved(page)
    page.wait_for_timeout(900)
    assert stored(record.id).content["总价"] == "332945.00"


def test_offline_words_wait_in_the_browser_and_are_sent_later(page, make_draft, stored):
    record = make_draft()
    page.goto(f"/records/{record.id}/edit")
    page.route(AUTOSAVE, lambda route: route.abort())
    box(page, "备注").fill("断网时写的")
    expect(page.locator("[data-save-state]")).to_contain_text("已存在本机")
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(box(page, "备注")).to_have_value("断网时写的")
    page.unroute(AUTOSAVE)
    is_saved(page)
    assert stored(record.id).content["备注"] == "断网时写的"
    assert page.evaluate("localStorage.length") == 0


def test_leaving_with_unsaved_words_asks_first(page, make_draft):
    record = make_draft()
    page.goto(f"/records/{record.id}/edit")
    page.route(AUTOSAVE, lambda route: route.abort())
    box(page, "备注").press_sequentially("还没存")
    asked = []
    page.once("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.goto("/records")
    assert asked == ["beforeunload"]


def test_a_conflict_shows_both_and_lets_one_choose_entry_by_entry(
    page, resources, company, make_draft, stored
):
    record = make_draft()
    page.goto(f"/records/{record.id}/edit")
    save_elsewhere(resources, company, record, 备注="别处的备注", 使用产品="别处的产品")
    box(page, "备注").fill("我的备注")
    dialog = page.locator("dialog.conflict-dialog")
    expect(dialog).to_contain_text("别处的备注")
    expect(dialog).to_contain_text("我的备注")
    expect(dialog.locator('input[name="choose-使用产品"][value=theirs]')).to_be_checked()
    expect(dialog.locator('input[name="choose-备注"][value=mine]')).to_be_checked()
    dialog.get_by_role("button", name="按所选保存").click()
    is_saved(page)
    content = stored(record.id).content
    assert (content["备注"], content["使用产品"]) == ("我的备注", "别处的产品")


def test_a_known_customer_brings_facts_only_into_empty_entries(
    page, resources, company, make_draft, stored
):
    facts = CustomerFields(
        name="佛山美的制冷有限公司", address="佛山市北滘镇", phone="0757-26600000"
    )
    with resources.work() as uow:
        create_customer(uow, company.sales_clerk, facts)
        uow.commit()
    record = make_draft({"公司电话": "020-83331234"})
    page.goto(f"/records/{record.id}/edit")
    box(page, "客户名称").press_sequentially("美的")
    page.get_by_role("option").first.click()
    expect(box(page, "公司地址")).to_have_value("佛山市北滘镇")
    expect(box(page, "公司电话")).to_have_value("020-83331234")
    is_saved(page)
    assert stored(record.id).customer_id is not None


def test_submitting_names_what_is_missing_and_goes_there(page, make_draft):
    record = make_draft({"客户名称": "青岛海信电器有限公司"})
    page.goto(f"/records/{record.id}/edit")
    page.get_by_role("button", name="提交签核").click()
    problems = page.locator("[data-problems]")
    expect(problems).to_contain_text("才能提交")
    problems.get_by_role("link", name="开拓经过").click()
    expect(box(page, "开拓经过")).to_be_focused()
    assert page.url.endswith(f"/records/{record.id}/edit")


def test_a_complete_record_is_sent_with_its_last_words(page, make_draft, stored):
    record = make_draft()
    page.goto(f"/records/{record.id}/edit")
    box(page, "备注").fill("最后一句")
    page.get_by_role("button", name="提交签核").click()
    page.wait_for_url(lambda url: not url.endswith("/edit"))
    sent = stored(record.id)
    assert sent.content["备注"] == "最后一句"
    assert (sent.state, sent.number) == ("in_signing", "E01-2026-0001")


def test_the_printed_page_follows_what_is_typed(page, make_draft, converter):
    record = make_draft()
    page.goto(f"/records/{record.id}/edit")
    expect(page.locator("[data-preview-image]")).to_be_visible()
    box(page, "备注").fill("预览里也要看到这一句")
    is_saved(page)
    page.wait_for_timeout(1200)
    assert any("预览里也要看到这一句" in text for text in converter.texts)


@pytest.mark.parametrize("code", ["E01", "E05", "E10"])
def test_the_page_fits_a_phone(page, make_draft, code, filled, contract_values):
    record = make_draft(
        {"E01": filled, "E05": contract_values}.get(code) or {"日期": ""}, code=code
    )
    page.set_viewport_size({"width": 390, "height": 844})
    for address in (f"/records/{record.id}/edit", f"/records/{record.id}", "/records"):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
