"""The filing plan through the API: the version in force, all versions, the tree, a new version."""

from collections import Counter
from datetime import date
from typing import Literal

from apiflask import APIBlueprint
from pydantic import BaseModel, ConfigDict, Field

from archive.core.calls import FromView, Strict
from archive.core.described import Instant
from archive.core.errors import Invalid
from archive.core.web import reading, work
from archive.filing.classes import service
from archive.filing.classes.rules import MOST_CATEGORIES, MOST_CLASSES
from archive.filing.plan import ItemClass, Plan
from archive.people.gate import actor, guard

api = APIBlueprint("plan_api", __name__, url_prefix="/api/v1/plan", tag="items")


class ClassLine(BaseModel):
    """A class: category, term, shortest term and its basis, class above, what makes a volume."""

    model_config = ConfigDict(strict=True, extra="forbid", from_attributes=True)

    name: str
    category: str
    retention: str
    minimum: str
    basis: str
    parent: str = ""
    volumes: Literal["unit", "customer"] = "unit"
    is_closed: bool = False


class CategoryLine(Strict):
    """A category: its code in the 档号 and its words."""

    code: str
    title: str


class PlanOut(BaseModel):
    """A version of the plan; ``terms`` run from the longest to the shortest."""

    version: int
    categories: list[CategoryLine]
    terms: dict[str, str]
    classes: list[ClassLine]
    default_class: str
    default_room: str


class PlanIn(Strict):
    """A new version, whole; ``version`` is the latest one, that it was made from."""

    version: int
    categories: list[CategoryLine] = Field(max_length=MOST_CATEGORIES)
    classes: list[ClassLine] = Field(max_length=MOST_CLASSES)
    default_class: str
    default_room: str
    reason: str
    valid_from: str = Field(default="", max_length=10)


class VersionOut(FromView):
    """A version made here: from when, by whom, why."""

    version: int
    valid_from: date
    reason: str
    made_by: str
    made_at: Instant


class VersionItems(BaseModel):
    """The versions made here, the latest first; version 1 ships and is not among them."""

    items: list[VersionOut]


class BranchOut(BaseModel):
    """A class in the tree with what the token's user may read of it and below."""

    name: str
    category: str
    depth: int
    items: int
    volumes: int


class TreeOut(BaseModel):
    """The tree of the plan in force."""

    items: list[BranchOut]


@api.get("")
@api.output(PlanOut)
@guard("filing.list")
def plan() -> PlanOut:
    """Read the version in force today."""
    with reading() as uow:
        return _told(service.plan_in_force(uow))


@api.get("/latest")
@api.output(PlanOut)
@guard("filing.list")
def latest() -> PlanOut:
    """Read the latest version, in force or not yet: what a change starts from."""
    with reading() as uow:
        return _told(service.latest_plan(uow))


@api.get("/versions")
@api.output(VersionItems)
@guard("filing.list")
def versions() -> VersionItems:
    """List the versions made here."""
    with reading() as uow:
        shown = service.plan_versions(uow, actor())
    return VersionItems(items=[VersionOut.model_validate(one) for one in shown])


@api.get("/tree")
@api.output(TreeOut)
@guard("filing.list")
def tree() -> TreeOut:
    """Read the class tree with its counts."""
    with reading() as uow:
        branches = service.class_tree(uow, actor())
    return TreeOut(
        items=[
            BranchOut(
                name=one.row.name,
                category=one.row.category,
                depth=one.depth,
                items=one.items,
                volumes=one.volumes,
            )
            for one in branches
        ]
    )


@api.post("/versions")
@api.input(PlanIn, location="json")
@api.output(PlanOut, status_code=201)
@guard("plan.edit")
def save(json_data: PlanIn) -> PlanOut:
    """Keep a new version; 422 names all that is wrong with it, 409 says that it is stale."""
    sent = json_data
    _refuse_twice([one.code for one in sent.categories], "门类")
    _refuse_twice([one.name for one in sent.classes], "类目")
    with work() as uow:
        base = service.latest_plan(uow)
        made = service.save_plan(
            uow,
            actor(),
            Plan(
                version=sent.version,
                categories={one.code: one.title for one in sent.categories},
                terms=base.terms,
                classes={one.name: ItemClass(**one.model_dump()) for one in sent.classes},
                default_class=sent.default_class,
                default_room=sent.default_room,
                filing_due=base.filing_due,
            ),
            sent.reason,
            sent.valid_from,
        )
        uow.commit()
    return _told(made)


def _refuse_twice(names: list[str], what: str) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise Invalid(f"{what}“{twice[0][:20]}”写了两遍，请去掉一行。", {"plan": "写了两遍"})


def _told(plan: Plan) -> PlanOut:
    return PlanOut(
        version=plan.version,
        categories=[
            CategoryLine(code=code, title=title) for code, title in plan.categories.items()
        ],
        terms=dict(plan.terms),
        classes=[ClassLine.model_validate(row) for row in plan.classes.values()],
        default_class=plan.default_class,
        default_room=plan.default_room,
    )
