"""The pages of the customer register: list, one customer, enter, change, look up while typing."""

from functools import partial

from apiflask import APIBlueprint
from flask import flash, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from archive.core.errors import Conflict, Invalid
from archive.core.list_sheets import ListColumn, list_sheet, wants_sheet
from archive.core.web import reading, work
from archive.customers import service
from archive.customers.forms import POOL, CustomerForm
from archive.customers.rules import LABELS, changed_fields, credit_code_warning
from archive.customers.service import STATUSES, CustomerFields, CustomerView, Double
from archive.people.gate import actor, guard
from archive.people.rights import Thing, can, require
from archive.people.service import departments, staff

pages = APIBlueprint(
    "customers",
    __name__,
    url_prefix="/customers",
    template_folder="templates",
    enable_openapi=False,
)

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
MOST_STAFF = 1000
Page = str | tuple[str, int] | Response
_COLUMNS: tuple[ListColumn[CustomerView], ...] = (
    ListColumn("编号", lambda one: one.number, 14),
    ListColumn("名称", lambda one: one.name, 32),
    ListColumn("简称", lambda one: one.short_name, 14),
    ListColumn("拼音首字母", lambda one: one.initials, 12),
    ListColumn("统一社会信用代码", lambda one: one.credit_code, 22),
    ListColumn("法定代表人", lambda one: one.legal_person, 12),
    ListColumn("地址", lambda one: one.address, 36),
    ListColumn("电话", lambda one: one.phone, 16),
    ListColumn("工厂地址", lambda one: one.factory_address, 36),
    ListColumn("工厂电话", lambda one: one.factory_phone, 16),
    ListColumn("区域", lambda one: one.region, 12),
    ListColumn("状态", lambda one: one.status, 12),
    ListColumn("负责人", lambda one: one.owner_name or "公海", 12),
    ListColumn("部门", lambda one: one.department_name, 14),
    ListColumn("首次接触日期", lambda one: one.first_contact, 14),
    ListColumn("备注", lambda one: one.remark, 30),
)


@pages.get("")
@guard("customer.list")
def listing() -> str | Response:
    """List the register, narrowed by text, status, keeper or first letter."""
    asked = {key: request.args.get(key, "") for key in ("text", "status", "keeper", "letter")}
    with reading() as uow:
        read_page = partial(
            service.list_customers,
            uow,
            actor(),
            asked["text"],
            asked["status"],
            keeper=asked["keeper"],
            letter=asked["letter"],
        )
        if wants_sheet():
            return list_sheet("客户", _COLUMNS, lambda n, size: read_page(page=n, per_page=size))
        found = read_page(page=request.args.get("page", 1, type=int))
    return render_template(
        "customers/list.html", page=found, asked=asked, statuses=STATUSES, letters=LETTERS
    )


@pages.get("/suggest")
@guard("customer.list")
def suggest() -> Response:
    """Return the customers that what is being typed may mean."""
    with reading() as uow:
        found = service.find_customers(uow, actor(), request.args.get("q", ""), limit=8)
    return jsonify(items=[_suggestion(view) for view in found])


@pages.route("/new", methods=["GET", "POST"])
@guard("customer.create")
def new() -> Page:
    """Enter a customer; likely doubles are shown before anything is saved."""
    form = _form()
    if request.method == "GET":
        form.fill(_blank(request.args.get("name", "")))
        return render_template("customers/form.html", form=form, customer=None)
    try:
        entered = form.entered()
        doubles = _doubles(entered) if request.form.get("confirmed") != entered.name else ()
        if doubles:
            return _ask_about(form, doubles, None)
        with work() as uow:
            customer = service.create_customer(uow, actor(), entered)
            uow.commit()
    except Invalid as refusal:
        return _refused(form, refusal, None)
    _flash_saved(customer, "已建立")
    return redirect(url_for("customers.show", customer_id=customer.id))


@pages.get("/<int:customer_id>")
@guard("customer.read")
def show(customer_id: int) -> str:
    """Show one customer."""
    with reading() as uow:
        customer = service.get_customer(uow, actor(), customer_id)
        doubles = service.likely_doubles(
            uow, customer.name, customer.credit_code, customer.phone, except_id=customer.id
        )
    return render_template(
        "customers/show.html",
        customer=customer,
        doubles=doubles,
        may_edit=_may_edit(customer),
        code_warning=credit_code_warning(customer.credit_code),
        statuses=STATUSES,
    )


@pages.route("/<int:customer_id>/edit", methods=["GET", "POST"])
@guard("customer.edit")
def edit(customer_id: int) -> Page:
    """Change a customer; a stale change is shown beside what stands there now."""
    with reading() as uow:
        customer = service.get_customer(uow, actor(), customer_id)
    require(actor(), "customer.edit", _thing(customer))
    form = _form(customer)
    if request.method == "GET":
        form.fill(service.fields_of(customer))
        form.version.data = str(customer.version)
        return render_template("customers/form.html", form=form, customer=customer)
    try:
        entered = form.entered()
        with work() as uow:
            saved = service.edit_customer(uow, actor(), customer_id, entered, form.version_number())
            uow.commit()
    except Invalid as refusal:
        return _refused(form, refusal, customer)
    except Conflict as refusal:
        return _both_sides(form, entered, customer_id, refusal)
    _flash_saved(saved, "已保存")
    return redirect(url_for("customers.show", customer_id=customer_id))


@pages.post("/<int:customer_id>/status")
@guard("customer.edit")
def status(customer_id: int) -> Response:
    """Change only the status."""
    with work() as uow:
        saved = service.set_status(uow, actor(), customer_id, request.form.get("status", ""))
        uow.commit()
    flash(f"“{saved.name}”的状态现在是“{saved.status}”。", "success")
    return redirect(url_for("customers.show", customer_id=customer_id))


def _form(customer: CustomerView | None = None) -> CustomerForm:
    """Return the form with the people and departments to choose from."""
    with reading() as uow:
        people = [(str(one.id), one.name) for one in staff(uow, limit=MOST_STAFF)]
        units = [(str(unit.id), unit.name) for unit in departments(uow)]
    form = CustomerForm()
    form.owner_id.choices = [(POOL, "公海（无负责人）"), *people]
    form.department_id.choices = [(POOL, "未定"), *units]
    if customer and customer.owner_id and str(customer.owner_id) not in dict(people):
        form.owner_id.choices.append((str(customer.owner_id), f"{customer.owner_name}（已离职）"))
    return form


def _blank(name: str) -> CustomerFields:
    person = actor()
    return CustomerFields(name=name[:120], owner_id=person.id, department_id=person.department_id)


def _doubles(entered: CustomerFields) -> tuple[Double, ...]:
    with reading() as uow:
        return service.likely_doubles(uow, entered.name, entered.credit_code, entered.phone)


def _ask_about(form: CustomerForm, doubles: tuple[Double, ...], customer: None) -> Page:
    page = render_template("customers/form.html", form=form, customer=customer, doubles=doubles)
    return page, 409


def _refused(form: CustomerForm, refusal: Invalid, customer: CustomerView | None) -> Page:
    form.show_errors(refusal)
    page = render_template(
        "customers/form.html", form=form, customer=customer, refusal=refusal.message
    )
    return page, 422


def _both_sides(
    form: CustomerForm, mine: CustomerFields, customer_id: int, refusal: Conflict
) -> Page:
    """Show what I entered beside what stands there now, to choose or to go on from."""
    with reading() as uow:
        now = service.get_customer(uow, actor(), customer_id)
    theirs = _form(now)
    theirs.fill(service.fields_of(now))
    form.version.data = str(now.version)
    differing = changed_fields(service.fields_of(now), mine)
    page = render_template(
        "customers/conflict.html",
        form=form,
        customer=now,
        message=refusal.message,
        sides=[
            (LABELS[key], _shown(theirs, key), _shown(form, key))
            for key in LABELS
            if key in differing
        ],
    )
    return page, 409


def _shown(form: CustomerForm, key: str) -> str:
    """Return an entry as it is read: the chosen person's name, not their id."""
    value = str(form[key].data or "")
    if key in ("owner_id", "department_id"):
        return str(dict(form[key].choices).get(value, value))
    return value


def _may_edit(customer: CustomerView) -> bool:
    return can(actor(), "customer.edit", _thing(customer))


def _thing(view: CustomerView) -> Thing:
    return Thing(kind="customer", department_id=view.department_id, owner_id=view.owner_id)


def _suggestion(view: CustomerView) -> dict[str, object]:
    return {
        "id": view.id,
        "number": view.number,
        "name": view.name,
        "short_name": view.short_name,
        "region": view.region,
        "status": view.status,
        "address": view.address,
        "factory_address": view.factory_address,
        "phone": view.phone,
        "factory_phone": view.factory_phone,
        "legal_person": view.legal_person,
    }


def _flash_saved(customer: CustomerView, done: str) -> None:
    flash(f"客户“{customer.name}”{done}，编号 {customer.number}。", "success")
    warning = credit_code_warning(customer.credit_code)
    if warning:
        flash(warning, "warning")
