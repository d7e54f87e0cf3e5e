"""The filing plan in versions: who changes it and what hangs on it; the tree with its counts.

What is filed keeps the version it was filed under (``Item.plan_version``).
"""

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import exists, func, select

from archive.core.clock import local_day
from archive.core.errors import Conflict
from archive.core.pages import Page, clean_paging, total_of
from archive.filing.classes.kept import forget_plan, latest_plan, plan_in_force
from archive.filing.classes.models import PlanVersion
from archive.filing.classes.rules import Use, check_change, check_valid_from, late_years
from archive.filing.describe import views_of
from archive.filing.models import UNFINISHED, Item, Volume, VolumeState
from archive.filing.plan import ItemClass, Plan, write_plan
from archive.filing.rules import check_reason
from archive.filing.views import ItemView
from archive.forms.service import list_forms
from archive.people import service as people
from archive.people.readers import may_read_set
from archive.people.rights import Actor, require
from storage.work import UnitOfWork

__all__ = [
    "Branch",
    "LateView",
    "Tally",
    "VersionView",
    "class_tree",
    "late_papers",
    "latest_plan",
    "plan_in_force",
    "plan_versions",
    "save_plan",
]


@dataclass(frozen=True)
class Tally:
    """Items, pages and volumes of one class in one year, of what the reader may read."""

    year: int
    items: int
    pages: int
    volumes: int


@dataclass(frozen=True)
class Branch:
    """A class in the tree: how deep, its own counts by year, and the sum with those below."""

    row: ItemClass
    depth: int
    years: tuple[Tally, ...]
    items: int
    volumes: int


@dataclass(frozen=True)
class VersionView:
    """A version of the plan: from when, by whom, why."""

    version: int
    valid_from: date
    reason: str
    made_by: str
    made_at: datetime


@dataclass(frozen=True)
class LateView:
    """What should have been filed by now: papers half filed, and volumes still open."""

    last_year: int
    items: Page[ItemView]
    volumes: tuple[tuple[int, str, int], ...]
    volumes_total: int


def save_plan(uow: UnitOfWork, actor: Actor, plan: Plan, reason: str, valid_from: str = "") -> Plan:
    """Keep a new version of the plan; raise Invalid with all that is wrong, Conflict when stale.

    ``plan.version`` is the version it was made from; ``valid_from`` an ISO day, today if empty.
    """
    require(actor, "plan.edit")
    reason = check_reason(reason, "修改原因")
    day = check_valid_from(valid_from, local_day(uow.now()))
    before = latest_plan(uow)
    if plan.version != before.version:
        raise Conflict("归档方案刚被别人改过。您填的还在，请对照新的一版改好再保存。")
    check_change(before, plan, _use_of(uow))
    made = replace(plan, version=before.version + 1)
    content = write_plan(made)
    uow.session.add(
        PlanVersion(
            version=made.version,
            content=content,
            valid_from=day,
            reason=reason,
            made_by=actor.id,
            made_at=uow.now(),
        )
    )
    uow.session.flush()
    forget_plan(uow)
    told = {
        "valid_from": day.isoformat(),
        "digest": hashlib.sha256(content.encode()).hexdigest(),
    }
    uow.journal(actor.id, "plan.change", "plan", made.version, told)
    return made


def plan_versions(uow: UnitOfWork, actor: Actor) -> tuple[VersionView, ...]:
    """Return the versions made so far, the latest first; the one that ships is not among them."""
    require(actor, "filing.list")
    rows = list(uow.session.scalars(select(PlanVersion).order_by(PlanVersion.version.desc())))
    names = people.names_of(uow, {row.made_by for row in rows})
    return tuple(
        VersionView(
            row.version, row.valid_from, row.reason, names.get(row.made_by, ""), row.made_at
        )
        for row in rows
    )


def class_tree(uow: UnitOfWork, actor: Actor) -> tuple[Branch, ...]:
    """Return the tree of the plan in force with counts of what the actor may read.

    A class that is no longer in the plan but still holds papers stands at the end.
    """
    require(actor, "filing.list")
    plan, counts = plan_in_force(uow), _tallies(uow, actor)
    rows = list(plan.tree())
    lost = [name for name in counts if name not in plan.classes]
    rows += [(_lost_class(name), 0) for name in sorted(lost)]
    branches = []
    for place, (row, depth) in enumerate(rows):
        below = [row]
        for other, deeper in rows[place + 1 :]:
            if deeper <= depth:
                break
            below.append(other)
        own = [tally for one in below for tally in counts.get(one.name, ())]
        branches.append(
            Branch(
                row,
                depth,
                tuple(counts.get(row.name, ())),
                sum(tally.items for tally in own),
                sum(tally.volumes for tally in own),
            )
        )
    return tuple(branches)


def late_papers(uow: UnitOfWork, actor: Actor, *, page: int = 1, per_page: int = 50) -> LateView:
    """Return what is late: papers of years past their day that are not shelved or not sealed.

    Papers not handed in at all are told by the hand-over lists (what departments owe).
    """
    require(actor, "filing.list")
    page, per_page = clean_paging(page, per_page)
    last = late_years(local_day(uow.now()), plan_in_force(uow).filing_due)
    waiting = (
        Item.state.in_(UNFINISHED),
        Item.year <= last,
        may_read_set(actor, Item.readers_id),
    )
    start = (page - 1) * per_page
    ids = select(Item.id).where(*waiting).order_by(Item.year, Item.id)
    ids = ids.offset(start).limit(per_page)
    query = select(Item).where(Item.id.in_(ids)).order_by(Item.year, Item.id)
    rows = list(uow.session.scalars(query))
    every = select(func.count()).select_from(Item).where(*waiting)
    total = total_of(page, per_page, len(rows), lambda: uow.session.scalar(every))
    items = Page(tuple(views_of(uow, rows)), total, page, per_page)
    # a volume's items are few, the sets one may read are many: along the items, not the sets
    any_set = may_read_set(actor, Item.readers_id + 0)
    readable = exists().where(Item.volume_id == Volume.id, any_set)
    open_volumes = select(Volume.id, Volume.title, Volume.year, func.count().over()).where(
        Volume.state == VolumeState.OPEN, Volume.year <= last, readable
    )
    volumes = uow.session.execute(
        open_volumes.order_by(Volume.year, Volume.category, Volume.id).limit(per_page)
    ).all()
    return LateView(
        last,
        items,
        tuple((row[0], row[1], row[2]) for row in volumes),
        volumes[0][3] if volumes else 0,
    )


def _use_of(uow: UnitOfWork) -> Use:
    rows = uow.session.execute(
        select(Item.item_class, Item.category, func.count()).group_by(
            Item.item_class, Item.category
        )
    )
    classes: dict[str, int] = defaultdict(int)
    categories: dict[str, int] = defaultdict(int)
    for name, category, count in rows:
        classes[name] += count
        for code in {category, category[:2]}:
            categories[code] += count
    forms = {form.filing.item_class: form.code for form in list_forms(uow, with_retired=True)}
    return Use(classes, categories, forms)


def _tallies(uow: UnitOfWork, actor: Actor) -> Mapping[str, list[Tally]]:
    """Return items, pages and volumes by class and year, in one statement."""
    counted = (
        select(
            Item.volume_id.label("volume_id"),
            func.count().label("items"),
            func.sum(Item.pages).label("pages"),
        )
        .where(Item.volume_id.is_not(None), may_read_set(actor, Item.readers_id))
        .group_by(Item.volume_id)
        .subquery()
    )
    rows = uow.session.execute(
        select(
            Volume.item_class,
            Volume.year,
            func.sum(counted.c["items"]),
            func.sum(counted.c["pages"]),
            func.count(),
        )
        .join(counted, counted.c.volume_id == Volume.id)
        .group_by(Volume.item_class, Volume.year)
        .order_by(Volume.item_class, Volume.year.desc())
    )
    found: dict[str, list[Tally]] = defaultdict(list)
    for name, year, items, pages, volumes in rows:
        found[name].append(Tally(year, int(items), int(pages), volumes))
    return found


def _lost_class(name: str) -> ItemClass:
    return ItemClass(name=name, category="", retention="", minimum="", basis="", is_closed=True)
