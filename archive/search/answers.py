"""The JSON answer of a search, the same for the API and the command line (docs: doors)."""

from collections.abc import Iterable, Mapping
from typing import Any

from archive.core.resources import Resources
from archive.search.rules import parse_filters, plain_and_marks
from archive.search.service import search_on_command
from archive.search.views import Found, FoundHit


def cli_search(
    resources: Resources,
    username: str | None,
    text: str,
    limit: int = 20,
    filters: Iterable[str] = (),
    sort: str = "relevance",
) -> dict[str, Any]:
    """Return the answer of ``archive search``; ``filters`` are texts like ``form=E05``.

    Without a user the operator's view of everything. Raises NotFound for an unknown user,
    Forbidden for one who may not search, Invalid for a filter that is not understood.
    """
    found = search_on_command(resources, username, text, limit, parse_filters(filters), sort)
    return as_answer(found)


def as_answer(found: Found) -> dict[str, Any]:
    """Return a page of results as plain JSON values."""
    return {
        "total": found.total,
        "took_ms": found.took_ms,
        "hits": [_hit(hit) for hit in found.items],
        "facets": _facets(found),
        "notes": list(found.notes),
        "did_you_mean": list(found.did_you_mean),
        "page": found.page,
        "pages": found.pages,
    }


def _hit(hit: FoundHit) -> dict[str, Any]:
    title, title_marks = plain_and_marks(hit.title)
    snippet, marks = plain_and_marks(hit.snippet)
    return {
        "id": hit.card.public_id,
        "kind": hit.card.kind,
        "ref": hit.card.thing_id,
        "title": title,
        "title_marks": title_marks,
        "customer": hit.customer,
        "form": hit.form,
        "form_title": hit.form_title,
        "number": hit.card.number,
        "code": hit.card.code,
        "year": hit.year,
        "department": hit.department,
        "date": hit.date,
        "status": hit.status,
        "place": hit.card.place,
        "lent": hit.is_lent,
        "citation": hit.citation,
        "snippet": snippet,
        "marks": marks,
        "score": hit.score,
    }


def _facets(found: Found) -> Mapping[str, Mapping[str, int]]:
    return {one.field: {value.value: value.count for value in one.values} for one in found.facets}
