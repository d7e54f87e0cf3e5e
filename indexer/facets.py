"""How many of the documents found have each value of each field, and lie in each month.

Called by search. Not here: what is found, and which filters are left away for which field (search).
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from indexer.histogram import count_dates
from indexer.postings import IntArray, Rows
from indexer.results import DATE, FACETS
from indexer.snapshot import Snapshot

MOST_VALUES = 100
_COUNTED_SINGLY = 200

Counted = tuple[tuple[str, int], ...]


def count_facets(
    snapshot: Snapshot,
    rows_without: Callable[[str], list[Rows]],
    filters: Mapping[str, tuple[str, ...]],
) -> dict[str, Counted]:
    """Count over what is found, for a field that is filtered by without its own filter.

    `rows_without` gives the documents by part that are found without the filter on a field.
    """
    counted: dict[str, Counted] = dict.fromkeys(FACETS, ())
    for name in filter(partial(_is_known, snapshot), FACETS):
        values, codes = snapshot.whole_column(name)
        if values:
            counted[name] = _count(values, gathered(codes, rows_without(name)))
    return {**counted, DATE: _dates(snapshot, rows_without, filters)}


def gathered(columns: Sequence[npt.NDArray[Any]], rows: Sequence[Rows]) -> npt.NDArray[Any]:
    """The values of documents, part by part."""
    found = [own[docs] for own, docs in zip(columns, rows, strict=True)]
    if not found:
        return np.empty(0, np.int32)
    return found[0] if len(found) == 1 else np.concatenate(found)


def _is_known(snapshot: Snapshot, name: str) -> bool:
    """False where some documents are of an older schema without the field: no count is right."""
    return all(part.view.has_field(name) for part in snapshot.parts)


def _count(values: Sequence[str], codes: IntArray) -> Counted:
    if len(codes) > _COUNTED_SINGLY:
        return _ranked(values, np.bincount(codes, minlength=len(values) + 1)[1:])
    several = Counter(filter(None, codes.tolist())).items()
    first = sorted(several, key=lambda one: (-one[1], one[0]))[:MOST_VALUES]
    return tuple((values[code - 1], number) for code, number in first)


def _ranked(values: Sequence[str], counts: npt.NDArray[np.intp]) -> Counted:
    """The values that most have, those first."""
    having = np.flatnonzero(counts >= _least_shown(counts))
    first = having[np.argsort(-counts[having], kind="stable")][:MOST_VALUES]
    numbers = zip(first.tolist(), counts[first].tolist(), strict=True)
    return tuple((values[code], number) for code, number in numbers)


def _least_shown(counts: npt.NDArray[np.intp]) -> int:
    """The least count of the values that are shown."""
    if len(counts) <= MOST_VALUES:
        return 1
    reaching = np.bincount(counts)[::-1].cumsum()[::-1]  # how many values have at least so much
    return max(1, int(np.count_nonzero(reaching >= MOST_VALUES)) - 1)


def _dates(
    snapshot: Snapshot,
    rows_without: Callable[[str], list[Rows]],
    filters: Mapping[str, tuple[str, ...]],
) -> Counted:
    if not _is_known(snapshot, DATE):
        return ()
    columns = [part.view.months for part in snapshot.parts]
    return count_dates(gathered(columns, rows_without(DATE)), filters.get(DATE, ()))
