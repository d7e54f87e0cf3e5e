"""API tokens of a person: given out with a scope and an end, listed, ended by their owner.

How a token is found again is in ``people.access``.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, update

from archive.core.errors import Conflict, Invalid, NotFound
from archive.people.access import issue_token
from archive.people.models import ApiToken
from archive.people.rights import Actor
from archive.people.signin.notices import tell
from archive.people.signin.rules import SCOPES
from storage.work import UnitOfWork

MOST_DAYS = 366
MOST_TOKENS = 20
LONGEST_NAME = 60


@dataclass(frozen=True)
class TokenView:
    """A token as its owner sees it; the token itself was shown once."""

    id: int
    name: str
    scope: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None

    @property
    def scope_label(self) -> str:
        """The scope in words."""
        return SCOPES.get(self.scope, self.scope)


def list_tokens(uow: UnitOfWork, user_id: int) -> list[TokenView]:
    """Return a person's tokens that still hold, newest first."""
    rows = uow.session.scalars(
        select(ApiToken)
        .where(ApiToken.user_id == user_id, ApiToken.expires_at > uow.now())
        .order_by(ApiToken.id.desc())
    )
    return [
        TokenView(row.id, row.name, row.scope, row.created_at, row.expires_at, row.used_at)
        for row in rows
    ]


def make_token(uow: UnitOfWork, actor: Actor, name: str, scope: str, days: int | None) -> str:
    """Give oneself a token, shown once; raise Invalid by field, Conflict for too many.

    Conflict too for a name that one of them bears: who never saw that token ends it first.
    """
    named, wrong = " ".join(name.split()), {}
    if not named or len(named) > LONGEST_NAME or not named.isprintable():
        wrong["name"] = f"写明给哪个程序用，1 到 {LONGEST_NAME} 个字"
    if scope not in SCOPES:
        wrong["scope"] = "请选只读或读写"
    if days is None or not 1 <= days <= MOST_DAYS:
        wrong["days"] = f"1 到 {MOST_DAYS} 的整数"
    if wrong or days is None:
        raise Invalid("令牌没有发出，请按提示改正。", wrong)
    held = (ApiToken.user_id == actor.id, ApiToken.expires_at > uow.now())
    names = uow.session.scalars(select(ApiToken.name).where(*held)).all()
    if named in names:
        why = f"您已有一个令牌叫“{named}”；没有看到它的内容时，请先结束它，再发一个。"
        raise Conflict(why, {"name": "已有这个名称的令牌"})
    if len(names) >= MOST_TOKENS:
        raise Conflict(f"每人至多 {MOST_TOKENS} 个令牌，请先结束不用的。")
    uow.session.execute(
        delete(ApiToken).where(ApiToken.user_id == actor.id, ApiToken.expires_at <= uow.now())
    )
    issued = issue_token(uow, actor.id, days, name=named, scope=scope)
    tell(uow, actor.id, "token", f"您的账号发出了一个 API 令牌“{named}”（{SCOPES[scope]}）。")
    return issued


def end_token(uow: UnitOfWork, actor: Actor, token_id: int) -> None:
    """End one of one's tokens, at once; NotFound for another's, or one that ended before."""
    mine = (ApiToken.id == token_id, ApiToken.user_id == actor.id)
    if uow.session.scalar(select(ApiToken.id).where(*mine)) is None:
        raise NotFound("没有这个令牌，或者它已经结束。")
    uow.session.execute(delete(ApiToken).where(*mine))
    uow.journal(actor.id, "token.end", "user", actor.id, {"token": token_id})


def touch_token(uow: UnitOfWork, token_id: int) -> None:
    """Note that a token is in use now."""
    uow.session.execute(update(ApiToken).where(ApiToken.id == token_id).values(used_at=uow.now()))
