"""Imports every station's models, so that the metadata is whole for migrations and tests."""

from archive.core import calendar, numbering, profile
from archive.customers import models as customers
from archive.documents import models as documents
from archive.filing import models as filing
from archive.filing.handover import models as handover
from archive.filing.places import models as places
from archive.filing.stocktake import models as stocktake
from archive.forms import models as forms
from archive.lending import models as lending
from archive.people import models as people
from archive.records import models as records
from archive.search import models as search
from archive.signing import models as signing
from archive.signing import proof_models as proofs
from archive.signing.outside import models as outside
from archive.signing.seals import models as seals
from archive.tasks import models as tasks
from storage import checkpoints, files, journal, outbox
from storage.database import Base

metadata = Base.metadata

__all__ = [
    "calendar",
    "checkpoints",
    "customers",
    "documents",
    "files",
    "filing",
    "forms",
    "handover",
    "journal",
    "lending",
    "metadata",
    "numbering",
    "outbox",
    "outside",
    "people",
    "places",
    "profile",
    "proofs",
    "records",
    "seals",
    "search",
    "signing",
    "stocktake",
    "tasks",
]
