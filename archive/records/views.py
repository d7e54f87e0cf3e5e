"""What other stations and pages see of a record: frozen values, never rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from archive.people.rights import SECRECY
from archive.records.models import RecordState
from archive.records.rules import EDITABLE


@dataclass(frozen=True)
class RecordView:
    """A filled form; ``number`` is empty until the record is first submitted."""

    id: int
    form_code: str
    form_version: int
    form_title: str
    number: str
    title: str
    customer_id: int | None
    customer_name: str
    author_id: int
    author_name: str
    department_id: int
    department_name: str
    secrecy: int
    state: str
    state_label: str
    year: int
    content: Mapping[str, Any]
    round: int
    created_at: datetime
    updated_at: datetime
    submitted_at: datetime | None
    signed_at: datetime | None
    version: int
    state_note: str = ""
    participants: frozenset[int] = frozenset()
    digest: str = ""

    @property
    def is_editable(self) -> bool:
        """Whether its author may still change it: it is a draft or was returned."""
        return self.state in EDITABLE

    @property
    def secrecy_label(self) -> str:
        """The secrecy as shown to people."""
        return SECRECY[self.secrecy]

    @property
    def tone(self) -> str:
        """The colour of its state's badge."""
        return _TONES[RecordState(self.state)]


_TONES = {
    RecordState.DRAFT: "gray",
    RecordState.IN_SIGNING: "blue",
    RecordState.RETURNED: "amber",
    RecordState.REJECTED: "red",
    RecordState.SIGNED: "green",
    RecordState.FILED: "green",
    RecordState.DESTROYED: "gray",
}


@dataclass(frozen=True)
class VersionView:
    """What a record held at one time, and why that was kept."""

    n: int
    digest: str
    reason: str
    made_by: str
    made_at: datetime
    content: Mapping[str, Any]
    kind: str = "submit"
    form_version: int = 1


# Titles of the form packs shipped; a pack without one here shows its own name.
PACK_TITLES: Mapping[str, str] = {
    "sales": "销售",
    "key_customers": "重点客户",
    "customer_file": "客户档案",
    "property": "物业客户服务",
    "rfq": "询价与报价",
    "quality": "质量",
    "development": "新产品开发",
    "reports": "报告与计划",
    "archives": "档案",
}


@dataclass(frozen=True)
class FacetView:
    """An entry that lists are narrowed by: its key, its label, and each value with its count."""

    key: str
    label: str
    values: tuple[tuple[str, int], ...]
