"""A table of (method, address) × person: who gets in, who is turned away, who sees nothing.

The second half walks every address there is, so that a new one cannot be forgotten.
"""

import pytest
from sqlalchemy import select

from archive.filing import service as filing
from archive.filing.handover import service as handover
from archive.filing.models import ItemCopy
from archive.records import drafts
from archive.records.models import Record
from archive.signing import edge
from doc_templates import sample_values

PASSWORD = "档案台-测试-2026"
PEOPLE = ("nobody", "sales_clerk", "other_clerk", "archivist", "leader", "admin")
#                                       nobody  clerk  other  archivist leader admin
TABLE = """
GET  /                                  login   200    200    200       200    200
GET  /records                           login   200    200    200       200    403
GET  /records/new                       login   200    200    200       200    403
GET  /records/{record}                  login   200    404    404       200    404
GET  /records/{record}/document.pdf     login   200    404    404       200    404
GET  /records/{record}/document.docx    login   200    404    404       200    404
GET  /signing                           login   200    200    200       200    200
GET  /signing/{record}                  login   200    404    404       200    404
GET  /customers                         login   200    200    200       200    403
GET  /search?q=x                        login   200    200    200       200    403
GET  /items                             login   200    200    200       200    403
GET  /items/{item}                      login   200    404    200       200    404
GET  /volumes                           login   200    200    200       200    403
GET  /filing                            login   403    403    200       403    403
GET  /loans                             login   200    200    200       200    403
POST /loans/notices/read                login   302    302    302       302    403
GET  /loans/desk                        login   403    403    200       403    403
GET  /loans/register                    login   403    403    200       200    403
GET  /admin/users                       login   403    403    403       403    200
GET  /admin/journal                     login   403    403    403       200    200
GET  /loans/rules                       login   403    403    200       200    403
GET  /loans/rules/own-open-original     login   403    403    404       404    403
GET  /loans/rules/new                   login   403    403    403       403    403
GET  /loans/year-end                    login   403    403    200       200    403
POST /loans/year-end                    login   403    403    403       403    403
GET  /loans/workdays                    login   403    403    200       200    403
POST /loans/workdays/days               login   403    403    403       403    403
POST /loans/workdays/notice             login   403    403    403       403    403
GET  /api/v1/calendar/2026              401     403    403    200       200    403
PUT  /api/v1/calendar/days              401     403    403    403       403    403
POST /api/v1/calendar/notices           401     403    403    403       403    403
GET  /records/import                    login   200    200    200       200    403
GET  /records/{record}/edit             login   302    404    404       302    404
GET  /tasks                             login   200    200    200       200    200
GET  /forms                             login   403    403    403       403    200
GET  /forms/E01                         login   403    403    403       403    200
GET  /signing/settings                  login   200    200    200       200    200
GET  /seals                             login   200    200    200       200    200
GET  /seals/register                    login   200    200    200       200    403
GET  /seals/new                         login   403    403    403       403    200
GET  /seals/1                           login   404    404    404       404    404
GET  /api/v1/seals                      401     200    200    200       200    200
GET  /api/v1/seals/uses                 401     200    200    200       200    403
GET  /search/at/{item}                  login   302    404    302       302    404
GET  /search/saved                      login   200    200    200       200    403
POST /search/saved                      login   422    422    422       422    403
POST /search/saved/1/run                login   404    404    404       404    403
GET  /api/v1/search/saved               401     200    200    200       200    403
POST /api/v1/search/saved/1/run         401     404    404    404       404    403
GET  /search/synonyms                   login   403    403    200       403    200
GET  /verify                            200     200    200    200       200    200
GET  /healthz                           200     200    200    200       200    200
GET  /admin/health                      login   403    403    403       403    200
GET  /metrics                           login   403    403    403       403    200
GET  /api/v1/records                    401     200    200    200       200    403
GET  /api/v1/records/{record}           401     200    404    404       200    404
GET  /api/v1/items/{item}               401     200    404    200       200    404
GET  /api/v1/customers                  401     200    200    200       200    403
GET  /api/v1/search?q=x                 401     200    200    200       200    403
GET  /api/v1/loans                      401     200    200    200       200    403
GET  /loans/1/papers/A01.docx           login   404    404    404       404    403
GET  /loans/1/papers/A03.pdf            login   403    403    404       403    403
GET  /loans/register/papers/A02.docx    login   403    403    200       200    403
POST /loans/calendar/new                login   200    200    200       200    403
POST /loans/calendar/stop               login   302    302    302       302    403
GET  /loans/calendar/x.ics              404     404    404    404       404    404
POST /loans/1/renew                     login   404    404    404       404    403
POST /loans/1/recall                    login   403    403    302       403    403
POST /api/v1/loans/1/renew              401     404    404    404       404    403
POST /api/v1/loans/1/recall             401     403    403    400       403    403
POST /api/v1/loans/reserve              401     403    403    403       403    403
GET  /api/v1/loans/rules                401     403    403    200       200    403
GET  /api/v1/journal                    401     403    403    403       200    200
POST /api/v1/records/{record}/withdraw  401     200    404    404       403    404
POST /api/v1/items/{item}/shelve        401     403    404    409       403    404
GET  /items/{item}/move                 login   403    404    200       403    404
POST /api/v1/items/{item}/move          401     403    404    422       403    404
GET  /search/unread                     login   403    403    200       403    403
POST /search/unread                     login   403    403    302       403    403
GET  /filing/receive                    login   403    403    200       403    403
POST /filing/receive                    login   403    403    422       403    403
POST /api/v1/imports                    401     403    403    422       403    403
GET  /api/v1/plan                       401     403    403    200       403    403
GET  /api/v1/plan/latest                401     403    403    200       403    403
GET  /api/v1/plan/versions              401     403    403    200       403    403
GET  /api/v1/plan/tree                  401     403    403    200       403    403
POST /api/v1/items/{item}/refusal       401     403    404    409       403    404
POST /api/v1/items/{item}/take-again    401     403    404    409       403    404
POST /filing/item/{item}/again          login   422    422    422       422    422
GET  /loans/figures                     login   403    403    200       200    403
GET  /me/desk-pin                       login   200    200    200       200    200
POST /me/desk-pin                       login   422    422    422       422    422
POST /me/desk-pin/drop                  login   404    404    404       404    404
GET  /loans/1/signatures/out.png        login   404    404    404       404    403
GET  /loans/sheets                      login   403    403    200       403    403
GET  /loans/trace                       login   403    403    200       200    403
GET  /api/v1/loans/sheets               401     403    403    200       403    403
GET  /filing/plan                       login   403    403    200       403    403
GET  /filing/plan/edit                  login   403    403    200       403    403
POST /filing/plan/edit                  login   403    403    422       403    403
GET  /filing/late                       login   403    403    200       403    403
GET  /volumes/{volume}                  login   200    404    200       200    403
GET  /volumes/{volume}/papers/A05.docx  login   403    403    200       403    403
GET  /volumes/{volume}/papers/A04.pdf   login   403    403    200       403    403
POST /volumes/{volume}/seal             login   403    403    422       403    403
POST /volumes/{volume}/seal/confirm     login   403    403    422       403    403
POST /volumes/{volume}/seal/withdraw    login   403    403    422       403    403
GET  /api/v1/volumes/{volume}/seal      401     403    403    404       403    403
POST /api/v1/volumes/{volume}/seal      401     403    403    401       403    403
GET  /volumes/{volume}/check            login   403    403    200       403    403
GET  /checks                            login   403    403    200       200    403
GET  /checks/1                          login   403    403    404       404    403
GET  /checks/1/report.docx              login   403    403    404       404    403
POST /checks/findings/1                 login   403    403    404       403    403
POST /volumes/{volume}/check            login   403    403    302       403    403
GET  /quarantine                        login   403    403    200       200    403
GET  /quarantine/{item}                 login   403    403    200       200    403
POST /quarantine/{item}/restore         login   403    403    422       422    403
POST /quarantine/{item}/again           login   403    403    404       404    403
POST /quarantine/{item}/accept          login   403    403    403       403    403
POST /quarantine/{item}/accept/confirm  login   403    403    422       422    403
POST /quarantine/{item}/files/1         login   403    403    403       403    403
GET  /admin/checkpoints/2026-11.docx    login   403    403    403       404    404
GET  /handover                          login   200    200    200       200    403
GET  /handover/all                      login   403    403    200       200    403
GET  /handover/{handover}               login   200    404    200       200    404
GET  /handover/{handover}/A07.docx      login   200    404    200       200    404
POST /handover/{handover}/hand          login   422    404    403       403    404
POST /handover/{handover}/receive       login   403    403    409       403    403
POST /handover/{handover}/back          login   403    404    409       403    403
POST /handover/{handover}/refresh       login   302    404    403       403    404
GET  /api/v1/handovers                  401     200    200    200       200    403
GET  /api/v1/handovers/owed?month=2026-11 401   200    200    200       200    403
GET  /api/v1/handovers/{handover}       401     200    404    200       200    404
GET  /api/v1/handovers/{handover}/A07.docx 401  200    404    200       200    404
POST /api/v1/handovers/{handover}/hand  401     401    404    403       403    404
GET  /retention                         login   200    200    200       200    200
GET  /retention/holds                   login   403    403    200       200    403
POST /retention/holds                   login   403    403    403       403    403
POST /retention/holds/1/lift            login   403    403    403       403    403
POST /retention/appraisals              login   403    403    403       403    403
GET  /retention/appraisals/1            login   404    404    404       404    404
POST /retention/appraisals/1/sign       login   404    404    404       404    404
GET  /retention/appraisals/1/A15.docx   login   404    404    404       404    404
GET  /retention/lists/1                 login   404    404    404       404    404
POST /retention/lists/1/approve         login   404    404    404       404    404
POST /retention/lists/1/execute         login   404    404    404       404    404
GET  /retention/lists/1/paper.docx      login   404    404    404       404    404
POST /retention/settings                login   403    403    403       403    422
GET  /api/v1/retention/due              401     403    403    200       200    403
GET  /api/v1/retention/holds            401     403    403    200       200    403
POST /api/v1/retention/appraisals       401     403    403    403       403    403
GET  /api/v1/retention/appraisals/1     401     404    404    404       404    404
GET  /api/v1/retention/lists/1          401     404    404    404       404    404
GET  /api/v1/retention/lists/1/paper.docx 401   404    404    404       404    404
POST /dossiers/order/{item}             login   302    404    302       302    403
POST /dossiers/volume/999               login   404    404    404       404    403
POST /packages/item/{item}              login   403    403    302       302    403
GET  /places                            login   403    403    200       200    403
GET  /places/1                          login   403    403    200       200    403
GET  /places/move                       login   403    403    200       403    403
POST /places/layout                     login   403    403    422       403    403
GET  /places/copies                     login   403    403    200       200    403
GET  /copies/{barcode}                  login   403    403    200       200    403
GET  /labels                            login   403    403    200       200    403
GET  /labels.pdf?what=x&id=1            login   403    403    422       422    403
GET  /stocktakes                        login   403    403    200       200    403
GET  /stocktakes/1                      login   403    403    404       404    403
GET  /stocktakes/1/scan                 login   403    403    404       403    403
POST /stocktakes                        login   403    403    422       403    403
GET  /api/v1/places                     401     403    403    200       200    403
POST /api/v1/places                     401     403    403    400       403    403
POST /api/v1/places/moves               401     403    403    400       403    403
GET  /api/v1/places/copies/{barcode}    401     403    403    200       200    403
GET  /api/v1/stocktakes                 401     403    403    200       200    403
POST /api/v1/stocktakes                 401     403    403    400       403    403
POST /api/v1/stocktakes/1/scans         401     403    403    400       403    403
GET  /api/v1/volumes/{volume}/papers/A10.docx 401 403  403    200       403    403
GET  /items/{item}/versions             login   200    404    200       200    404
GET  /items/{item}/then?at=2026-11-23   login   200    404    200       200    404
GET  /items/{item}/describe             login   403    404    200       403    404
GET  /records/{record}/compare          login   200    404    404       200    404
GET  /records/{record}/then             login   200    404    404       200    404
POST /records/{record}/correct          login   302    404    404       302    404
POST /records/{record}/uncorrect        login   302    404    404       403    404
GET  /api/v1/items/{item}/versions      401     200    404    200       200    404
GET  /api/v1/items/{item}/as-of?at=2026-11-23 401 200  404    200       200    404
GET  /api/v1/records/{record}/corrections 401   200    404    404       200    404
GET  /controlled                        login   200    200    200       200    403
GET  /controlled/1                      login   404    404    404       404    403
GET  /controlled/1/D21.docx             login   403    403    404       404    403
POST /controlled/1/issue                login   403    403    404       403    403
POST /controlled/copies/1/receive       login   404    404    404       404    403
GET  /items/{item}/controlled           login   403    403    200       403    403
GET  /api/v1/controlled                 401     200    200    200       200    403
GET  /api/v1/controlled/old             401     403    403    200       403    403
GET  /filing/incoming                   login   403    403    200       403    403
GET  /filing/incoming/1                 login   403    403    404       403    403
POST /filing/incoming/1/files           login   403    403    422       403    403
POST /filing/incoming/1/close           login   403    403    404       403    403
GET  /filing/separators                 login   403    403    200       403    403
GET  /filing/screen                     login   403    403    200       403    403
POST /filing/screen/many                login   403    403    302       403    403
GET  /filing/screen/i{item}/page/1.png  login   403    403    200       403    403
GET  /api/v1/intake-batches             401     403    403    200       403    403
POST /api/v1/intake-batches/1/register  401     403    403    404       403    403
GET  /account                           login   200    200    200       200    200
GET  /account/sign-ins                  login   200    200    200       200    200
GET  /account/second-factor             login   200    200    200       200    200
POST /account/second-factor/start       login   422    422    422       422    422
POST /account/second-factor/confirm     login   409    409    409       409    409
POST /account/second-factor/code        login   404    404    404       404    404
POST /account/second-factor/codes       login   422    422    422       422    422
POST /account/second-factor/drop        login   422    422    422       422    422
POST /account/tokens                    login   422    422    422       422    422
POST /account/tokens/999/end            login   404    404    404       404    404
POST /account/sessions/999/end          login   404    404    404       404    404
POST /account/sessions/end              login   302    302    302       302    302
GET  /admin/sign-ins                    login   403    403    403       200    200
GET  /admin/users/1/sign-in             login   403    403    403       403    200
POST /admin/users/1/sign-in/unlock      login   403    403    403       403    302
POST /admin/users/1/sign-in/end         login   403    403    403       403    302
POST /admin/users/1/sign-in/drop-factor login   403    403    403       403    404
POST /admin/users/1/sign-in/unbind      login   403    403    403       403    404
GET  /api/v1/me                         401     200    200    200       200    200
GET  /api/v1/me/tokens                  401     200    200    200       200    200
DELETE /api/v1/me/tokens/999            401     404    404    404       404    404
GET  /api/v1/me/sessions                401     200    200    200       200    200
DELETE /api/v1/me/sessions/999          401     404    404    404       404    404
GET  /admin/roles                       login   403    403    403       403    200
POST /admin/users/1/release             login   403    403    403       403    409
GET  /access/item/{item}                login   404    404    404       404    200
GET  /access/record/{record}            login   404    404    404       404    200
GET  /access/customer/1                 login   404    404    404       404    200
GET  /access/volume/{volume}            login   404    404    404       404    200
POST /access/item/{item}/grants         login   404    404    404       404    422
GET  /access/grants                     login   403    403    403       403    200
GET  /access/find?number=x              login   403    403    403       403    302
POST /access/grants/1/withdraw          login   404    404    404       404    404
GET  /access/mine                       login   200    200    200       200    200
GET  /api/v1/access?kind=item&id={item} 401     404    404    404       404    200
GET  /api/v1/access/person?kind=item&id={item}&person=admin 401 404 404 404 404    200
GET  /api/v1/grants                     401     403    403    403       403    200
GET  /loans/basket                      login   200    200    200       200    403
POST /loans/basket                      login   422    422    422       422    403
POST /loans/basket/add                  login   404    404    404       404    403
POST /loans/basket/drop                 login   302    302    302       302    403
GET  /loans/notes/1                     login   404    404    404       404    403
POST /loans/notes/1/decide              login   404    404    404       404    404
POST /loans/notes/1/withdraw            login   404    404    404       404    403
GET  /loans/notes/1/desk                login   403    403    404       403    403
POST /loans/notes/1/desk                login   403    403    404       403    403
GET  /loans/notes/1/A01.docx            login   404    404    404       404    403
GET  /api/v1/loans/notes/1              401     404    404    404       404    403
POST /api/v1/loans/notes/1/hand-out     401     403    403    400       403    403
GET  /loans/visits                      login   403    403    200       200    403
GET  /loans/visits/new                  login   403    403    200       403    403
POST /loans/visits                      login   403    403    422       403    403
GET  /loans/visits/1                    login   403    403    404       404    403
POST /loans/visits/1/reveal             login   403    403    404       404    403
GET  /loans/visits/1/letter             login   403    403    404       404    403
POST /loans/visits/1/end                login   403    403    404       403    403
GET  /api/v1/loans/visits               401     403    403    200       200    403
POST /api/v1/loans/visits/1/end         401     403    403    404       403    403
GET  /loans/desk/offline                login   403    403    200       403    403
POST /loans/desk/offline                login   403    403    422       403    403
"""
BODIES = {
    "refusal": {"reason": "缺页"},
    "take-again": {"version": 1},
    "shelve": {"place": {"room": "库房一"}},
    "reserve": {"item_id": 1, "mode": "original", "purpose": "核对客户资质"},
    "hand": {"password": "不对的密码", "digest": "0"},
    "seal": {"password": "不对的密码"},
    "move": {
        "category": "KH",
        "item_class": "没有这一类",
        "year": 2026,
        "retention": "D30",
        "unit": "XSB",
        "secrecy": "内部",
        "reason": "分错了类",
    },
}
LINES = [line.split() for line in TABLE.strip().splitlines()]


@pytest.fixture
def things(resources, company):
    """A record being signed, and an item of the sales department, filed."""
    ids = {}
    for key in ("record", "filed"):
        with resources.work() as uow:
            draft = drafts.create_draft(uow, company.sales_clerk, "E01", sample_values("E01"))
            uow.commit()
        edge.submit(resources, company.sales_clerk, draft.id, draft.version)
        ids[key] = draft.id
    for person in (company.sales_clerk, company.sales_head, company.leader):
        edge.sign(resources, person, ids["filed"], password=PASSWORD, drawn_png=None)
    with resources.work() as uow:
        item = filing.file_record(uow, company.archivist, ids["filed"])
        ids["item"], ids["volume"] = item.id, item.volume_id
        ids["barcode"] = item.copies[0].barcode
        uow.commit()
    ids["handover"] = _listed(resources, company)
    return ids


def _listed(resources, company) -> int:
    """A hand-over list, still being made, with one signed paper of the sales department."""
    with resources.work() as uow:
        draft = drafts.create_draft(uow, company.sales_clerk, "E01", sample_values("E01"))
        uow.commit()
    edge.submit(resources, company.sales_clerk, draft.id, draft.version)
    for person in (company.sales_clerk, company.sales_head, company.leader):
        edge.sign(resources, person, draft.id, password=PASSWORD, drawn_png=None)
    with resources.work() as uow:
        person, unit = company.sales_clerk, company.sales_id
        made = handover.make_list(uow, person, unit, "2026-11", [draft.id])
        uow.commit()
    return made.id


def test_who_gets_in(company, client_for, api_for, things):
    wrong = [
        f"{method} {url}，{person}：应为 {outcome}，得到 {told}"
        for method, address, *expected in LINES
        for url in [address.format(**things)]
        for person, outcome in zip(PEOPLE, expected, strict=True)
        for told in [_outcome(company, client_for, api_for, method, url, person)]
        if told != outcome
    ]
    assert wrong == []


def _outcome(company, client_for, api_for, method, url, person) -> str:
    actor = None if person == "nobody" else getattr(company, person)
    client = (api_for if url.startswith("/api/") else client_for)(actor)
    sent = BODIES.get(url.rpartition("/")[2]) if url.startswith("/api/") else None
    answer = client.open(url, method=method, **({"json": sent} if sent else {}))
    is_door = answer.status_code == 302 and "/login" in answer.headers["Location"]
    return "login" if is_door else str(answer.status_code)


def test_every_address_has_its_guard(app):
    free = {"static", "openapi.spec", "openapi.spec_json", "bootstrap.static"}
    unguarded = [
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if not rule.endpoint.endswith(".static")
        and rule.endpoint not in free
        and not hasattr(app.view_functions[rule.endpoint], "__guard__")
    ]
    assert unguarded == []


def test_only_the_door_and_the_pulse_are_public(app):
    public = {
        rule.rule
        for rule in app.url_map.iter_rules()
        if getattr(app.view_functions[rule.endpoint], "__guard__", "") == "public"
    }
    assert public == {
        "/login",
        "/login/code",  # the code after the password, by the step's cookie
        "/login/outside",  # to the provider, and back with its answer
        "/login/outside/back",
        "/favicon.ico",
        "/healthz",
        "/metrics",  # to a program by its token, to an administrator signed in
        "/loans/calendar/<token>.ics",  # one's due days, under a secret address
        "/verify",  # the verdict on a file one holds
        "/verify/<token>",
        "/sign/<token>",  # the other party, by a link and its code
        "/sign/<token>/code",
        "/sign/<token>/decline",
        "/sign/<token>/done",
        "/sign/<token>/page/<int:number>.png",
        "/sign/<token>/paper.pdf",
        "/trust/company.crl",  # what other programs need to judge our signatures
        "/trust/company-root.crl",
        "/trust/company-root.cer",
    }


def test_nobody_gets_anything_from_any_address(app, client_for):
    client = client_for(None)
    for rule in app.url_map.iter_rules():
        guard = getattr(app.view_functions[rule.endpoint], "__guard__", "public")
        if guard == "public":
            continue
        values = dict.fromkeys(rule.arguments, 1)
        with app.test_request_context():
            url = app.url_map.bind("localhost").build(
                rule.endpoint, values | _words(rule), method=sorted(rule.methods - {"HEAD"})[0]
            )
        for method in rule.methods & {"GET", "POST", "PUT", "PATCH", "DELETE"}:
            answer = client.open(url, method=method, json={} if "/api/" in url else None)
            refused = (401,) if url.startswith("/api/") else (302,)
            assert answer.status_code in refused, (method, url, answer.status_code)
            assert answer.status_code != 302 or "/login" in answer.headers["Location"]


def _words(rule) -> dict[str, str]:
    """Return a word for each argument that is no number, one its converter allows."""
    words = {"code": "E01"} if "code" in rule.arguments else {}
    for name, converter in rule._converters.items():
        words |= {name: min(converter.items)} if hasattr(converter, "items") else {}
    return words


def test_what_one_may_not_see_is_counted_nowhere(resources, company, client_for, api_for, things):
    with resources.reading() as uow:
        title = uow.session.get_one(Record, things["filed"]).title
        barcode = uow.session.scalar(select(ItemCopy.barcode))
    for path in ("/records", "/items", "/", "/volumes", "/loans"):
        page = client_for(company.other_clerk).get(path).get_data(as_text=True)
        assert title not in page and barcode not in page, path
    for path in ("/api/v1/records", "/api/v1/items", "/api/v1/volumes"):
        assert api_for(company.other_clerk).get(path).json["total"] == 0, path
