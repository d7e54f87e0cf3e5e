"""What every page wears: headers, menu, pager, confirm buttons, error pages."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, render_template_string
from flask.testing import FlaskClient

from archive.app import create_app
from archive.core.pages import Page
from archive.core.resources import Resources
from archive.people.rights import Actor
from archive.web.navigation import page_window, same_page_with


@pytest.fixture
def app(resources: Resources) -> Flask:
    """An application of one's own: routes are added to it here."""
    application = create_app(resources)
    application.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    return application


ClientFor = Callable[[Actor | None], FlaskClient]


@pytest.mark.parametrize(
    ("page", "pages", "window"),
    [
        (1, 1, [1]),
        (1, 3, [1, 2, 3]),
        (1, 9, [1, 2, 3, 0, 9]),
        (5, 9, [1, 0, 3, 4, 5, 6, 7, 0, 9]),
        (9, 9, [1, 0, 7, 8, 9]),
        (99, 9, [1, 0, 9]),
    ],
)
def test_the_pager_shows_ends_and_neighbours(page: int, pages: int, window: list[int]) -> None:
    assert list(page_window(page, pages)) == window


def test_turning_a_page_keeps_the_question(app: Flask) -> None:
    with app.test_request_context("/customers?text=海信&status=正常&page=2"):
        kept = {"text": ["海信&x=1"], "page": ["2"]}
        assert same_page_with(kept, page=3) == "/customers?text=%E6%B5%B7%E4%BF%A1%26x%3D1&page=3"


def test_macros_write_what_was_typed_as_text(app: Flask) -> None:
    source = """{% from "macros.html" import page_head, badge, pager, empty %}
    {% from "macros.html" import field_errors, confirm_button %}
    {% call page_head(hostile, hostile, back="/x") %}<b>按钮</b>{% endcall %}
    {{ page_head("无按钮") }}{{ badge(hostile, "red") }}{{ empty(hostile, hostile) }}
    {{ field_errors(hostile) }}{{ field_errors(["一", "二"]) }}{{ field_errors(none) }}
    {{ confirm_button(hostile, hostile, name="a", value=hostile) }}{{ pager(page) }}"""
    hostile = "<script>alert('{{7*7}}')</script>\"客户&合同"
    page = Page(items=(), total=100, page=2, per_page=20)
    with app.test_request_context(f"/list?q={hostile}"):
        html = render_template_string(source, hostile=hostile, page=page)
    assert "<script>" not in html and "alert(&#39;49" not in html
    assert "<b>按钮</b>" in html and "{{7*7}}" in html
    assert "共 100 条，第 2 / 5 页" in html
    assert 'data-confirm="&lt;script&gt;' in html


def test_every_answer_carries_the_security_headers(client_for: ClientFor, company: Any) -> None:
    for answer in (
        client_for(company.sales_clerk).get("/"),
        client_for(None).get("/login"),
        client_for(None).get("/api/v1/customers"),
        client_for(None).get("/nothing"),
    ):
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"


def test_our_own_files_may_be_cached(client_for: ClientFor) -> None:
    with client_for(None).get("/static/css/app.css") as answer:
        assert answer.status_code == 200
        assert "no-store" not in answer.headers["Cache-Control"]


def test_the_menu_shows_each_person_only_their_places(client_for: ClientFor, company: Any) -> None:
    def menu(person: Actor) -> str:
        return client_for(person).get("/").text

    clerk, archivist, admin = (
        menu(company.sales_clerk),
        menu(company.archivist),
        menu(company.admin),
    )
    assert "填表" in clerk and ">归档<" not in clerk and "用户管理" not in clerk
    assert ">归档<" in archivist and "用户管理" not in archivist
    assert "用户管理" in admin and ">填表<" not in admin


def test_what_belongs_to_oneself_is_in_ones_own_menu(client_for: ClientFor, company: Any) -> None:
    client = client_for(company.sales_clerk)
    home = client.get("/").text
    for path in ("/tasks", "/me/certificate", "/account/password"):
        assert f'href="{path}"' in home and client.get(path).status_code == 200, path


def test_the_door_leads_to_the_verdict_on_a_file(client_for: ClientFor) -> None:
    assert 'href="/verify"' in client_for(None).get("/login").text


def test_the_page_one_is_on_is_marked(client_for: ClientFor, company: Any) -> None:
    html = client_for(company.sales_clerk).get("/customers/new").text
    marked = [part for part in html.split("<a ") if 'aria-current="page"' in part]
    assert marked and all('href="/customers"' in part for part in marked)


def test_pages_bring_no_inline_script_or_style(client_for: ClientFor, company: Any) -> None:
    client = client_for(company.archivist)
    for path in ("/", "/customers", "/customers/new", "/signing", "/records/new", "/nothing"):
        html = client.get(path).text
        assert "<script>" not in html and " style=" not in html and " onclick=" not in html, path


def test_an_error_page_says_what_happened_and_offers_a_way_back(
    client_for: ClientFor, company: Any
) -> None:
    client = client_for(company.sales_clerk)
    answer = client.get("/customers/999", headers={"Referer": "http://localhost/customers?page=2"})
    assert answer.status_code == 404
    assert "没有这位客户" in answer.text and 'href="/customers?page=2"' in answer.text


@pytest.mark.parametrize("elsewhere", ["http://evil.example/", "javascript:alert(1)", "//evil"])
def test_an_error_page_never_leads_elsewhere(
    client_for: ClientFor, company: Any, elsewhere: str
) -> None:
    answer = client_for(company.sales_clerk).get("/nothing", headers={"Referer": elsewhere})
    assert "evil" not in answer.text and "javascript:" not in answer.text


def test_a_page_asks_whoever_is_not_signed_in_to_sign_in(client_for: ClientFor) -> None:
    answer = client_for(None).get("/customers?text=海信")
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/login?next=")


def test_a_fault_of_ours_shows_a_page_without_details(
    app: Flask, client_for: ClientFor, company: Any
) -> None:
    def broken() -> str:
        raise ValueError("secret detail")

    app.add_url_rule("/broken", "broken", broken)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    answer = client_for(company.sales_clerk).get("/broken")
    assert answer.status_code == 500
    assert "系统出错" in answer.text and "secret detail" not in answer.text


def test_a_forged_form_is_refused_in_plain_words(
    app: Flask, client_for: ClientFor, company: Any
) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    answer = client_for(company.sales_clerk).post("/customers/new", data={"name": "海信"})
    assert answer.status_code == 400
    assert "提交凭证" in answer.text
