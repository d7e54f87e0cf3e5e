"""Forms and records for programs, under /api/v1.

Values are checked strictly: one wrong or missing entry refuses the call and nothing is
stored; with ``"draft": true`` they are kept as typed, as on the entry page.
"""

from typing import Any

from apiflask import APIBlueprint
from pydantic import BaseModel, ConfigDict, Field

from archive.core.calls import Closed, Strict, ViewAnswer
from archive.core.described import Answer, Instant
from archive.core.web import reading, work
from archive.forms.service import get_form, list_forms
from archive.people.gate import actor, guard
from archive.records import service
from archive.records.models import RecordState
from archive.records.schema import form_schema, sample_values
from doc_templates import Form

api = APIBlueprint("records_api", __name__, url_prefix="/api/v1", tag="records")


class NewRecord(Strict):
    """A record to make; the same ``draft_key`` makes one record only."""

    form: str = Field(max_length=40)
    values: dict[str, Any]
    draft_key: str | None = Field(default=None, max_length=40)
    draft: bool = False


class ChangedRecord(Strict):
    """All values of a record, with the version they were made from."""

    version: int = Field(ge=1, lt=2**31)
    values: dict[str, Any]
    draft: bool = False
    reason: str = Field(default="", max_length=500)


class KeptVersion(Strict):
    """Why what a draft holds now is kept as a version, and the version it was made from."""

    version: int = Field(ge=1, lt=2**31)
    reason: str = Field(default="", max_length=500)


class RecordQuery(Closed):
    """Filters and paging of the list of records."""

    state: RecordState | None = None
    form: str = Field(default="", max_length=40)
    customer: int | None = Field(default=None, ge=1, lt=2**63)
    mine: bool = False
    q: str = Field(default="", max_length=200)
    page: int = Field(default=1, ge=1, le=1_000_000)
    per_page: int = Field(default=20, ge=1, le=100)


class RecordSummary(ViewAnswer):
    """A record as lists show it."""

    id: int
    form_code: str
    form_version: int
    form_title: str
    number: str
    title: str
    customer_id: int | None
    customer_name: str
    author_id: int
    author_name: str
    department_id: int
    department_name: str
    secrecy: str = Field(validation_alias="secrecy_label")
    state: str
    state_label: str
    state_note: str
    year: int
    round: int
    created_at: Instant
    updated_at: Instant
    submitted_at: Instant | None
    signed_at: Instant | None
    version: int


class RecordBody(RecordSummary):
    """A record with its values; ``errors`` names entries of a draft that are wrong or missing."""

    values: dict[str, Any]
    errors: dict[str, str]
    warnings: dict[str, str]


class RecordList(Answer):
    """A page of records."""

    items: list[RecordSummary]
    total: int
    page: int
    pages: int


class VersionBody(BaseModel):
    """What a record held when it was submitted or kept; ``kind`` is submit, sign or save."""

    n: int
    kind: str
    form_version: int
    digest: str
    reason: str
    made_by: str
    made_at: Instant
    values: dict[str, Any]


class VersionList(BaseModel):
    """Every submitted version, newest first."""

    items: list[VersionBody]
    total: int


class FormSummary(Answer):
    """A form as lists show it."""

    code: str
    title: str
    pack: str
    version: int


class FormList(BaseModel):
    """Every form."""

    items: list[FormSummary]
    total: int


class SignerBody(BaseModel):
    """A step of the sign-off chain."""

    role: str
    candidate: str
    optional: bool


class FormBody(FormSummary):
    """A form's definition: the JSON Schema of its values, a sample, who signs."""

    model_config = ConfigDict(serialize_by_alias=True)

    description: str
    values_schema: dict[str, Any] = Field(serialization_alias="schema")
    sample: dict[str, Any]
    signers: list[SignerBody]


@api.get("/forms")
@api.doc(summary="全部表单", tags=["forms"])
@api.output(FormList)
@guard("form.read")
def forms() -> FormList:
    """List the newest version of every form."""
    with reading() as uow:
        found = [_form_summary(form) for form in list_forms(uow)]
    return FormList(items=found, total=len(found))


@api.get("/forms/<code>")
@api.doc(summary="一种表单的定义", tags=["forms"])
@api.output(FormBody)
@guard("form.read")
def form(code: str) -> FormBody:
    """Return a form's definition with the JSON Schema of its values and a sample."""
    with reading() as uow:
        found = get_form(uow, code)
    return FormBody(
        **_form_summary(found).model_dump(),
        description=found.description,
        values_schema=form_schema(found),
        sample=sample_values(found),
        signers=[
            SignerBody(role=one.role, candidate=one.candidate, optional=one.optional)
            for one in found.signers
        ],
    )


@api.get("/records")
@api.doc(summary="文件清单")
@api.input(RecordQuery, location="query", arg_name="query")
@api.output(RecordList)
@guard("record.list")
def records(query: RecordQuery) -> RecordList:
    """List the records one may read, newest change first."""
    with reading() as uow:
        page = service.list_records(
            uow,
            actor(),
            state=query.state or "",
            form=query.form,
            customer_id=query.customer,
            mine=query.mine,
            text=query.q,
            page=query.page,
            per_page=query.per_page,
        )
    items = [RecordSummary.model_validate(record) for record in page.items]
    return RecordList(items=items, total=page.total, page=page.page, pages=page.pages)


@api.post("/records")
@api.doc(summary="填一份新表")
@api.input(NewRecord, location="json", arg_name="new")
@api.output(RecordBody, status_code=201)
@guard("record.create")
def create(new: NewRecord) -> RecordBody:
    """Make a record."""
    with work() as uow:
        record = service.create_draft(
            uow, actor(), new.form, new.values, new.draft_key, strict=not new.draft
        )
        uow.commit()
    return _body(record)


@api.get("/records/<int:record_id>")
@api.doc(summary="一份文件")
@api.output(RecordBody)
@guard("record.read")
def record(record_id: int) -> RecordBody:
    """Return a record with its values."""
    with reading() as uow:
        return _body(service.get_record(uow, actor(), record_id))


@api.put("/records/<int:record_id>")
@api.doc(summary="修改草稿")
@api.input(ChangedRecord, location="json", arg_name="changed")
@api.output(RecordBody)
@guard("record.edit")
def change(record_id: int, changed: ChangedRecord) -> RecordBody:
    """Replace the values of a draft, made from the version given."""
    with work() as uow:
        saved = service.save_draft(
            uow,
            actor(),
            record_id,
            changed.values,
            changed.version,
            strict=not changed.draft,
            keep=True,
            reason=changed.reason,
        )
        uow.commit()
    return _body(saved)


@api.get("/records/<int:record_id>/versions")
@api.doc(summary="历次提交的内容")
@api.output(VersionList)
@guard("record.read")
def versions(record_id: int) -> VersionList:
    """List what the record held each time it was submitted or kept."""
    return _versions(record_id)


def _versions(record_id: int) -> VersionList:
    with reading() as uow:
        found = service.list_versions(uow, actor(), record_id)
    items = [
        VersionBody(
            n=one.n,
            kind=one.kind,
            form_version=one.form_version,
            digest=one.digest,
            reason=one.reason,
            made_by=one.made_by,
            made_at=one.made_at,
            values=dict(one.content),
        )
        for one in found
    ]
    return VersionList(items=items, total=len(items))


@api.post("/records/<int:record_id>/versions")
@api.doc(summary="把草稿现在的内容留为一个版本")
@api.input(KeptVersion, location="json", arg_name="kept")
@api.output(VersionList, status_code=201)
@guard("record.edit")
def keep_version(record_id: int, kept: KeptVersion) -> VersionList:
    """Keep what a draft holds now as a version; list all of them."""
    with work() as uow:
        service.keep_as_version(uow, actor(), record_id, kept.reason, kept.version)
        uow.commit()
    return _versions(record_id)


def _form_summary(found: Form) -> FormSummary:
    return FormSummary(code=found.code, title=found.title, pack=found.pack, version=found.version)


def _body(view: service.RecordView) -> RecordBody:
    with reading() as uow:
        found = get_form(uow, view.form_code, view.form_version)
    entries = service.entries_of(found, view)
    summary = RecordSummary.model_validate(view).model_dump()
    summary["secrecy_label"] = summary.pop("secrecy")
    return RecordBody(
        **summary,
        values=dict(view.content),
        errors={**entries.errors, **entries.missing},
        warnings=dict(entries.warnings),
    )
