"""Whether what was entered on a paper (意见, 批示, 骑缝章) was changed after somebody signed it.

No lock holds text fields, so pyHanko lets a later update change them; here every field that was
filled is watched from then on: itself, and all its value and picture are made of.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

from archive.signing.pades.identity import entry, resolved
from archive.signing.pades.reached import number_of, reachable_from, resolve

_DEEPEST = 20


@dataclass(frozen=True)
class Alteration:
    """A field filled in one revision that another one touched again."""

    field: str
    filled: int
    touched: int


def find_alterations(reader: PdfFileReader, base: int) -> tuple[Alteration, ...]:
    """Return every field that was touched again after it was filled, from a revision on."""
    found: list[Alteration] = []
    watched: dict[tuple[int, int], tuple[str, int]] = {}
    for revision in range(base, reader.xrefs.total_revisions):
        if revision > base:
            touched = {number_of(one) for one in reader.xrefs.explicit_refs_in_revision(revision)}
            touched |= {number_of(one) for one in reader.xrefs.refs_freed_in_revision(revision)}
            found += [
                Alteration(name, filled, revision)
                for number, (name, filled) in watched.items()
                if number in touched
            ]
        for name, numbers in _filled_in(reader, revision, is_all=revision == base):
            watched.update(dict.fromkeys(numbers, (name, revision)))
    return tuple(found)


def altered_since(alterations: tuple[Alteration, ...], revision: int) -> tuple[str, ...]:
    """Return the fields that stood filled in a revision and were touched after it."""
    since = (one.field for one in alterations if one.filled <= revision < one.touched)
    return tuple(dict.fromkeys(since))


def _filled_in(
    reader: PdfFileReader, revision: int, *, is_all: bool
) -> Iterator[tuple[str, set[tuple[int, int]]]]:
    """Yield the text fields that stand filled: all of them, or those of one update."""
    resolver = reader.get_historical_resolver(revision)
    if is_all:
        form = resolved(resolver.root, "/AcroForm")
        references = list(_leaves(resolved(form, "/Fields") or (), 0)) if form else []
    else:
        references = list(reader.xrefs.explicit_refs_in_revision(revision))
    for reference in references:
        field = resolver(reference)
        if not isinstance(field, generic.DictionaryObject) or field.get("/FT") != "/Tx":
            continue
        if "/V" in field:
            parts = (field.raw_get(key) for key in ("/V", "/AP") if key in field)
            numbers = {number for part in parts for number in reachable_from(part)}
            yield entry(field, "/TU") or entry(field, "/T"), {number_of(reference), *numbers}


def _leaves(fields: Any, depth: int) -> Iterator[Any]:
    """Yield the references of all fields, those below others too."""
    for place in range(len(fields)):
        reference = fields.raw_get(place)
        if not isinstance(reference, generic.IndirectObject):
            continue
        yield reference.reference
        kids = resolved(resolve(reference), "/Kids")
        if kids and depth < _DEEPEST:
            yield from _leaves(kids, depth + 1)
