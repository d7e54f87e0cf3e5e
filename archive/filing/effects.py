"""What filing a paper does to the customer register (the form's effects).

E01 creates its customer when there is none of that name; any form may set a customer's status.
Called once, by 上架.
"""

from archive.customers import service as customers
from archive.filing.models import Item
from archive.forms.service import get_form
from archive.people import service as people
from archive.people.rights import Actor
from archive.records.models import Record
from archive.records.service import RecordView
from doc_templates import Form
from storage.work import UnitOfWork


def apply_effects(uow: UnitOfWork, actor: Actor, item: Item, record: RecordView) -> None:
    """Create or find the paper's customer, link record and item to it, set its status."""
    form = get_form(uow, record.form_code, record.form_version)
    effects = form.effects
    customer_id = record.customer_id or _find_customer(uow, form, record)
    name = str(record.content.get(effects.creates_customer, "")).strip()
    if customer_id is None and effects.creates_customer and name:
        customer_id = customers.ensure_customer(uow, actor, name, **_facts(uow, form, record))
    if customer_id is None:
        return
    item.customer_id = customer_id
    _link_record(uow, record.id, customer_id)
    if effects.sets_status:
        customers.set_status(uow, actor, customer_id, effects.sets_status)


def _find_customer(uow: UnitOfWork, form: Form, record: RecordView) -> int | None:
    """Look again under the name on the paper: the customer may be newer than the paper."""
    name = str(record.content.get(form.customer_field, "")).strip()
    found = customers.find_by_name(uow, name) if name else None
    return found.id if found else None


def _link_record(uow: UnitOfWork, record_id: int, customer_id: int) -> None:
    row = uow.session.get_one(Record, record_id)
    if row.customer_id != customer_id:
        row.customer_id = customer_id
        uow.session.flush()


def _facts(uow: UnitOfWork, form: Form, record: RecordView) -> dict[str, object]:
    """Return what the paper says of the customer, by the register's own names."""
    facts: dict[str, object] = {
        fact: str(record.content[key])
        for fact, key in form.effects.customer_facts.items()
        if fact != "owner" and record.content.get(key)
    }
    keeper = str(record.content.get(form.effects.customer_facts.get("owner", ""), ""))
    facts["owner_id"] = _person_named(uow, keeper) or record.author_id
    facts["department_id"] = record.department_id
    return facts


def _person_named(uow: UnitOfWork, name: str) -> int | None:
    """Return the one person of this name; None when nobody or several bear it."""
    found = [person for person in people.staff(uow, name, 50) if person.name == name.strip()]
    return found[0].id if name.strip() and len(found) == 1 else None
