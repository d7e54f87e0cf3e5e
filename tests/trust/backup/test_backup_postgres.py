"""What lies in PostgreSQL is backed up while it runs, drilled, and restored into an empty one."""

import threading
from dataclasses import replace

import pytest
from sqlalchemy import func, select, text

from archive.config import Settings
from archive.core.errors import Conflict
from archive.core.resources import open_resources
from archive.filing import service as filing
from archive.jobs import drain_all
from archive.models import metadata
from archive.records import drafts
from archive.records import service as records
from archive.trust.backup.making import backup_to_folder
from archive.trust.backup.receiving import NO_CONVERTER, settings_of
from archive.trust.backup.restoring import drill, restore
from archive.trust.backup.source import find_source
from archive.trust.checking import verify_instance
from doc_templates import sample_values
from storage.crossing import carry_in
from storage.errors import StorageError
from tests.databases import SERVER, url_of
from tests.signed import signed_paper
from tests.trust.backup.conftest import newest_revision

pytestmark = [
    pytest.mark.skipif(not SERVER, reason="只在 PostgreSQL 上：make test-postgres"),
]


@pytest.fixture
def lived_in(resources, company):
    """An instance with a paper signed and filed, and one begun."""
    record_id = signed_paper(resources, company)
    with resources.work() as uow:
        filing.file_record(uow, company.archivist, record_id)
        drafts.create_draft(uow, company.sales_clerk, "E01", sample_values("E01"))
        uow.session.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
        uow.session.execute(text(f"INSERT INTO alembic_version VALUES ('{newest_revision()}')"))
        uow.commit()
    drain_all(resources)
    return resources


def backed_up(resources, folder):
    backup_to_folder(resources, folder, None, lambda *_: None)
    return find_source(folder, None)


def contents(resources, but=()):
    """Every row of every table, as the models read it."""
    with resources.reading() as uow:
        return {
            table.name: sorted(map(repr, uow.session.execute(select(table))))
            for table in metadata.tables.values()
            if table.name not in but
        }


def restored(resources, source, folder):
    settings = Settings(data=folder, database_url=url_of(folder))
    assert restore(settings, source, lambda *_: None, resources.clock).findings == ()
    return open_resources(settings, NO_CONVERTER, resources.clock)


def test_all_rows_come_back_and_work_goes_on(lived_in, company, tmp_path):
    before = contents(lived_in)
    source = backed_up(lived_in, tmp_path / "backups")
    assert drill(lived_in, source, lambda *_: None).findings == ()
    with lived_in.work() as uow:
        drafts.create_draft(uow, company.sales_clerk, "E01", sample_values("E01"))
        uow.commit()
    again = restored(lived_in, source, tmp_path / "again")
    told = {"journal_entry", "outbox"}  # the restore itself, and the index to be built
    assert contents(again, told) == {name: before[name] for name in before if name not in told}
    assert not list((tmp_path / "again").glob("archive.db*")), "the rows are in the database"
    with again.work() as uow:
        made = drafts.create_draft(uow, company.sales_clerk, "E01", sample_values("E01"))
        uow.commit()
    drain_all(again)
    with again.reading() as uow:
        assert records.load_record(uow, made.id).state == "draft", "numbers go on after the last"
    assert list(verify_instance(again)) == []
    again.database.dispose()


def test_the_same_backup_also_runs_from_a_file(lived_in, tmp_path):
    source, folder = backed_up(lived_in, tmp_path / "backups"), tmp_path / "filed"
    settings = settings_of(folder)
    assert restore(settings, source, lambda *_: None, lived_in.clock).findings == ()
    again = open_resources(settings, NO_CONVERTER, lived_in.clock)
    told = {"journal_entry", "outbox"}
    assert contents(again, told) == contents(lived_in, told)
    again.database.dispose()


def test_a_backup_while_others_write_is_of_one_moment(lived_in, company, tmp_path):
    stop = threading.Event()

    def write():
        while not stop.is_set():
            with lived_in.work() as uow:
                drafts.create_draft(uow, company.sales_clerk, "E01", sample_values("E01"))
                uow.commit()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        source = backed_up(lived_in, tmp_path / "backups")
    finally:
        stop.set()
        writer.join()
    assert drill(lived_in, source, lambda *_: None).findings == ()


def test_a_database_that_is_in_use_is_left_alone(lived_in, tmp_path):
    source, before = backed_up(lived_in, tmp_path / "backups"), contents(lived_in)
    settings = replace(lived_in.settings, data=tmp_path / "empty")
    with pytest.raises(Conflict, match="不是空的"):
        restore(settings, source, lambda *_: None, lived_in.clock)
    assert contents(lived_in) == before and not (tmp_path / "empty").exists()
    gone = replace(settings, database_url=settings.database_url + "_gone")
    away = replace(gone, database_url="postgresql+psycopg://nobody@127.0.0.1:9/none")
    with pytest.raises(Conflict, match="连不上"):
        restore(away, source, lambda *_: None, lived_in.clock)


def test_what_cannot_be_written_whole_is_not_written(lived_in, tmp_path):
    folder = tmp_path / "broken"
    settings = Settings(data=folder, database_url=url_of(folder))
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"SQLite format 3\x00" + b"\x00" * 5000)
    target = open_resources(settings, NO_CONVERTER, lived_in.clock)
    with pytest.raises(StorageError, match="什么也没有留下"):
        carry_in(broken, target.database)
    with target.database.engine.connect() as rows:
        there = select(func.count()).select_from(text("pg_tables where schemaname = 'public'"))
        assert rows.scalar(there) == 0
    target.database.dispose()
