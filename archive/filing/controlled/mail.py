"""The notices that old controlled copies are to be given back, as letters."""

from archive.filing.controlled.models import ControlledNotice
from archive.people.models import User
from archive.people.postman import Letter, NoticePostman


class RecallPostman(NoticePostman):
    """Delivers outbox rows of kind ``controlled_mail``."""

    model = ControlledNotice

    def worded(self, row: ControlledNotice, person: User) -> Letter:
        """Return a notice as a letter."""
        return Letter(
            to=person,
            subject="【受控文件】请交回旧版",
            at=row.created_at,
            mark=f"controlled-notice-{row.id}",
            text=row.text,
            page="/controlled",
        )


RECALL_POSTMAN = RecallPostman()
