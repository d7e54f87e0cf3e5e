"""The searches a person keeps, through the API: list, save, rename, remove, run."""

from typing import Any

from apiflask import APIBlueprint
from pydantic import BaseModel, Field

from archive.core.calls import Strict
from archive.core.web import reading, resources, work
from archive.people.gate import actor, guard
from archive.search import saved, service
from archive.search.answers import as_answer
from archive.search.api import AnswerOut
from archive.search.saved import LONGEST_NAME, LONGEST_TEXT, SavedView

api = APIBlueprint("saved_search_api", __name__, url_prefix="/api/v1/search/saved", tag="search")


class NameIn(Strict):
    """A search's name."""

    name: str = Field(max_length=LONGEST_NAME)


class SaveIn(NameIn):
    """A search to keep: what ``GET /api/v1/search`` takes, under a name."""

    q: str = Field(default="", max_length=LONGEST_TEXT)
    filters: dict[str, list[str]] = Field(default={}, description="字段 → 值，如 {“form”: [“E05”]}")
    sort: str = "relevance"


class SavedOut(BaseModel):
    """A search kept; ``fresh`` are the ids of what is new in it."""

    id: int
    name: str
    q: str
    filters: dict[str, list[str]]
    sort: str
    fresh: list[str]


class SavedListOut(BaseModel):
    """All searches of the token's person."""

    items: list[SavedOut]


@api.get("")
@api.output(SavedListOut)
@guard("search")
def listing() -> dict[str, Any]:
    """List one's own searches, with what is new in each."""
    with reading() as uow:
        return {"items": [_as_json(one) for one in saved.list_saved(uow, actor())]}


@api.post("")
@api.input(SaveIn)
@api.output(SavedOut, status_code=201)
@guard("search")
def save(json_data: SaveIn) -> dict[str, Any]:
    """Keep a search; what fits it now is no news."""
    asked = json_data
    known = service.matching_ids(resources(), actor(), asked.q, asked.filters)
    with work() as uow:
        one = saved.save(uow, actor(), asked.name, asked.q, asked.filters, asked.sort, known)
        uow.commit()
    return _as_json(one)


@api.patch("/<int:saved_id>")
@api.input(NameIn)
@api.output(SavedOut)
@guard("search")
def rename(saved_id: int, json_data: NameIn) -> dict[str, Any]:
    """Give a search another name."""
    with work() as uow:
        one = saved.rename(uow, actor(), saved_id, json_data.name)
        uow.commit()
    return _as_json(one)


@api.delete("/<int:saved_id>")
@api.output({}, status_code=204)
@guard("search")
def remove(saved_id: int) -> str:
    """Take a search out."""
    with work() as uow:
        saved.remove(uow, actor(), saved_id)
        uow.commit()
    return ""


@api.post("/<int:saved_id>/run")
@api.output(AnswerOut)
@guard("search")
def run(saved_id: int) -> dict[str, Any]:
    """Return the first page of what fits; its news is seen now."""
    with work() as uow:
        one = saved.get_saved(uow, actor(), saved_id)
        if saved.mark_seen(uow, actor(), saved_id):
            uow.commit()
    return as_answer(service.search(resources(), actor(), one.text, one.filters, one.sort))


def _as_json(one: SavedView) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "q": one.text,
        "filters": {name: list(values) for name, values in one.filters.items()},
        "sort": one.sort,
        "fresh": [card.public_id for card in one.fresh],
    }
