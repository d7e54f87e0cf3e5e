"""The entry page in a real browser: nothing typed is lost, tables by keyboard, conflicts."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from archive.customers.service import CustomerFields, create_customer
from archive.people import access
from archive.people.gate import COOKIE
from archive.records import service
from doc_templates import sample_values
from tests.served_here import ServedHere

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
    server = ServedHere(app)
    address = server.address
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


def side(dialog, label: str, which: str):
    """Return the radio button of one side of one entry in the conflict dialog."""
    row = dialog.locator("tr", has=dialog.page.get_by_role("rowheader", name=label, exact=True))
    return row.locator(f"input[value={which}]")


def paste(page: Page, text: str) -> None:
    """Paste as a spreadsheet does, where the focus is."""
    page.evaluate(
        """text => {
            const pasted = new DataTransfer();
            pasted.setData("text/plain", text);
            document.activeElement.dispatchEvent(new ClipboardEvent("paste",
                {clipboardData: pasted, bubbles: true, cancelable: true}));
        }""",
        text,
    )


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
    paste(page, '泵壳\t"DN80 ""重型"""\t1,386.00\t240\r\n叶轮\tφ215\t152.50\t2\r\n')
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
    expect(side(dialog, "使用产品", "theirs")).to_be_checked()
    expect(side(dialog, "备注", "mine")).to_be_checked()
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


CUT = """[...document.querySelectorAll(".sheet :is(td, th, input, textarea)")]
    .filter(one => one.offsetParent && one.scrollWidth > one.clientWidth + 1)
    .map(one => one.id || one.innerText)"""


@pytest.mark.parametrize("code", ["E01", "E03", "E04", "E05", "E06", "E07", "E08", "E09", "E10"])
def test_no_label_and_no_entry_is_cut_on_a_desk_or_a_phone(page, make_draft, code):
    record = make_draft(sample_values(code), code=code)
    for size in ({"width": 1440, "height": 900}, {"width": 390, "height": 844}):
        page.set_viewport_size(size)
        for address in (f"/records/{record.id}/edit", f"/records/{record.id}"):
            page.goto(address)
            assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
            assert page.evaluate(CUT) == []


def test_the_list_fits_a_phone(page, make_draft):
    make_draft()
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/records")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_rows_of_a_wide_table_can_be_moved_without_scrolling(page, make_draft):
    record = make_draft(sample_values("E08"), code="E08")
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"/records/{record.id}/edit")
    sheet = page.locator(".sheet").bounding_box()
    remove = page.get_by_role("button", name="删去这一行").first.bounding_box()
    assert remove["x"] + remove["width"] <= sheet["x"] + sheet["width"]


def test_a_pasted_block_is_told_and_can_be_taken_back(page, make_draft, stored, contract_values):
    record = make_draft({**contract_values, "货品": [{"货品名称": "原来的"}]}, code="E05")
    page.goto(f"/records/{record.id}/edit")
    box(page, "货品[0].货品名称").focus()
    paste(page, "货品名称*\t单价（元）\t数量\n压缩机\t￥1,200.50\t2\n风机\t3\t4\n")
    told = page.locator("[data-rows=货品] [data-told]")
    expect(told).to_contain_text("已粘贴 2 行")
    expect(box(page, "货品[0].单价")).to_have_value("￥1,200.50")
    expect(box(page, "货品[0].规格")).to_have_value("")
    expect(page.locator("[data-computed=总价]").first).to_have_text("2,413.00")
    told.get_by_role("button", name="撤销").click()
    expect(page.locator("[data-row]")).to_have_count(1)
    expect(box(page, "货品[0].货品名称")).to_have_value("原来的")
    is_saved(page)


def test_a_block_wider_than_the_table_says_what_found_no_room(page, make_draft, contract_values):
    record = make_draft({**contract_values, "货品": [{}]}, code="E05")
    page.goto(f"/records/{record.id}/edit")
    box(page, "货品[0].数量").focus()
    paste(page, "1\t1.00\t多出来的\n2\t2.00\t\n")
    expect(page.locator("[data-told]").first).to_contain_text("右边多出的 1 列没有放")
    expect(box(page, "货品[1].数量")).to_have_value("2")


def test_pasted_dates_choices_and_ticks_find_their_places(page, make_draft, stored, survey):
    record = make_draft({"客户名称": "甲", "追踪": [{}]}, code=survey)
    page.goto(f"/records/{record.id}/edit")
    box(page, "追踪[0].客户名称").focus()
    row = "海信\t0532-83878888\t三个月内\t2026/12/1\t1,000\t500.00\t丙\n"
    paste(page, row + row.replace("海信", "美的"))
    expect(box(page, "追踪[1].客户名称")).to_have_value("美的")
    expect(page.locator('[data-message="追踪[0].等级"]')).to_contain_text("只能选")
    is_saved(page)
    first, second = stored(record.id).content["追踪"]
    assert (first["时间"], first["约定"], first["预算"]) == ("三个月内", "2026-12-01", "1000.00")
    assert (second["等级"], second["折半"]) == ("丙", "500.00")


def test_the_whole_form_is_filled_with_the_keyboard_alone(page, make_draft, stored, survey):
    record = make_draft({"客户名称": "", "追踪": [{}]}, code=survey)
    page.goto(f"/records/{record.id}/edit")
    box(page, "客户名称").focus()
    page.keyboard.type("广州某客户")
    page.keyboard.press("Enter")
    page.keyboard.type("广州大道一号")
    for _ in range(2):
        page.keyboard.press("Enter")
    page.keyboard.press("Space")  # the first of the ticks
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    is_saved(page)
    content = stored(record.id).content
    assert (content["公司地址"], content["性质"], content["来源"]) == (
        "广州大道一号",
        "民营",
        ["展会"],
    )
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Delete")
    page.keyboard.press("Control+s")
    is_saved(page)
    page.wait_for_timeout(600)
    assert stored(record.id).content["性质"] == ""


def test_tab_goes_down_the_form_in_the_order_of_the_paper(page, make_draft, filled):
    record = make_draft()
    page.goto(f"/records/{record.id}/edit")
    order = page.evaluate(
        "[...document.querySelectorAll('.sheet [data-entry]')].map(box => box.dataset.entry)"
    )
    page.locator(".sheet [data-entry]").first.focus()
    walked = [order[0]]
    for _ in order[1:]:
        page.keyboard.press("Tab")
        walked.append(page.evaluate("document.activeElement.dataset.entry"))
    assert walked == order


def test_a_picture_is_uploaded_seen_and_kept(page, make_draft, stored, survey, photo):
    record = make_draft({"客户名称": "甲"}, code=survey)
    page.goto(f"/records/{record.id}/edit")
    chooser = page.locator("[data-picture-file]")
    chooser.set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": b"no picture"})
    expect(page.locator('[data-message="门面"]')).to_contain_text("PNG 或 JPEG")
    chooser.set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": photo()})
    expect(page.locator("[data-picture-shown]")).to_be_visible()
    is_saved(page)
    page.wait_for_timeout(700)
    assert len(stored(record.id).content["门面"]) == 64
    page.reload()
    expect(page.locator("[data-picture-shown]")).to_be_visible()
    assert page.evaluate("document.querySelector('[data-picture-shown]').naturalWidth") == 60
    page.get_by_role("button", name="去掉").click()
    is_saved(page)
    page.wait_for_timeout(700)
    assert stored(record.id).content["门面"] == ""


def test_two_tables_are_settled_cell_by_cell(
    page, resources, company, make_draft, stored, contract_values
):
    record = make_draft(contract_values, code="E05")
    page.goto(f"/records/{record.id}/edit")
    rows = [dict(row) for row in contract_values["货品"]]
    rows[1]["数量"] = "9"
    rows[0]["单价"] = "1200.5"  # the same amount in other figures is no difference
    save_elsewhere(resources, company, record, 货品=rows)
    box(page, "货品[0].数量").fill("77")
    dialog = page.locator("dialog.conflict-dialog")
    expect(side(dialog, "货品 第1行 数量", "mine")).to_be_checked()
    expect(side(dialog, "货品 第2行 数量", "theirs")).to_be_checked()
    assert dialog.locator("input[value=mine]").count() == 2
    dialog.get_by_role("button", name="按所选保存").click()
    is_saved(page)
    assert [row["数量"] for row in stored(record.id).content["货品"]] == ["77", "9"]


def test_an_ended_session_keeps_the_words_and_goes_on_after_signing_in(
    page, resources, company, make_draft, stored
):
    record = make_draft()
    page.goto(f"/records/{record.id}/edit")
    cookies = page.context.cookies()
    page.context.clear_cookies(name=COOKIE)
    box(page, "备注").fill("登录过期时写的")
    expect(page.locator("[data-save-state]")).to_contain_text("登录已过期")
    expect(page.get_by_role("link", name="重新登录")).to_be_visible()
    assert stored(record.id).content["备注"] == ""
    page.context.add_cookies([one for one in cookies if one["name"] == COOKIE])
    page.evaluate("dispatchEvent(new Event('focus'))")
    is_saved(page)
    expect(page.get_by_role("link", name="重新登录")).to_be_hidden()
    assert stored(record.id).content["备注"] == "登录过期时写的"


def test_entries_are_taken_from_an_earlier_record_and_given_back(page, make_draft, stored, filled):
    make_draft({**filled, "备注": "以前的备注", "公司地址": "以前的地址"})
    record = make_draft({"客户名称": "青岛海信电器有限公司", "公司地址": "现在的地址"})
    page.goto(f"/records/{record.id}/edit")
    page.get_by_role("link", name="照以前的填").press("Enter")
    dialog = page.locator("dialog.earlier-dialog")
    dialog.get_by_role("searchbox").fill("海信")
    expect(dialog.get_by_role("listitem")).to_have_count(1)
    dialog.get_by_role("button", name="填空着的栏").press("Enter")
    expect(box(page, "备注")).to_have_value("以前的备注")
    expect(box(page, "公司地址")).to_have_value("现在的地址")
    is_saved(page)
    page.locator("[data-earlier-told]").get_by_role("button", name="撤销").click()
    expect(box(page, "备注")).to_have_value("")
    is_saved(page)
    page.wait_for_timeout(700)
    assert stored(record.id).content["备注"] == ""


def test_a_customer_in_a_row_fills_its_row_only(page, resources, company, make_draft, survey):
    with resources.work() as uow:
        facts = CustomerFields(name="佛山美的制冷有限公司", address="北滘镇", phone="0757-26600000")
        create_customer(uow, company.sales_clerk, facts)
        uow.commit()
    record = make_draft({"客户名称": "甲", "追踪": [{}, {}]}, code=survey)
    page.goto(f"/records/{record.id}/edit")
    box(page, "追踪[1].客户名称").press_sequentially("美的")
    page.locator(".picker-list [role=option]").first.click()
    expect(box(page, "追踪[1].电话")).to_have_value("0757-26600000")
    expect(box(page, "公司地址")).to_have_value("")
    box(page, "客户名称").fill("佛山美的制冷有限公司")
    box(page, "客户名称").press("Tab")
    expect(box(page, "公司地址")).to_have_value("北滘镇")


def test_two_hundred_rows_stay_quick(page, make_draft, contract_values):
    rows = [dict(contract_values["货品"][0]) for _ in range(199)]
    record = make_draft({**contract_values, "货品": rows}, code="E05")
    page.goto(f"/records/{record.id}/edit")
    took = page.evaluate(
        """() => {
            const box = document.getElementById("f-货品[150].规格");
            const start = performance.now();
            for (let n = 0; n < 10; n += 1) {
                box.value += "x";
                box.dispatchEvent(new Event("input", {bubbles: true}));
            }
            document.querySelector("[data-row-add]").click();
            return performance.now() - start;
        }"""
    )
    assert took < 1500  # ten keys and a new row; a fifth of this on a quiet machine
    expect(page.locator("[data-row]")).to_have_count(200)
    page.locator("[data-row-add]").click()
    expect(page.locator("[data-told]").first).to_contain_text("最多 200 行")
    is_saved(page)
