"""Mails what people are to hear about their accounts, over the same server as loan notices."""

from email.message import EmailMessage
from email.utils import format_datetime

from archive.config import Settings
from archive.core.clock import local
from archive.core.profile import load_profile
from archive.core.resources import Resources
from archive.lending.mail import ADDRESS, Postman
from archive.people.models import User
from archive.people.signin.models import AccountNotice


class AccountPostman(Postman):
    """Delivers outbox rows of kind ``account_mail`` (key ``notice:ID``)."""

    def letter(self, resources: Resources, notice_id: int) -> tuple[int, EmailMessage] | None:
        """Return the notice as a mail; None when it was sent, or the person has no address."""
        with resources.reading() as uow:
            row = uow.session.get(AccountNotice, notice_id)
            person = uow.session.get(User, row.user_id) if row else None
            if row is None or person is None or row.mailed_at is not None:
                return None
            if not ADDRESS.fullmatch(person.email):
                return None
            return row.id, _written(resources.settings, row, person, load_profile(uow).company)

    def note_sent(self, resources: Resources, notice_id: int) -> None:
        """Note that the server took it."""
        with resources.work() as uow:
            uow.session.get_one(AccountNotice, notice_id).mailed_at = uow.now()
            uow.commit()


ACCOUNT_POSTMAN = AccountPostman()


def _written(settings: Settings, row: AccountNotice, person: User, company: str) -> EmailMessage:
    letter = EmailMessage()
    letter["From"] = settings.mail_from
    letter["To"] = person.email
    letter["Subject"] = "【账号安全】请看一下您的账号"
    letter["Date"] = format_datetime(local(row.created_at))
    domain = settings.mail_from.partition("@")[2]
    letter["Message-ID"] = f"<account-notice-{row.id}@{domain}>"
    page = f"{settings.public_url}/account"
    letter.set_content(f"{person.name}：\n\n{row.text}\n\n{page}\n\n{company}\n")
    return letter
