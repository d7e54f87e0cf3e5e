"""Finds the people for a form's sign-off chain at submission, by the form and the values.

Only reads. The decision who of the able takes a step is ``rules.plan_chain``.
"""

from collections.abc import Callable, Mapping, Sequence

from archive.core.errors import Invalid
from archive.forms.service import get_form
from archive.people import service as people
from archive.people.rights import Actor
from archive.records.views import RecordView
from archive.signing.rules import OUTSIDE, Plan, plan_chain
from archive.signing.seals.ledger import CANDIDATE
from archive.signing.seals.views import SealAsked
from doc_templates import SEAL_ROLE, Form, Signer
from doc_templates.condition import holds, parse_condition
from storage.work import UnitOfWork

Chosen = Mapping[str, Sequence[int]]


def plan_for(
    uow: UnitOfWork,
    record: RecordView,
    chosen: Chosen | None = None,
    *,
    with_outside: bool = False,
    seal: SealAsked | None = None,
) -> Plan:
    """Give every electronic step of the record's form to people; raise Invalid if none can.

    ``chosen`` holds the people the submitter picked, by role, for the steps that ask for it;
    ``with_outside``: the other party signs by a link too, and not on paper; ``seal``: the company's
    seal is put on by its keeper, after our people and before the other party.
    """
    form = get_form(uow, record.form_code, record.form_version)
    chain = form.signers if with_outside else form.chain
    if seal is not None:
        ours = tuple(signer for signer in chain if signer.is_electronic)
        step = Signer(SEAL_ROLE, f"{CANDIDATE}{seal.keeper_id}")
        chain = (*ours, step, *(signer for signer in chain if not signer.is_electronic))
    unneeded = {
        place: f"不需要（{signer.when}）"
        for place, signer in enumerate(chain)
        if signer.when and not _is_needed(signer, record)
    }
    able = [
        () if place in unneeded else _able(uow, signer, record, chosen or {})
        for place, signer in enumerate(chain)
    ]
    return plan_chain(chain, record.author_id, able, unneeded)


def steps_to_choose(form: Form) -> tuple[Signer, ...]:
    """Return the steps whose people the submitter picks."""
    return tuple(signer for signer in form.chain if signer.candidate == "chosen")


def outside_role(form: Form) -> str:
    """Return the step that the other party signs; empty if the form has none."""
    return next((one.role for one in form.signers if not one.is_electronic), "")


def _is_needed(signer: Signer, record: RecordView) -> bool:
    facts = {"部门": record.department_name, "提交人": record.author_name}
    return holds(parse_condition(signer.when), record.content, facts)


def _able(uow: UnitOfWork, signer: Signer, record: RecordView, chosen: Chosen) -> list[int]:
    word, _, detail = signer.candidate.partition(":")
    finders: Mapping[str, Callable[[], list[int]]] = {
        "submitter": lambda: [record.author_id],
        "head": lambda: heads_upward(uow, record.department_id, int(detail or 1)),
        "role": lambda: _ids(people.actors_with_role(uow, detail)),
        "person": lambda: _person(uow, detail),
        "position": lambda: _ids(people.actors_in_position(uow, detail, record.department_id)),
        "dept": lambda: _head_of_named(uow, detail),
        "field": lambda: _named_in(uow, record, detail),
        "chosen": lambda: list(chosen.get(signer.role, ())),
        "seal": lambda: [int(detail)],
        OUTSIDE: list,
    }
    find = finders.get(word, lambda: _ids(people.actors_with_role(uow, word)))
    found = find()
    if word == "chosen" and not found and signer.empty != "skip":
        raise Invalid(f"请先选定“{signer.role}”由谁签。", {signer.role: "请选人"})
    if found or signer.empty in ("stop", "skip"):
        return found
    if signer.empty == "admin":
        return _ids(people.actors_with_role(uow, "security_admin"))
    return heads_upward(uow, record.department_id, 1)


def heads_upward(uow: UnitOfWork, department_id: int, level: int) -> list[int]:
    """Return the head ``level`` units up, then the heads above, then the leaders."""
    parents = {unit.id: unit.parent_id for unit in people.departments(uow)}
    unit: int | None = department_id
    for _ in range(level - 1):
        unit = parents.get(unit) if unit is not None else None
    found: list[int] = []
    while unit is not None:
        head = people.head_of(uow, unit)
        if head is not None and head.id not in found:
            found.append(head.id)
        unit = parents.get(unit)
    return found + [leader.id for leader in people.actors_with_role(uow, "leader")]


def _person(uow: UnitOfWork, username: str) -> list[int]:
    found = people.find_actor_by_username(uow, username)
    return [found.id] if found else []


def _head_of_named(uow: UnitOfWork, name: str) -> list[int]:
    unit = next((one for one in people.departments(uow) if name in (one.name, one.code)), None)
    head = people.head_of(uow, unit.id) if unit else None
    return [head.id] if head else []


def _named_in(uow: UnitOfWork, record: RecordView, key: str) -> list[int]:
    """Return the people, or the heads of the departments, that an entry names."""
    value = record.content.get(key)
    names = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    found: list[int] = []
    for name in names:
        text = str(name).strip()
        persons = [one.id for one in people.staff(uow, text, 50) if text and one.name == text]
        if len(persons) > 1:
            raise Invalid(
                f"“{key}”里的“{text}”有 {len(persons)} 位同名，无法确定由谁签，请系统管理员处理。",
                {key: "重名"},
            )
        found += persons or _head_of_named(uow, text)
    return found


def _ids(actors: Sequence[Actor]) -> list[int]:
    return [one.id for one in actors]
