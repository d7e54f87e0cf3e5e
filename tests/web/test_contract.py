"""Every call of the API against its own contract (openapi.json), asked by people of every role.

schemathesis makes the requests from the contract: fitting ones and ones that break it. No answer
may be a 5xx, none may differ from what the contract says, nothing that breaks it is taken.
``make contract`` asks more of them (``CONTRACT_EXAMPLES``).
"""

import contextlib
import os
import shutil

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks as contract_checks

from archive.app import configure
from archive.customers import service as customers
from archive.customers.service import CustomerFields
from archive.filing import service as filing
from archive.filing.stocktake import service as stocktake
from archive.records import drafts
from archive.signing import edge
from doc_templates import sample_values
from tests.conftest import DATABASE, PASSWORD, FrozenClock, QuickConverter, _opened
from tests.web.contract_walker import CHECKS, contract_of, faults, tokens_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

EXAMPLES = int(os.environ.get("CONTRACT_EXAMPLES", "1"))
PARTS = 4
ALL_CHECKS = [*CHECKS, contract_checks.negative_data_rejection]
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)


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
    return contract_of(app)[0]


@pytest.fixture(scope="module")
def tokens(world):
    return tokens_of(*world)


@pytest.mark.parametrize("part", range(PARTS))
def test_no_answer_differs_from_the_contract(contract, tokens, part):
    calls = [found.ok() for found in contract.get_all_operations()][part::PARTS]
    assert calls
    wrong = [
        told for operation in calls for mode in MODES for told in _ask(operation, mode, tokens)
    ]
    assert wrong == []


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
        wrong.extend(faults(case, answer, who, ALL_CHECKS))

    with contextlib.suppress(Unsatisfiable):  # no way to break what takes nothing
        ask()
    return wrong
