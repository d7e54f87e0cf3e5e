"""The customer register over the API: list, read, add, change, look up."""

from datetime import date

from apiflask import APIBlueprint
from pydantic import BaseModel

from archive.core.calls import FromView, Strict
from archive.core.errors import Invalid
from archive.core.web import reading, work
from archive.customers import service
from archive.customers.rules import credit_code_warning, parse_day
from archive.customers.service import CustomerFields, CustomerView
from archive.people.gate import actor, guard

api = APIBlueprint("customers_api", __name__, url_prefix="/api/v1/customers", tag="customers")


class CustomerIn(Strict):
    """A new customer; without ``owner_id`` it is the token's own user's, null means 公海."""

    name: str
    number: str = ""
    short_name: str = ""
    initials: str = ""
    credit_code: str = ""
    legal_person: str = ""
    address: str = ""
    factory_address: str = ""
    phone: str = ""
    factory_phone: str = ""
    region: str = ""
    status: str = "正常"
    cooperation: str = "一般往来"
    owner_id: int | None = None
    department_id: int | None = None
    first_contact: str | None = None
    remark: str = ""


class CustomerEdit(Strict):
    """The entries to change, and the version the change was made from."""

    version: int
    name: str = ""
    number: str = ""
    short_name: str = ""
    initials: str = ""
    credit_code: str = ""
    legal_person: str = ""
    address: str = ""
    factory_address: str = ""
    phone: str = ""
    factory_phone: str = ""
    region: str = ""
    status: str = "正常"
    cooperation: str = "一般往来"
    owner_id: int | None = None
    department_id: int | None = None
    first_contact: str | None = None
    remark: str = ""


class CustomerOut(FromView):
    """A customer; ``warnings`` are remarks on entries that were saved all the same."""

    id: int
    number: str
    name: str
    short_name: str
    initials: str
    credit_code: str
    legal_person: str
    address: str
    factory_address: str
    phone: str
    factory_phone: str
    region: str
    status: str
    cooperation: str
    owner_id: int | None
    owner_name: str
    department_id: int | None
    department_name: str
    first_contact: date | None
    remark: str
    version: int
    warnings: list[str] = []


class CustomerPage(BaseModel):
    """One page of the register."""

    items: list[CustomerOut]
    total: int
    page: int
    pages: int


class CustomerItems(BaseModel):
    """Customers that fit, best first."""

    items: list[CustomerOut]


class ListQuery(BaseModel):
    """How the list is narrowed."""

    text: str = ""
    status: str = ""
    keeper: str = ""
    letter: str = ""
    page: int = 1
    per_page: int = 20


class SuggestQuery(BaseModel):
    """What is being typed."""

    q: str = ""


@api.get("")
@api.input(ListQuery, location="query")
@api.output(CustomerPage)
@guard("customer.list")
def listing(query_data: ListQuery) -> CustomerPage:
    """List the register, newest first."""
    with reading() as uow:
        found = service.list_customers(uow, actor(), **query_data.model_dump())
    items = [_out(view) for view in found.items]
    return CustomerPage(items=items, total=found.total, page=found.page, pages=found.pages)


@api.get("/suggest")
@api.input(SuggestQuery, location="query")
@api.output(CustomerItems)
@guard("customer.list")
def suggest(query_data: SuggestQuery) -> CustomerItems:
    """Look customers up by part of a name, initials, number or phone."""
    with reading() as uow:
        found = service.find_customers(uow, actor(), query_data.q)
    return CustomerItems(items=[_out(view) for view in found])


@api.get("/<int:customer_id>")
@api.output(CustomerOut)
@guard("customer.read")
def show(customer_id: int) -> CustomerOut:
    """Read one customer."""
    with reading() as uow:
        return _out(service.get_customer(uow, actor(), customer_id))


@api.post("")
@api.input(CustomerIn, location="json")
@api.output(CustomerOut, status_code=201)
@guard("customer.create")
def create(json_data: CustomerIn) -> CustomerOut:
    """Add a customer."""
    entered = json_data.model_dump()
    entered["first_contact"] = _day(json_data.first_contact)
    if "owner_id" not in json_data.model_fields_set:
        entered["owner_id"] = actor().id
        if "department_id" not in json_data.model_fields_set:
            entered["department_id"] = actor().department_id
    with work() as uow:
        view = service.create_customer(uow, actor(), CustomerFields(**entered))
        uow.commit()
    return _out(view)


@api.patch("/<int:customer_id>")
@api.input(CustomerEdit, location="json")
@api.output(CustomerOut)
@guard("customer.edit")
def edit(customer_id: int, json_data: CustomerEdit) -> CustomerOut:
    """Change the entries that are sent; 409 when the version is no longer the latest."""
    changes = json_data.model_dump(include=json_data.model_fields_set - {"version"})
    if "first_contact" in changes:
        changes["first_contact"] = _day(json_data.first_contact)
    with work() as uow:
        before = service.fields_of(service.get_customer(uow, actor(), customer_id))
        entered = CustomerFields(**{**vars(before), **changes})
        view = service.edit_customer(uow, actor(), customer_id, entered, json_data.version)
        uow.commit()
    return _out(view)


def _day(typed: str | None) -> date | None:
    try:
        return parse_day(typed or "")
    except ValueError:
        raise Invalid(
            "首次接触日期看不明白。", {"first_contact": "请写成 2026-11-23 这样"}
        ) from None


def _out(view: CustomerView) -> CustomerOut:
    shown = CustomerOut.model_validate(view)
    warning = credit_code_warning(view.credit_code)
    return shown.model_copy(update={"warnings": [warning]}) if warning else shown
