"""A shelf with some filed papers, the shipped rules, and short words for the acts at the desk."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import count

import pytest

from archive.core.resources import Resources
from archive.customers.models import Customer
from archive.filing import service as filing
from archive.filing.codes import make_barcode
from archive.filing.models import Item, ItemCopy
from archive.lending import service as lending
from archive.people.readers import write_readers
from archive.people.rights import Actor
from archive.records.models import Record
from storage.journal import JournalEntry
from storage.work import UnitOfWork

PURPOSE = "客户续签合同前核对资质"
_serials = count(1)


@dataclass
class Shelf:
    """Filed papers of the sales department about one customer, and the acts of a lending day."""

    resources: Resources
    company: object
    customer_id: int

    def item(self, *, copies: int = 1, pages: int = 3, **fields) -> tuple[int, str]:
        """File a paper and return its id and the barcode of its (first) copy."""
        with self.resources.work() as uow:
            found = self._item(uow, copies, pages, fields)
            uow.commit()
        return found

    def _item(self, uow: UnitOfWork, copies: int, pages: int, fields: dict) -> tuple[int, str]:
        row = Item(
            **{
                "title": "新开发客户报告表（海信）",
                "customer_id": self.customer_id,
                "form_code": "E01",
                "department_id": self.company.sales_id,
                "document_number": f"E01-2026-{next(_serials):04d}",
                "year": 2026,
                "category": "KH",
                "item_class": "客户开发",
                "secrecy": 1,
                "state": "shelved",
                "created_at": datetime(2026, 11, 1, tzinfo=UTC),
                **fields,
            }
        )
        uow.session.add(row)
        uow.session.flush()
        barcodes = [make_barcode(next(_serials)) for _ in range(copies)]
        uow.session.add_all(
            ItemCopy(item_id=row.id, barcode=code, pages=pages, location="库房一-02-03-04 盒12")
            for code in barcodes
        )
        uow.session.flush()
        write_readers(uow, "item", row.id, filing.thing_of_item(uow, row.id))
        return row.id, barcodes[0] if barcodes else ""

    def signed_record(self, department_id: int, author: Actor, number: str) -> None:
        """Put a signed paper of a department about the customer into the records."""
        with self.resources.work() as uow:
            now = uow.now()
            uow.session.add(
                Record(
                    form_code="E10",
                    form_version=1,
                    number=number,
                    title="月份业绩报告",
                    customer_id=self.customer_id,
                    author_id=author.id,
                    department_id=department_id,
                    secrecy=1,
                    state="signed",
                    year=2026,
                    content={},
                    created_at=now,
                    updated_at=now,
                )
            )
            uow.commit()

    def do(self, act, *args, **kwargs):
        """Do one act in a unit of work of its own and commit it."""
        with self.resources.work() as uow:
            found = act(uow, *args, **kwargs)
            uow.commit()
        return found

    def ask(self, who: Actor, item_id: int, mode="original", purpose=PURPOSE, reference="海信"):
        return self.do(lending.request_loan, who, item_id, mode, purpose, reference)

    def approved(self, who: Actor, item_id: int, mode: str = "original"):
        """Ask, and let everyone who is asked approve."""
        request = self.ask(who, item_id, mode)
        while step := request.waits_for:
            approver = self.actor(step.approver_id)
            request = self.do(lending.approve, approver, request.id, "同意")
        return request

    def lent(self, who: Actor, item_id: int, barcode: str, mode: str = "original"):
        request = self.approved(who, item_id, mode)
        return self.do(lending.hand_out, self.company.archivist, barcode, request.id)

    def actor(self, user_id: int) -> Actor:
        return next(one for one in self.company.everyone().values() if one.id == user_id)

    def journal(self) -> list[str]:
        with self.resources.reading() as uow:
            rows = uow.session.query(JournalEntry).order_by(JournalEntry.seq)
            return [row.action for row in rows]


@pytest.fixture
def shelf(resources: Resources, company) -> Shelf:
    return stocked(resources, company)


def stocked(resources: Resources, company) -> Shelf:
    """Return a shelf in an instance: the customer, the shipped rules, no papers yet."""
    with resources.work() as uow:
        customer = Customer(
            number="KH2026-0001",
            name="青岛海信冰箱有限公司",
            short_name="海信",
            match_key="青岛海信冰箱",
            owner_id=company.sales_clerk.id,
            department_id=company.sales_id,
            first_contact=date(2026, 1, 5),
            created_at=uow.now(),
        )
        uow.session.add(customer)
        uow.session.flush()
        lending.seed_rules(uow)
        uow.commit()
    return Shelf(resources, company, customer.id)
