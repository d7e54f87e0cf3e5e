"""How many of what was found fall into each month or year, and filters by such periods.

Months are numbers, year * 13 + month, as the segments keep them. Called by search.
"""

import re
from collections.abc import Sequence

import numpy as np

from indexer.postings import IntArray
from indexer.segment import Mask

MOST_YEARS_BY_MONTH = 3
_PERIOD = re.compile(r"(\d{4})(?:-(\d{2}))?", re.ASCII)


def in_periods(months: IntArray, periods: Sequence[str]) -> Mask:
    """Which months lie in one of the periods (``2024``, ``2024-03``); others hold nothing."""
    found = np.zeros(len(months), np.bool_)
    for first, last in filter(None, map(_bounds, periods)):
        found |= (months >= first) & (months <= last)
    return found


def count_dates(months: IntArray, chosen: Sequence[str]) -> tuple[tuple[str, int], ...]:
    """Count by month up to three years' span, else by year, in the order of time.

    With periods chosen, the months of their years. What has no date is not counted, what has
    a year alone only where years are counted.
    """
    if not len(months):
        return ()
    low = int(months.min()) // 13 * 13
    every = months if low else months[months >= 13]
    years_chosen = {period[:4] for period in chosen if _bounds(period)}
    if years_chosen:
        every = every[in_periods(every, sorted(years_chosen))]
    if not len(every):
        return ()
    low = int(every.min()) // 13 * 13
    counts = np.bincount(every - low)
    by_month = bool(years_chosen) or len(counts) <= 13 * MOST_YEARS_BY_MONTH
    if by_month:
        return tuple(
            (f"{at // 13:04d}-{at % 13:02d}", int(counts[at - low]))
            for at in (np.flatnonzero(counts) + low).tolist()
            if at % 13
        )
    by_year = np.add.reduceat(counts, np.arange(0, len(counts), 13))
    return tuple(
        (f"{low // 13 + at:04d}", int(by_year[at])) for at in np.flatnonzero(by_year).tolist()
    )


def _bounds(period: str) -> tuple[int, int] | None:
    match = _PERIOD.fullmatch(period)
    if match is None or match[1] == "0000":
        return None
    year, month = int(match[1]) * 13, int(match[2] or 0)
    if match[2] is None:
        return year, year + 12
    return (year + month, year + month) if 1 <= month <= 12 else None
