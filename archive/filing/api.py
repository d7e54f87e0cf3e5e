"""Items and volumes over the API: list, read, download, import, and the four steps of filing."""

from dataclasses import replace

from apiflask import APIBlueprint
from flask import Response

from archive.core.errors import Invalid
from archive.core.web import reading, resources, work
from archive.filing import service
from archive.filing.checks.edge import check_offered, check_record
from archive.filing.downloads import file_response
from archive.filing.rules import Belonging, Place
from archive.filing.schema import (
    AppraiseIn,
    CatalogueOut,
    ClassifyIn,
    FaultOut,
    FileIn,
    FileRecordIn,
    ImportIn,
    ImportOut,
    ItemOut,
    ItemPage,
    LineOut,
    ListQuery,
    PageQuery,
    PlaceIn,
    RefusalOut,
    RefuseIn,
    ShelveIn,
    StepIn,
    VolumeOut,
    VolumePage,
    VolumeQuery,
)
from archive.filing.views import ItemView
from archive.people.gate import actor, guard
from archive.people.rights import SECRECY

api = APIBlueprint("filing_api", __name__, url_prefix="/api/v1", tag="items")


@api.get("/items")
@api.input(ListQuery, location="query")
@api.output(ItemPage)
@guard("item.list")
def items(query_data: ListQuery) -> ItemPage:
    """List the items the token's user may read, newest first."""
    asked = query_data.model_dump()
    page, per_page = asked.pop("page"), asked.pop("per_page")
    with reading() as uow:
        found = service.list_items(
            uow, actor(), service.ItemFilter(**asked), page=page, per_page=per_page
        )
    shown = [_item(view) for view in found.items]
    return ItemPage(items=shown, total=found.total, page=found.page, pages=found.pages)


@api.post("/items")
@api.input(AppraiseIn, location="json")
@api.output(ItemOut, status_code=201)
@guard("item.file")
def appraise(json_data: AppraiseIn) -> ItemOut:
    """鉴别: take a signed record in as an item."""
    check_record(resources(), actor(), json_data.record_id)
    with work() as uow:
        done = service.appraise(uow, actor(), json_data.record_id, json_data.note)
        uow.commit()
    return _item(done)


@api.post("/items/import")
@api.input(ImportIn, location="json")
@api.output(ImportOut)
@guard("filing.import")
def import_items(json_data: ImportIn) -> ImportOut:
    """File papers from outside; rows that are there already are skipped and named."""
    batch = service.batch_of(json_data.rows)
    with work() as uow:
        outcome = service.import_batch(uow, actor(), batch)
        uow.commit()
    return ImportOut(
        imported=list(outcome.imported),
        skipped=[FaultOut.model_validate(fault) for fault in outcome.skipped],
        failed=[FaultOut.model_validate(fault) for fault in outcome.failed],
    )


@api.get("/items/<int:item_id>")
@api.output(ItemOut)
@guard("item.read")
def item(item_id: int) -> ItemOut:
    """Read one item."""
    with reading() as uow:
        return _item(service.get_item(uow, actor(), item_id))


@api.get("/items/<int:item_id>/files/<int:file_id>")
@guard("item.read")
def item_file(item_id: int, file_id: int) -> Response:
    """Download a file of an item."""
    with reading() as uow:
        found = service.get_file(uow, actor(), item_id, file_id)
    return file_response(found)


@api.post("/items/<int:item_id>/accept")
@api.input(StepIn, location="json")
@api.output(ItemOut)
@guard("item.file")
def accept(item_id: int, json_data: StepIn) -> ItemOut:
    """鉴别 of an offered paper that was not made here."""
    check_offered(resources(), actor(), item_id)
    with work() as uow:
        done = service.accept_offered(uow, actor(), item_id, version=json_data.version)
        uow.commit()
    return _item(done)


@api.post("/items/<int:item_id>/refusal")
@api.input(RefuseIn, location="json")
@api.output(RefusalOut)
@guard("item.file")
def give_back(item_id: int, json_data: RefuseIn) -> RefusalOut:
    """鉴别 failed: give an offered paper back to who brought it, with the reason."""
    with work() as uow:
        done = service.give_back(uow, actor(), item_id, json_data.reason)
        uow.commit()
    return RefusalOut.model_validate(done)


@api.post("/items/<int:item_id>/take-again")
@api.input(StepIn, location="json")
@api.output(ItemOut)
@guard("item.file")
def take_again(item_id: int, json_data: StepIn) -> ItemOut:
    """Have a paper that was given back wait for 鉴别 again."""
    with work() as uow:
        service.take_again(uow, actor(), item_id, version=json_data.version)
        done = service.load_item(uow, item_id)
        uow.commit()
    return _item(done)


@api.post("/items/<int:item_id>/classify")
@api.input(ClassifyIn, location="json")
@api.output(ItemOut)
@guard("item.file")
def classify(item_id: int, json_data: ClassifyIn) -> ItemOut:
    """归属: say where the item belongs."""
    with work() as uow:
        found = service.get_for_filing(uow, actor(), item_id)
        belonging = _belonging(service.proposed_for_item(uow, found), json_data)
        done = service.classify(uow, actor(), item_id, belonging, version=json_data.version)
        uow.commit()
    return _item(done)


@api.post("/items/<int:item_id>/catalogue")
@api.input(StepIn, location="json")
@api.output(ItemOut)
@guard("item.file")
def catalogue(item_id: int, json_data: StepIn) -> ItemOut:
    """登记目录: enter the item in the year's volume under the next provisional number."""
    with work() as uow:
        done = service.catalogue(uow, actor(), item_id, version=json_data.version)
        uow.commit()
    return _item(done)


@api.post("/items/<int:item_id>/shelve")
@api.input(ShelveIn, location="json")
@api.output(ItemOut)
@guard("item.file")
def shelve(item_id: int, json_data: ShelveIn) -> ItemOut:
    """上架: put the paper at its place under a barcode; its record is filed."""
    with work() as uow:
        done = service.shelve(
            uow,
            actor(),
            item_id,
            Place(**json_data.place.model_dump()),
            pages=json_data.pages,
            version=json_data.version,
        )
        uow.commit()
    return _item(done)


@api.post("/items/<int:item_id>/file")
@api.input(FileIn, location="json")
@api.output(ItemOut)
@guard("item.file")
def file(item_id: int, json_data: FileIn) -> ItemOut:
    """Do every step that is left, with the form's defaults."""
    check_offered(resources(), actor(), item_id)
    with work() as uow:
        done = service.file_in_one(
            uow,
            actor(),
            item_id,
            place=_place(json_data.place),
            pages=json_data.pages,
            version=json_data.version,
        )
        uow.commit()
    return _item(done)


@api.post("/records/<int:record_id>/file")
@api.input(FileRecordIn, location="json")
@api.output(ItemOut, status_code=201)
@guard("item.file")
def file_record(record_id: int, json_data: FileRecordIn) -> ItemOut:
    """Take a signed record in and do all four steps with its form's defaults."""
    with work() as uow:
        taken = service.appraise(uow, actor(), record_id)
        place = _place(json_data.place)
        done = service.file_in_one(uow, actor(), taken.id, place=place, pages=json_data.pages)
        uow.commit()
    return _item(done)


@api.post("/records/<int:record_id>/file-refusal")
@api.input(RefuseIn, location="json")
@api.output(RefusalOut)
@guard("item.file")
def send_back(record_id: int, json_data: RefuseIn) -> RefusalOut:
    """鉴别 failed: give a signed record back to its author with the reason."""
    with work() as uow:
        done = service.send_back(uow, actor(), record_id, json_data.reason)
        uow.commit()
    return RefusalOut.model_validate(done)


@api.get("/volumes")
@api.input(VolumeQuery, location="query")
@api.output(VolumePage)
@guard("volume.list")
def volumes(query_data: VolumeQuery) -> VolumePage:
    """List the yearly volumes that hold anything the token's user may read."""
    with reading() as uow:
        found = service.list_volumes(uow, actor(), **query_data.model_dump())
    shown = [VolumeOut.model_validate(view) for view in found.items]
    return VolumePage(items=shown, total=found.total, page=found.page, pages=found.pages)


@api.get("/volumes/<int:volume_id>")
@api.input(PageQuery, location="query")
@api.output(CatalogueOut)
@guard("volume.list")
def volume(volume_id: int, query_data: PageQuery) -> CatalogueOut:
    """Read a volume's catalogue."""
    with reading() as uow:
        found, lines = service.get_volume(
            uow, actor(), volume_id, page=query_data.page, per_page=query_data.per_page
        )
    return CatalogueOut(
        volume=VolumeOut.model_validate(found),
        items=[LineOut.model_validate(line) for line in lines.items],
        total=lines.total,
        page=lines.page,
        pages=lines.pages,
    )


def _item(view: ItemView) -> ItemOut:
    return ItemOut.model_validate(view)


def _place(sent: PlaceIn | None) -> Place | None:
    return None if sent is None else Place(**sent.model_dump())


def _belonging(proposed: Belonging, sent: ClassifyIn) -> Belonging:
    changes = sent.model_dump(exclude={"version"}, exclude_none=True)
    label = changes.pop("secrecy", None)
    if label is not None:
        if label not in SECRECY:
            words = "、".join(SECRECY)
            raise Invalid(f"密级应为{words}。", {"secrecy": f"应为{words}"})
        changes["secrecy"] = SECRECY.index(label)
    return replace(proposed, **changes)
