"""Mails that something new fits a search a person keeps, over the same server as loan notices.

Only how many, and where to look: a mail may be read by others. Once until the person has looked.
"""

from email.message import EmailMessage
from email.utils import format_datetime

from archive.core.clock import local
from archive.core.profile import load_profile
from archive.core.resources import Resources
from archive.lending.mail import ADDRESS, Postman
from archive.people.models import User
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

    def letter(self, resources: Resources, saved_id: int) -> tuple[int, EmailMessage] | None:
        """Return the mail; None when all was seen, or its owner has left or has no address."""
        settings = resources.settings
        with resources.reading() as uow:
            row = uow.session.get(SavedSearch, saved_id)
            if row is None or not row.fresh or find_actor(uow, row.user_id) is None:
                return None
            person = uow.session.get_one(User, row.user_id)
            if not ADDRESS.fullmatch(person.email):
                return None
            letter = EmailMessage()
            letter["From"], letter["To"] = settings.mail_from, person.email
            letter["Subject"] = f"【检索】“{row.name}”有 {len(row.fresh)} 份新文件"
            letter["Date"] = format_datetime(local(row.looked_at))
            domain = settings.mail_from.partition("@")[2]
            stamp = int(row.looked_at.timestamp())
            letter["Message-ID"] = f"<saved-search-{row.id}-{stamp}@{domain}>"
            letter.set_content(
                f"{person.name}：\n\n您保存的检索“{row.name}”有 {len(row.fresh)} 份新文件合乎条件，"
                f"看过以前不再发邮件。\n\n{settings.public_url}/search/saved\n\n"
                f"{load_profile(uow).company}档案室\n"
            )
            return row.id, letter

    def note_sent(self, resources: Resources, saved_id: int) -> None:
        """Nothing is kept: the next mail is left only after the person has looked."""


NEWS_POSTMAN = NewsPostman()
