"""Opens an instance: settings, rows brought to the present schema, bytes, and the PDF service.

Called by the commands, the worker and ``wsgi.py``.
"""

import hashlib
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from archive.config import BadSetting, Settings, instance_secret, load_settings
from archive.core.resources import Resources, open_resources
from archive.forms.service import install_shipped, is_behind
from archive.people.rights import ROLES
from doc_templates.pdf import Converter
from doc_templates.pdf_socket import SocketConverter
from storage.database import Database

WORKER_STARTS = 8.0  # seconds a worker may need until its PDF service answers
MIGRATIONS = Path(__file__).with_name("migrations")


def open_instance(
    settings: Settings | None = None, converter: Converter | None = None, *, with_forms: bool = True
) -> Resources:
    """Open the instance of the settings (from the environment), migrated to the present schema.

    Without a converter of its own it uses the worker's LibreOffice. The shipped forms are put
    in, unless the caller does so at a time of its own.
    """
    chosen = settings or load_settings()
    unknown = sorted(chosen.sign_in.second_factor_roles - ROLES.keys())
    if unknown:
        raise BadSetting(f"ARCHIVE_SECOND_FACTOR_ROLES 里的“{unknown[0]}”不是角色代号")
    shared = SocketConverter(str(chosen.office_socket), office_key(chosen), patience=WORKER_STARTS)
    resources = open_resources(chosen, converter or shared)
    migrate(resources.database)
    if with_forms:
        install_forms(resources)
    return resources


def install_forms(resources: Resources) -> None:
    """Put in the shipped forms that are not there yet; quick when nothing is new."""
    with resources.reading() as uow:
        behind = is_behind(uow)
    if behind:
        with resources.work() as uow:
            install_shipped(uow)
            uow.commit()


def office_key(settings: Settings) -> bytes:
    """Return the key that web server and worker prove themselves to one another with."""
    return hashlib.sha256(b"office" + instance_secret(settings)).digest()


def migrate(database: Database, revision: str = "head") -> None:
    """Bring the database to a revision (``head``: the present schema); quick when it is there."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    if revision == "head" and _present(database) == ScriptDirectory.from_config(config).get_heads():
        return
    with database.writer.connect() as connection:
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, revision)
        finally:
            connection.invalidate()  # it does not watch references any more


def knows_revision(revision: str) -> bool:
    """Say whether this release can bring a database of that revision to the present schema."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return revision in {
        one.revision for one in ScriptDirectory.from_config(config).walk_revisions()
    }


def _present(database: Database) -> list[str]:
    with database.engine.connect() as connection:
        return list(MigrationContext.configure(connection).get_current_heads())
