"""A form takes the fields it has: whatever else is posted with it, the row keeps its values.

Each form is posted with a field for every column of its row, and some that one might hope for.
"""

import pytest

from archive.customers import service as customers
from archive.customers.models import Customer
from archive.customers.service import CustomerFields
from archive.filing import service as filing
from archive.filing.models import Item
from archive.people.models import User
from archive.people.service import UserFields, add_user, get_actor
from archive.records import drafts
from archive.records.models import Record
from doc_templates import load_form, sample_values
from tests.conftest import PASSWORD_HASH

HOPED_FOR = ("is_admin", "role", "roles", "user_id", "author", "owner", "grants", "headed")


@pytest.fixture
def tampered(resources, client_for):
    """Return a poster of a form with too much in it; it tells what changed in the row."""

    def post(person, path, form, model, row_id):
        columns = [column.name for column in model.__table__.columns]
        extra = dict.fromkeys((*columns, *HOPED_FOR), "3") | {"roles": ["leader", "archive_head"]}
        before = _row(resources, model, row_id)
        answer = client_for(person).post(path, data=extra | form)
        assert answer.status_code == 302, answer.text
        after = _row(resources, model, row_id)
        return {key: after[key] for key in after if after[key] != before[key]}

    return post


def _row(resources, model, row_id):
    with resources.reading() as uow:
        row = uow.session.get_one(model, row_id)
        roles = {one.role for one in row.roles} if model is User else set()
        names = [column.name for column in model.__table__.columns]
        return {key: getattr(row, key) for key in names} | {"roles": roles}


def _officer(resources, company, role):
    """One who holds one administrator's office and nothing else."""
    with resources.work() as uow:
        fields = UserFields(role, f"9{len(role)}", role, company.sales_id, frozenset({role}))
        made = add_user(uow, None, fields, PASSWORD_HASH, must_change_password=False)
        uow.commit()
        return get_actor(uow, made)


def test_who_keeps_the_accounts_gives_nobody_rights(resources, company, tampered):
    """Nor takes a password, a place or a leaving that way."""
    officer, subject = _officer(resources, company, "system_admin"), company.sales_clerk
    form = {
        "username": "chenxd",
        "staff_no": "0001",
        "name": subject.name,
        "email": "",
        "version": "1",
    }
    changed = tampered(officer, f"/admin/users/{subject.id}", form, User, subject.id)
    assert changed == {"username": "chenxd", "row_version": 2}


def test_who_gives_rights_changes_no_account(resources, company, tampered):
    officer, subject = _officer(resources, company, "security_admin"), company.sales_clerk
    form = {
        "department_id": str(company.service_id),
        "position": "客服",
        "roles": ["clerk", "service"],
        "clearance": "2",
        "version": "1",
    }
    changed = tampered(officer, f"/admin/users/{subject.id}", form, User, subject.id)
    assert changed == {
        "department_id": company.service_id,
        "position": "客服",
        "roles": {"clerk", "service"},
        "clearance": 2,
        "row_version": 2,
    }


def test_a_customer_keeps_what_its_form_does_not_have(resources, company, tampered):
    with resources.work() as uow:
        fields = CustomerFields(name="青岛海信", owner_id=company.sales_clerk.id, remark="旧")
        made = customers.create_customer(uow, company.sales_clerk, fields)
        uow.commit()
    form = {key: getattr(made, key) or "" for key in ("name", "number", "initials", "status")}
    form |= dict.fromkeys(
        ("short_name", "credit_code", "legal_person", "address", "factory_address"), ""
    )
    form |= dict.fromkeys(("phone", "factory_phone", "region", "first_contact"), "")
    form |= {"cooperation": made.cooperation, "department_id": "0", "remark": "新", "version": "1"}
    form |= {"owner_id": str(made.owner_id)}
    changed = tampered(company.sales_clerk, f"/customers/{made.id}/edit", form, Customer, made.id)
    assert changed == {"remark": "新", "row_version": 2}


def test_a_draft_keeps_what_its_form_does_not_have(resources, company, tampered):
    with resources.work() as uow:
        values = sample_values("E01")
        made = drafts.create_draft(uow, company.sales_clerk, "E01", values)
        uow.commit()
    form = {key: str(value) for key, value in values.items()} | {"备注": "改过", "version": "1"}
    path = f"/records/{made.id}/edit"
    changed = tampered(company.sales_clerk, path, form, Record, made.id)
    assert changed.keys() <= {"content", "row_version", "updated_at"}
    assert changed["content"]["备注"] == "改过"
    assert changed["content"].keys() <= {field.key for field in load_form("E01").fields}


def test_an_item_keeps_what_its_description_does_not_have(resources, company, tampered):
    with resources.work() as uow:
        row = {"title": "旧合同", "year": 2024, "department": "销售部", "secrecy": "内部"}
        item, _ = filing.import_item(uow, company.archivist, row)
        version = uow.session.get_one(Item, item.id).row_version
        uow.commit()
    form = {"title": "老合同", "document_number": "", "responsible": "", "document_date": ""}
    form |= {"pages": str(item.pages), "secrecy": "内部", "note": "", "text": "", "elements": ""}
    form |= {"reason": "题名写错", "version": str(version)}
    path = f"/items/{item.id}/describe"
    changed = tampered(company.archivist, path, form, Item, item.id)
    assert changed.keys() <= {"title", "row_version", "description_version"}
    assert changed["title"] == "老合同"
