"""What a form is: frozen dataclasses, and nothing that reads or prints them.

Built by catalogue.py from form.toml; read by every station. A form knows no database and
no user: candidates for signing are plain words that the signing station understands.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from types import MappingProxyType

EMPTY: Mapping[str, str] = MappingProxyType({})
PERIOD_MONTHS = {"month": 1, "quarter": 3}
SEAL_ROLE = "用印"  # the step in which the company's seal is put on; no signer is called so


@dataclass(frozen=True, slots=True)
class Rule:
    """A comparison that entries must keep (`[[check]]`), e.g. 内销 + 外销 = 100.

    `at` is the entry under which the message shows; a `level` of "warning" never blocks.
    """

    text: str
    message: str
    at: str
    level: str = "error"


@dataclass(frozen=True, slots=True)
class Field:
    """One entry (栏目) of a form; its key is the tag in Word, the name in JSON and on screen."""

    key: str
    label: str
    kind: str
    required: bool = False
    default: str = ""
    help: str = ""
    choices: tuple[str, ...] = ()
    columns: tuple["Field", ...] = ()
    formula: str = ""
    rank: int = 0
    result: str = ""
    min_rows: int = 0
    max_rows: int = 0
    preset_rows: tuple[Mapping[str, str], ...] = ()
    group: str = ""
    wide: bool = False
    signer: str = ""
    max_length: int = 0
    max_lines: int = 0
    decimals: int = 2
    minimum: str = ""
    maximum: str = ""
    readonly: bool = False
    printed: bool = True
    unit: str = ""
    tick: bool = False
    last_year: str = ""
    checks: tuple[Rule, ...] = ()

    @property
    def is_computed(self) -> bool:
        """Whether the server works the value out and nobody types it."""
        return self.kind == "computed"

    @property
    def has_fixed_rows(self) -> bool:
        """Whether rows can neither be added nor taken away."""
        return bool(self.preset_rows) and self.max_rows == len(self.preset_rows)


@dataclass(frozen=True, slots=True)
class Signer:
    """One step of the sign-off chain: the printed role, and who may take it.

    `candidate`: submitter, head (`head:2`: two levels up), leader, role:x, position:NAME (岗位, the
    submitter's department first), person:USERNAME, dept:NAME (its head), field:KEY (a person or
    department named in the paper), chosen (by the submitter), external. `mode` tells what several
    people mean: one (the first able), all (会签), any (或签), `ratio:2/3`. `when` is a condition on
    the values (condition.py). `empty` tells what happens when nobody can: stop, head (the heads
    upward), skip, admin. `issues`: 签发, where a mere 圈阅 is not enough. `days`: working days
    within which to answer; 0 means no term. `late` tells what happens after it: remind, hand_on
    (to the head above), return (to the author), agree (counts as a yes without a signature; never
    the last step, never 签发). `same` tells what a step does for which only people are left who
    signed before (`allow_same`): each (they sign again), once (it is skipped), consecutive
    (skipped where the step before is theirs too). `own` tells what a step does that falls to the
    submitter: superior (the next who may takes it), skip.
    """

    role: str
    candidate: str
    optional: bool = False
    mode: str = "one"
    when: str = ""
    allow_same: bool = False
    empty: str = "stop"
    issues: bool = False
    days: int = 0
    late: str = "remind"
    same: str = "each"
    own: str = "superior"

    @property
    def is_electronic(self) -> bool:
        """Whether the step is signed in this system; an outside party signs on paper."""
        return self.candidate != "external"


@dataclass(frozen=True, slots=True)
class SealPlace:
    """That the company's seal may be put on the paper (`[seal]`), at the tag 印章.

    `kinds` are the kinds of seal that fit, best first; `cross_page` says that a paper of several
    pages usually takes one across its right edges too (骑缝章).
    """

    kinds: tuple[str, ...]
    cross_page: bool = False


@dataclass(frozen=True, slots=True)
class NumberRule:
    """How a record is numbered (编号规则): pattern, serial's width, when it restarts, label.

    Pattern tokens: {年} {年末两位} {月} {日} {首字母} {序号} {轮次}. The serial counts within
    what stands before {序号}, or within the token that `series` names. `round` is the entry
    that holds the sample round (轮次 unless it says another); papers without a customer take
    `internal_initials`.
    """

    pattern: str = "{年}-{序号}"
    width: int = 4
    restarts: str = "year"
    label: str = "No."
    series: str = ""
    round: str = ""
    internal_initials: str = ""

    def show(self, serial: int, on: date, initials: str = "", sample_round: str = "") -> str:
        """Return the number for one serial on one day."""
        return self.pattern.format_map(
            self._parts(on, initials) | {"轮次": sample_round, "序号": f"{serial:0{self.width}d}"}
        )

    def counter(self, on: date, initials: str = "") -> str:
        """Return the name of the counter the serial is taken from; it restarts by the rule."""
        period = {"year": f"{on:%Y}", "month": f"{on:%Y%m}", "never": ""}[self.restarts]
        series = f"{{{self.series}}}" if self.series else self.pattern.split("{序号}")[0]
        return f"{series.format_map(self._parts(on, initials) | {'轮次': ''})}|{period}"

    def _parts(self, on: date, initials: str) -> dict[str, str]:
        return {**_calendar(on), "首字母": initials or self.internal_initials}


def _calendar(on: date) -> dict[str, str]:
    return {"年": f"{on:%Y}", "年末两位": f"{on:%y}", "月": f"{on:%m}", "日": f"{on:%d}"}


@dataclass(frozen=True, slots=True)
class FilingDefaults:
    """Where a paper of this form belongs in the archive unless the archivist decides otherwise."""

    category: str = "KH"
    item_class: str = "客户基础资料"
    retention: str = "D30"
    secrecy: str = "内部"


@dataclass(frozen=True, slots=True)
class Effects:
    """What filing the paper does to the customer register; empty strings mean nothing."""

    creates_customer: str = ""
    customer_facts: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    sets_status: str = ""


@dataclass(frozen=True, slots=True)
class Owed:
    """Who owes this paper and by when (`[owed]`).

    `by` is a department's name, or "author"; `due` is "5d" (days after it falls due to be
    written), "month+10" or "quarter+15" (the day of the month after the period).
    """

    by: str
    due: str

    def last_day(self, on: date) -> date:
        """Return the last day on which the paper for this day, or its period, is in time."""
        if self.due.endswith("d"):
            return on + timedelta(days=int(self.due[:-1]))
        period, _, day = self.due.partition("+")
        months = PERIOD_MONTHS[period]
        ended = on.year * 12 + (on.month - 1) // months * months + months
        return date(ended // 12, ended % 12 + 1, int(day))


@dataclass(frozen=True, slots=True)
class Block:
    """One block of the printed layout, as written in form.toml; read by layout.py.

    `keep`: its rows stay on one page together.
    """

    grid: str = ""
    head: str = ""
    rows: str = ""
    line: str = ""
    text: str = ""
    signatures: tuple[str, ...] = ()
    border: str = "full"
    columns: int = 24
    row_height: float = 0.9
    page_break: bool = False
    keep: bool = False
    gap: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """One version of one official form; a form equals only itself.

    One that is kept elsewhere carries its template and sample; its folder is then only a name.
    ``by_hand`` is false for papers the server makes from its own rows: nobody fills them in.
    """

    code: str
    title: str
    pack: str
    version: int
    paper: str
    orientation: str
    fields: tuple[Field, ...]
    signers: tuple[Signer, ...]
    number: NumberRule
    filing: FilingDefaults
    effects: Effects
    title_rule: str
    facets: tuple[str, ...]
    layout: tuple[Block, ...]
    folder: Path
    description: str = ""
    checks: tuple[Rule, ...] = ()
    owed: Owed | None = None
    seal: SealPlace | None = None
    stamp: bool = True
    by_hand: bool = True
    template: bytes = field(default=b"", repr=False)
    sample: str = field(default="", repr=False)

    @property
    def template_path(self) -> Path:
        """Where the Word template of this version lies."""
        return self.folder / "template.docx"

    def read_template(self) -> bytes:
        """Return the Word template: carried along, or read from the folder; raise OSError."""
        return self.template or self.template_path.read_bytes()

    def read_sample(self) -> str:
        """Return the sample as JSON text: carried along, or from the folder; raise OSError."""
        return self.sample or (self.folder / "sample.json").read_text("utf-8")

    @property
    def chain(self) -> tuple[Signer, ...]:
        """The steps signed in this system, in order."""
        return tuple(signer for signer in self.signers if signer.is_electronic)

    @property
    def customer_field(self) -> str:
        """The key of the first customer entry; empty if the form has none."""
        return next((entry.key for entry in self.fields if entry.kind == "customer"), "")

    @property
    def date_field(self) -> str:
        """The key of the paper's own date; empty if the form has none."""
        dates = [entry.key for entry in self.fields if entry.kind == "date"]
        return "日期" if "日期" in dates else next(iter(dates), "")

    def find_field(self, key: str) -> Field | None:
        """Return the entry with this key, or None."""
        return next((entry for entry in self.fields if entry.key == key), None)

    def groups(self) -> Iterator[tuple[str, tuple[Field, ...]]]:
        """Yield the entries in printed order, gathered by layout group."""
        gathered: dict[str, list[Field]] = {}
        for entry in self.fields:
            gathered.setdefault(entry.group, []).append(entry)
        for name, entries in gathered.items():
            yield name, tuple(entries)

    def title_of(self, values: Mapping[str, object]) -> str:
        """Return the title of a record for lists and the catalogue, after the title rule."""
        words = _Words({key: value for key, value in values.items() if isinstance(value, str)})
        return self.title_rule.format_map(words).strip() or self.title


class _Words(dict[str, str]):
    """Values by key; a key without a value reads as nothing."""

    def __missing__(self, key: str) -> str:
        return ""
