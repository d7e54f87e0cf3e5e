"""The notices of the lending desk as letters."""

from archive.lending.models import LoanNotice
from archive.people.models import User
from archive.people.postman import Letter, NoticePostman


class LoanPostman(NoticePostman):
    """Delivers outbox rows of kind ``loan_mail``."""

    model = LoanNotice

    def worded(self, row: LoanNotice, person: User) -> Letter:
        """Return a notice as a letter."""
        return Letter(
            to=person,
            subject=f"【借阅】{_subject(row.kind)}",
            at=row.created_at,
            mark=f"loan-notice-{row.id}",
            text=row.text,
            page=f"/loans/{row.request_id}" if row.request_id else "/loans",
        )


POSTMAN = LoanPostman()


def _subject(kind: str) -> str:
    return {
        "ready": "可以取件",
        "void": "申请已作废",
        "before": "即将到期",
        "due": "今天到期",
        "renewed": "续借已办",
        "not_renewed": "续借未获同意",
        "recall": "请提前归还",
    }.get(kind, "逾期催还")
