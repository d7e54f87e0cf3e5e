"""Mails that something new fits a search a person keeps.

Only how many, and where to look: a mail may be read by others. Once until the person has looked.
"""

from archive.people.models import User
from archive.people.postman import Letter, Postman
from archive.people.service import find_actor
from archive.search.models import SavedSearch
from storage.work import UnitOfWork

MAIL = "search_mail"


def leave_mail(uow: UnitOfWork, row: SavedSearch, before: int) -> None:
    """Leave a mail for the worker when news begins to wait: ``before`` is how much waited."""
    if row.fresh and not before and uow.session.get_one(User, row.user_id).email:
        uow.outbox(MAIL, f"saved:{row.id}")


class NewsPostman(Postman):
    """Delivers outbox rows of kind ``search_mail`` (key ``saved:ID``)."""

    def letter(self, uow: UnitOfWork, number: int) -> Letter | None:
        """Return the letter; None when all was seen, or its owner has left."""
        row = uow.session.get(SavedSearch, number)
        if row is None or not row.fresh or find_actor(uow, row.user_id) is None:
            return None
        count = len(row.fresh)
        return Letter(
            to=uow.session.get_one(User, row.user_id),
            subject=f"【检索】“{row.name}”有 {count} 份新文件",
            at=row.looked_at,
            mark=f"saved-search-{row.id}-{int(row.looked_at.timestamp())}",
            text=f"您保存的检索“{row.name}”有 {count} 份新文件合乎条件，看过以前不再发邮件。",
            page="/search/saved",
        )

    def note_sent(self, uow: UnitOfWork, number: int) -> None:
        """Nothing is kept: the next mail is left only after the person has looked."""


NEWS_POSTMAN = NewsPostman()
