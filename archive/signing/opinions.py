"""Ready phrases for opinions (常用批语): everybody's, kept by the administrator, and one's own.

The office starts with the usual ones; they are rows from the first change on. One click fills a
phrase in; nothing is submitted by it. Called by the pages and calls of this station.
"""

from sqlalchemy import Select, func, or_, select

from archive.core.errors import Invalid, NotFound
from archive.people.rights import Actor, require
from archive.signing.models import OpinionPhrase
from archive.signing.views import PhraseView
from storage.work import UnitOfWork

USUAL = (
    "同意。",
    "不同意。",
    "已阅。",
    "拟同意，请领导审批。",
    "情况属实。",
    "请补充材料后重报。",
    "缓办。",
)
LONGEST, MOST = 100, 30


def phrases_for(uow: UnitOfWork, actor: Actor) -> tuple[PhraseView, ...]:
    """Return everybody's phrases, then the person's own."""
    rows = uow.session.scalars(
        select(OpinionPhrase)
        .where(or_(OpinionPhrase.owner_id.is_(None), OpinionPhrase.owner_id == actor.id))
        .order_by(OpinionPhrase.owner_id.is_not(None), OpinionPhrase.place, OpinionPhrase.id)
    ).all()
    common = tuple(_view(row) for row in rows if row.owner_id is None)
    own = tuple(_view(row) for row in rows if row.owner_id is not None)
    usual = tuple(PhraseView(0, text, is_common=True) for text in USUAL)
    return (common or usual) + own


def add_phrase(
    uow: UnitOfWork, actor: Actor, text: str, *, for_everybody: bool = False
) -> PhraseView:
    """Add a phrase to one's own, or, as administrator, to everybody's; raise Invalid."""
    phrase = " ".join(text.split())
    if not phrase:
        raise Invalid("请写下批语。", {"text": "不能为空"})
    if len(phrase) > LONGEST or not phrase.isprintable():
        raise Invalid("批语太长或含有看不见的字符。", {"text": f"最多 {LONGEST} 个可见的字"})
    owner_id = None if for_everybody else actor.id
    if for_everybody:
        require(actor, "people.edit")
        _keep_usual(uow)
    present = uow.session.scalars(_of(owner_id)).all()
    if any(row.text == phrase for row in present):
        raise Invalid("已有这句批语。", {"text": "重复"})
    if len(present) >= MOST:
        raise Invalid(f"最多 {MOST} 句，请先删去不用的。", {"text": "太多"})
    row = OpinionPhrase(owner_id=owner_id, text=phrase, place=len(present))
    uow.session.add(row)
    uow.session.flush()
    uow.journal(actor.id, "phrase.add", "phrase", row.id, {"common": for_everybody})
    return _view(row)


def remove_phrase(uow: UnitOfWork, actor: Actor, text: str, *, for_everybody: bool = False) -> None:
    """Take a phrase out of one's own, or, as administrator, out of everybody's."""
    if for_everybody:
        require(actor, "people.edit")
        _keep_usual(uow)
    owner_id = None if for_everybody else actor.id
    row = uow.session.scalar(_of(owner_id).where(OpinionPhrase.text == text))
    if row is None:
        raise NotFound("没有这句批语。")
    uow.session.delete(row)
    uow.journal(actor.id, "phrase.remove", "phrase", row.id, {"common": for_everybody})
    uow.session.flush()


def _keep_usual(uow: UnitOfWork) -> None:
    """Write the usual phrases down before the first change, so that each can be changed."""
    there = uow.session.scalar(
        select(func.count()).select_from(OpinionPhrase).where(OpinionPhrase.owner_id.is_(None))
    )
    if not there:
        uow.session.add_all(
            OpinionPhrase(owner_id=None, text=text, place=place) for place, text in enumerate(USUAL)
        )
        uow.session.flush()


def _of(owner_id: int | None) -> Select[OpinionPhrase]:
    column = OpinionPhrase.owner_id
    whose = column.is_(None) if owner_id is None else column == owner_id
    return select(OpinionPhrase).where(whose).order_by(OpinionPhrase.place)


def _view(row: OpinionPhrase) -> PhraseView:
    return PhraseView(row.id, row.text, is_common=row.owner_id is None)
