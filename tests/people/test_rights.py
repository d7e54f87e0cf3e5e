"""Who may read and do what: the tokens of a thing and of a person, and ``can`` over them."""

import pytest
from sqlalchemy import literal, select

from archive.core.errors import Forbidden, NotFound, Unauthenticated
from archive.people.models import ReaderToken
from archive.people.readers import may_read, tokens_of, write_readers
from archive.people.rights import (
    CONFIDENTIAL,
    INTERNAL,
    PUBLIC,
    SECRET,
    Thing,
    actor_tokens,
    can,
    reader_tokens,
    require,
)


def record(company, **changes):
    facts = {
        "kind": "record",
        "owner_id": company.sales_clerk.id,
        "department_id": company.sales_id,
        "state": "signed",
    }
    return Thing(**(facts | changes))


def item(company, **changes):
    return record(company, kind="item", state="shelved", **changes)


READS_ITEM = {
    PUBLIC: {
        "sales_clerk", "sales_clerk2", "sales_head", "leader", "archivist", "archive_head",
        "finance_clerk", "other_clerk", "other_head",
    },
    INTERNAL: {
        "sales_clerk", "sales_clerk2", "sales_head", "leader", "archivist", "archive_head",
    },
    SECRET: {"sales_clerk", "sales_head", "leader", "archivist", "archive_head"},
    CONFIDENTIAL: {"sales_clerk", "leader", "archive_head"},
}  # fmt: skip


@pytest.mark.parametrize("secrecy", READS_ITEM)
def test_who_reads_a_filed_item_of_the_sales_department(company, secrecy):
    thing = item(company, secrecy=secrecy)
    readers = {key for key, actor in company.everyone().items() if can(actor, "item.read", thing)}
    assert readers == READS_ITEM[secrecy]


@pytest.mark.parametrize("state", ["in_signing", "returned", "rejected"])
def test_an_unfinished_record_is_between_its_author_its_signers_and_their_heads(company, state):
    thing = record(company, state=state, participants=frozenset({company.leader.id}))
    readers = {key for key, actor in company.everyone().items() if can(actor, "record.read", thing)}
    assert readers == {"sales_clerk", "sales_head", "leader"}


def test_a_draft_is_its_authors_alone(company):
    thing = record(company, state="draft", customer_owner_id=company.sales_clerk2.id)
    readers = {key for key, actor in company.everyone().items() if can(actor, "record.read", thing)}
    assert readers == {"sales_clerk"}


def test_a_draft_taken_back_stays_readable_by_those_who_signed(company):
    thing = record(company, state="draft", participants=frozenset({company.leader.id}))
    assert can(company.leader, "record.read", thing)
    assert not can(company.sales_head, "record.read", thing)


def test_the_customers_department_reads_what_is_about_its_customer(company):
    thing = item(company, customer_department_id=company.service_id)
    assert can(company.other_clerk, "item.read", thing)


def test_the_head_of_a_parent_department_reads_below(resources, company):
    thing = item(company, secrecy=SECRET)
    assert f"h{company.sales_id}.{SECRET}" in actor_tokens(company.sales_head)
    assert not can(company.other_head, "item.read", thing)


def test_a_bare_administrator_handles_no_papers(company):
    for act in ("record.create", "record.list", "customer.list", "search", "loan.request"):
        assert not can(company.admin, act)
    assert can(company.admin, "people.edit")


def test_only_the_author_edits_and_only_a_draft(company):
    draft = record(company, state="draft")
    assert can(company.sales_clerk, "record.edit", draft)
    assert not can(company.sales_clerk2, "record.edit", draft)
    assert not can(company.sales_clerk, "record.edit", record(company, state="in_signing"))


def test_what_may_not_be_read_does_not_exist(company):
    with pytest.raises(NotFound):
        require(company.other_clerk, "item.read", item(company))
    with pytest.raises(Forbidden):
        require(company.sales_clerk2, "item.file", item(company))
    with pytest.raises(Unauthenticated):
        require(None, "item.read", item(company))


def test_an_unknown_act_is_a_mistake_in_the_program(company):
    with pytest.raises(KeyError):
        can(company.admin, "everything")


def test_the_sql_mirror_agrees_with_can(resources, company):
    things = [
        item(company, secrecy=secrecy, customer_department_id=unit)
        for secrecy in range(4)
        for unit in (None, company.service_id)
    ]
    with resources.work() as uow:
        for number, thing in enumerate(things, start=1):
            write_readers(uow, "item", number, thing)
        uow.commit()
    with resources.reading() as uow:
        for actor in company.everyone().values():
            for number, thing in enumerate(things, start=1):
                query = select(literal(1)).where(may_read(actor, "item", literal(number)))
                assert (uow.session.scalar(query) == 1) is can(actor, "item.read", thing)


def test_rewriting_readers_takes_the_old_ones_away(resources, company):
    with resources.work() as uow:
        write_readers(uow, "item", 1, item(company))
        write_readers(uow, "item", 1, item(company, secrecy=CONFIDENTIAL))
        assert tokens_of(uow, "item", 1) == reader_tokens(item(company, secrecy=CONFIDENTIAL))
        assert uow.session.get(ReaderToken, ("item", 1, f"d{company.sales_id}")) is None
