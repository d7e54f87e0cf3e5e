"""Every address × every role: who is not meant to get in does not; a new address must be placed.

``doors.txt`` places each address under the act it needs. An address that is not there fails the
first test with the line to add: think who may pass, add it, and its people to tests/test_access.py.
What each act means for each role stands in tests/people/test_offices.py.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from archive.filing import service as filing
from archive.jobs import drain_all
from archive.people import service
from archive.people.rights import OFFICES, ROLES, can, needs_thing
from archive.records import drafts
from doc_templates import sample_values

DOORS = Path(__file__).with_name("doors.txt")
MARK = "凤凰密约"  # in every paper there is: no office may ever see it
REFUSED = {403, 404}
# What a person without papers may be told of what was sent, before the thing is looked for.
SENT_WRONG = {400, 409, 413, 415, 422}


def test_every_address_is_placed(app):
    placed = {tuple(line.split()) for line in DOORS.read_text(encoding="utf-8").splitlines()}
    there = {(method, rule.rule.replace(" ", ""), _act(app, rule)) for method, rule in doors(app)}
    missing = "\n".join(" ".join(line) for line in sorted(there - placed))
    assert there <= placed, f"not placed in doors.txt:\n{missing}"
    assert placed <= there, f"no longer there: {sorted(placed - there)}"


def doors(app):
    """Yield every method and address that has a guard of its own."""
    for rule in app.url_map.iter_rules():
        if hasattr(app.view_functions[rule.endpoint], "__guard__"):
            for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
                yield method, rule


def _act(app, rule):
    return app.view_functions[rule.endpoint].__guard__


def test_a_first_password_opens_nothing_but_the_page_to_change_it(
    app, resources, company, client_for
):
    """Not even what is everybody's own: no signing of many, no certificate, no token."""
    with resources.work() as uow:
        uow.session.get_one(service.User, company.sales_head.id).must_change_password = True
        uow.commit()
    client = client_for(company.sales_head)
    factor = "/account/second-factor"
    free = {"/logout", "/account/password"}
    free |= {factor, f"{factor}/start", f"{factor}/confirm", f"{factor}/code"}
    open_still = [
        f"{method} {rule.rule}"
        for method, rule in doors(app)
        if _act(app, rule) != "public" and not rule.rule.startswith("/api/")
        if rule.rule not in free
        for answer in [client.open(_url(app, rule, method), method=method)]
        if answer.headers.get("Location") != "/account/password"
    ]
    assert open_still == []
    changed = {"current": "档案台-测试-2026", "new": "另一个-很长的-口令-77", "again": ""}
    changed["again"] = changed["new"]
    assert client.post("/account/password", data=changed).status_code == 302


@pytest.fixture
def papers(resources, company):
    """A draft and a filed item, public at that, both named so that they are recognised."""
    with resources.work() as uow:
        values = sample_values("E01") | {"客户名称": MARK}
        draft = drafts.create_draft(uow, company.sales_clerk, "E01", values)
        row = {"title": MARK, "year": 2024, "department": "销售部", "secrecy": "公开"}
        item, _ = filing.import_item(uow, company.archivist, row)
        uow.commit()
    drain_all(resources)
    return draft.id, item.id


@pytest.mark.slow
@pytest.mark.parametrize("role", [*ROLES, "none"])
def test_no_role_gets_past_a_door_not_its_own(app, resources, company, papers, client_for, role):
    """Pages and calls, all of them, as somebody of this role and no other."""
    wrong = []
    person = _only(resources, company.finance_clerk, role)
    page, call = _clients(app, client_for, resources, person)
    for method, rule in doors(app):
        act = _act(app, rule)
        if act == "public" or _may_try(person, act):
            continue
        url, is_call = _url(app, rule, method), rule.rule.startswith("/api/")
        client = call if is_call else page
        answer = client.open(url, method=method, **({"json": {}} if is_call else {}))
        if answer.status_code == 302 and method != "GET" and needs_thing(act):
            answer = client.get(answer.headers["Location"])  # sent wrong: back where one may not go
        is_bare = needs_thing(act) and (is_call or method != "GET")
        refused = REFUSED | SENT_WRONG if is_bare else REFUSED
        if answer.status_code not in refused or MARK.encode() in answer.data:
            wrong.append(f"{method} {url} ({act}): {answer.status_code}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.slow
def test_an_office_sees_no_paper_at_any_address(app, resources, company, papers, client_for):
    """What the offices may open shows nothing of any paper, and no address falls over."""
    assert MARK in client_for(company.archivist).get(f"/items/{papers[1]}").text
    wrong = []
    for office in OFFICES:
        person = _only(resources, company.finance_clerk, office)
        page, call = _clients(app, client_for, resources, person)
        for method, rule in doors(app):
            act = _act(app, rule)
            if method != "GET" or not (act == "public" or _may_try(person, act)):
                continue  # refused, as the test above has seen
            url = _url(app, rule, method)
            answer = (call if rule.rule.startswith("/api/") else page).get(url)
            if answer.status_code >= 500 or MARK.encode() in answer.data:
                wrong.append(f"{office}: {url}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)


def _only(resources, person, role):
    """Let the person hold this role and no other, and return them."""
    with resources.work() as uow:
        row = uow.session.get_one(service.User, person.id)
        row.roles = []
        uow.session.flush()
        row.roles = [service.RoleGrant(role=role)] if role in ROLES else []
        row.clearance = 0
        uow.commit()
        found = service.get_actor(uow, person.id)
    return replace(found, headed=frozenset())


def _clients(app, client_for, resources, person):
    from archive.people.access import issue_token

    call = app.test_client()
    with resources.work() as uow:
        token = issue_token(uow, person.id, 1)
        uow.commit()
    call.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return client_for(person), call


def _may_try(person, act):
    """Whether the door is the person's: by role, or, for papers, whoever handles any."""
    return person.handles_papers if needs_thing(act) else can(person, act)


def _url(app, rule, method):
    values = dict.fromkeys(rule.arguments, 1)
    values |= {"code": "E01"} if "code" in rule.arguments else {}
    for name, converter in rule._converters.items():
        values |= {name: min(converter.items)} if hasattr(converter, "items") else {}
    return app.url_map.bind("localhost").build(rule.endpoint, values, method=method)
