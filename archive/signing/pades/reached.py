"""Which objects a part of a PDF is made of, by number."""

from collections.abc import Iterator
from typing import Any

from pyhanko.pdf_utils import generic


def reachable_from(start: Any) -> Iterator[tuple[int, int]]:
    """Yield the number and generation of everything a value refers to, however deep."""
    waiting, seen = [start], set[tuple[int, int]]()
    while waiting:
        thing = waiting.pop()
        if isinstance(thing, generic.IndirectObject):
            number = number_of(thing)
            if number in seen:
                continue
            seen.add(number)
            yield number
            thing = resolve(thing)
        if isinstance(thing, generic.DictionaryObject):
            waiting.extend(thing.raw_get(key) for key in thing)
        elif isinstance(thing, generic.ArrayObject):
            waiting.extend(thing.raw_get(place) for place in range(len(thing)))


def resolve(reference: Any) -> Any:
    """Return what a reference refers to."""
    return reference.get_object()


def number_of(reference: Any) -> tuple[int, int]:
    """Return a reference's number and generation."""
    return int(reference.idnum), int(reference.generation)
