"""Whether what comes in is here already: the bytes of a file, or a batch begun a moment ago.

Of what the actor may not read, only that it is there. Asked by the batch's page and at registering.
"""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import ColumnElement, exists, or_, select

from archive.filing.incoming.models import BatchState, FileState, IntakeBatch, IntakeFile
from archive.filing.items import items_of_files
from archive.filing.models import Item
from archive.people.readers import may_read
from archive.people.rights import Actor
from storage.work import UnitOfWork

KNOWN_ELSEWHERE = "内容相同的文件已在库"


def visible(actor: Actor) -> ColumnElement[bool]:
    """Return the condition "the actor may see this batch": within their clearance, or their own."""
    return or_(IntakeBatch.secrecy <= actor.clearance, IntakeBatch.made_by == actor.id)


def find_empty_twin(uow: UnitOfWork, row: IntakeBatch) -> IntakeBatch | None:
    """Return the person's own open batch just like this one that nothing is in yet, or None."""
    alike = select(IntakeBatch).where(
        IntakeBatch.made_by == row.made_by,
        IntakeBatch.state == BatchState.OPEN,
        IntakeBatch.title == row.title,
        IntakeBatch.source == row.source,
        IntakeBatch.department_id.is_not_distinct_from(row.department_id),
        ~exists().where(IntakeFile.batch_id == IntakeBatch.id),
    )
    found = uow.session.scalars(alike.order_by(IntakeBatch.id))
    return next((one for one in found if one.common == row.common), None)


def twins_of(uow: UnitOfWork, actor: Actor, rows: Sequence[IntakeFile]) -> dict[int, list[str]]:
    """Say of each waiting file where the same bytes are: filed, or earlier in an open batch.

    Of what the actor may not read, only that it is there.
    """
    found: dict[int, list[str]] = defaultdict(list)
    known = items_of_files(uow, {row.digest for row in rows})
    told = _filed_words(uow, actor, set(known.values()))
    for row in rows:
        if row.digest in known:
            found[row.id].append(told.get(known[row.digest], KNOWN_ELSEWHERE))
    earlier = _first_waiting(uow, actor, {row.digest for row in rows})
    for row in rows:
        first = earlier.get(row.digest)
        if first is not None and first[0] < row.id:
            where = "本批" if first[1] == row.batch_id else f"批次“{first[3]}”"
            found[row.id].append(f"与{where}的“{first[2]}”内容相同")
    return found


def _filed_words(uow: UnitOfWork, actor: Actor, ids: set[int]) -> dict[int, str]:
    rows = uow.session.execute(
        select(Item.id, Item.reference_code, Item.provisional_code, Item.title).where(
            Item.id.in_(ids), may_read(actor, "item", Item.id)
        )
    )
    return {
        row.id: f"{KNOWN_ELSEWHERE}：{row.reference_code or row.provisional_code or '待归档'} "
        f"{row.title}"
        for row in rows
    }


def _first_waiting(
    uow: UnitOfWork, actor: Actor, digests: set[str]
) -> dict[str, tuple[int, int, str, str]]:
    """Return of each digest the first waiting file: its id, batch, name and batch's name."""
    rows = uow.session.execute(
        select(
            IntakeFile.digest,
            IntakeFile.id,
            IntakeFile.batch_id,
            IntakeFile.name,
            IntakeBatch.title,
        )
        .join(IntakeBatch, IntakeBatch.id == IntakeFile.batch_id)
        .where(
            IntakeFile.digest.in_(digests),
            IntakeFile.state == FileState.WAITING,
            visible(actor),
        )
        .order_by(IntakeFile.id)
    )
    found: dict[str, tuple[int, int, str, str]] = {}
    for digest, *rest in rows:
        found.setdefault(digest, tuple(rest))  # type: ignore[arg-type]
    return found
