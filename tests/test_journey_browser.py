"""The same way in a real browser: headless Chromium against a running ``archive serve``.

Run by ``make test-browser``; skipped where there is no Chromium.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="没有安装 Chromium，跳过浏览器测试"),
]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CUSTOMER = "苏州示例河畔仪器有限公司"


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A served demo company in a fresh instance."""
    folder = tmp_path_factory.mktemp("served") / "instance"
    env = os.environ | {"ARCHIVE_DATA": str(folder)}
    archive = [sys.executable, "-m", "archive.cli"]
    subprocess.run([*archive, "demo"], env=env, check=True, capture_output=True, timeout=280)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [*archive, "serve", "--port", str(port)], env=env, stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(f"http://127.0.0.1:{port}/healthz")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(40)


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


def _wait_for(url):
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{url} does not answer")


def sign_in(browser, address, username, width=1280):
    context = browser.new_context(viewport={"width": width, "height": 860})
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.faults = []
    page.on("console", lambda told: page.faults.append(told.text) if told.type == "error" else None)
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.goto(address + "/login")
    page.fill("[name=username]", username)
    page.fill("[name=password]", f"demo-{username}")
    page.click("button:has-text('登录')")
    page.wait_for_url(address + "/")
    return page


def draw_and_sign(page, username):
    pad = page.locator("[data-signature-pad] canvas")
    box = pad.bounding_box()
    page.mouse.move(box["x"] + 30, box["y"] + 40)
    page.mouse.down()
    for step in range(1, 9):
        page.mouse.move(box["x"] + 30 + step * 18, box["y"] + 40 + (step % 2) * 40)
    page.mouse.up()
    page.click("button:has-text('同意。') >> nth=0")
    page.fill("#password", f"demo-{username}")
    page.click("form[action$='/sign'] button:has-text('签字')")
    page.wait_for_selector("text=签字完成")


def test_the_way_in_the_browser(browser, address):
    clerk = sign_in(browser, address, "linxiaoyu")
    record = fill_in(clerk, address)
    draw_and_sign(clerk, "linxiaoyu")
    for username in ("fangjiaming", "luhaiping"):
        signer = sign_in(browser, address, username)
        signer.goto(f"{address}/signing/{record}")
        draw_and_sign(signer, username)
        assert signer.faults == []
    archivist = sign_in(browser, address, "xuwenjing")
    item, barcode = file_it(archivist, address, record)
    colleague = sign_in(browser, address, "tangyifan", width=390)
    assert eventually(lambda: found(colleague, address, "河畔仪器")), "visible soon after"
    assert not found(sign_in(browser, address, "suxiaomin"), address, "河畔仪器")
    assert colleague.evaluate("document.documentElement.scrollWidth <= innerWidth")
    request = ask_for(colleague, address, item)
    for username in ("fangjiaming", "xuwenjing"):
        approver = sign_in(browser, address, username)
        approver.goto(f"{address}/loans/{request}")
        approver.click("button[name=act][value=approve]")
        approver.wait_for_selector("text=唐一帆的借阅申请")
    lend_and_take_back(archivist, address, barcode)
    for page in (clerk, archivist, colleague):
        assert page.faults == [], page.faults


def fill_in(clerk, address):
    """Type into the paper, reload, submit; return the record's id."""
    clerk.goto(address + "/records/new")
    clerk.click("button:has-text('E01'), form:has-text('E01') button")
    clerk.wait_for_url(re.compile(r"/records/\d+/edit"))
    record = re.search(r"/records/(\d+)/", clerk.url)[1]
    for name, value in {
        "客户名称": CUSTOMER,
        "公司地址": "江苏省苏州市示例路 8 号",
        "使用产品": "压力变送器",
        "开拓经过": "展会上相识，两次登门，样品试用合格。",
    }.items():
        clerk.fill(f"[name='{name}']", value)
    clerk.keyboard.press("Tab")
    clerk.wait_for_timeout(2500)
    clerk.reload()
    assert clerk.input_value("[name='客户名称']") == CUSTOMER
    clerk.goto(f"{address}/records/{record}")
    clerk.click("#submit button:has-text('提交签核')")
    clerk.wait_for_url(re.compile(rf"/signing/{record}$"))
    return record


def file_it(archivist, address, record):
    """Do the four steps; return the item's id and the barcode of its paper."""
    archivist.goto(f"{address}/filing/record/{record}")
    archivist.click("form[action$='/appraise'] button")
    archivist.wait_for_url(re.compile(r"/filing/item/\d+"))
    item = re.search(r"/filing/item/(\d+)", archivist.url)[1]
    archivist.goto(f"{address}/filing")
    archivist.locator("tr", has_text=CUSTOMER).locator("button:has-text('办完')").click()
    archivist.wait_for_load_state()
    archivist.goto(f"{address}/items/{item}")
    return item, re.search(r"A\d{10}", archivist.content())[0]


def ask_for(colleague, address, item):
    """Ask to borrow the paper with a reason; return the request's id."""
    colleague.goto(f"{address}/loans/new?item={item}")
    colleague.locator("[name=mode][value=original]").check()
    colleague.fill("[name=purpose]", "核对首批货款与付款条件")
    colleague.fill("[name=business_reference]", CUSTOMER)
    colleague.locator("button[name=act]:not([value=check])").click()
    colleague.wait_for_url(re.compile(r"/loans/\d+$"))
    return re.search(r"/loans/(\d+)", colleague.url)[1]


def lend_and_take_back(archivist, address, barcode):
    """Scan it out and in again, with the keyboard alone."""
    archivist.goto(f"{address}/loans/desk")
    archivist.keyboard.type(barcode)
    archivist.keyboard.press("Enter")
    archivist.wait_for_selector("form[action$='/hand-out']")
    archivist.locator("form[action$='/hand-out'] button").last.click()
    archivist.wait_for_selector("text=已借给唐一帆")
    archivist.keyboard.type(barcode)
    archivist.keyboard.press("Enter")
    archivist.fill("form[action$='/return'] [name=pages]", "1")
    archivist.locator("form[action$='/return'] button").last.click()
    archivist.wait_for_selector("text=已收回")


def found(page, address, words):
    page.goto(f"{address}/search?q={words}")
    return CUSTOMER in page.inner_text("main")


def eventually(condition, seconds=10):
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if condition():
            return True
        time.sleep(0.2)
    return False
