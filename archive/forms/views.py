"""What pages see of forms and their versions: frozen values, never rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from archive.forms.models import FormState
from archive.forms.wording import ORIGIN_LABELS
from doc_templates import Form


@dataclass(frozen=True)
class VersionView:
    """One version of a form; ``version`` is 0 for a draft."""

    id: int
    code: str
    title: str
    version: int
    state: str
    origin: str
    digest: str
    note: str
    made_by: str
    made_at: datetime
    published_by: str
    published_at: datetime | None
    retired_at: datetime | None
    row_version: int

    @property
    def state_label(self) -> str:
        """The state as shown to people."""
        return FormState(self.state).label

    @property
    def origin_label(self) -> str:
        """Where the version came from, as shown to people."""
        return ORIGIN_LABELS.get(self.origin, self.origin)

    @property
    def tone(self) -> str:
        """The colour of its state's badge."""
        return {"draft": "amber", "published": "green"}.get(self.state, "gray")


@dataclass(frozen=True)
class FormLine:
    """A form in the list of all: its version in use (if any), and what waits beside it."""

    code: str
    title: str
    current: VersionView | None
    versions: int
    drafts: int


@dataclass(frozen=True)
class FormHistory:
    """A form with all its versions, newest first; drafts before them."""

    code: str
    title: str
    drafts: tuple[VersionView, ...]
    versions: tuple[VersionView, ...]
    current: Form | None


@dataclass(frozen=True)
class FieldLine:
    """A field or column of a draft as the table on the page shows it."""

    path: str
    label: str
    kind: str
    required: bool
    printed: bool
    help: str
    choices: tuple[str, ...]
    sample: str
    is_new: bool
    has_tag: bool

    @property
    def is_column(self) -> bool:
        """Whether it belongs to a table."""
        return "." in self.path

    @property
    def name(self) -> str:
        """The last part of its path: the tag in Word."""
        return self.path.rpartition(".")[2]


@dataclass(frozen=True)
class SignerLine:
    """A step of the sign-off chain of a draft."""

    role: str
    candidate: str
    optional: bool
    is_new: bool
    has_tag: bool


@dataclass(frozen=True)
class DraftView:
    """A draft as its page shows it: settings, fields, signers, and what is wrong with it.

    ``form`` is None while the definition cannot be read; the first finding then says why.
    """

    version: VersionView
    definition: str
    sample: str
    form: Form | None
    fields: tuple[FieldLine, ...]
    signers: tuple[SignerLine, ...]
    settings: Mapping[str, str]
    findings: tuple[str, ...]
    remarks: tuple[str, ...]
    based_on: int
    newest: int
    changes: tuple[str, ...] = field(default=())

    @property
    def is_new_form(self) -> bool:
        """Whether no version of this form was published before."""
        return self.newest == 0

    @property
    def is_stale(self) -> bool:
        """Whether another version was published since this draft was made."""
        return self.newest != self.based_on

    @property
    def next_version(self) -> int:
        """The number it will be published under."""
        return self.newest + 1

    @property
    def may_publish(self) -> bool:
        """Whether nothing stands in the way of publishing it."""
        return self.form is not None and not self.findings and not self.is_stale


@dataclass(frozen=True)
class FieldEdit:
    """What was typed for one field or column."""

    path: str
    label: str
    kind: str
    required: bool
    printed: bool
    help: str
    choices: tuple[str, ...]
    sample: str | None = None


@dataclass(frozen=True)
class SignerEdit:
    """What was typed for one step of the sign-off chain."""

    role: str
    candidate: str
    optional: bool
    place: int


@dataclass(frozen=True)
class DraftEdits:
    """What was typed on a draft's page; ``dropped`` are the fields to be taken out."""

    settings: Mapping[str, str]
    fields: tuple[FieldEdit, ...]
    signers: tuple[SignerEdit, ...]
    dropped: frozenset[str] = frozenset()
