"""The parts a running server shares: settings, rows, bytes, clock and the PDF converter.

Made once by an edge (app, command, worker); services never see it, only the unit of work and
the values they need.
"""

from dataclasses import dataclass, field

from archive.config import Settings
from archive.core.afterwards import Afterwards
from doc_templates.pdf import Converter
from storage.blobs import BlobStore, LocalBlobStore
from storage.database import Database, open_database
from storage.work import Clock, UnitOfWork, system_clock


@dataclass
class Resources:
    """What routes, commands and jobs reach the outside with."""

    settings: Settings
    database: Database
    blobs: BlobStore
    converter: Converter
    clock: Clock = field(default=system_clock)
    afterwards: Afterwards = field(init=False)

    def __post_init__(self) -> None:
        self.afterwards = Afterwards(self.work)

    def work(self) -> UnitOfWork:
        """Return a unit of work that may commit."""
        return UnitOfWork(self.database, self.clock)

    def reading(self) -> UnitOfWork:
        """Return a unit of work that cannot commit and takes no write lock."""
        return UnitOfWork(self.database, self.clock, writable=False)


def open_resources(
    settings: Settings, converter: Converter, clock: Clock = system_clock
) -> Resources:
    """Open rows and bytes under the settings' data folder."""
    settings.data.mkdir(parents=True, exist_ok=True)
    settings.run.mkdir(parents=True, exist_ok=True)
    return Resources(
        settings=settings,
        database=open_database(settings.database_url),
        blobs=LocalBlobStore(settings.blobs),
        converter=converter,
        clock=clock,
    )
