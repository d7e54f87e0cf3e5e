"""A small instance with a signed and filed paper in it, made once and copied for each test."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from archive.config import Settings
from archive.core.resources import Resources, open_resources
from archive.filing import service as filing
from archive.instance import MIGRATIONS
from archive.jobs import drain_all
from archive.people.rights import Actor
from archive.records import drafts
from archive.signing import edge
from archive.trust.backup.making import backup_to_file, backup_to_folder
from archive.trust.backup.receiving import NO_CONVERTER
from archive.trust.backup.restoring import restore
from archive.trust.backup.source import find_source
from doc_templates import sample_values
from storage.sealed import Passphrase

PASSWORD = "档案台-测试-2026"
_made: dict[str, tuple[Path, int]] = {}


def newest_revision() -> str:
    return max(path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def _tell(resources: Resources, company) -> int:
    """王建国's paper, on its way from a draft to the shelf."""
    with resources.work() as uow:
        draft = drafts.create_draft(uow, company.sales_clerk, "E01", sample_values("E01"))
        uow.commit()
    edge.submit(resources, company.sales_clerk, draft.id, draft.version)
    for person in (company.sales_clerk, company.sales_head, company.leader):
        edge.sign(resources, person, draft.id, password=PASSWORD, drawn_png=None)
    with resources.work() as uow:
        filing.file_record(uow, company.archivist, draft.id)
        uow.commit()
    drain_all(resources)
    with resources.database.writer.connect() as rows:
        rows.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        rows.exec_driver_sql(f"INSERT INTO alembic_version VALUES ('{newest_revision()}')")
        rows.commit()
    return draft.id


@dataclass
class Kept:
    """The instance of one test, and its paper."""

    resources: Resources
    record_id: int
    clerk: Actor
    archivist: Actor
    place: Path
    passphrase: Passphrase

    def to_file(self, name="备份.tar", passphrase=None, on_progress=lambda *_: None):
        target = self.place / name
        return backup_to_file(self.resources, target, passphrase, on_progress)

    def to_folder(
        self, name="仓", passphrase=None, keep=None, may_make=True, on_progress=lambda *_: None
    ):
        return backup_to_folder(
            self.resources,
            self.place / name,
            passphrase,
            on_progress,
            keep=keep,
            may_make=may_make,
        )

    def settings(self, name="恢复") -> Settings:
        folder = self.place / name
        return Settings(data=folder, database_url=f"sqlite:///{folder / 'archive.db'}")

    def back(self, source: Path, passphrase=None, name="恢复", snapshot=""):
        found = find_source(source, passphrase, snapshot)
        return restore(self.settings(name), found, lambda *_: None, self.resources.clock)

    def opened(self, name="恢复") -> Resources:
        return open_resources(self.settings(name), NO_CONVERTER, self.resources.clock)


@pytest.fixture
def kept(resources, company, tmp_path, tmp_path_factory) -> Kept:
    data = resources.settings.data
    if "world" not in _made:
        record_id = _tell(resources, company)
        resources.database.dispose()
        store = tmp_path_factory.mktemp("world") / "instance"
        shutil.copytree(data, store)
        _made["world"] = (store, record_id)
    else:
        resources.database.dispose()
        shutil.rmtree(data)
        shutil.copytree(_made["world"][0], data)
    place = tmp_path / "备份处"
    place.mkdir()
    passphrase = Passphrase("一句很长的口令".encode(), log_cost=10)
    fresh = replace(resources)
    return Kept(fresh, _made["world"][1], company.sales_clerk, company.archivist, place, passphrase)
