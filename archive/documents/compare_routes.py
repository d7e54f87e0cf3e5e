"""Versions of a record compared, and a record as of a day: a page, and calls for programs."""

from apiflask import APIBlueprint
from flask import render_template, request
from pydantic import Field

from archive.core.calls import Closed
from archive.core.errors import Invalid
from archive.core.web import reading, resources
from archive.documents.compare import Comparison, compare_versions
from archive.documents.compare_schema import ComparisonOut
from archive.people.gate import actor, guard
from archive.records.service import get_record, list_versions

pages = APIBlueprint(
    "documents_compare",
    __name__,
    url_prefix="/records",
    template_folder="templates",
    static_folder="static",
    static_url_path="/compare/static",
    enable_openapi=False,
)
api = APIBlueprint("documents_compare_api", __name__, url_prefix="/api/v1/records", tag="records")


class CompareQuery(Closed):
    """Which two versions: ``old`` and ``new`` by their numbers."""

    old: int = Field(ge=1, lt=2**31)
    new: int = Field(ge=1, lt=2**31)


@pages.get("/<int:record_id>/compare")
@guard("record.read")
def compare(record_id: int) -> str:
    """Show two versions side by side; without numbers the newest and the one before."""
    with reading() as uow:
        record = get_record(uow, actor(), record_id)
        versions = list_versions(uow, actor(), record_id)
    if len(versions) < 2:
        return render_template("documents/compare_none.html", record=record)
    old = _number("old", versions[1].n)
    new = _number("new", versions[0].n)
    return render_template(
        "documents/compare.html", found=compare_versions(resources(), actor(), record_id, old, new)
    )


@api.get("/<int:record_id>/compare")
@api.doc(summary="两个版本对照：逐栏，以及 Word 文字")
@api.input(CompareQuery, location="query", arg_name="query")
@api.output(ComparisonOut)
@guard("record.read")
def compare_call(record_id: int, query: CompareQuery) -> dict[str, object]:
    """Return what differs between two versions, entry by entry and in the Word text."""
    return _body(compare_versions(resources(), actor(), record_id, query.old, query.new))


def _body(found: Comparison) -> dict[str, object]:
    named = ("old", "new", "entries", "text", "text_note")
    return {"record": found.record.id, **{name: getattr(found, name) for name in named}}


def _number(name: str, otherwise: int) -> int:
    text = request.args.get(name, "").strip()
    if not text:
        return otherwise
    if not (text.isascii() and text.isdigit() and len(text) < 9):
        raise Invalid("版本号不对，请从列表里选。", {name: "应为整数"})
    return int(text)
