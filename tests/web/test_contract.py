"""Every call of the API against its own contract (openapi.json), asked by people of every role.

schemathesis makes the requests from the contract: fitting ones and ones that break it. No answer
may be a 5xx, none may differ from what the contract says, nothing that breaks it is taken.
``make contract`` asks more of them (``CONTRACT_EXAMPLES``).
"""

import contextlib
import os
import shutil

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode, checks
from schemathesis.core.failures import Failure
from schemathesis.specs.openapi import checks as contract_checks

from archive.app import configure
from archive.customers import service as customers
from archive.customers.service import CustomerFields
from archive.filing import service as filing
from archive.filing.stocktake import service as stocktake
from archive.people import access
from archive.people.rights import ROLES
from archive.people.service import UserFields, add_user
from archive.records import drafts
from archive.signing import edge
from doc_templates import sample_values
from tests.conftest import DATABASE, PASSWORD, FrozenClock, QuickConverter, _opened

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

EXAMPLES = int(os.environ.get("CONTRACT_EXAMPLES", "1"))
PARTS = 4
THERE = {"code": "E01", "year": 2026, "at": "2026-11-24", "month": "2026-11"}
NOT_THERE = tuple(  # of these this world has none: only their refusals are compared
    f"GET /api/v1/{begins}"
    for begins in (
        *("access/person", "controlled/", "handovers/{", "intake-batches/{", "tasks/{"),
        *("loans/decision", "loans/incidents/{", "loans/notes/{", "loans/rules/{", "loans/{"),
        *("loans/visits/{", "places/copies/{", "places/labels", "volumes/{volume_id}/papers"),
        *("volumes/{volume_id}/seal", "retention/appraisals/{", "retention/lists/{"),
    )
)
THERE |= {"after": "2026-11-23", "count": 3}
CHECKS = [
    checks.not_a_server_error,
    contract_checks.status_code_conformance,
    contract_checks.content_type_conformance,
    contract_checks.response_schema_conformance,
    contract_checks.response_headers_conformance,
    contract_checks.negative_data_rejection,
]

MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
PEOPLE = ("sales_clerk", "other_clerk", "sales_head", "archivist", "archive_head", "leader")
PEOPLE += ("finance_clerk", "admin")


@pytest.fixture(scope="module")
def world(settled, tmp_path_factory):
    """An instance with one of the usual things; what the calls do to it stays done."""
    database, company = settled
    folder = tmp_path_factory.mktemp("contract")
    shutil.copyfile(database, folder / DATABASE)
    opened = _opened(folder, QuickConverter(), FrozenClock())
    drafted = [_drafted(opened, company) for _ in range(4)]
    for record_id in drafted[:3]:
        edge.submit(opened, company.sales_clerk, record_id, 1)
    for record_id in drafted[:2]:
        for person in (company.sales_clerk, company.sales_head, company.leader):
            edge.sign(opened, person, record_id, password=PASSWORD, drawn_png=None)
    with opened.work() as uow:
        filing.file_record(uow, company.archivist, drafted[0])
        customers.create_customer(uow, company.sales_clerk, CustomerFields(name="青岛海信"))
        uow.commit()
    with opened.work() as uow:
        stocktake.open_take(uow, company.archivist, stocktake.Scope("volume", 1))
        uow.commit()
    yield opened, company
    opened.database.dispose()


def _drafted(resources, company):
    with resources.work() as uow:
        draft = drafts.create_draft(uow, company.sales_clerk, "E01", sample_values("E01"))
        uow.commit()
    return draft.id


@pytest.fixture(scope="module")
def contract(world, built_app):
    app = built_app.app
    configure(app, world[0])
    document = app.test_client().get("/api/v1/openapi.json").get_json()
    document.pop("security")  # the token is ours to send
    schema = schemathesis.openapi.from_dict(document)
    schema.app = app
    return schema


@pytest.fixture(scope="module")
def tokens(world):
    resources, company = world
    with resources.work() as uow:
        people = {who: getattr(company, who).id for who in PEOPLE}
        for number, role in enumerate(sorted(ROLES)):  # and of each role one who has no other
            fields = UserFields(
                f"only_{role}", f"9{number:03d}", role, company.sales_id, frozenset({role})
            )
            people[role] = add_user(uow, None, fields, "-", must_change_password=False)
        made = {who: access.issue_token(uow, user_id, 1) for who, user_id in people.items()}
        uow.commit()
    return made


@pytest.mark.parametrize("part", range(PARTS))
def test_no_answer_differs_from_the_contract(contract, tokens, part):
    calls = [found.ok() for found in contract.get_all_operations()][part::PARTS]
    assert calls
    wrong = [
        told for operation in calls for mode in MODES for told in _ask(operation, mode, tokens)
    ]
    assert wrong == []


def test_every_role_reads_what_is_there(contract, tokens):
    """Each reading call, asked by everybody about the first things: some get it, none more."""
    calls = [found.ok() for found in contract.get_all_operations()]
    reading = [one for one in calls if one.method == "get"]
    wrong, answered = [], set()
    for operation in reading:
        for answer, told in _read_by_all(operation, tokens):
            wrong += told
            if answer.status_code < 300:
                answered.add(operation.label)
    assert wrong == []
    unread = sorted({one.label for one in reading} - answered)
    assert [one for one in unread if not one.startswith(NOT_THERE)] == []


def _read_by_all(operation, tokens):
    """Ask one reading call about the first things as everybody; yield answers and faults."""

    @settings(
        max_examples=1,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(GenerationMode.POSITIVE))
    def keep(case):
        kept.append(case)

    kept = []
    keep()
    case = kept[0]
    required = {one.name for one in operation.query if one.is_required}
    if isinstance(case.query, dict):
        case.query = {name: value for name, value in case.query.items() if name in required}
    _aim(case, 1)
    for sent in (case.path_parameters, case.query):
        for name in sent if isinstance(sent, dict) else ():
            sent[name] = THERE.get(name, sent[name])
    for who, token in tokens.items():
        answer = case.call(headers={"Authorization": f"Bearer {token}"})
        yield answer, _faults(case, answer, who)


def _faults(case, answer, who):
    """Return how an answer differs from the contract."""
    try:
        case.validate_response(answer, checks=CHECKS)
    except (Failure, BaseExceptionGroup) as refused:
        return [
            f"{who} {case.as_curl_command()}\n{one}\n{answer.text}"[:2000]
            for one in getattr(refused, "exceptions", [refused])
        ]
    return []


def _aim(case, number):
    """Make a fitting request about things that are there, in its sender's own hand."""
    for sent in (case.path_parameters, case.query, case.body):
        for name, value in sent.items() if isinstance(sent, dict) else ():
            if type(value) is int and name not in ("page", "per_page", "limit"):
                sent[name] = number
            elif name == "password":
                sent[name] = PASSWORD


def _ask(operation, mode, tokens):
    """Ask one call some times, each time as somebody; return what is wrong with the answers."""
    wrong = []

    @settings(
        max_examples=EXAMPLES,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        case=operation.as_strategy(mode),
        number=st.integers(0, 4),
        who=st.sampled_from([*tokens, "nobody"]),
    )
    def ask(case, number, who):
        if mode is GenerationMode.POSITIVE and number:
            _aim(case, number)
        answer = case.call(headers={"Authorization": f"Bearer {tokens.get(who, '')}"})
        wrong.extend(_faults(case, answer, who))

    with contextlib.suppress(Unsatisfiable):  # no way to break what takes nothing
        ask()
    return wrong
