"""What every answer of every address carries, and what no request may do.

The first half walks every address there is with every kind of caller; a new one is walked too.
"""

import multiprocessing
import re
import warnings
from dataclasses import replace

import pytest

from archive.app import configure, create_app
from archive.core.errors import Conflict, Invalid, Throttled, Unavailable
from archive.core.pace import Pace
from archive.filing import service as filing
from archive.people.gate import COOKIE
from tests.conftest import PASSWORD

ACTIVE = ("text/html", "image/svg", "text/xml", "application/xhtml", "application/xml")
INLINE = re.compile(
    r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", re.IGNORECASE
)


def addresses(app, method):
    """Every address that takes the method, with a one for each number and a word for each word."""
    bound = app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        if method not in rule.methods:
            continue
        values = dict.fromkeys(rule.arguments, 1)
        values |= {name: "E01" for name in ("code", "filename") if name in rule.arguments}
        for name, converter in rule._converters.items():
            values |= {name: min(converter.items)} if hasattr(converter, "items") else {}
        yield rule.endpoint, bound.build(rule.endpoint, values, method=method)


def faults_of(answer):
    """Say what an answer lacks or has too much of."""
    headers, found = answer.headers, []
    policy = headers.get("Content-Security-Policy", "")
    if "default-src 'self'" not in policy or "unsafe" in policy or "*" in policy:
        found.append("CSP")
    if headers.get("X-Content-Type-Options") != "nosniff":
        found.append("nosniff")
    if headers.get("Referrer-Policy") != "same-origin" or "X-Frame-Options" not in headers:
        found.append("framing or referrer")
    if answer.status_code < 500 and "Server" in headers:
        found.append("names its server")
    if odd := [f"{key}: {value}" for key, value in headers if not value.isascii()]:
        found.append(f"a header no server sends: {odd}")
    target = headers.get("Location", "/")
    if not target.startswith("/") or target.startswith("//"):
        found.append(f"redirects to {target}")
    for cookie in headers.getlist("Set-Cookie"):
        if not all(word in cookie for word in ("HttpOnly", "SameSite=Lax", "Path=/")):
            found.append(f"a cookie open to others: {cookie}")
    if headers.get("Cache-Control") != "no-store" and answer.request.path[:8] != "/static/":
        found.append("may be kept")
    if answer.status_code >= 500:
        found.append(str(answer.status_code))
    if answer.mimetype == "text/html" and INLINE.search(answer.text):
        found.append(f"inline: {INLINE.search(answer.text)[0]}")
    return found


@pytest.mark.slow
@pytest.mark.parametrize("who", ["nobody", "sales_clerk", "archivist", "admin"])
def test_every_answer_of_every_address_is_armed(app, company, client_for, api_for, who):
    person = None if who == "nobody" else getattr(company, who)
    browser, program = client_for(person), api_for(person)
    wrong = {}
    for endpoint, address in addresses(app, "GET"):
        if endpoint.endswith("static"):
            continue
        client = program if address.startswith("/api/") else browser
        with client.get(address) as answer:
            if faults := faults_of(answer):
                wrong[address] = faults
    assert wrong == {}


@pytest.mark.slow
@pytest.mark.parametrize("who", ["nobody", "sales_clerk", "archivist", "admin"])
def test_every_answer_to_an_act_is_armed(app, company, client_for, api_for, who):
    """Posted, put, patched, deleted, with nothing in it: refusals and redirects for the most."""
    person = None if who == "nobody" else getattr(company, who)
    wrong, seen = {}, set()
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        program = api_for(person)
        for _endpoint, address in addresses(app, method):
            call = program if address.startswith("/api/") else client_for(person)
            more = {"json": {}} if call is program else {}
            with call.open(address, method=method, **more) as answer:
                seen.add(answer.status_code)
                if faults := faults_of(answer):
                    wrong[method, address] = faults
    assert wrong == {}
    assert {302, 401} <= seen if who == "nobody" else {302, 403, 404, 422} <= seen


def refusals(app, company, client_for, api_for, monkeypatch):
    """Ask for every kind of refusal, as page and as call; yield the status and the answer."""
    clerk, program = client_for(company.sales_clerk), api_for(company.sales_clerk)
    nobody, stranger = client_for(None), api_for(None)
    yield 302, nobody.get("/records/1")
    yield 302, nobody.post("/signing/1/sign")
    yield 401, stranger.get("/api/v1/inbox/counts")
    yield 403, clerk.get("/admin/users")
    yield 404, clerk.get("/nirgends")
    yield 404, program.get("/api/v1/nirgends")
    yield 405, clerk.delete("/customers")
    yield 405, program.delete("/api/v1/openapi.json")
    form = "application/x-www-form-urlencoded"
    much = {"data": b"a=" + b"a" * (9 << 20), "content_type": form}
    yield 413, clerk.post("/customers/new", **much)
    yield 422, clerk.post("/customers/new", data={"name": ""})
    yield 422, program.post("/api/v1/customers", json={"nichts": 1})
    app.config["WTF_CSRF_ENABLED"] = True
    yield 400, clerk.post("/customers/new", data={"name": "海"})
    app.config["WTF_CSRF_ENABLED"] = False
    app.config["PROPAGATE_EXCEPTIONS"] = False
    for kind, status in ((Conflict, 409), (Throttled, 429), (Unavailable, 503), (ValueError, 500)):

        def refuse(*_args, kind=kind, **_kwargs):
            raise kind("不行。")

        for call, address in ((clerk, "/customers"), (program, "/api/v1/customers")):
            with monkeypatch.context() as patch:
                patch.setitem(app.view_functions, endpoint_of(app, address), refuse)
                yield status, call.get(address)


def endpoint_of(app, address):
    return app.url_map.bind("localhost").match(address)[0]


def test_every_refusal_is_armed(app, company, client_for, api_for, monkeypatch, caplog):
    wrong = []
    for status, answer in refusals(app, company, client_for, api_for, monkeypatch):
        assert answer.status_code == status, (status, answer.status_code, answer.text[:200])
        if faults := [one for one in faults_of(answer) if one != str(status)]:
            wrong.append((status, answer.request.path, faults))
    assert wrong == []


@pytest.mark.slow
def test_every_page_that_changes_something_asks_for_its_token(app, company, client_for):
    """Nothing is posted to a page without the token of a form of ours, whatever else is sent."""
    client = client_for(company.archivist)
    app.config["WTF_CSRF_ENABLED"] = True
    open_doors = [
        address
        for _endpoint, address in addresses(app, "POST")
        if not address.startswith("/api/")
        for sent in [client.post(address, data={"csrf_token": "IjEi.x.y"})]
        if sent.status_code != 400
    ]
    assert open_doors == []


@pytest.mark.slow
def test_a_call_is_never_made_by_a_browsers_cookie(app, company, client_for):
    """The calls need no token of a form because no cookie opens them."""
    client = client_for(company.admin)
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        for endpoint, address in addresses(app, method):
            if address.startswith("/api/") and not endpoint.startswith("openapi"):
                assert client.open(address, method=method).status_code == 401, address


def test_no_page_changes_anything_when_it_is_only_asked_for(app):
    """Acts are posted: a picture in a stranger's page asks for addresses, too."""
    acts = re.compile(r"\.(delete|remove|approve|sign|seal|refuse|reject|close|withdraw)[a-z_]*$")
    assert [
        end
        for end, address in addresses(app, "GET")
        if acts.search(end) and not address.startswith("/api/")
    ] == []


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "/\\evil.example",
        "http://evil.example",
        "https:evil.example",
        "/\t/evil.example",
        "\r\n/evil",
        "javascript:alert(1)",
        "/%2F/evil\u2028",
        "",
    ],
)
def test_signing_in_leads_nowhere_else(client_for, company, target):
    answer = client_for(None).post(
        "/login",
        query_string={"next": target},
        data={"username": "sales_clerk", "password": PASSWORD},
    )
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")


def test_a_page_asked_for_is_come_back_to(client_for, company):
    answer = client_for(None).post(
        "/login?next=/items?q=%E6%B5%B7%E4%BF%A1",
        data={"username": "sales_clerk", "password": PASSWORD},
    )
    assert answer.headers["Location"].startswith("/items?q=")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("报告.html", b"<!doctype html><script>alert(1)</script>"),
        ("图.svg", b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'),
        ("页.pdf", b"<html><body onload=alert(1)>"),
        ("\";x=y'%0d%0a;.txt", "普通文字".encode()),
        ("../../etc/passwd.txt", "普通文字".encode()),
    ],
)
def test_what_was_handed_in_is_never_shown_as_a_page(resources, company, client_for, name, content):
    upload = filing.keep_upload(resources.blobs, content, name)
    with resources.work() as uow:
        row = filing.read_row({"title": "来件"})
        made = filing.offer_paper(uow, company.archivist, row, upload)
        uow.commit()
    file = made.files[0]
    for query in ("", "?view=1", "?inline=1"):
        answer = client_for(company.archivist).get(f"/items/{made.id}/files/{file.id}{query}")
        assert answer.status_code == 200 and "X-Evil" not in answer.headers
        disposition = answer.headers["Content-Disposition"]
        is_shown = disposition.startswith("inline")
        assert not (is_shown and answer.mimetype.startswith(ACTIVE)), answer.mimetype
        assert not set("\r\n/\\") & set(disposition), disposition
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", ["a\r\nX-Evil: 1.txt", "\u202etxt.exe", "a\0.txt"])
def test_a_name_of_more_than_one_line_or_direction_is_refused(bare, name):
    with pytest.raises(Invalid, match="文件名有误"):
        filing.keep_upload(bare.blobs, "普通文字".encode(), name)


# ---------------------------------------------------------------- behind a proxy


def behind(resources, **more):
    settings = replace(resources.settings, behind_tls=True, **more)
    application = create_app(replace(resources, settings=settings))
    application.config.update(WTF_CSRF_ENABLED=False)
    return application


@pytest.mark.slow
def test_where_people_come_by_tls_they_are_to_stay_with_it(resources, company, client_for):
    header = "Strict-Transport-Security"
    assert header in behind(resources).test_client().get("/login").headers
    assert header not in client_for(None).get("/login").headers


@pytest.mark.slow
def test_cookies_are_for_this_server_and_its_pages_only(resources, company):
    client = behind(resources).test_client()
    answer = client.post(
        "/login",
        data={"username": "sales_clerk", "password": PASSWORD},
        headers={"X-Forwarded-Proto": "https"},
    )
    assert answer.status_code == 302
    for cookie in answer.headers.getlist("Set-Cookie"):
        for word in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
            assert word in cookie, cookie
        assert "Domain" not in cookie
    assert any(one.startswith(COOKIE) for one in answer.headers.getlist("Set-Cookie"))


# ---------------------------------------------------------------- pace


@pytest.fixture
def now(monkeypatch):
    instant = [100.0]
    monkeypatch.setattr("archive.core.pace.monotonic", lambda: instant[0])
    return instant


def test_a_bucket_fills_again_and_is_ones_own(now):
    pace = Pace()
    assert [pace.wait("陈", 60) for _ in range(60)] == [0] * 60
    assert pace.wait("陈", 60) == 1
    assert pace.wait("林", 60) == 0
    now[0] += 1.5
    assert [pace.wait("陈", 60) for _ in range(2)] == [0, 1]
    now[0] += 1000
    assert sum(pace.wait("陈", 60) == 0 for _ in range(70)) == 60, "no more than a full bucket"


@pytest.mark.slow
def test_processes_at_one_bucket_never_read_half_a_number():
    """Web processes count the same caller at the same instant: nobody is refused for that."""
    pace = Pace()

    def hammer(refused):
        refused.value = sum(pace.wait("127.0.0.1", 10**9) != 0 for _ in range(500_000))

    context = multiprocessing.get_context("fork")
    told = [context.Value("i", -1) for _ in range(2)]
    several = [context.Process(target=hammer, args=(one,)) for one in told]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # fork beside a thread
        for one in several:
            one.start()
    for one in several:
        one.join()
    assert [one.value for one in told] == [0, 0]


def test_who_asks_too_fast_is_told_when_to_come_back(
    app, resources, company, client_for, api_for, now
):
    configure(app, replace(resources, settings=replace(resources.settings, pace=60)))
    app.config["WTF_CSRF_ENABLED"] = False
    fast, other = api_for(company.sales_clerk), api_for(company.other_clerk)
    answers = [fast.get("/api/v1/inbox/counts") for _ in range(63)]
    assert [one.status_code for one in answers[:60]] == [200] * 60
    last = answers[-1]
    assert (last.status_code, last.json["error"]["code"]) == (429, "throttled")
    assert int(last.headers["Retry-After"]) >= 1
    assert other.get("/api/v1/inbox/counts").status_code == 200
    assert client_for(None).get("/healthz").status_code == 200
