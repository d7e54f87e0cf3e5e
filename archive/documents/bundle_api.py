"""Files of many records for programs: started here, fetched from the task."""

from typing import Literal

from apiflask import APIBlueprint
from pydantic import BaseModel, Field

from archive.core.calls import Strict
from archive.core.web import work
from archive.documents.bundle import MOST_RECORDS, start_bundle
from archive.people.gate import actor, guard

api = APIBlueprint("documents_bundle_api", __name__, url_prefix="/api/v1/records", tag="records")


class NewBundle(Strict):
    """Which records, and what to make of them."""

    ids: list[int] = Field(min_length=1, max_length=MOST_RECORDS)
    make: Literal["word", "pdf", "both", "merged", "duplex"]


class BundleTask(BaseModel):
    """The task that makes the file; ask its ``url`` how far it is."""

    id: int
    state: str
    url: str


@api.post("/bundle")
@api.doc(summary="把许多文件做成一个 ZIP 或一个 PDF")
@api.input(NewBundle, location="json", arg_name="new")
@api.output(BundleTask, status_code=202)
@guard("record.list")
def bundle(new: NewBundle) -> BundleTask:
    """Start the making."""
    with work() as uow:
        task = start_bundle(uow, actor(), new.ids, new.make)
        uow.commit()
    return BundleTask(id=task.id, state=task.state, url=f"/api/v1/tasks/{task.id}")
