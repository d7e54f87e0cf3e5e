"""Gathers the texts of a segment as arrays: words, units and pairs by document.

Many texts are worked on at once, one kind of work after the other: that is twice as fast as one
text after the other. Not here: the other fields and the files (writer), words (analysis).
"""

from array import array
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import chain, count
from typing import Any

import numpy as np
import numpy.typing as npt

from indexer.analysis import every_word, is_word
from indexer.bulk import Runs, cut_many
from indexer.pair_table import PairRows, PairTable
from indexer.postings import Rows
from indexer.segment import Mask

Numbers = npt.NDArray[np.uint32]
Add = Callable[[Iterable[str], npt.NDArray[Any], npt.NDArray[Any]], None]
"""Takes terms, and postings told by the places of their terms and by their documents."""


class KeyBatch:
    """The postings of a segment: numbers of keys beside numbers of documents.

    A key is the number of a field (two bytes) with a term behind it.
    """

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = defaultdict(count().__next__)
        self._rows: list[tuple[Numbers, Numbers]] = []

    def add(self, keys: Iterable[bytes], places: npt.NDArray[Any], docs: npt.NDArray[Any]) -> None:
        """Add postings whose keys are told by their places in `keys`."""
        own = np.fromiter(map(self._numbers.__getitem__, keys), np.uint32)
        self._rows.append((own[places], docs.astype(np.uint32, copy=False)))

    def taken(self) -> tuple[list[bytes], list[tuple[Numbers, Numbers]]]:
        """All keys and postings; nothing stays here, for they are many."""
        found = list(self._numbers), self._rows
        self._numbers, self._rows = {}, []
        return found


class FieldBatch:
    """The postings of one short field: numbers of terms beside numbers of documents."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = defaultdict(count().__next__)
        self._terms = array("I")
        self._docs = array("I")

    def add(self, first: int, rows: Sequence[Collection[str]]) -> list[int]:
        """Add the terms of documents in a row, from `first` on; returns how many each has.

        A term may come several times.
        """
        sizes = list(map(len, rows))
        self._terms.extend(map(self._numbers.__getitem__, chain.from_iterable(rows)))
        docs = np.repeat(np.arange(first, first + len(rows), dtype=np.uint32), sizes)
        self._docs.frombytes(docs.tobytes())
        return sizes

    def fill(self, add: Add) -> None:
        """Hand over all terms and documents."""
        add(
            self._numbers,
            np.frombuffer(self._terms, np.uint32),
            np.frombuffer(self._docs, np.uint32),
        )


class _WordNumbers(dict[str, int]):
    """A number for each Han word, from 1; 0 for whatever else rjieba cuts."""

    def __init__(self) -> None:
        super().__init__()
        self.words = [""]

    def __missing__(self, word: str) -> int:
        number = len(self.words) if is_word(word) else 0
        if number:
            self.words.append(word)
        self[word] = number
        return number


class _Chunks:
    """Numbers beside documents, as they come."""

    def __init__(self) -> None:
        self._numbers: list[Numbers] = []
        self._docs: list[Numbers] = []

    def add(self, numbers: npt.NDArray[Any], docs: npt.NDArray[Any]) -> None:
        self._numbers.append(numbers.astype(np.uint32))
        self._docs.append(docs.astype(np.uint32))

    def taken(self) -> tuple[Numbers, Numbers]:
        """All of them in a row; nothing stays here, for they are many."""
        empty = np.empty(0, np.uint32)
        found = np.concatenate([empty, *self._numbers]), np.concatenate([empty, *self._docs])
        self._numbers, self._docs = [], []
        return found


class TextBatch:
    """The texts of one segment, and the pairs of older segments that are merged into it."""

    def __init__(self) -> None:
        self.pairs: list[PairRows] = []
        self.lengths: list[int] = []
        self._bases: list[Numbers] = []
        self._next_place = 1
        self._numbers = _WordNumbers()
        self._runs = Runs()
        self._words, self._run_rows, self._signs = _Chunks(), _Chunks(), _Chunks()
        self._glued: list[tuple[str, int]] = []

    def add(self, folded: Sequence[str]) -> None:
        """Add the texts of the next documents."""
        texts, first = len(folded), len(self.lengths)
        words, word_docs = self._cut_words(folded)
        cut = cut_many(folded, self._runs, self._next_place)
        self._words.add(words, word_docs + first)
        self._signs.add(cut.signs, cut.sign_docs + first)
        self._run_rows.add(cut.runs, cut.run_docs + first)
        self._glued += [(term, doc + first) for term, doc in cut.glued]
        self.pairs.append(cut.pairs)
        self._bases.append(cut.bases)
        self._next_place = cut.next_place
        of_run = _sizes(self._runs.terms)[cut.runs]
        counts = np.bincount(word_docs, minlength=texts)
        counts = counts + np.bincount(cut.run_docs, of_run, texts).astype(np.int64)
        self.lengths += counts.tolist()

    def _cut_words(self, folded: Sequence[str]) -> tuple[Numbers, Numbers]:
        """The numbers of the Han words of each text, and the number of the text."""
        found, ends = array("I"), []
        number = self._numbers.__getitem__
        for text in folded:
            found.extend(map(number, every_word(text)))
            ends.append(len(found))
        numbers = np.frombuffer(found, np.uint32)
        docs = np.repeat(np.arange(len(folded), dtype=np.uint32), np.diff(ends, prepend=0))
        is_word = numbers > 0
        return numbers[is_word], docs[is_word]

    def take_over(self, table: PairTable, live: Mask, lengths: list[int]) -> None:
        """Take the pairs of an older segment's live documents behind those here already."""
        self.lengths += lengths
        rows, bases = table.rows(), table.bases.astype(np.int64)
        end = int(rows.places.max(initial=int(bases.max(initial=0)))) + 3
        sizes = np.where(live, np.append(bases[1:], end) - bases, 0)
        moved = self._next_place + np.cumsum(sizes) - sizes
        of_rows = table.docs_of(rows.places)
        keep = live[of_rows]
        places = rows.places[keep] + (moved - bases)[of_rows[keep]]
        self.pairs.append(PairRows(rows.first[keep], rows.second[keep], places.astype(np.uint32)))
        self._bases.append(moved[live].astype(np.uint32))
        self._next_place += int(sizes.sum())

    def fill(self, add_words: Add, add_units: Add) -> None:
        """Hand over what was gathered for the fields of words and units."""
        add_words(self._numbers.words, *self._words.taken())
        self._fill_runs(add_words, add_units)
        codes, docs = self._signs.taken()
        present = np.flatnonzero(np.bincount(codes, minlength=1))
        table = np.zeros(int(present.max(initial=0)) + 1, np.intp)
        table[present] = np.arange(len(present))
        add_units(map(chr, present.tolist()), table[codes], docs)
        terms, glued = [term for term, _ in self._glued], [doc for _, doc in self._glued]
        add_units(terms, np.arange(len(terms)), np.array(glued, np.uint32))

    def bases(self) -> Numbers:
        """The first place of each document."""
        return np.concatenate([np.empty(0, np.uint32), *self._bases])

    def _fill_runs(self, *fields: Add) -> None:
        """Each run stands for all the terms by which it is found."""
        runs, docs = (own.astype(np.intp) for own in self._run_rows.taken())
        sizes = _sizes(self._runs.terms)
        firsts, of_rows = (np.cumsum(sizes) - sizes)[runs], sizes[runs]
        shifts = firsts - (np.cumsum(of_rows) - of_rows)
        numbers = np.repeat(shifts, of_rows) + np.arange(int(of_rows.sum()))
        terms = list(chain.from_iterable(self._runs.terms))
        for add in fields:
            add(terms, numbers, np.repeat(docs, of_rows))


def _sizes(rows: list[list[str]]) -> Rows:
    return np.fromiter(map(len, rows), np.intp, len(rows))
