"""The order of a field's values, kept from one commit to the next: only new values are put in.

Called by snapshot. Not here: what the order is by (search).
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from indexer.postings import IntArray


@dataclass(frozen=True)
class Ranks:
    """The keys of values in order, and beside each the code of its value, from 1."""

    keys: list[str] = field(default_factory=list)
    codes: IntArray = field(default_factory=lambda: np.empty(0, np.int32))
    repeats: npt.NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, np.bool_))
    """Which keys are equal to the one before."""

    def grown(self, values: Sequence[str], key_of: Callable[[str], str]) -> "Ranks":
        """The order of these values, of which those known here come first."""
        first = len(self.codes)
        new = sorted((key_of(value), code) for code, value in enumerate(values[first:], first + 1))
        if not new:
            return self
        keys = [key for key, _ in new]
        places = [bisect_right(self.keys, key) for key in keys]
        before = [False, *(one == other for one, other in pairwise(keys))]
        known = (
            place > 0 and self.keys[place - 1] == key
            for place, key in zip(places, keys, strict=True)
        )
        repeats = [one or other for one, other in zip(before, known, strict=True)]
        return Ranks(
            sorted([*self.keys, *keys]),  # two runs in order: merged, not sorted
            np.insert(self.codes, places, [code for _, code in new]).astype(np.int32),
            np.insert(self.repeats, places, repeats),
        )

    def by_code(self) -> IntArray:
        """The rank of each code, the same for equal keys; code 0, no value, comes last."""
        found = np.empty(len(self.codes) + 1, np.int32)
        found[self.codes] = np.cumsum(~self.repeats)
        found[0] = len(found)
        return found
