"""Imports every station's models, so that the metadata is whole for migrations and tests."""

from archive.core import calendar, numbering, profile
from archive.customers import models as customers
from archive.documents import models as documents
from archive.filing import models as filing
from archive.filing.checks import models as checks
from archive.filing.classes import models as classes
from archive.filing.controlled import models as controlled
from archive.filing.handover import models as handover
from archive.filing.incoming import models as incoming
from archive.filing.places import models as places
from archive.filing.retention import models as retention
from archive.filing.stocktake import models as stocktake
from archive.filing.versions import models as item_versions
from archive.forms import models as forms
from archive.lending import models as lending
from archive.lending.confirming import models as confirming
from archive.lending.groups import models as loan_groups
from archive.lending.incidents import models as incidents
from archive.lending.offline import models as desk_acts
from archive.lending.viewing import models as viewing
from archive.lending.visits import models as loan_visits
from archive.people import models as people
from archive.people.grants import models as grants
from archive.people.signin import models as sign_in
from archive.records import models as records
from archive.search import models as search
from archive.signing import models as signing
from archive.signing import proof_models as proofs
from archive.signing.outside import models as outside
from archive.signing.seals import models as seals
from archive.tasks import models as tasks
from storage import checked, checkpoints, files, journal, outbox
from storage.database import Base

metadata = Base.metadata

__all__ = [
    "calendar",
    "checked",
    "checkpoints",
    "checks",
    "classes",
    "confirming",
    "controlled",
    "customers",
    "desk_acts",
    "documents",
    "files",
    "filing",
    "forms",
    "grants",
    "handover",
    "incidents",
    "incoming",
    "item_versions",
    "journal",
    "lending",
    "loan_groups",
    "loan_visits",
    "metadata",
    "numbering",
    "outbox",
    "outside",
    "people",
    "places",
    "profile",
    "proofs",
    "records",
    "retention",
    "seals",
    "search",
    "sign_in",
    "signing",
    "stocktake",
    "tasks",
    "viewing",
]
