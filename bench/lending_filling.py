"""A lending desk for measuring: papers, borrowers, approved requests, a million past loans.

Past loans are written by SQL alone; every one has its request and its approval. What is measured
goes through the application.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from archive.core.resources import Resources
from archive.filing import service as filing
from archive.filing.codes import make_barcode
from archive.filing.models import Item, ItemCopy
from archive.lending import matrix
from archive.lending import service as lending
from archive.lending.models import LoanRequest
from archive.people import service as people
from archive.people.readers import write_readers
from archive.people.rights import Actor

BORROWERS, PAST_PAPERS = 60, 2_000
NOW = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)


class Clock:
    """A clock that stands still on a working day."""

    def __call__(self) -> datetime:
        """Return the same instant always."""
        return NOW


def settle(resources: Resources) -> dict[str, Actor]:
    """Make two departments, the desk and the borrowers; return them by name."""
    with resources.work() as uow:
        sales, archive = (people.add_department(uow, code, f"{code}部") for code in ("XSB", "DAS"))
        made = {}
        staff = [("archivist", archive, {"archivist"}, 2), ("head", sales, {"head"}, 2)]
        staff += [(f"clerk{n}", sales, {"clerk"}, 1) for n in range(BORROWERS)]
        for number, (key, unit, roles, clearance) in enumerate(staff, start=1):
            fields = people.UserFields(
                username=key,
                staff_no=f"{number:04d}",
                name=f"职员{number}",
                department_id=unit,
                roles=frozenset(roles),
                clearance=clearance,
            )
            made[key] = people.add_user(uow, None, fields, "-", must_change_password=False)
        lending.seed_rules(uow)
        actors = {key: people.get_actor(uow, user_id) for key, user_id in made.items()}
        uow.commit()
    return actors


def shelve(resources: Resources, count: int, first: int = 1) -> list[tuple[int, str]]:
    """Put papers of the sales department on the shelf; return each one's id and barcode."""
    found = []
    with resources.work() as uow:
        for number in range(first, first + count):
            item = Item(
                title=f"新开发客户报告表 {number}",
                form_code="E01",
                department_id=1,
                document_number=f"E01-2026-{number:06d}",
                year=2026,
                category="KH",
                item_class="客户开发",
                secrecy=1,
                state="shelved",
                created_at=NOW,
            )
            uow.session.add(item)
            uow.session.flush()
            code = make_barcode(number)
            copy = ItemCopy(item_id=item.id, barcode=code, pages=3, location="库房一-01-01-01")
            uow.session.add(copy)
            write_readers(uow, "item", item.id, filing.thing_of_item(uow, item.id))
            found.append((item.id, code))
        uow.commit()
    return found


def approve(resources: Resources, borrower: Actor, papers: Sequence[tuple[int, str]]) -> list[int]:
    """Write approved requests of one borrower, a copy held for each; return their ids."""
    with resources.work() as uow:
        rules = {rule.code: rule for rule in matrix.all_rules(uow)}
        kept = {
            "rule": matrix.snapshot(rules["own-open-original"]) | {"limit": None},
            "secrecy": 1,
            "due": "2026-12-07",
            "provisional": False,
        }
        rows = [
            LoanRequest(
                number=f"JY-{item_id}",
                borrower_id=borrower.id,
                item_id=item_id,
                mode="original",
                purpose="客户续签合同前核对资质",
                business_reference="海信",
                state="approved",
                decision=kept,
                created_at=NOW,
                pick_up_by=NOW.date(),
            )
            for item_id, _ in papers
        ]
        uow.session.add_all(rows)
        uow.session.flush()
        ids = [row.id for row in rows]
        uow.commit()
    return ids


def fill_past(resources: Resources, count: int, first: int = 900_000) -> None:
    """Write so many past loans, spread over the borrowers, two thousand papers and ten years.

    ``first`` is the barcode of the first paper.
    """
    papers = min(PAST_PAPERS, count)
    shelve(resources, papers, first=first)
    with resources.work() as uow:
        first_item = uow.session.scalars(select(Item.id).order_by(Item.id.desc()).limit(1)).one()
        kept = uow.session.scalars(select(LoanRequest.decision).limit(1)).one()
        last = uow.session.scalars(
            select(LoanRequest.id).order_by(LoanRequest.id.desc()).limit(1)
        ).one()
        copy = uow.session.scalars(select(ItemCopy.id).order_by(ItemCopy.id.desc()).limit(1)).one()
    values = {
        "count": count,
        "last": last,
        "item": first_item - papers + 1,
        "copy": copy - papers + 1,
        "papers": papers,
        "borrowers": BORROWERS,
        "decision": _json({**kept, "rule": _short(kept["rule"])}),
        "rule": _json(_short(kept["rule"])),
    }
    connection = resources.database.engine.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute("PRAGMA synchronous=OFF")
        cursor.execute("PRAGMA cache_size=-600000")
        cursor.execute("BEGIN")
        for sql in (_REQUESTS, _LOANS, _APPROVALS):
            cursor.execute(_NUMBERS + sql, values)
        cursor.execute("COMMIT")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA cache_size=-2000")
        cursor.close()
    finally:
        connection.close()


def _short(rule: dict[str, Any]) -> dict[str, Any]:
    """Return what the register reads of a rule; whole snapshots would fill a gigabyte here."""
    return {key: rule[key] for key in ("code", "version", "basis", "conditions")}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


_NUMBERS = "with recursive n(i) as (select 1 union all select i + 1 from n where i < :count) "
_AT = "datetime('2016-01-01', '+' || (i / 300) || ' days', '+' || (i % 300) || ' minutes')"
_REQUESTS = f"""insert into loan_request (id, number, borrower_id, item_id, mode, purpose,
 business_reference, state, decision, created_at, queued, closing_note, row_version)
 select :last + i, printf('OLD-%07d', :last + i), 3 + i % :borrowers,
 :item + (i * 7) % :papers, 'original', '客户续签合同前核对资质', '海信', 'closed', :decision,
 {_AT}, 0, '', 3 from n"""
_LOANS = f"""insert into loan (request_id, copy_id, borrower_id, rule, handed_at, handed_by, due_on,
 pages_out, returned_at, received_by, pages_in, intact, condition, out_way, out_digest, back_way,
 back_digest, renewals, recall_reason, row_version)
 select :last + i, :copy + (i * 7) % :papers, 3 + i % :borrowers, :rule, {_AT}, 1,
 date({_AT}, '+14 days'), 3, datetime({_AT}, '+5 days'), 1, 3, 1, '完好', 'paper', '', 'paper', '',
 0, '', 1 from n"""
_APPROVALS = f"""insert into loan_approval (request_id, seq, candidate, approver_id, state, opinion,
 decided_at) select :last + i, 1, 'own_head+archivist', 2, 'approved', '同意。', {_AT} from n"""
