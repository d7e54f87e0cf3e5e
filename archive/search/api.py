"""Search over the API: the same answer as the command ``archive search``."""

from typing import Any

from apiflask import APIBlueprint
from flask import request
from pydantic import BaseModel, Field

from archive.core.calls import Asked
from archive.core.web import resources
from archive.people.gate import actor, guard
from archive.search import service
from archive.search.answers import as_answer
from archive.search.rules import parse_filters

api = APIBlueprint("search_api", __name__, url_prefix="/api/v1/search", tag="search")


class SearchQuery(Asked):
    """What is searched for; ``filter`` may be given several times."""

    q: str = Field(default="", description="要找的文字")
    filter: str = Field(default="", description="筛选，写成 字段:值，可重复，如 form:E05")
    sort: str = Field(default="relevance", description="relevance、date、number 或 customer")
    page: int = Field(default=1, ge=1, le=1_000_000)
    per_page: int = Field(default=20, ge=1, le=100)


class HitOut(BaseModel):
    """One thing found; ``marks`` are [start, end) places in the text before it."""

    id: str
    kind: str
    ref: int
    title: str
    title_marks: list[tuple[int, int]]
    customer: str
    form: str
    form_title: str
    number: str
    code: str
    year: int | None
    department: str
    date: str
    status: str
    place: str
    lent: bool
    citation: str
    snippet: str
    marks: list[tuple[int, int]]
    score: float


class AnswerOut(BaseModel):
    """One page of results with counts over all of them."""

    total: int
    took_ms: float
    hits: list[HitOut]
    facets: dict[str, dict[str, int]]
    notes: list[str]
    did_you_mean: list[str]
    page: int
    pages: int


class SuggestionOut(BaseModel):
    """A completion while typing."""

    text: str
    kind: str
    note: str


class SuggestionsOut(BaseModel):
    """Completions, best first."""

    items: list[SuggestionOut]


class SuggestQuery(Asked):
    """What has been typed so far."""

    q: str = ""
    limit: int = Field(default=8, ge=1, le=20)


@api.get("")
@api.input(SearchQuery, location="query")
@api.output(AnswerOut)
@guard("search")
def find(query_data: SearchQuery) -> dict[str, Any]:
    """Search everything the token's user may see."""
    filters = parse_filters(text for text in request.args.getlist("filter") if text)
    asked = query_data
    return as_answer(
        service.search(
            resources(), actor(), asked.q, filters, asked.sort, asked.page, asked.per_page
        )
    )


@api.get("/suggest")
@api.input(SuggestQuery, location="query")
@api.output(SuggestionsOut)
@guard("search")
def suggest(query_data: SuggestQuery) -> dict[str, Any]:
    """Complete what is being typed."""
    found = service.suggest(resources(), actor(), query_data.q, query_data.limit)
    return {"items": [{"text": one.text, "kind": one.kind, "note": one.note} for one in found]}
