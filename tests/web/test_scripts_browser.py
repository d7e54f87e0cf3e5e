"""The small scripts of the shell, in a real browser: pad, customer picker, confirm, shortcuts."""

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, render_template_string
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from archive.app import create_app
from archive.core.resources import Resources
from archive.customers import service
from archive.customers.service import CustomerFields
from archive.people import access
from archive.people.gate import COOKIE, guard
from tests.served_here import ServedHere


@pytest.fixture
def app(resources: Resources) -> Flask:
    """An application of one's own: routes are added to it here."""
    application = create_app(resources)
    application.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    return application


CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="没有安装 Chromium"),
]
PAD = """{% extends "base.html" %}{% block title %}签名{% endblock %}{% block content %}
<form method="post" action="/try/sent"><div data-signature-pad data-target="drawn"></div>
<input type="hidden" name="drawn" id="drawn">
<button data-confirm="真的提交吗？">提交</button></form>
<input data-customer-picker data-url="/customers/suggest" data-id-target="chosen" id="customer">
<input type="hidden" id="chosen">{% endblock %}{% block scripts %}
<script type="module" src="/static/js/signature-pad.js"></script>
<script type="module" src="/static/js/customer-picker.js"></script>{% endblock %}"""


@pytest.fixture
def sent() -> list[str]:
    return []


@pytest.fixture
def page(app: Flask, resources: Resources, company: Any, sent: list[str]) -> Iterator[Page]:
    """A page with every script on it, in a browser signed in as the sales clerk."""
    app.add_url_rule("/try", "try", guard("self")(lambda: render_template_string(PAD)))

    def take() -> str:
        sent.append("sent")
        return "ok"

    app.add_url_rule("/try/sent", "try_sent", guard("self")(take), methods=["POST"])
    with resources.work() as uow:
        for name in ("青岛海信电器有限公司", "海尔集团公司"):
            service.create_customer(uow, company.sales_clerk, CustomerFields(name=name))
        token = access.open_session(uow, company.sales_clerk.id, "", "")
        uow.commit()
    server = ServedHere(app)
    address = server.address
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
        )
        context = browser.new_context(viewport={"width": 390, "height": 780})
        context.add_cookies([{"name": COOKIE, "value": token, "url": address}])
        tab = context.new_page()
        faults: list[str] = []
        tab.on("pageerror", lambda error: faults.append(str(error)))
        tab.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
        tab.goto(f"{address}/try")
        yield tab
        assert faults == []
        browser.close()
    server.close()


def drawn(page: Page) -> str:
    return str(page.locator("#drawn").input_value())


def picture(data_url: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(data_url.partition(",")[2])))


def stroke(page: Page, *points: tuple[float, float]) -> None:
    box = page.locator("[data-signature-pad] canvas").bounding_box()
    assert box is not None
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=6)
    page.mouse.up()


def test_a_drawn_signature_becomes_a_transparent_picture(page: Page) -> None:
    assert drawn(page) == ""
    stroke(page, (0.2, 0.3), (0.5, 0.7), (0.8, 0.2))
    image = picture(drawn(page))
    alpha = image.getchannel("A")
    assert image.mode == "RGBA" and alpha.getextrema() == (0, 255)
    assert image.width > image.height > 20
    assert alpha.getpixel((0, 0)) == 0


def test_a_stroke_is_undone_and_everything_is_cleared(page: Page) -> None:
    stroke(page, (0.2, 0.5), (0.4, 0.5))
    one = drawn(page)
    stroke(page, (0.6, 0.2), (0.6, 0.8))
    assert drawn(page) != one
    page.get_by_text("撤销一笔").click()
    assert drawn(page) == one
    page.get_by_text("清空重写").click()
    assert drawn(page) == ""


def test_a_typed_name_signs_without_a_hand(page: Page) -> None:
    page.get_by_label("输入姓名代替手写").fill("陈晓东")
    typed = picture(drawn(page))
    assert typed.width > typed.height
    stroke(page, (0.2, 0.5), (0.4, 0.6))
    assert page.get_by_label("输入姓名代替手写").input_value() == ""
    assert drawn(page) != ""


def test_a_customer_is_picked_by_initials_with_the_keyboard(page: Page) -> None:
    box = page.locator("#customer")
    box.press_sequentially("hx")
    page.get_by_role("option", name="青岛海信电器有限公司").wait_for()
    assert box.get_attribute("aria-expanded") == "true"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert box.input_value() == "青岛海信电器有限公司"
    assert page.locator("#chosen").input_value() != ""
    assert box.get_attribute("aria-expanded") == "false"
    box.press_sequentially("x")
    assert page.locator("#chosen").input_value() == ""


def test_escape_keeps_what_was_typed(page: Page) -> None:
    box = page.locator("#customer")
    box.press_sequentially("海")
    page.get_by_role("option").first.wait_for()
    page.keyboard.press("Escape")
    assert page.get_by_role("option").count() == 0
    assert box.input_value() == "海"


def test_a_grave_button_asks_first_and_sends_once(page: Page, sent: list[str]) -> None:
    page.get_by_role("button", name="提交").click()
    page.get_by_role("button", name="取消").click()
    assert sent == []
    page.get_by_role("button", name="提交").click()
    dialog = page.get_by_role("dialog")
    assert "真的提交吗" in dialog.inner_text()
    dialog.get_by_role("button", name="提交").click()
    page.wait_for_url("**/try/sent")
    assert sent == ["sent"]


def test_the_slash_key_goes_to_the_search_box(page: Page) -> None:
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "q"


def test_the_menu_opens_on_a_phone(page: Page) -> None:
    page.get_by_label("打开菜单").click()
    page.get_by_role("link", name="档案目录").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
