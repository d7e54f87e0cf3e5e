"""What the tests of the keeping's end share: sealed papers of 2026 in the year 2057."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from archive.config import Settings
from archive.core.resources import Resources, open_resources
from archive.filing import service as filing
from archive.filing.retention import appraisal, due, edge, lists
from archive.filing.retention.appraisal import Opinion
from archive.filing.retention.due import DueFilter
from archive.filing.retention.settings import save_settings
from archive.jobs import drain_all
from archive.people import service as people
from archive.search.answers import cli_search
from tests.databases import copy_rows, url_of

PASSWORD = "档案台-测试-2026"
ADDRESS = {"password": PASSWORD, "address": "-"}
NAMES = ("青岛海信电器股份有限公司", "青岛澳柯玛股份有限公司")


@dataclass
class World:
    """Sealed papers whose term is over, and the people who decide about them."""

    resources: Any
    company: Any
    clock: Any
    items: list[int]
    make_signed: Any = None

    def do(self, act, *args, **kwargs):
        with self.resources.work() as uow:
            made = act(uow, *args, **kwargs)
            uow.commit()
        return made

    def read(self, act, *args, **kwargs):
        with self.resources.reading() as uow:
            return act(uow, *args, **kwargs)

    def item(self, number=0):
        return self.read(filing.load_item, self.items[number])

    def committee(self):
        company = self.company
        return [company.archive_head.id, company.leader.id, company.sales_head.id]

    def open(self, items=None):
        company = self.company
        return self.do(
            appraisal.open_appraisal,
            company.archive_head,
            self.items if items is None else items,
            self.committee(),
            company.archive_head.id,
        )

    def vote(self, appraisal_id, opinion, new_term="", items=None):
        for person in self.committee():
            actor = self.read(people.get_actor, person)
            said = [Opinion(one, opinion, new_term) for one in items or self.items]
            self.do(appraisal.give_opinions, actor, appraisal_id, said)
            edge.sign_appraisal(self.resources, actor, appraisal_id, **ADDRESS)

    def made(self, kind="destroy"):
        appraisal_id = self.open()
        self.vote(appraisal_id, kind)
        return self.do(lists.make_list, self.company.archivist, appraisal_id, kind)

    def approved(self):
        row = self.made()
        edge.approve(self.resources, self.company.leader, row.id, row.digest, **ADDRESS)
        return row

    def cooled(self):
        row = self.approved()
        self.clock.advance(days=93)
        return row

    def watch(self, row, person):
        told = (row.digest, "粉碎", "档案室院内")
        edge.witness(self.resources, person, row.id, *told, **ADDRESS)

    def witnessed(self):
        row = self.cooled()
        self.watch(row, self.company.archive_head)
        self.watch(row, self.company.sales_head)
        return row

    def execute(self, row, person=None):
        person = person or self.company.archivist
        return edge.execute(self.resources, person, row.id, row.digest, **ADDRESS)

    def destroyed(self):
        row = self.witnessed()
        self.execute(row)
        drain_all(self.resources)
        return row

    def found(self, text):
        return [hit["id"] for hit in cli_search(self.resources, None, text)["hits"]]

    def listed(self, **narrow):
        page = self.read(due.list_due, self.company.archive_head, DueFilter(**narrow))
        return [one.item.id for one in page.items]


@pytest.fixture(scope="session")
def sealed(tmp_path_factory, settled, make_signed) -> Path:
    """An instance with two papers signed here, filed and sealed in 2026; made once."""
    folder = tmp_path_factory.mktemp("sealed")
    database, company = settled
    copy_rows(database.parent, folder)
    resources = _opened(folder, None, _clock())
    for name in NAMES:
        record = make_signed(resources, company, 客户名称=name, pdf=b"%PDF-1.7 " + name.encode())
        with resources.work() as uow:
            filing.file_record(uow, company.archivist, record.id)
            uow.commit()
    with resources.work() as uow:
        seal = filing.prepare_seal(uow, company.archivist, 1)
        filing.confirm_seal(uow, company.archive_head, 1, seal.digest)
        save_settings(uow, company.admin, company.leader.id, 3)
        uow.commit()
    drain_all(resources)
    resources.database.dispose()
    return folder


@pytest.fixture
def resources(sealed, tmp_path, clock, converter) -> Iterator[Resources]:
    """A copy of that instance, thirty years later: 2026 + 30 is over."""
    shutil.copytree(sealed, tmp_path / "instance")
    copy_rows(sealed, tmp_path / "instance")
    clock.advance(days=365 * 31)
    opened = _opened(tmp_path / "instance", converter, clock)
    yield opened
    opened.database.dispose()


@pytest.fixture
def company(settled):
    """The company of that instance."""
    return settled[1]


@pytest.fixture
def world(resources, company, clock, make_signed) -> World:
    """The two papers whose term is over, and the people who decide about them."""
    return World(resources, company, clock, [1, 2], make_signed)


def _opened(folder: Path, converter: Any, clock: Any) -> Resources:
    settings = Settings(data=folder, database_url=url_of(folder))
    return open_resources(settings, converter, clock)


def _clock():
    now = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)
    return lambda: now
