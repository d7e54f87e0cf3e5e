"""The customer register (客户): found, listed, added, changed; likely doubles.

What names and codes amount to is in ``rules``. Merging, contacts, contracts and the timeline of
a customer are not here. Called by pages, API, records (the name entry of a form), filing (a filed
paper adds or changes a customer).
"""

from collections.abc import Iterable
from dataclasses import replace

from sqlalchemy import ColumnElement, func, select

from archive.core.clock import local
from archive.core.errors import Conflict, Invalid, NotFound
from archive.core.masking import mask
from archive.core.numbering import take_number
from archive.core.pages import Page, clean_paging
from archive.customers import rules
from archive.customers.models import Customer
from archive.customers.rules import name_initials
from archive.customers.views import STATUSES, CustomerFields, CustomerView, Double
from archive.people.rights import Actor, Thing, can, require
from archive.people.service import departments, find_actor, names_of
from storage.work import UnitOfWork

__all__ = [
    "STATUSES",
    "CustomerFields",
    "CustomerView",
    "Double",
    "create_customer",
    "edit_customer",
    "ensure_customer",
    "fields_of",
    "find_by_name",
    "find_customers",
    "get_customer",
    "likely_doubles",
    "list_customers",
    "name_initials",
    "set_status",
]

YEARLY_LIMIT = 9999
LARGEST_ID = 2**63 - 1
MOST_DOUBLES = 10
_COPIED = (*rules.LIMITS, "status", "cooperation", "owner_id", "department_id", "first_contact")


def find_customers(
    uow: UnitOfWork, actor: Actor, text: str, limit: int = 20
) -> tuple[CustomerView, ...]:
    """Return the customers a part of a name, initials, number or phone points to, best first."""
    require(actor, "customer.list")
    key = rules.search_key(text)
    if not key:
        return ()
    starts = Customer.search_text.startswith(key, autoescape=True)
    query = select(Customer).where(_contains(key))
    query = query.order_by(starts.desc(), func.length(Customer.name), Customer.id).limit(limit)
    return _views(uow, uow.session.scalars(query))


def list_customers(
    uow: UnitOfWork,
    actor: Actor,
    text: str = "",
    status: str = "",
    page: int = 1,
    per_page: int = 20,
    *,
    keeper: str = "",
    letter: str = "",
) -> Page[CustomerView]:
    """Return the register, newest first, or by initials when a first letter is asked for.

    ``keeper`` is "mine" (the actor's), "pool" (公海) or "" (everyone's). Phones are covered for
    those who do not know the customer personally (``personal.read``).
    """
    require(actor, "customer.list")
    page, per_page = clean_paging(page, per_page)
    query = select(Customer).where(*_narrowed(actor, text, status, keeper, letter))
    total = uow.session.scalar(select(func.count()).select_from(query.subquery())) or 0
    order = (Customer.initials, Customer.id) if letter else (Customer.id.desc(),)
    rows = list(
        uow.session.scalars(query.order_by(*order).limit(per_page).offset((page - 1) * per_page))
    )
    views = _views(uow, rows)
    shown = [_covered(actor, row, view) for row, view in zip(rows, views, strict=True)]
    return Page(tuple(shown), total, page, per_page)


def get_customer(uow: UnitOfWork, actor: Actor, customer_id: int) -> CustomerView:
    """Return one customer; raise NotFound."""
    row = _get_row(uow, customer_id)
    require(actor, "customer.read", _thing(row))
    return _views(uow, [row])[0]


def find_by_name(uow: UnitOfWork, name: str) -> CustomerView | None:
    """Return the customer written so (width, case, script and blanks aside), or None."""
    row = _row_by_name(uow, name)
    return None if row is None else _views(uow, [row])[0]


def likely_doubles(
    uow: UnitOfWork, name: str, credit_code: str = "", phone: str = "", *, except_id: int = 0
) -> tuple[Double, ...]:
    """Return the customers already there that are likely the same, each with the reason."""
    tests: list[tuple[str, ColumnElement[bool]]] = []
    if key := rules.match_key(name):
        tests.append(("名称相近", Customer.match_key == key))
    if code := rules.normal_code(credit_code):
        tests.append(("统一社会信用代码相同", Customer.credit_code == code))
    for number in rules.phone_keys(phone):
        tests.append(("电话相同", Customer.phone_keys.contains(f" {number} ", autoescape=True)))
    found: dict[int, str] = {}
    for reason, condition in tests:
        query = select(Customer.id).where(condition, Customer.id != except_id).limit(MOST_DOUBLES)
        for customer_id in uow.session.scalars(query):
            found.setdefault(customer_id, reason)
    rows = uow.session.scalars(select(Customer).where(Customer.id.in_(found)).order_by(Customer.id))
    return tuple(Double(view, found[view.id]) for view in _views(uow, rows))


def create_customer(uow: UnitOfWork, actor: Actor, fields: CustomerFields) -> CustomerView:
    """Add a customer; number and initials are made when left empty. Raises Invalid."""
    require(actor, "customer.create")
    clean = _checked(uow, fields, customer_id=0)
    if not clean.number:
        clean = replace(clean, number=_next_number(uow))
    row = Customer(created_at=uow.now())
    _fill(row, clean)
    uow.session.add(row)
    uow.session.flush()
    uow.journal(actor.id, "customer.create", "customer", row.id, {"number": row.number})
    return _views(uow, [row])[0]


def edit_customer(
    uow: UnitOfWork, actor: Actor, customer_id: int, fields: CustomerFields, version: int
) -> CustomerView:
    """Change a customer; raise Conflict when they were changed since ``version``."""
    row = _get_row(uow, customer_id)
    require(actor, "customer.edit", _thing(row))
    if row.row_version != version:
        raise Conflict(f"“{row.name}”的资料刚被别人改过，请核对两边的内容后再保存。")
    before = fields_of(_views(uow, [row])[0])
    clean = _checked(uow, rules.refreshed_initials(before, fields), customer_id)
    clean = replace(clean, number=clean.number or row.number)
    changed = rules.changed_fields(before, clean)
    if not changed:
        return _views(uow, [row])[0]
    _fill(row, clean)
    uow.session.flush()
    uow.journal(actor.id, "customer.edit", "customer", row.id, {"fields": sorted(changed)})
    _tell_papers(uow, row.id, changed)
    return _views(uow, [row])[0]


def ensure_customer(uow: UnitOfWork, actor: Actor, name: str, **details: object) -> int:
    """Return the id of the customer of this name, adding them if they are new.

    ``details`` are further CustomerFields for a new one. They come from a paper that holds them
    in full, so one that is too long for the register is shortened, not refused.
    """
    row = _row_by_name(uow, name)
    if row is not None:
        return row.id
    fields = rules.fitting(CustomerFields(name=name, **details))  # type: ignore[arg-type]
    if fields.owner_id is not None and not _is_present(uow, fields.owner_id):
        fields = replace(fields, owner_id=None)
    return create_customer(uow, actor, fields).id


def set_status(uow: UnitOfWork, actor: Actor, customer_id: int, status: str) -> CustomerView:
    """Set the customer's status (正常, 停止交易 …); saying what is already so changes nothing."""
    row = _get_row(uow, customer_id)
    require(actor, "customer.edit", _thing(row))
    if status not in STATUSES:
        raise Invalid(f"状态只能是{'、'.join(STATUSES)}。", {"status": "请从列表中选"})
    if row.status != status:
        uow.journal(actor.id, "customer.status", "customer", row.id, {"to": status})
        row.status = status
        uow.session.flush()
    return _views(uow, [row])[0]


def fields_of(view: CustomerView) -> CustomerFields:
    """Return what is entered about a customer, as it stands; for changing some of it."""
    return CustomerFields(**{key: getattr(view, key) for key in _COPIED})


def _narrowed(
    actor: Actor, text: str, status: str, keeper: str, letter: str
) -> list[ColumnElement[bool]]:
    """Turn what was asked of the list into conditions; raise Invalid for what does not exist."""
    wanted: list[ColumnElement[bool]] = []
    if key := rules.search_key(text):
        wanted.append(_contains(key))
    if status:
        if status not in STATUSES:
            raise Invalid(f"没有“{status[:20]}”这种客户状态。", {"status": "请从列表中选"})
        wanted.append(Customer.status == status)
    if keeper:
        if keeper not in ("mine", "pool"):
            raise Invalid("没有这种筛选。", {"keeper": "应为 mine 或 pool"})
        wanted.append(Customer.owner_id == (actor.id if keeper == "mine" else None))
    if letter:
        wanted.append(Customer.initials.startswith(letter[:1].upper(), autoescape=True))
    return wanted


def _contains(key: str) -> ColumnElement[bool]:
    return Customer.search_text.contains(key, autoescape=True)


def _row_by_name(uow: UnitOfWork, name: str) -> Customer | None:
    key = rules.name_key(name)
    if not key:
        return None
    alike = select(Customer).where(Customer.match_key == rules.match_key(name))
    rows = uow.session.scalars(alike.order_by(Customer.id))
    return next((row for row in rows if rules.name_key(row.name) == key), None)


def _get_row(uow: UnitOfWork, customer_id: int) -> Customer:
    row = uow.session.get(Customer, customer_id) if 0 < customer_id <= LARGEST_ID else None
    if row is None:
        raise NotFound("没有这位客户。请在客户列表中按名称或拼音首字母查找。")
    return row


def _thing(row: Customer) -> Thing:
    return Thing(kind="customer", department_id=row.department_id, owner_id=row.owner_id)


def _checked(uow: UnitOfWork, fields: CustomerFields, customer_id: int) -> CustomerFields:
    """Return the fields in shape, all entries checked; raise Invalid naming every wrong one."""
    clean, wrong = rules.clean_fields(fields)
    same_name = _row_by_name(uow, clean.name)
    if same_name is not None and same_name.id != customer_id:
        wrong.setdefault("name", f"登记册里已有这位客户，编号 {same_name.number}")
    same_number = uow.session.scalar(select(Customer).where(Customer.number == clean.number))
    if clean.number and same_number is not None and same_number.id != customer_id:
        wrong.setdefault("number", f"这个编号已给了“{same_number.name}”")
    if clean.owner_id is not None and not _is_present(uow, clean.owner_id):
        wrong["owner_id"] = "没有这位同事，或其已离职"
    if clean.department_id not in {None, *(unit.id for unit in departments(uow))}:
        wrong["department_id"] = "没有这个部门"
    if wrong:
        named = "、".join(label for key, label in rules.LABELS.items() if key in wrong)
        raise Invalid(f"客户资料有 {len(wrong)} 处需要改正：{named}。", wrong)
    return replace(clean, initials=clean.initials or rules.derived_initials(clean))


def _is_present(uow: UnitOfWork, user_id: int) -> bool:
    return 0 < user_id <= LARGEST_ID and find_actor(uow, user_id) is not None


def _next_number(uow: UnitOfWork) -> str:
    """Take the next KH number of the year that nobody typed by hand before."""
    year = local(uow.now()).year
    while True:
        number = f"KH{year}{take_number(uow, f'customer:{year}', YEARLY_LIMIT):04d}"
        if uow.session.scalar(select(Customer.id).where(Customer.number == number)) is None:
            return number


def _fill(row: Customer, clean: CustomerFields) -> None:
    for key in _COPIED:
        setattr(row, key, getattr(clean, key))
    row.match_key = rules.match_key(clean.name)
    row.search_text = rules.search_text(clean)
    phones = rules.phone_keys(clean.phone, clean.factory_phone)
    row.phone_keys = f" {' '.join(phones)} " if phones else ""


def _tell_papers(uow: UnitOfWork, customer_id: int, changed: Iterable[str]) -> None:
    """Leave word for the later stations: this customer's papers have another keeper or name."""
    if {"name", "short_name", "owner_id", "department_id"} & set(changed):
        uow.outbox("customer", f"customer:{customer_id}")


def _covered(actor: Actor, row: Customer, view: CustomerView) -> CustomerView:
    if can(actor, "personal.read", _thing(row)):
        return view
    return replace(view, phone=mask(view.phone), factory_phone=mask(view.factory_phone))


def _views(uow: UnitOfWork, rows: Iterable[Customer]) -> tuple[CustomerView, ...]:
    """Return rows as views, the names of owners and departments looked up once for all."""
    found = list(rows)
    owners = names_of(uow, {row.owner_id for row in found}) if found else {}
    units = {unit.id: unit.name for unit in departments(uow)} if found else {}
    return tuple(
        CustomerView(
            id=row.id,
            owner_name=owners.get(row.owner_id or 0, ""),
            department_name=units.get(row.department_id or 0, ""),
            version=row.row_version,
            **{key: getattr(row, key) for key in _COPIED},
        )
        for row in found
    )
