"""Who must approve: a rule's candidates turned into persons when the request is made.

Nobody approves their own request or a paper above their clearance: then the next higher person
is asked (archive.md 6, point 8). Delegation is none of this module's business.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from archive.lending.matching import CANDIDATES
from archive.people import service as people
from archive.people.rights import Actor
from storage.work import UnitOfWork

Held = Sequence[tuple[str, Actor]]
_OFFICES = ("archivist", "archive_head", "leader")


@dataclass(frozen=True)
class Approver:
    """One approval to ask for: as what (one or more candidates, ``+`` between) and of whom."""

    candidate: str
    person: Actor

    @property
    def label(self) -> str:
        """In what capacity, as shown to people."""
        return candidate_label(self.candidate)


def candidate_label(candidate: str) -> str:
    """Return the candidates of an approval as shown to people."""
    return "、".join(CANDIDATES.get(one, one) for one in candidate.split("+"))


def find_approvers(
    uow: UnitOfWork, borrower: Actor, department_id: int | None, secrecy: int
) -> dict[str, Actor]:
    """Return for each candidate the person to ask; a candidate nobody can fill is left out.

    ``department_id`` is the paper's department, ``secrecy`` its rank.
    """
    parents = {unit.id: unit.parent_id for unit in people.departments(uow)}
    own, owner = (_upwards(parents, one) for one in (borrower.department_id, department_id))
    held = people.in_charge(uow, _OFFICES, {*own, *owner})
    found: dict[str, Actor] = {}
    for candidate in CANDIDATES:
        for person in _line_of(candidate, held, own, owner):
            if person.id != borrower.id and person.clearance >= secrecy:
                found[candidate] = person
                break
    return found


def in_order(candidates: Sequence[str], persons: dict[str, Actor]) -> tuple[Approver, ...]:
    """Return the approvals to ask for, in the rule's order; one person is asked once."""
    asked: dict[int, list[str]] = {}
    for candidate in candidates:
        asked.setdefault(persons[candidate].id, []).append(candidate)
    by_id = {person.id: person for person in persons.values()}
    return tuple(Approver("+".join(names), by_id[one]) for one, names in asked.items())


def _line_of(
    candidate: str, held: Held, own: Sequence[int], owner: Sequence[int]
) -> Iterator[Actor]:
    """Yield who may fill a candidate, the nearest first, then the next higher ones.

    ``own`` and ``owner`` are the borrower's and the paper's department with all above it.
    """
    if candidate == "own_head":
        yield from _heads(held, own)
    elif candidate == "owner_head":
        yield from _heads(held, owner)
    if candidate == "archivist":
        yield from _office(held, "archivist")
    if candidate in ("archivist", "archive_head") or (candidate == "owner_head" and not owner):
        yield from _office(held, "archive_head")
    yield from _office(held, "leader")


def _office(held: Held, role: str) -> list[Actor]:
    return [person for one, person in held if one == role]


def _heads(held: Held, units: Sequence[int]) -> Iterator[Actor]:
    """Yield the first head of each department, in the order given."""
    for unit in units:
        yield from [one for one in _office(held, "head") if one.department_id == unit][:1]


def _upwards(parents: Mapping[int, int | None], department_id: int | None) -> list[int]:
    """Return a department and those above it, the nearest first."""
    found: list[int] = []
    while department_id is not None and department_id not in found:
        found.append(department_id)
        department_id = parents.get(department_id)
    return found
