"""What people are to hear about their accounts, as letters."""

from archive.people.models import User
from archive.people.postman import Letter, NoticePostman
from archive.people.signin.models import AccountNotice


class AccountPostman(NoticePostman):
    """Delivers outbox rows of kind ``account_mail``."""

    model = AccountNotice

    def worded(self, row: AccountNotice, person: User) -> Letter:
        """Return a notice as a letter."""
        return Letter(
            to=person,
            subject="【账号安全】请看一下您的账号",
            at=row.created_at,
            mark=f"account-notice-{row.id}",
            text=row.text,
            page="/account",
            office="",
        )


ACCOUNT_POSTMAN = AccountPostman()
