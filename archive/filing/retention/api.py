"""The keeping's end through the API: what is due, holds, appraisals, destruction and transfer."""

from apiflask import APIBlueprint
from flask import Response

from archive.core.web import reading, resources, work
from archive.documents.service import MEDIA_TYPES
from archive.filing.paper_files import paper_response
from archive.filing.retention import appraisal, due, edge, holds, lists
from archive.filing.retention import reading as found
from archive.filing.retention.appraisal import Opinion
from archive.filing.retention.due import DueFilter
from archive.filing.retention.papers import appraisal_paper, list_paper
from archive.filing.retention.posted import read_day
from archive.filing.retention.schema import (
    AppraisalIn,
    AppraisalOut,
    DisposalOut,
    DueOut,
    DuePage,
    DueQuery,
    HoldIn,
    HoldItems,
    HoldOut,
    ListIn,
    OpinionsIn,
    PasswordIn,
    ReasonIn,
    SignIn,
    TaskOut,
    TransferIn,
    WitnessIn,
)
from archive.people.gate import actor, client_address, guard

api = APIBlueprint("retention_api", __name__, url_prefix="/api/v1/retention", tag="items")


@api.get("/due")
@api.input(DueQuery, location="query")
@api.output(DuePage)
@guard("retention.list")
def due_items(query_data: DueQuery) -> DuePage:
    """List what is due, or will be within some months."""
    asked = query_data.model_dump()
    page, per_page = asked.pop("page"), asked.pop("per_page")
    with reading() as uow:
        shown = due.list_due(uow, actor(), DueFilter(**asked), page=page, per_page=per_page)
    items = [
        DueOut(
            item_id=one.item.id,
            code=one.item.code,
            title=one.item.title,
            year=one.item.year,
            retention=one.retention,
            base_year=one.base_year,
            due_on=one.due_on,
            obstacle=one.obstacle,
        )
        for one in shown.items
    ]
    return DuePage(items=items, total=shown.total, page=shown.page, pages=shown.pages)


@api.get("/holds")
@api.output(HoldItems)
@guard("retention.list")
def all_holds() -> HoldItems:
    """List the holds that were not lifted."""
    with reading() as uow:
        shown = holds.list_holds(uow, actor())
    return HoldItems(items=[HoldOut.model_validate(one) for one in shown])


@api.post("/holds")
@api.input(HoldIn, location="json")
@api.output(HoldOut, status_code=201)
@guard("retention.hold")
def set_hold(json_data: HoldIn) -> HoldOut:
    """Put a hold over something."""
    sent = json_data
    days = [read_day(vars(sent), name) for name in ("from_day", "until_day")]
    with work() as uow:
        done = holds.set_hold(uow, actor(), sent.scope, sent.target, sent.reason, *days)
        uow.commit()
    return HoldOut.model_validate(done)


@api.post("/holds/<int:hold_id>/lift")
@api.input(ReasonIn, location="json")
@api.output(HoldOut)
@guard("retention.hold")
def lift_hold(hold_id: int, json_data: ReasonIn) -> HoldOut:
    """Lift a hold with a reason."""
    with work() as uow:
        done = holds.lift_hold(uow, actor(), hold_id, json_data.reason)
        uow.commit()
    return HoldOut.model_validate(done)


@api.post("/appraisals")
@api.input(AppraisalIn, location="json")
@api.output(AppraisalOut, status_code=201)
@guard("retention.appraise")
def open_appraisal(json_data: AppraisalIn) -> AppraisalOut:
    """Put due items before a committee; 409 names every item that cannot go."""
    sent = json_data
    with work() as uow:
        made = appraisal.open_appraisal(
            uow, actor(), sent.items, sent.members, sent.leader_id, sent.note
        )
        uow.commit()
    return _appraisal(made)


@api.get("/appraisals/<int:appraisal_id>")
@api.output(AppraisalOut)
@guard("retention.read")
def show_appraisal(appraisal_id: int) -> AppraisalOut:
    """Read an appraisal."""
    return _appraisal(appraisal_id)


@api.post("/appraisals/<int:appraisal_id>/opinions")
@api.input(OpinionsIn, location="json")
@api.output(AppraisalOut)
@guard("retention.sign")
def give_opinions(appraisal_id: int, json_data: OpinionsIn) -> AppraisalOut:
    """Note what the token's user thinks of items."""
    said = [Opinion(**one.model_dump()) for one in json_data.opinions]
    with work() as uow:
        appraisal.give_opinions(uow, actor(), appraisal_id, said)
        uow.commit()
    return _appraisal(appraisal_id)


@api.post("/appraisals/<int:appraisal_id>/sign")
@api.input(PasswordIn, location="json")
@api.output(AppraisalOut)
@guard("retention.sign")
def sign(appraisal_id: int, json_data: PasswordIn) -> AppraisalOut:
    """Sign one's opinions; the last signature decides."""
    edge.sign_appraisal(
        resources(),
        actor(),
        appraisal_id,
        password=json_data.password,
        address=client_address(),
    )
    return _appraisal(appraisal_id)


@api.post("/appraisals/<int:appraisal_id>/withdraw")
@api.input(ReasonIn, location="json")
@api.output(AppraisalOut)
@guard("retention.appraise")
def withdraw_appraisal(appraisal_id: int, json_data: ReasonIn) -> AppraisalOut:
    """Give an open appraisal up with a reason."""
    with work() as uow:
        appraisal.withdraw_appraisal(uow, actor(), appraisal_id, json_data.reason)
        uow.commit()
    return _appraisal(appraisal_id)


@api.get("/appraisals/<int:appraisal_id>/A15.<any(docx, pdf):kind>")
@guard("retention.read")
def appraisal_file(appraisal_id: int, kind: str) -> Response:
    """Download the 鉴定意见书."""
    with reading() as uow:
        paper = appraisal_paper(uow, actor(), appraisal_id)
    return paper_response(resources(), paper, kind, MEDIA_TYPES[kind])


@api.post("/appraisals/<int:appraisal_id>/lists")
@api.input(ListIn, location="json")
@api.output(DisposalOut, status_code=201)
@guard("retention.dispose")
def make_list(appraisal_id: int, json_data: ListIn) -> DisposalOut:
    """Put what was decided so on a destruction or transfer list."""
    with work() as uow:
        made = lists.make_list(uow, actor(), appraisal_id, json_data.kind, json_data.note)
        uow.commit()
    return _list(made.id)


@api.get("/lists/<int:list_id>")
@api.output(DisposalOut)
@guard("retention.read")
def show_list(list_id: int) -> DisposalOut:
    """Read a destruction or transfer list."""
    return _list(list_id)


@api.get("/lists/<int:list_id>/paper.<any(docx, pdf):kind>")
@guard("retention.read")
def list_file(list_id: int, kind: str) -> Response:
    """Download the list (A08 or A14)."""
    with reading() as uow:
        paper = list_paper(uow, actor(), list_id)
    return paper_response(resources(), paper, kind, MEDIA_TYPES[kind])


@api.post("/lists/<int:list_id>/approve")
@api.input(SignIn, location="json")
@api.output(DisposalOut)
@guard("retention.sign")
def approve(list_id: int, json_data: SignIn) -> DisposalOut:
    """Approve a destruction as the legal representative."""
    edge.approve(resources(), actor(), list_id, json_data.digest, **_signature(json_data))
    return _list(list_id)


@api.post("/lists/<int:list_id>/witness")
@api.input(WitnessIn, location="json")
@api.output(DisposalOut)
@guard("retention.sign")
def witness(list_id: int, json_data: WitnessIn) -> DisposalOut:
    """Sign as 监销人."""
    told = (json_data.digest, json_data.method, json_data.location)
    edge.witness(resources(), actor(), list_id, *told, **_signature(json_data))
    return _list(list_id)


@api.post("/lists/<int:list_id>/execute")
@api.input(SignIn, location="json")
@api.output(TaskOut, status_code=202)
@guard("retention.dispose")
def execute(list_id: int, json_data: SignIn) -> TaskOut:
    """Begin to carry a destruction out; it cannot be undone."""
    signed = _signature(json_data)
    task = edge.execute(resources(), actor(), list_id, json_data.digest, **signed)
    return TaskOut.model_validate(task)


@api.post("/lists/<int:list_id>/transfer")
@api.input(TransferIn, location="json")
@api.output(DisposalOut)
@guard("retention.dispose")
def transfer(list_id: int, json_data: TransferIn) -> DisposalOut:
    """Sign items over to another archive; our electronic copies stay."""
    told = (json_data.digest, json_data.receiver, json_data.receiver_name)
    edge.transfer(resources(), actor(), list_id, *told, **_signature(json_data))
    return _list(list_id)


@api.post("/lists/<int:list_id>/withdraw")
@api.input(ReasonIn, location="json")
@api.output(DisposalOut)
@guard("retention.read")
def withdraw_list(list_id: int, json_data: ReasonIn) -> DisposalOut:
    """Withdraw a list before it is carried out."""
    with work() as uow:
        lists.withdraw_list(uow, actor(), list_id, json_data.reason)
        uow.commit()
    return _list(list_id)


def _signature(sent: SignIn) -> dict[str, str]:
    return {"password": sent.password, "address": client_address()}


def _appraisal(appraisal_id: int) -> AppraisalOut:
    with reading() as uow:
        return AppraisalOut.model_validate(found.get_appraisal(uow, actor(), appraisal_id))


def _list(list_id: int) -> DisposalOut:
    with reading() as uow:
        return DisposalOut.model_validate(found.get_list(uow, actor(), list_id))
