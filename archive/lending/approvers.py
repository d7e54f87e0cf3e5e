"""Who must approve: a rule's candidates turned into persons when the request is made.

Nobody approves their own request or a paper above their clearance: then the next higher person
is asked (archive.md 6, point 8). Delegation is none of this module's business.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from archive.lending.matching import CANDIDATES
from archive.people import service as people
from archive.people.rights import Actor
from storage.work import UnitOfWork


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
    found: dict[str, Actor] = {}
    office = cache(lambda role: people.actors_with_role(uow, role))
    for candidate in CANDIDATES:
        for person in _line_of(uow, candidate, borrower, department_id, office):
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
    uow: UnitOfWork,
    candidate: str,
    borrower: Actor,
    department_id: int | None,
    office: Callable[[str], list[Actor]],
) -> Iterator[Actor]:
    """Yield who may fill a candidate, the nearest first, then the next higher ones."""
    if candidate == "own_head":
        yield from _heads_upwards(uow, borrower.department_id)
    elif candidate == "owner_head":
        yield from _heads_upwards(uow, department_id)
    if candidate == "archivist":
        yield from office("archivist")
    if candidate in ("archivist", "archive_head") or (
        candidate == "owner_head" and department_id is None
    ):
        yield from office("archive_head")
    yield from office("leader")


def _heads_upwards(uow: UnitOfWork, department_id: int | None) -> Iterable[Actor]:
    parents = {unit.id: unit.parent_id for unit in people.departments(uow)}
    seen: set[int] = set()
    while department_id is not None and department_id not in seen:
        seen.add(department_id)
        head = people.head_of(uow, department_id)
        if head is not None:
            yield head
        department_id = parents.get(department_id)
