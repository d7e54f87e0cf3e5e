"""What is shown of prints, downloads and photocopies; reads only."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from archive.filing.models import ItemFile
from archive.lending import lookup
from archive.lending.models import LoanRequest
from archive.lending.viewing.models import LoanSheet
from archive.lending.views import RequestView
from archive.people.models import User
from archive.people.rights import Actor
from storage.work import UnitOfWork

KINDS = {"print": "打印件", "download": "下载件", "copy": "复印件"}
ENDS = {"returned": "已交回", "shredded": "已销毁", "kept": "随业务卷宗保存"}
STATES = {"waiting": "待打印", "made": "在外", **ENDS}


@dataclass(frozen=True)
class SheetView:
    """One sheet (or bundle of them) as the desk and the borrower see it."""

    id: int
    number: str
    kind: str
    state: str
    request_id: int
    request_number: str
    item_id: int
    title: str
    code: str
    borrower_name: str
    borrower_department: str
    file_name: str
    pages: str
    copies: int
    recipient: str
    stamp: str
    asked_at: datetime
    made_at: datetime | None
    made_by_name: str
    done_at: datetime | None
    version: int

    @property
    def kind_label(self) -> str:
        """The kind as shown to people."""
        return KINDS[self.kind]

    @property
    def state_label(self) -> str:
        """The state as shown to people."""
        return STATES[self.state]


def sheet_views(uow: UnitOfWork, viewer: Actor, rows: list[LoanSheet]) -> tuple[SheetView, ...]:
    """Return sheets as views, in the order given; titles the viewer may not read are hidden."""
    requests = {
        one.id: one
        for one in lookup.request_views(
            uow,
            viewer,
            list(
                uow.session.scalars(
                    select(LoanRequest).where(LoanRequest.id.in_({row.request_id for row in rows}))
                )
            ),
        )
    }
    files = select(ItemFile.id, ItemFile.name).where(ItemFile.id.in_({row.file_id for row in rows}))
    people = select(User.id, User.name).where(User.id.in_({row.made_by for row in rows}))
    names = {row.id: row.name for row in uow.session.execute(files)}
    makers = {row.id: row.name for row in uow.session.execute(people)}
    return tuple(_view(row, requests[row.request_id], names, makers) for row in rows)


def _view(
    row: LoanSheet, request: RequestView, names: dict[int, str], makers: dict[int, str]
) -> SheetView:
    return SheetView(
        id=row.id,
        number=row.number,
        kind=row.kind,
        state=row.state,
        request_id=request.id,
        request_number=request.number,
        item_id=request.item_id,
        title=request.item_title,
        code=request.item_code,
        borrower_name=request.borrower_name,
        borrower_department=request.borrower_department,
        file_name=names.get(row.file_id, "（已不在）") if row.file_id else "纸质原件",
        pages=row.pages,
        copies=row.copies,
        recipient=row.recipient,
        stamp=row.stamp,
        asked_at=row.asked_at,
        made_at=row.made_at,
        made_by_name=makers.get(row.made_by or 0, ""),
        done_at=row.done_at,
        version=row.row_version,
    )
