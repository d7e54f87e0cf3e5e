"""The page on which a customer is entered; what is wrong with an entry is said by ``rules``."""

from dataclasses import fields as dataclass_fields
from typing import Any

from flask_wtf import FlaskForm
from wtforms import HiddenField, SelectField, StringField, TextAreaField

from archive.core.errors import Invalid
from archive.customers.rules import LABELS, clean_fields, parse_day
from archive.customers.views import COOPERATIONS, STATUSES, CustomerFields

POOL = "0"  # 公海: nobody's


class CustomerForm(FlaskForm):
    """Every entry of a customer, as typed."""

    name = StringField(LABELS["name"])
    number = StringField(LABELS["number"])
    short_name = StringField(LABELS["short_name"])
    initials = StringField(LABELS["initials"])
    credit_code = StringField(LABELS["credit_code"])
    legal_person = StringField(LABELS["legal_person"])
    address = StringField(LABELS["address"])
    factory_address = StringField(LABELS["factory_address"])
    phone = StringField(LABELS["phone"])
    factory_phone = StringField(LABELS["factory_phone"])
    region = StringField(LABELS["region"])
    status = SelectField(LABELS["status"], choices=list(STATUSES), default="正常")
    cooperation = SelectField(
        LABELS["cooperation"], choices=list(COOPERATIONS), default=COOPERATIONS[0]
    )
    owner_id = SelectField(LABELS["owner_id"])
    department_id = SelectField(LABELS["department_id"])
    first_contact = StringField(LABELS["first_contact"])
    remark = TextAreaField(LABELS["remark"])
    version = HiddenField()

    def fill(self, entered: CustomerFields) -> None:
        """Show what is entered about a customer."""
        for entry in dataclass_fields(CustomerFields):
            value = getattr(entered, entry.name)
            if entry.name in ("owner_id", "department_id"):
                value = str(value or POOL)
            elif entry.name == "first_contact":
                value = value.isoformat() if value else ""
            self[entry.name].data = value

    def entered(self) -> CustomerFields:
        """Return what was typed; raise Invalid for what cannot even be read."""
        typed: dict[str, Any] = {
            entry.name: self[entry.name].data or "" for entry in dataclass_fields(CustomerFields)
        }
        wrong: dict[str, str] = {}
        for key in ("owner_id", "department_id"):
            typed[key] = self._choice(key, wrong)
        try:
            typed["first_contact"] = parse_day(typed["first_contact"])
        except ValueError:
            wrong["first_contact"] = "日期看不明白，请写成 2026-11-23 这样"
        if wrong:
            readable = CustomerFields(**{**typed, **dict.fromkeys(wrong)})
            _, more = clean_fields(readable)
            raise Invalid("客户资料有误，请按提示改正。", {**more, **wrong})
        return CustomerFields(**typed)

    def version_number(self) -> int:
        """Return the version the entries were made from; 0 when it is missing."""
        text = self.version.data or ""
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0

    def show_errors(self, refusal: Invalid) -> None:
        """Put each sentence at its entry."""
        for key, message in refusal.fields.items():
            if key in self:
                self[key].errors = [message]

    def _choice(self, key: str, wrong: dict[str, str]) -> int | None:
        chosen = str(self[key].data or POOL)
        offered = {str(value) for value, _ in self[key].choices}
        if chosen not in offered:
            wrong[key] = "请从列表中选"
            return None
        return None if chosen == POOL else int(chosen)
