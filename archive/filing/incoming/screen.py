"""The screen of the four steps: what waits, one paper at a time, or many that are alike.

A paper is named by a key: ``r12`` a signed record that waits for 鉴别, ``i34`` an item on its
way. The steps themselves are filing's own; each is recorded with who and when as ever.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from archive.core.errors import ArchiveError, Invalid, NotFound
from archive.core.resources import Resources
from archive.filing import service
from archive.filing.checks.edge import check_offers, check_records
from archive.filing.models import UNFINISHED, Item
from archive.filing.record_files import MASTER, files_of_record
from archive.filing.rules import APPRAISE, Place, parse_place
from archive.filing.views import ItemView
from archive.people.readers import may_read
from archive.people.rights import Actor
from archive.people.service import get_actor
from archive.records.service import RecordView
from archive.tasks import service as tasks
from archive.tasks.service import Progress, TaskView
from storage.work import UnitOfWork

FILE_MANY = "filing.many"
SHOWN = 100
MOST_AT_ONCE = 2000
AT_ONCE_DIRECTLY = 30
PORTION = 40  # papers looked into by one child, then told of
LARGEST_ID = 2**63 - 1


@dataclass(frozen=True)
class Waiting:
    """A paper that waits, as the list at the left shows it; ``group`` tells what is alike."""

    key: str
    title: str
    number: str
    customer: str
    step: str
    group: str
    group_words: str


@dataclass(frozen=True)
class Sheet:
    """The bytes that are shown of a paper: its digest, kind and pages."""

    sha256: str
    media_type: str
    name: str
    pages: int


def queue(uow: UnitOfWork, actor: Actor) -> tuple[tuple[Waiting, ...], int]:
    """Return the papers that wait, half-done ones first, and how many there are in all."""
    items = service.unfinished_items(uow, actor, limit=SHOWN)
    records = service.waiting_records(uow, actor, page=1, per_page=SHOWN)
    shown = [_of_item(item) for item in items]
    shown += [_of_record(record) for record in records.items[: SHOWN - len(shown)]]
    return tuple(shown), service.count_unfinished(uow, actor) + records.total


def read_key(key: str) -> tuple[str, int]:
    """Return a key's kind and number; raise NotFound for anything else."""
    kind, number = key[:1], key[1:]
    if kind not in ("r", "i") or not (number.isascii() and number.isdigit()):
        raise NotFound("没有这份文件，或者您无权查看。")
    if len(number) > 18:
        raise NotFound("没有这份文件，或者您无权查看。")
    return kind, int(number)


def sheet_of(uow: UnitOfWork, actor: Actor, key: str) -> Sheet | None:
    """Return what is shown of a paper the actor may file; None when it has no file."""
    kind, number = read_key(key)
    if kind == "r":
        record = service.get_waiting(uow, actor, number)
        files = [one for one in files_of_record(uow, record) if one.role == MASTER]
        if not files:
            return None
        kept = files[0].document
        return Sheet(kept.sha256, "application/pdf", files[0].name, kept.pages)
    item = service.get_for_filing(uow, actor, number)
    if not item.files:
        return None
    first = item.files[0]
    return Sheet(first.sha256, first.media_type, first.name, max(item.pages, 1))


def alike(uow: UnitOfWork, actor: Actor, group: str) -> tuple[str, ...]:
    """Return the keys of all waiting papers of a group, not only those shown."""
    found: list[str] = []
    rows = uow.session.execute(
        select(Item.id, Item.form_code, Item.item_class)
        .where(Item.state.in_(UNFINISHED), may_read(actor, "item", Item.id))
        .order_by(Item.id)
    )
    found += [f"i{row.id}" for row in rows if _group(row.form_code, row.item_class) == group]
    page, pages = 1, 1
    while page <= pages and len(found) <= MOST_AT_ONCE:
        records = service.waiting_records(uow, actor, page=page, per_page=100)
        found += [f"r{one.id}" for one in records.items if _group(one.form_code, "") == group]
        page, pages = page + 1, records.pages
    return tuple(found)


def check_alike(uow: UnitOfWork, actor: Actor, keys: Sequence[str]) -> tuple[str, ...]:
    """Return the keys once each; raise Invalid for none, too many, or papers that differ."""
    chosen = tuple(dict.fromkeys(keys))
    if not chosen:
        raise Invalid("请先勾选要归档的文件。")
    if len(chosen) > MOST_AT_ONCE:
        raise Invalid(f"一次最多办 {MOST_AT_ONCE} 份，现在选了 {len(chosen)} 份。")
    groups = {_group_of(uow, actor, key) for key in chosen}
    if len(groups) > 1:
        raise Invalid("选中的文件不是同一种（表单或类目不同），请分开办；一次只办同类的。")
    return chosen


def file_one(uow: UnitOfWork, actor: Actor, key: str, place: Place | None) -> None:
    """Do every step that is left of a paper, with its form's or class's defaults."""
    kind, number = read_key(key)
    if kind == "r":
        service.file_record(uow, actor, number, place=place)
    else:
        service.finish_filing(uow, actor, number, place=place)


def file_many_now(
    resources: Resources, actor: Actor, keys: Sequence[str], place: str
) -> tuple[int, list[str]]:
    """File papers, each in its own transaction; return how many, and why others were not."""
    done, refused = 0, []
    where = parse_place(place) if place.strip() else None
    faults = _check(resources, actor, keys)
    for key in keys:
        try:
            fault = faults[key]
            if fault is not None:
                raise fault
            with resources.work() as uow:
                file_one(uow, actor, key, where)
                uow.commit()
            done += 1
        except ArchiveError as refusal:
            refused.append(refusal.message)
    return done, refused


def _check(
    resources: Resources, actor: Actor, keys: Sequence[str]
) -> dict[str, ArchiveError | None]:
    """Check all of the papers in one go; return why each may not pass 鉴别."""
    found: dict[str, ArchiveError | None] = {}
    numbers: dict[str, list[int]] = {"r": [], "i": []}
    for key in keys:
        try:
            kind, number = read_key(key)
            numbers[kind].append(number)
        except ArchiveError as refusal:
            found[key] = refusal
    records = check_records(resources, actor, numbers["r"]) if numbers["r"] else {}
    offers = check_offers(resources, actor, numbers["i"]) if numbers["i"] else {}
    found |= {f"r{number}": fault for number, fault in records.items()}
    return found | {f"i{number}": fault for number, fault in offers.items()}


def start_many(uow: UnitOfWork, actor: Actor, keys: Sequence[str], place: str) -> TaskView:
    """Leave the filing of many alike papers to the worker."""
    chosen = check_alike(uow, actor, keys)
    params = {"keys": list(chosen), "place": place.strip()[:100]}
    return tasks.start_task(uow, actor, FILE_MANY, f"四步一次办完：{len(chosen)} 份", params)


def many_work(resources: Resources, task: TaskView) -> Generator[Progress, None, None]:
    """File the papers one after another; one that is through already is passed over."""
    keys = [str(key) for key in task.params["keys"]]
    memory = {"next": 0, "done": 0, "refused": [], **task.memory}
    with resources.reading() as uow:
        actor = get_actor(uow, task.owner_id)
    while memory["next"] < len(keys):
        portion = keys[memory["next"] : memory["next"] + PORTION]
        waiting = _not_filed(resources, portion)
        done, refused = file_many_now(resources, actor, waiting, str(task.params["place"]))
        memory["done"] += done + len(portion) - len(waiting)
        memory["refused"] = [*memory["refused"], *refused][:20]
        memory["next"] += len(portion)
        yield Progress(memory["next"], len(keys), "正在归档…", memory=dict(memory))
    left = len(keys) - memory["done"]
    notes = [f"已归档 {memory['done']} 份。"]
    if left:
        notes += [f"{left} 份没有办成：", *memory["refused"]]
    result = {"notes": notes, "links": [["回到归档四步", "/filing/screen"]]}
    yield Progress(len(keys), len(keys), notes[0], result=result, is_end=True)


def _not_filed(resources: Resources, keys: Sequence[str]) -> list[str]:
    named = [read_key(key) for key in keys]
    records = [number for kind, number in named if kind == "r"]
    items = [number for kind, number in named if kind == "i"]
    with resources.reading() as uow:
        rows = uow.session.execute(
            select(Item.id, Item.record_id).where(
                Item.id.in_(items) | Item.record_id.in_(records), Item.state.not_in(UNFINISHED)
            )
        )
        filed = {key for row in rows for key in (f"i{row.id}", f"r{row.record_id}")}
    return [key for key in keys if key not in filed]


def _group_of(uow: UnitOfWork, actor: Actor, key: str) -> str:
    kind, number = read_key(key)
    if kind == "r":
        return _group(service.get_waiting(uow, actor, number).form_code, "")
    return _group(*service.kind_for_filing(uow, actor, number))


def _group(form_code: str, item_class: str) -> str:
    """Return what makes papers alike: their form, else their class."""
    return f"f:{form_code}" if form_code else f"c:{item_class}"


def _of_item(item: ItemView) -> Waiting:
    return Waiting(
        key=f"i{item.id}",
        title=item.title,
        number=item.document_number,
        customer=item.customer_name,
        step=item.next_step,
        group=_group(item.form_code, item.item_class),
        group_words=item.form_title or item.item_class or "外来文件",
    )


def _of_record(record: RecordView) -> Waiting:
    return Waiting(
        key=f"r{record.id}",
        title=record.title,
        number=record.number,
        customer=record.customer_name,
        step=APPRAISE,
        group=_group(record.form_code, ""),
        group_words=record.form_title,
    )
