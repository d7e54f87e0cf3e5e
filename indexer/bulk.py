"""Cuts many texts at once into units, places and pairs, a character an element of an array.

Gives what `analysis.cut_text` gives text by text; only runs of letters and digits are looked at
one by one, and each spelling only once. Not here: words (analysis), files (writer, pair_table).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from indexer.analysis import BLANKS, IS_RUN, IS_UNIT, JOINTS, LONGEST_TERM, run_shape, run_terms
from indexer.pair_table import Codes, PairRows, unit_code
from indexer.postings import Rows

_UNIT, _RUN, _JOINT, _BLANK, _UNKNOWN = 1, 2, 4, 8, 255
_kinds = np.full(0x110000, _UNKNOWN, np.uint8)
"""What each character is; learned as characters are met."""


def _kinds_of(codes: Codes) -> npt.NDArray[np.uint8]:
    kinds = _kinds[codes]
    if kinds.max(initial=0) == _UNKNOWN:
        for code in np.unique(codes[kinds == _UNKNOWN]).tolist():
            sign = chr(code)
            kind = _RUN if IS_RUN(sign) else _UNIT if IS_UNIT(sign) else 0
            _kinds[code] = kind | _JOINT * (sign in JOINTS) | _BLANK * (sign in BLANKS)
        kinds = _kinds[codes]
    return kinds


@dataclass
class Runs:
    """The runs met so far, each spelling once: its code, and the terms by which it is found."""

    numbers: dict[str, int] = field(default_factory=dict)
    codes: list[int] = field(default_factory=list)
    shapes: list[str] = field(default_factory=list)
    terms: list[list[str]] = field(default_factory=list)

    def number(self, run: str) -> int:
        """The number of a run, a new one where it was not met before."""
        known = self.numbers.get(run)
        if known is None:
            known = self.numbers[run] = len(self.codes)
            shape = run_shape(run)
            self.shapes.append(shape)
            self.codes.append(unit_code(shape, is_run=True))
            self.terms.append(run_terms(run))
        return known


@dataclass(frozen=True)
class BulkCut:
    """The units of several texts in a row; `docs` arrays say of which text each one is."""

    signs: Codes
    sign_docs: Rows
    runs: Rows
    run_docs: Rows
    glued: list[tuple[str, int]]
    pairs: PairRows
    bases: Codes
    next_place: int


def cut_many(texts: Sequence[str], runs: Runs, place: int) -> BulkCut:
    """Cut folded texts, counting places from `place`; between texts one place stays empty."""
    whole = "\n".join(texts) + "\n"
    codes = np.frombuffer(whole.encode("utf-32-le", "surrogatepass"), np.uint32)
    kinds = _kinds_of(codes)
    in_run = _whole_runs(kinds)
    is_sign = (kinds & _UNIT) != 0
    before = np.concatenate([[False], in_run[:-1]])
    starts = np.flatnonzero(is_sign | (in_run & ~before))
    is_run = in_run[starts]
    gaps = _gaps(~(is_sign | in_run | ((kinds & _BLANK) != 0)), starts)
    places = place + np.arange(len(starts)) + np.cumsum(gaps)
    lengths = np.fromiter(map(len, texts), np.int64, len(texts)) + 1
    first_units = np.searchsorted(starts, np.cumsum(lengths) - lengths)
    docs = np.repeat(np.arange(len(texts)), np.diff(np.append(first_units, len(starts))))
    next_place = int(places[-1]) + 2 if len(places) else place
    numbers = _run_numbers(whole, starts[is_run], np.flatnonzero(in_run & ~_after(in_run)), runs)
    units = codes[starts]
    units[is_run] = np.array(runs.codes, np.uint32)[numbers] if len(numbers) else 0
    paired = np.flatnonzero(~gaps[1:])
    return BulkCut(
        signs=units[~is_run],
        sign_docs=docs[~is_run],
        runs=numbers,
        run_docs=docs[is_run],
        glued=_glued(paired, is_run, docs, numbers, runs),
        pairs=PairRows(units[paired], units[paired + 1], places[paired].astype(np.uint32)),
        bases=np.append(places, next_place)[first_units].astype(np.uint32),
        next_place=next_place,
    )


def _after(flags: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    return np.concatenate([flags[1:], [False]])


def _whole_runs(kinds: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Which characters belong to runs, single joints between letters and digits included."""
    is_run: npt.NDArray[np.bool_] = (kinds & _RUN) != 0
    joints = (kinds[1:-1] & _JOINT) != 0
    is_run[1:-1] |= joints & is_run[:-2] & is_run[2:]
    return is_run


def _gaps(breaks: npt.NDArray[np.bool_], starts: Rows) -> npt.NDArray[np.bool_]:
    """Before which units something stands that separates; never before the first."""
    count = np.cumsum(breaks, dtype=np.int32)[starts]
    gaps = np.zeros(len(starts), np.bool_)
    gaps[1:] = count[1:] != count[:-1]
    return gaps


def _run_numbers(whole: str, starts: Rows, ends: Rows, runs: Runs) -> Rows:
    spans = zip(starts.tolist(), ends.tolist(), strict=True)
    number = runs.number
    return np.fromiter((number(whole[a : b + 1]) for a, b in spans), np.intp, len(starts))


def _glued(
    paired: Rows, is_run: npt.NDArray[np.bool_], docs: Rows, numbers: Rows, runs: Runs
) -> list[tuple[str, int]]:
    """Letters and the number behind them as one term: GB/T 19001 = GB/T19001."""
    both = paired[is_run[paired] & is_run[paired + 1]]
    at = np.cumsum(is_run) - 1
    found = []
    for unit, own in zip(both.tolist(), at[both].tolist(), strict=True):
        first, second = runs.shapes[numbers[own]], runs.shapes[numbers[own + 1]]
        if first.isalpha() and second[:1].isdigit():
            found.append((f"{first}{second}"[:LONGEST_TERM], int(docs[unit])))
    return found
