"""Every address with an id in it, asked by strangers with the ids of what is other people's.

The sales department of the demo company owns what lies about; the strangers are a clerk and a head
of a department that knows nothing of it, and a keeper who is cleared for nothing. Each address must
answer them 403 or 404, tell nothing of the thing, and change nothing. An address nobody placed in
``strangers.THINGS`` fails the first test; what is everybody's, and where something is said before
the thing is looked for, stands below with the reason.
"""

import io
import re
from itertools import product

import pytest
from sqlalchemy import event, text

from archive.app import configure
from archive.config import Settings
from archive.core.resources import open_resources
from archive.filing import service as filing
from archive.models import metadata
from archive.people import access
from archive.people.gate import COOKIE
from archive.people.rights import can
from archive.records.models import Record
from archive.records.rows import thing_of_row
from archive.signing.acts import ACTS
from tests.bodies import Bodies
from tests.conftest import PASSWORD, FrozenClock, QuickConverter, one_page_pdf
from tests.databases import url_of
from tests.strangers import ITEM, RECORD, STRANGERS, THINGS, settle
from tests.test_every_door import DOORS, REFUSED, SENT_WRONG
from tests.web.laid_out import ARCHIVIST, CLERK, HEAD, KEEPER, LEADER

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

# What is everybody's, or one's own by its nature: whatever it answers, it changes nothing.
EVERYBODYS = {
    "GET /customers/<int:customer_id>": "the register of customers is the whole company's",
    "GET /api/v1/customers/<int:customer_id>": "the register of customers is the whole company's",
    "GET /api/v1/forms/<code>": "the forms are everybody's to fill in",
    "GET /api/v1/forms/<code>/sheet.xlsx": "the forms are everybody's to fill in",
    "GET /records/new/<code>/blank.<any(docx,pdf):suffix>": "the forms are everybody's to fill in",
    "POST /api/v1/forms/<code>/import": "anybody may begin to enter papers of their own",
    "POST /loans/basket/drop/<int:item_id>": "takes out of one's own basket",
    "GET /seals/<int:seal_id>": "which seals there are, for asking",
    "GET /verify/<token>": "public: what an unknown code says is a verdict",
}
OF_THE_OFFICE = {"GET /loans/items/<int:item_id>/log": "the register of loans, without a title"}
BEGINS_OWN = {"POST /api/v1/forms/<code>/import"}  # a task of one's own, with the file one sent
# Of these the company has none: the address is asked with the ids of what such a thing hangs on.
NOT_THERE = {
    "/admin/checkpoints/<month>.<any(docx,pdf):kind>": "no month is closed",
    "/admin/journal/<int:seq>/proof.json": "no month is closed",
    "/api/v1/records/<int:record_id>/compare": "none of the papers has a second version",
    "/api/v1/volumes/<int:volume_id>/seal": "the volumes that are sealed are other ones",
    "/filing/incoming/<int:batch_id>/files/<int:file_id>/page/<int:number>.png": "texts, no scans",
    "/loans/<int:request_id>/signatures/<any(out,back):side>.png": "nobody signed at the desk",
    "/loans/calendar/<token>.ics": "a secret address",
    "/loans/visits/<int:visit_id>/letter": "no letter was scanned",
    "/records/<int:record_id>/earlier/<int:source_id>.json": "another's paper, in one's own draft",
    "/sign/<token>": "a secret address",
    "/sign/<token>/done": "a secret address",
    "/sign/<token>/page/<int:number>.png": "a secret address",
    "/sign/<token>/paper.pdf": "a secret address",
    "/signing/<int:record_id>/files/<any(scan,evidence,stamped):kind>": "nothing on paper",
}
STAFF = (CLERK, HEAD, ARCHIVIST, KEEPER, "admin", LEADER, "suxiaomin", "hezihan", "tangyifan")
# Where an id is that of a paper itself, which no office opens by itself.
PAPERS = r"<int:(item|record)_id>|<key>|/dossiers/|/packages/|/access/<"
# Said of what was sent, before the thing is looked for, or of what one may read: nothing of it.
SAID_BEFORE = {
    "POST /dossiers/<any(customer,volume,order):scope>/<int:number>": (
        "a customer is everybody's; of their papers none that the asker may read is found"
    ),
    "POST /packages/<any(item,volume,customer):scope>/<int:number>": "the same, for the archive",
}
# What a look itself may write: that somebody was here, and that they were turned away.
VISITS = {"login_session", "api_token", "password_try", "sign_in_entry"}
FORM = {
    "reason": "核对客户资质",
    "password": PASSWORD,
    "version": "1",
    "row_version": "1",
    "digest": "0" * 64,
    "opinion": "同意",
    "note": "核对",
    "name": "改过的名字",
    "words": "甲 = 乙",
    "approved": "1",
    "stamped": "1",
    "pages": "1",
    "record": "1",
    "source": "1",
    "category": "KH",
    "item_class": "客户开发",
    "retention": "D30",
    "unit": "XSB",
    "secrecy": "内部",
    "year": "2026",
    "people": "fangjiaming",
    "person": "fangjiaming",
}
UPLOADS = ("file", "picture", "upload", "image", "letter")
SAVED = {"values": {}, "version": 1}  # what the page of a draft sends by itself
QUERY = {"at": "2026-11-20", "old": 1, "new": 2}


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    folder = tmp_path_factory.mktemp("town")
    settings = Settings(data=folder, database_url=url_of(folder))
    resources = open_resources(settings, QuickConverter(), FrozenClock())
    metadata.create_all(resources.database.engine)
    yield settle(resources)
    resources.database.dispose()


@pytest.fixture(scope="module")
def app(town, built_app):
    configure(built_app.app, town.resources)
    built_app.app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    return built_app.app


@pytest.fixture(scope="module")
def visitors(app, town):
    """Return for each stranger two clients: for pages by a session, for calls by a token."""
    return {name: _clients(app, town, town.staff[name].id) for name in STRANGERS}


def _clients(app, town, person):
    page, call = app.test_client(), app.test_client()
    with town.resources.work() as uow:
        page.set_cookie(COOKIE, access.open_session(uow, person, "127.0.0.1", "test"))
        token = access.issue_token(uow, person, 9)
        uow.commit()
    call.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return page, call


def addresses():
    """Yield each line of ``doors.txt`` with an argument: method, address, act."""
    for line in DOORS.read_text(encoding="utf-8").splitlines():
        method, address, act = line.split()
        if "<" in address:
            yield method, address, act


def things_of(address):
    """Return the beginning in ``THINGS`` that speaks for an address; None when nobody placed it."""
    plain = in_contract(address).removeprefix("/api/v1").replace("{", "<").replace("}", ">")
    fits = [one for one in THINGS if plain.startswith(one) and plain[len(one) :][:1] in "/."]
    return max(fits, key=len, default=None)


def test_every_address_with_an_id_is_placed():
    missing = [address for _, address, _ in addresses() if things_of(address) is None]
    assert missing == [], "say in strangers.THINGS with whose things these are to be asked"
    used = {things_of(address) for _, address, _ in addresses()}
    assert THINGS.keys() == used, "no longer there"


def in_contract(address):
    """Return the address as the contract writes it."""
    return re.sub(r"<(?:[^<>]*:)?(\w+)>", r"{\1}", address)


def urls(town, address, stranger):
    """Yield the address with the ids of other people's things, once for every word it allows."""
    words = {
        name: allowed.split(",") for allowed, name in re.findall(r"<any\(([^)]*)\):(\w+)>", address)
    } | ({"act": ACTS} if "/<act>" in address else {})
    for row in town.rows(THINGS[things_of(address)], stranger):
        free = {name: said for name, said in words.items() if name not in row}
        for chosen in product(*free.values()):
            told = row | dict(zip(free, chosen, strict=True))
            yield in_contract(address).format(**told)


@pytest.fixture(scope="module")
def sent(app):
    """Return a maker of what is sent to an address: a body that fits, so that it is not in the way.

    Calls say what they take in the contract; to pages goes a form with what such forms have.
    """

    def make(method, address):
        if not address.startswith("/api/"):
            if address.endswith("/autosave"):
                return {"json": SAVED}
            files = {name: (io.BytesIO(one_page_pdf("扫描")), "1.pdf") for name in UPLOADS}
            return {"query_string": QUERY} if method == "GET" else {"data": FORM | files}
        call = contract["paths"][in_contract(address)][method.lower()]
        if method == "GET":
            asked = [one for one in call["parameters"] if one["in"] == "query"]
            return {
                "query_string": {
                    one["name"]: QUERY.get(one["name"]) for one in asked if one["required"]
                }
            }
        content = call.get("requestBody", {}).get("content", {})
        if "application/json" in content:
            schema = content["application/json"]["schema"]
            return {"json": bodies.fitting(schema)}
        if "application/pdf" in content:
            return {"data": one_page_pdf("扫描"), "content_type": "application/pdf"}
        files = content.get("multipart/form-data", {}).get("schema", {}).get("properties", {})
        upload = {one: (io.BytesIO(b"1"), "1.txt") for one in ("file", "upload") if one in files}
        return {"data": upload} if upload else {}

    contract = app.test_client().get("/api/v1/openapi.json").get_json()
    bodies = Bodies(contract, FORM)
    return make


@pytest.fixture(scope="module")
def writes(town):
    """Return the list to which every statement that writes is added."""
    sent = []

    def note(_connection, _cursor, statement, *_rest):
        if not statement.lstrip().upper().startswith(("SELECT", "PRAGMA", "BEGIN", "WITH")):
            sent.append(statement)

    event.listen(town.resources.database.engine, "before_cursor_execute", note)
    yield sent
    event.remove(town.resources.database.engine, "before_cursor_execute", note)


def kept(town):
    """Return every row there is, apart from what a visit by itself writes."""
    with town.resources.reading() as uow:
        return {
            table.name: uow.session.execute(table.select()).all()
            for table in metadata.sorted_tables
            if table.name not in VISITS
        }


def secrets(town):
    """Return what names the things of the others: numbers, titles, customers."""
    asked = """
        select number from record union select reference_code from item
        union select title from record where state <> 'draft'
        union select barcode from item_copy union select name from customer
        union select number from loan_request"""
    with town.resources.reading() as uow:
        return {word for word in uow.session.scalars(text(asked)) if word}


@pytest.mark.parametrize("name", STRANGERS)
def test_the_strangers_are_strangers(town, name):
    """By the house's own rule: they may read none of the papers they ask for."""
    person = town.staff[name]
    with town.resources.reading() as uow:
        items = [filing.thing_of_item(uow, row["item_id"]) for row in town.rows(ITEM, name)]
        asked = [uow.session.get_one(Record, row["record_id"]) for row in town.rows(RECORD, name)]
        papers = [thing_of_row(uow, row) for row in asked]
    assert len(items) >= 4 and len(papers) >= 5
    assert not any(can(person, "item.read", thing) for thing in items)
    assert not any(can(person, "record.read", thing) for thing in papers)


def test_what_is_asked_for_is_there(town, app, sent):
    """Or a stranger's refusal would prove nothing: somebody of the company gets each thing."""
    clients = {name: _clients(app, town, town.staff[name].id) for name in STAFF}
    missing = []
    for method, address, _ in addresses():
        asked = list(urls(town, address, "stranger_clerk")) if method == "GET" else []
        call = address.startswith("/api/")
        if asked and not any(
            _is_got(clients[name][call], url, sent("GET", address))
            for url in asked
            for name in STAFF
        ):
            missing.append(address)
    assert set(missing) == set(NOT_THERE), "\n".join(missing)


def _is_got(client, url, asked):
    with client.get(url, **asked) as answer:
        return answer.status_code in (200, 302)


@pytest.mark.parametrize("name", STRANGERS)
def test_a_stranger_gets_nothing_of_what_is_anothers(town, visitors, sent, writes, name):
    """Who keeps the archive has its desk, lists and stores by office: of papers alone nothing."""
    words, wrong, before = secrets(town), [], kept(town)
    writes.clear()
    is_keeper = name == "stranger_keeper"
    free = EVERYBODYS | (OF_THE_OFFICE if is_keeper else {})
    assert len(words) > 100
    for method, address, act in addresses():
        door = f"{method} {address}"
        if is_keeper and not re.search(PAPERS, address):
            continue
        for url in urls(town, address, name):
            client = visitors[name][url.startswith("/api/")]
            with client.open(url, method=method, **sent(method, address)) as answer:
                content = answer.data
            told = [word for word in words if word.encode() in content]
            taken = REFUSED | SENT_WRONG if door in SAID_BEFORE else REFUSED
            if door not in free and (answer.status_code not in taken or told):
                wrong.append(f"{door} ({act}): {url} {answer.status_code} {told}")
            assert answer.status_code < 500, url
        if not writes:
            continue
        after = kept(town)
        changed = {table for table, rows in after.items() if rows != before[table]}
        if changed and door not in BEGINS_OWN:
            wrong.append(f"{door} ({act}): changed {changed}")
        before = after
        writes.clear()
    assert not wrong, "\n".join(wrong)
