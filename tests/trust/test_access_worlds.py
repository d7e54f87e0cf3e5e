"""Made-up companies: who may read is the same by ``can``, in SQL and in the index.

Departments in a tree, people with any roles, papers of any secrecy and state, customers, volumes,
grants that hold, have ended or were withdrawn, delegations (which by themselves open nothing). A
plain restatement of the house's rule stands beside, so that all three cannot be wrong together.
"""

import random
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from archive.core.clock import local_day
from archive.customers.models import Customer
from archive.filing import service as filing
from archive.filing.models import Item, Volume
from archive.models import metadata
from archive.people import service as people
from archive.people.grants.models import AccessGrant
from archive.people.models import Department, RoleGrant, User
from archive.people.readers import may_read, may_read_set, write_readers
from archive.people.reasons import why, why_not
from archive.people.rights import (
    INTERNAL,
    OFFICES,
    PUBLIC,
    ROLES,
    actor_tokens,
    acts,
    can,
    needs_thing,
)
from archive.records import service as records
from archive.records.models import Record
from archive.search.store import readers_of
from archive.signing.models import Delegation
from indexer import Entry, Index, SearchRequest
from tests.conftest import FrozenClock, QuickConverter, _opened

pytestmark = pytest.mark.slow

SIGNED = ("signed", "filed", "destroyed")
STATES = ("draft", "in_signing", "returned", "rejected", *SIGNED)
PAPER_ROLES = sorted(ROLES.keys() - set(OFFICES))


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    """Tables with nothing in them; every world is rolled back again."""
    opened = _opened(tmp_path_factory.mktemp("worlds"), QuickConverter(), FrozenClock())
    metadata.create_all(opened.database.engine)
    yield opened
    opened.database.dispose()


class World:
    """A made-up company, written in one unit of work that is never committed."""

    def __init__(self, uow, seed):
        self.uow, self.dice = uow, random.Random(seed)
        self.today = local_day(uow.now())
        self.units = self._many(self._unit, 2, 6)
        self.people = self._many(self._person, 3, 9)
        self.customers = self._many(self._customer, 0, 3)
        self.volumes = self._many(self._volume, 0, 2)
        self.records = self._many(self._record, 1, 6)
        self.items = self._many(self._item, 1, 6)
        self.grants = self._many(self._grant, 0, 8)
        self._many(self._delegation, 0, 3)
        for row in self.records:
            write_readers(uow, "record", row.id, records.thing_of(uow, row.id))
        for row in self.items:
            write_readers(uow, "item", row.id, filing.thing_of_item(uow, row.id))

    def _many(self, make, least, most):
        made = []
        for number in range(self.dice.randint(least, most)):
            row = make(number, made)
            self.uow.session.add(row)
            self.uow.session.flush()
            made.append(row)
        return made

    def _some(self, rows):
        """One of the rows, or none."""
        return self.dice.choice([None, *rows])

    def _some_id(self, rows):
        row = self._some(rows)
        return row and row.id

    def _unit(self, number, before):
        return Department(
            code=f"B{number:02d}", name=f"{number}部", parent_id=self._some_id(before)
        )

    def _person(self, number, _before):
        offices = self.dice.sample(OFFICES, self.dice.choice((0, 0, 0, 1, 2)))
        roles = {*offices, *self.dice.sample(PAPER_ROLES, self.dice.choice((0, 1, 1, 2)))}
        return User(
            username=f"p{number}",
            staff_no=f"{number:04d}",
            name=f"职员{number}",
            department_id=self.dice.choice(self.units).id,
            password_hash="-",
            clearance=self.dice.randint(0, 3),
            awaits_release=self.dice.random() < 0.1,
            left_on=None,
            created_at=self.uow.now(),
            roles=[RoleGrant(role=role) for role in sorted(roles)],
        )

    def _customer(self, number, _before):
        return Customer(
            number=f"K{number}",
            name=f"客户{number}",
            match_key=f"{number}",
            owner_id=self._some_id(self.people),
            department_id=self._some_id(self.units),
            first_contact=None,
            created_at=self.uow.now(),
        )

    def _volume(self, number, _before):
        return Volume(
            fonds="Z109",
            category="KH",
            year=2000 + number,
            retention="D30",
            unit=self.dice.choice(self.units).code,
            item_class="客户",
            customer_id=None,
            title=f"案卷{number}",
            created_at=self.uow.now(),
        )

    def _record(self, number, _before):
        signers = self.dice.sample(self.people, self.dice.randint(0, 2))
        return Record(
            form_code="E01",
            form_version=1,
            number=f"E01-{number}",
            title="记录",
            customer_id=self._some_id(self.customers),
            author_id=self.dice.choice(self.people).id,
            department_id=self.dice.choice(self.units).id,
            secrecy=self.dice.randint(0, 3),
            state=self.dice.choice(STATES),
            year=2026,
            draft_key=None,
            content={},
            created_at=self.uow.now(),
            updated_at=self.uow.now(),
            submitted_at=None,
            signed_at=None,
            participants=sorted(one.id for one in signers),
        )

    def _item(self, number, before):
        taken = {row.record_id for row in before}
        signed = [row for row in self.records if row.state in SIGNED and row.id not in taken]
        return Item(
            external_id=f"x{number}",
            import_key=None,
            record_id=self._some_id(signed),
            title="档案",
            customer_id=self._some_id(self.customers),
            author_id=self._some_id(self.people),
            department_id=self._some_id(self.units),
            document_date=None,
            year=2026,
            secrecy=self.dice.randint(0, 3),
            volume_id=self._some_id(self.volumes),
            serial=None,
            provisional_code=None,
            reference_code=None,
            plan_version=None,
            readers_id=None,
            state=self.dice.choice(("identified", "shelved")),
            created_at=self.uow.now(),
        )

    def _grant(self, _number, _before):
        rows = {
            "record": self.records,
            "item": self.items,
            "volume": self.volumes,
            "customer": self.customers,
        }
        kind = self.dice.choice([kind for kind, found in rows.items() if found])
        withdrawn = self.dice.random() < 0.25
        return AccessGrant(
            user_id=self.dice.choice(self.people).id,
            kind=kind,
            thing_id=self.dice.choice(rows[kind]).id,
            given_by=self.people[0].id,
            given_at=self.uow.now(),
            until=self.today + timedelta(days=self.dice.choice((-1, 0, 30))),
            reason="要用",
            withdrawn_by=self.people[0].id if withdrawn else None,
            withdrawn_at=self.uow.now() if withdrawn else None,
        )

    def _delegation(self, _number, _before):
        return Delegation(
            owner_id=self.dice.choice(self.people).id,
            agent_id=self.dice.choice(self.people).id,
            form_code="",
            from_day=self.today,
            until_day=self.today + timedelta(days=9),
            reason="出差",
            made_at=self.uow.now(),
            ended_at=None,
        )

    def below(self, unit_id):
        """A department and all below it."""
        found = {unit_id}
        for _ in self.units:
            found |= {unit.id for unit in self.units if unit.parent_id in found}
        return found

    def may(self, user, kind, row):
        """The house's rule, told again in other words."""
        roles = {grant.role for grant in user.roles} - set(OFFICES)
        if not roles or user.awaits_release:
            return False
        customer = next((one for one in self.customers if one.id == row.customer_id), None)
        signers = set(row.participants) if kind == "record" else self._signers(row)
        if user.id == row.author_id or user.id in signers:
            return True
        if kind == "record" and row.state == "draft":
            return False
        if customer is not None and customer.owner_id == user.id:
            return True
        units = {row.department_id, customer and customer.department_id} - {None}
        mine = self.below(user.department_id) if "head" in roles else set()
        cleared = user.clearance >= row.secrecy
        if cleared and (units & mine or "leader" in roles):
            return True
        if kind == "record" and row.state not in SIGNED:
            return False
        if cleared and (roles & {"archivist", "archive_head", "audit", "legal"}):
            return True
        if cleared and any(self._opens(grant, user, kind, row) for grant in self.grants):
            return True
        if row.secrecy == PUBLIC:
            return True
        return row.secrecy <= INTERNAL and bool(units & (mine | {user.department_id}))

    def _signers(self, item):
        record = next((one for one in self.records if one.id == item.record_id), None)
        return set(record.participants) if record else set()

    def _opens(self, grant, user, kind, row):
        if grant.user_id != user.id or grant.withdrawn_at is not None or grant.until < self.today:
            return False
        reached = {(kind, row.id), ("customer", row.customer_id)}
        if kind == "item":
            reached |= {("record", row.record_id), ("volume", row.volume_id)}
        return (grant.kind, grant.thing_id) in reached


@given(seed=st.integers(0, 2**32))
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_can_sql_and_index_name_the_same_readers(ground, tmp_path_factory, seed):
    with ground.work() as uow:
        world = World(uow, seed)
        index = _index_of(uow, world, tmp_path_factory.mktemp("index"))
        for user in world.people:
            actor = people.get_actor(uow, user.id)
            for kind, rows, model in (
                ("record", world.records, Record),
                ("item", world.items, Item),
            ):
                told = {row.id for row in rows if world.may(user, kind, row)}
                thing_of = records.thing_of if kind == "record" else filing.thing_of_item
                things = {row.id: thing_of(uow, row.id) for row in rows}
                assert told == {
                    number for number, thing in things.items() if can(actor, f"{kind}.read", thing)
                }
                sql = select(model.id).where(may_read(actor, kind, model.id))
                assert told == set(uow.session.scalars(sql))
                found = index.matching_ids(SearchRequest("", actor_tokens(actor)))
                assert {f"{kind}:{number}" for number in told} == {
                    one for one in found if one.startswith(kind)
                }
                for number, thing in things.items():
                    assert bool(why(actor, thing)) is (number in told)
                    assert bool(why_not(actor, thing)) is (number not in told)
            by_set = select(Item.id).where(may_read_set(actor, Item.readers_id))
            assert told == set(uow.session.scalars(by_set))
            if not actor.handles_papers:
                _holds_nothing(actor, things.values())


def _index_of(uow, world, folder):
    ids = [f"record:{row.id}" for row in world.records] + [f"item:{row.id}" for row in world.items]
    entries = {
        number: Entry(id=number, title="文件", readers=tokens)
        for number, tokens in readers_of(uow, ids).items()
    }
    index = Index.open(folder, lambda wanted: {one: entries[one] for one in wanted})
    index.rebuild(entries.values())
    return index


def _holds_nothing(actor, things):
    """Who only holds an office holds no token and may do no act on any paper."""
    assert actor_tokens(actor) == frozenset()
    for act in acts():
        if needs_thing(act) and act not in ("access.read", "access.grant"):
            assert not any(can(actor, act, thing) for thing in things), act
