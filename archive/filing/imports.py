"""Imported papers become filed items, a batch in one transaction; the caller commits each.

    for batch in read_jsonl(path):            # or read_folder(folder, blobs)
        with work() as uow:
            outcome = import_batch(uow, actor, batch)
            uow.commit()

All four steps are recorded as import. A paper that is there already (same id, same line, same
file) is skipped and named, so an interrupted import is simply run again.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import InstrumentedAttribute

from archive.core.clock import local_day
from archive.core.errors import ArchiveError, Invalid
from archive.core.profile import load_profile
from archive.customers import service as customers
from archive.filing import intake
from archive.filing.classes.kept import plan_in_force
from archive.filing.codes import MAX_SERIAL, ReferenceCode
from archive.filing.copies import last_of, take_barcodes, take_run
from archive.filing.import_rows import Batch, Fault, ImportRow, read_row
from archive.filing.items import items_of_files, load_item, things_of_rows
from archive.filing.models import CopyStatus, FilingStep, Item, ItemCopy, ItemFile, ItemState
from archive.filing.rules import STEPS, Belonging
from archive.filing.steps import reference_of, series_of
from archive.filing.views import ItemView
from archive.filing.volumes import open_volume
from archive.people import service as people
from archive.people.readers import write_readers
from archive.people.rights import SECRECY, Actor, require
from storage.work import UnitOfWork

NOTE = "导入"
DEPARTMENT = "部门"
FULL = f"这一类的件号已用到 {MAX_SERIAL}，编续的二级门类也已用完；请按机构或二级门类分开后再导入。"


@dataclass(frozen=True)
class Outcome:
    """What became of a batch: the new items' ids, what was there already, what was refused."""

    imported: tuple[int, ...]
    skipped: tuple[Fault, ...]
    failed: tuple[Fault, ...]


@dataclass(frozen=True)
class _Placed:
    """A row with what it hangs on: customer and department by id, and where it belongs."""

    row: ImportRow
    customer_id: int | None
    department_id: int | None
    belonging: Belonging


def import_batch(uow: UnitOfWork, actor: Actor, batch: Batch) -> Outcome:
    """File the rows of a batch as items; nothing is raised for a bad row, it is named."""
    require(actor, "filing.import")
    fresh, skipped = _without_known(uow, batch.rows)
    placed, failed = _place(uow, actor, fresh)
    items, unplaced = _file(uow, actor, placed)
    return Outcome(tuple(items), tuple(skipped), (*batch.faults, *failed, *unplaced))


def import_item(
    uow: UnitOfWork, actor: Actor, fields: Mapping[str, object]
) -> tuple[ItemView, bool]:
    """File one paper and return it and whether it is new; raise Invalid with the reasons."""
    require(actor, "filing.import")
    row = read_row(fields, "本件")
    known = _known(uow, [row])
    if known:
        return load_item(uow, known[_mark(row)]), False
    outcome = import_batch(uow, actor, Batch((row,), (), 0))
    if outcome.failed:
        raise Invalid(outcome.failed[0].why)
    return load_item(uow, outcome.imported[0]), True


def _without_known(
    uow: UnitOfWork, rows: Sequence[ImportRow]
) -> tuple[list[ImportRow], list[Fault]]:
    """Sort out what is in the archive already, or twice in this batch."""
    known = _known(uow, rows)
    fresh: list[ImportRow] = []
    skipped: list[Fault] = []
    for row in rows:
        mark = _mark(row)
        if mark in known:
            skipped.append(Fault(row.where, _why_known(row, known[mark])))
            continue
        known[mark] = 0
        fresh.append(row)
    return fresh, skipped


def _mark(row: ImportRow) -> tuple[str, str]:
    """Return what makes a paper the same when it comes again: its id, its bytes, its line."""
    if row.external_id:
        return "id", row.external_id
    return ("file", row.file.ref.sha256) if row.file else ("line", row.key or "")


def _known(uow: UnitOfWork, rows: Sequence[ImportRow]) -> dict[tuple[str, str], int]:
    """Return which of the papers are in the archive, each with its item."""
    marks: dict[str, set[str]] = defaultdict(set)
    for kind, value in map(_mark, rows):
        marks[kind].add(value)
    where: dict[str, tuple[InstrumentedAttribute[Any], InstrumentedAttribute[int]]] = {
        "id": (Item.external_id, Item.id),
        "line": (Item.import_key, Item.id),
    }
    files = items_of_files(uow, marks.pop("file", set()))
    found = {("file", digest): item_id for digest, item_id in files.items()}
    for kind, values in marks.items():
        column, item_id = where[kind]
        query = select(column, item_id).where(column.in_(values))
        for value, number in uow.session.execute(query):
            found[kind, value] = number
    return found


def _why_known(row: ImportRow, item_id: int) -> str:
    what = {"id": "同一编号的文件", "file": "内容相同的文件", "line": "完全相同的一条"}[
        _mark(row)[0]
    ]
    return f"{what}已在档案里（第 {item_id} 件）" if item_id else f"{what}本次已经导入"


def _place(
    uow: UnitOfWork, actor: Actor, rows: Sequence[ImportRow]
) -> tuple[list[_Placed], list[Fault]]:
    """Find each row's department, customer (added when new) and class."""
    units = {key: unit for unit in people.departments(uow) for key in (unit.name, unit.code)}
    customer_ids: dict[str, int] = {}
    placed: list[_Placed] = []
    failed: list[Fault] = []
    for row in rows:
        if row.secrecy > actor.clearance:
            why = f"密级“{SECRECY[row.secrecy]}”高于您的涉密权限，请交给权限足够的人导入"
            failed.append(Fault(row.where, why))
            continue
        try:
            if row.customer and row.customer not in customer_ids:
                customer_ids[row.customer] = customers.ensure_customer(uow, actor, row.customer)
        except ArchiveError as wrong:
            failed.append(Fault(row.where, f"客户：{wrong.message}"))
            continue
        unit = units.get(row.department)
        if row.department and unit is None:
            row = replace(row, elements={**row.elements, DEPARTMENT: row.department})
        belonging = intake.proposed(
            uow,
            form_code=row.form,
            form_version=None,
            year=_year_of(uow, row),
            unit=unit.code if unit else "",
            secrecy=row.secrecy,
        )
        customer_id = customer_ids.get(row.customer)
        placed.append(_Placed(row, customer_id, unit.id if unit else None, belonging))
    return placed, failed


def _year_of(uow: UnitOfWork, row: ImportRow) -> int:
    """Return the year given, else that of the paper's date, else this year."""
    if row.year is not None:
        return row.year
    return (row.document_date or local_day(uow.now())).year


def _file(
    uow: UnitOfWork, actor: Actor, placed: Sequence[_Placed]
) -> tuple[list[int], list[Fault]]:
    """Number the rows class by class and write what each of them needs."""
    groups: dict[Belonging, list[_Placed]] = defaultdict(list)
    for one in placed:
        groups[replace(one.belonging, secrecy=0)].append(one)
    rows: list[Item] = []
    sources: list[_Placed] = []
    failed: list[Fault] = []
    fonds = load_profile(uow).fonds
    plan = plan_in_force(uow)
    for belonging, members in groups.items():
        by_customer = plan.is_by_customer(belonging.item_class)
        codes = _take_codes(uow, fonds, belonging, len(members))
        failed += [Fault(one.row.where, FULL) for one in members[len(codes) :]]
        volumes: dict[tuple[str, int | None], int] = {}
        for one, code in zip(members, codes, strict=False):
            key = code.category, one.customer_id if by_customer else None
            if key not in volumes:
                here = replace(belonging, category=code.category)
                volumes[key] = open_volume(uow, here, key[1]).id
            rows.append(_item(uow, one, code, volumes[key], plan.version))
            sources.append(one)
    uow.session.add_all(rows)
    uow.session.flush()
    _write_beside(uow, actor, rows, sources)
    order = {id(one): place for place, one in enumerate(placed)}
    numbered = sorted(zip(sources, rows, strict=True), key=lambda pair: order[id(pair[0])])
    return [row.id for _, row in numbered], failed


def _take_codes(
    uow: UnitOfWork, fonds: str, belonging: Belonging, count: int
) -> list[ReferenceCode]:
    """Take provisional codes; a full class goes on under numbered second-level categories.

    An import cannot stop and ask at 9999, so the way out that a person is told of is taken:
    KH, then KH·01 … KH·99. Fewer codes than asked for mean that those are full too.
    """
    taken: list[ReferenceCode] = []
    for category in _continuations(belonging.category):
        code = reference_of(fonds, replace(belonging, category=category), 0)
        series = series_of(code)
        size = min(MAX_SERIAL - last_of(uow, series), count - len(taken))
        if size > 0:
            first = take_run(uow, series, size, MAX_SERIAL)
            taken += [replace(code, serial=first + step) for step in range(size)]
        if len(taken) == count:
            break
    return taken


def _continuations(category: str) -> Iterator[str]:
    yield category
    if "·" not in category:
        yield from (f"{category}·{number:02d}" for number in range(1, 100))


def _item(
    uow: UnitOfWork, one: _Placed, code: ReferenceCode, volume_id: int, plan_version: int
) -> Item:
    row = one.row
    return Item(
        external_id=row.external_id,
        import_key=None if row.external_id or row.file else row.key,
        title=row.title,
        customer_id=one.customer_id,
        form_code=row.form,
        document_number=row.number,
        department_id=one.department_id,
        document_date=row.document_date,
        year=one.belonging.year,
        category=code.category,
        item_class=one.belonging.item_class,
        retention=one.belonging.retention,
        unit=one.belonging.unit,
        secrecy=row.secrecy,
        text=row.text,
        volume_id=volume_id,
        plan_version=plan_version,
        serial=code.serial,
        provisional_code=str(code),
        state=ItemState.SHELVED,
        status=row.status,
        elements=dict(row.elements),
        created_at=uow.now(),
    )


def _write_beside(
    uow: UnitOfWork, actor: Actor, items: Sequence[Item], sources: Sequence[_Placed]
) -> None:
    """Write files, steps, copies, readers, journal and jobs of new items."""
    if not items:
        return
    now = uow.now()
    files = [
        ItemFile(
            item_id=item.id,
            role=role,
            name=file.name,
            sha256=uow.keep(file.ref),
            created_at=now,
        )
        for item, one in zip(items, sources, strict=True)
        if one.row.file
        for role, file in (("master", one.row.file), *one.row.beside)
    ]
    uow.session.add_all(files)
    steps = [
        {"item_id": item.id, "step": step, "by_id": actor.id, "at": now, "note": NOTE}
        for item in items
        for step in STEPS
    ]
    uow.session.execute(insert(FilingStep), steps)
    barcodes = take_barcodes(uow, len(items))
    copies = [
        {"item_id": item.id, "barcode": barcode, "status": str(CopyStatus.IN)}
        for item, barcode in zip(items, barcodes, strict=True)
    ]
    uow.session.execute(insert(ItemCopy), copies)
    uow.session.flush()
    for item, thing in zip(items, things_of_rows(uow, items), strict=True):
        write_readers(uow, "item", item.id, thing)
        uow.journal(actor.id, "item.import", "item", item.id, {"code": item.provisional_code or ""})
        uow.outbox("index", f"item:{item.id}")
    for entry in files:
        uow.outbox("extract", f"item_file:{entry.id}")
