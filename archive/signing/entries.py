"""The entries of a form that a signer fills in at his step (批示, 意见, 承认额), and only then.

They are checked as the author's entries are, kept as a version of the record with the act that
brought them, and taken out again when the signature is void. How they get onto the frozen paper
is ``freeze``'s. Called by this station's services and edge.
"""

from collections.abc import Collection, Mapping

from archive.core.errors import Invalid
from archive.forms.service import get_form
from archive.people.rights import Actor
from archive.records.models import Record
from archive.records.rows import keep_version, settle
from archive.records.rules import content_digest
from archive.records.views import RecordView
from archive.signing.models import SigningRun
from doc_templates import Field, Form, check_values
from storage.work import UnitOfWork

Values = Mapping[str, object]


def entries_for(form: Form, role: str) -> tuple[Field, ...]:
    """Return the entries that the signer of this role fills in."""
    return tuple(entry for entry in form.fields if entry.signer == role and entry.kind != "rows")


def check_entries(form: Form, content: Values, role: str, typed: Values) -> dict[str, object]:
    """Return what the signer typed as canonical values; raise Invalid naming each fault.

    Only this role's entries may be there; a required one must be.
    """
    own = {entry.key: entry for entry in entries_for(form, role)}
    strange = [key for key in typed if key not in own]
    if strange:
        raise Invalid(
            "有的栏目不由您填写。", {key[:80]: f"不由{role}在这一步填写" for key in strange}
        )
    checked = check_values(form, {**content, **typed})
    wrong = {key: text for key, text in checked.errors.items() if key in own}
    wrong |= {
        key: "请填写"
        for key, entry in own.items()
        if entry.required and key not in wrong and not _is_filled(checked.values.get(key))
    }
    if wrong:
        raise Invalid("签核栏有内容要改，签字没有生效。", wrong)
    return {
        key: checked.values[key] for key in own if key in typed and _is_filled(checked.values[key])
    }


def with_entries(form: Form, content: Values, filled: Values) -> dict[str, object]:
    """Return the record's values with the signer's entries in them, all computed anew."""
    return check_values(form, {**content, **filled}).values if filled else dict(content)


def form_for(uow: UnitOfWork, record: RecordView) -> Form:
    """Return the form the record was made with."""
    return get_form(uow, record.form_code, record.form_version)


def enter(uow: UnitOfWork, actor: Actor, run: SigningRun, role: str, filled: Values) -> str:
    """Write a signer's entries into the record as a version of it; return the content's digest."""
    row = uow.session.get_one(Record, run.record_id)
    if not filled:
        return content_digest(row.form_code, row.form_version, row.content)
    form = get_form(uow, row.form_code, row.form_version)
    checked = check_entries(form, row.content, role, filled)
    row.content = with_entries(form, row.content, checked)
    digest = keep_version(uow, row, actor.id, f"{role}签署时填写")
    settle(uow, row)
    return digest


def clear(uow: UnitOfWork, actor: Actor, record_id: int, roles: Collection[str] | None) -> None:
    """Take out what these roles (None: all) filled in, because their signatures are void."""
    row = uow.session.get_one(Record, record_id)
    form = get_form(uow, row.form_code, row.form_version)
    void = {
        entry.key
        for entry in form.fields
        if entry.signer and (roles is None or entry.signer in roles)
    }
    if not any(_is_filled(row.content.get(key)) for key in void):
        return
    left = {key: value for key, value in row.content.items() if key not in void}
    row.content = check_values(form, left, draft=True).values
    keep_version(uow, row, actor.id, "签字作废，签核栏清空")
    settle(uow, row)


def _is_filled(value: object) -> bool:
    return value not in (None, "", [], False)
