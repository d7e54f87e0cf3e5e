"""Words that mean the same (合约 = 合同): taken into the query, never into the index.

Not here: who keeps the list (archive.search). Called by typed_words.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from indexer.folding import fold

Groups = tuple[tuple[str, ...], ...]
"""Groups of words; in each all mean the same."""


@dataclass(frozen=True)
class Synonyms:
    """The list prepared for reading queries; `others` leads from a folded word to its equals."""

    others: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pattern: re.Pattern[str] | None = None

    def found_in(self, folded: str) -> Iterable[re.Match[str]]:
        """Every word of the list in a text, the longest first where several begin."""
        return self.pattern.finditer(folded) if self.pattern else ()


@lru_cache(maxsize=8)
def prepare(groups: Groups) -> Synonyms:
    """Prepare a list; words are folded, what is left of a group without a second word is idle."""
    others: dict[str, dict[str, None]] = {}
    for group in groups:
        words = list(dict.fromkeys(word for text in group if (word := fold(text).strip())))
        for word in words:
            equals = others.setdefault(word, {})
            equals.update(dict.fromkeys(one for one in words if one != word))
    known = {word: tuple(equals) for word, equals in others.items() if equals}
    if not known:
        return Synonyms()
    longest_first = sorted(known, key=len, reverse=True)
    return Synonyms(known, re.compile("|".join(map(re.escape, longest_first))))
