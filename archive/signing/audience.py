"""Who else may read a paper because signing brought them in: added, handed to, copied to.

Only widens the record's participants; what a person may see is decided in ``people.rights``.
Called by this station's services.
"""

from collections.abc import Iterable

from sqlalchemy import select

from archive.core.errors import Invalid, NotFound
from archive.people import readers
from archive.people import service as people
from archive.people.models import User
from archive.people.rights import SECRECY, Actor
from archive.records import service as records
from archive.records.models import Record
from archive.signing import chain
from archive.signing.models import SigningCopy, SigningRun
from storage.work import UnitOfWork


def let_in(uow: UnitOfWork, record_id: int, person_ids: Iterable[int]) -> None:
    """Let these people read the record from now on."""
    row = uow.session.get_one(Record, record_id)
    wanted = sorted({*row.participants, *person_ids})
    if wanted == row.participants:
        return
    row.participants = wanted
    uow.session.flush()
    readers.write_readers(uow, "record", record_id, records.thing_of(uow, record_id))
    uow.outbox("index", f"record:{record_id}")


def is_cleared(uow: UnitOfWork, record_id: int, person: Actor) -> bool:
    """Say whether the person's clearance reaches the record's secrecy (内部 is for everyone)."""
    secrecy = uow.session.get_one(Record, record_id).secrecy
    return secrecy <= 1 or person.clearance >= secrecy


def require_cleared(uow: UnitOfWork, record_id: int, person: Actor) -> None:
    """Raise Invalid when the paper is too secret for the person."""
    if is_cleared(uow, record_id, person):
        return
    label = SECRECY[uow.session.get_one(Record, record_id).secrecy]
    raise Invalid(
        f"这份文件是{label}，{person.name}没有看它的权限，请换人。",
        {"person": "权限不够"},
    )


def person_named(uow: UnitOfWork, text: str) -> Actor:
    """Return the person meant by a name, staff number or user name; raise Invalid.

    Names that several people bear must be told apart by staff number.
    """
    word = text.strip()
    if not word:
        raise Invalid("请写明是谁：姓名、工号或用户名。", {"person": "不能为空"})
    found = people.staff(uow, word[:60].split()[-1], 50)
    exact = [one for one in found if word in (one.username, one.staff_no, _label(one))]
    named = exact or [one for one in found if one.name == word]
    if len(named) == 1:
        return named[0]
    if named:
        numbers = "、".join(f"{one.name}（{one.staff_no}）" for one in named)
        raise Invalid(f"叫“{word}”的不止一位：{numbers}。请写工号。", {"person": "请写工号"})
    raise Invalid(f"没有叫“{word[:30]}”的在职人员，请写全姓名或工号。", {"person": "查无此人"})


def people_named(uow: UnitOfWork, texts: Iterable[str]) -> tuple[Actor, ...]:
    """Return the people meant, each once; raise Invalid."""
    found = [person_named(uow, text) for text in texts if text.strip()]
    return tuple({one.id: one for one in found}.values())


def suggestions(uow: UnitOfWork, text: str) -> tuple[tuple[str, str], ...]:
    """Return what to type for people whose name or number holds the text, and what to read."""
    return tuple((_label(one), one.department_name) for one in people.staff(uow, text, 12))


def department_of(uow: UnitOfWork, person_id: int) -> int:
    """Return the department of a person, gone or not."""
    return uow.session.get_one(User, person_id).department_id


def get_person(uow: UnitOfWork, person_id: int) -> Actor:
    """Return a person who is here; raise NotFound."""
    person = people.find_actor(uow, person_id)
    if person is None:
        raise NotFound("没有这个人，或已离职。")
    return person


def _label(person: Actor) -> str:
    return f"{person.name} {person.staff_no}"


def send_copy(uow: UnitOfWork, actor: Actor, run: SigningRun, person_id: int) -> bool:
    """Send the paper to a person to read (抄送), once; say whether it is new to them."""
    person = get_person(uow, person_id)
    require_cleared(uow, run.record_id, person)
    there = uow.session.scalar(
        select(SigningCopy.id).where(
            SigningCopy.run_id == run.id, SigningCopy.person_id == person_id
        )
    )
    if there is not None or person_id == actor.id:
        return False
    uow.session.add(
        SigningCopy(
            run_id=run.id, person_id=person_id, by_id=actor.id, sent_at=uow.now(), read_at=None
        )
    )
    let_in(uow, run.record_id, [person_id])
    chain.note_act(uow, run.id, None, "copy", actor.id, other_id=person_id)
    uow.journal(actor.id, "record.copy", "record", run.record_id, {"to": person_id})
    return True
