"""Lending over the API: decide, ask, approve, hand out, take back, list.

The resource is the request with its approvals and, once handed out, its loan. A request the
rules refuse answers 403 with every reason in ``fields``, and stands in the log.
"""

from apiflask import APIBlueprint

from archive.core.web import reading, resources, work
from archive.lending import service
from archive.lending.confirming.edge import Given, confirm
from archive.lending.schema import (
    DecideIn,
    DecisionOut,
    DecisionQuery,
    HandOutIn,
    ListQuery,
    OpinionIn,
    RequestIn,
    RequestOut,
    RequestsOut,
    ReturnIn,
)
from archive.lending.told import told_outcome, told_request
from archive.lending.typed import day_sent
from archive.lending.views import Preview
from archive.people.gate import actor, client_address, guard
from archive.signing.routes import drawing

api = APIBlueprint("lending_api", __name__, url_prefix="/api/v1/loans", tag="loans")


@api.post("/decide")
@api.input(DecideIn, location="json")
@api.output(DecisionOut)
@guard("loan.request")
def decide(json_data: DecideIn) -> dict[str, object]:
    """Say whether an item may be borrowed, with every reason why not; changes nothing."""
    with reading() as uow:
        found = service.preview(
            uow,
            actor(),
            json_data.item_id,
            json_data.mode,
            day_sent(json_data.on, "on") if json_data.on else None,
            json_data.purpose,
            json_data.business_reference,
            json_data.borrower,
        )
    return _told_decision(found)


@api.get("/decision")
@api.input(DecisionQuery, location="query")
@api.output(DecisionOut)
@guard("loan.request")
def decision(query_data: DecisionQuery) -> dict[str, object]:
    """Say the same, asked by a query."""
    with reading() as uow:
        found = service.preview(
            uow,
            actor(),
            query_data.item,
            query_data.mode,
            day_sent(query_data.on, "on") if query_data.on else None,
            query_data.purpose,
            query_data.business_reference,
            query_data.borrower,
        )
    return _told_decision(found)


@api.get("")
@api.input(ListQuery, location="query")
@api.output(RequestsOut)
@guard("loan.list")
def listing(query_data: ListQuery) -> dict[str, object]:
    """List requests and their loans, newest first."""
    with reading() as uow:
        page = service.list_requests(
            uow,
            actor(),
            state=query_data.state,
            item_id=query_data.item,
            mine=query_data.mine,
            page=query_data.page,
            per_page=query_data.per_page,
        )
    return {
        "items": [told_request(view) for view in page.items],
        "total": page.total,
        "page": page.page,
        "pages": page.pages,
    }


@api.post("")
@api.input(RequestIn, location="json")
@api.output(RequestOut, status_code=201)
@guard("loan.request")
def ask(json_data: RequestIn) -> dict[str, object]:
    """Ask to borrow; a refusal is committed to the log and answered with every reason."""
    with work() as uow:
        outcome = service.request_loan(
            uow,
            actor(),
            json_data.item_id,
            json_data.mode,
            json_data.purpose,
            json_data.business_reference,
            wanted_until=day_sent(json_data.until, "until") if json_data.until else None,
        )
        uow.commit()
    return told_outcome(outcome)


@api.get("/<int:request_id>")
@api.output(RequestOut)
@guard("loan.list")
def show(request_id: int) -> dict[str, object]:
    """Show a request with its approvals and its loan."""
    with reading() as uow:
        return told_request(service.get_request(uow, actor(), request_id))


@api.post("/<int:request_id>/approve")
@api.input(OpinionIn, location="json")
@api.output(RequestOut)
@guard("loan.approve")
def approve(request_id: int, json_data: OpinionIn) -> dict[str, object]:
    """Approve one's own step."""
    with work() as uow:
        view = service.approve(uow, actor(), request_id, json_data.opinion, json_data.version)
        uow.commit()
    return told_request(view)


@api.post("/<int:request_id>/refuse")
@api.input(OpinionIn, location="json")
@api.output(RequestOut)
@guard("loan.approve")
def refuse(request_id: int, json_data: OpinionIn) -> dict[str, object]:
    """Refuse in one's own step, with the reason."""
    with work() as uow:
        view = service.refuse(uow, actor(), request_id, json_data.opinion, json_data.version)
        uow.commit()
    return told_request(view)


@api.post("/<int:request_id>/withdraw")
@api.output(RequestOut)
@guard("loan.request")
def withdraw(request_id: int) -> dict[str, object]:
    """Take one's own request back before the hand-out."""
    with work() as uow:
        view = service.withdraw(uow, actor(), request_id)
        uow.commit()
    return told_request(view)


@api.post("/hand-out")
@api.input(HandOutIn, location="json")
@api.output(RequestOut)
@guard("loan.desk")
def hand_out(json_data: HandOutIn) -> dict[str, object]:
    """Hand a copy out on an approved request; the borrower signs."""
    confirmed = confirm(
        resources(),
        _given(json_data),
        lambda uow: service.who_borrows(
            uow, actor(), json_data.barcode, json_data.request_id, json_data.staff_no
        ),
        client_address(),
    )
    with work() as uow:
        view = service.hand_out(
            uow,
            actor(),
            json_data.barcode,
            json_data.request_id,
            pages=json_data.pages,
            staff_no=json_data.staff_no,
            confirmed=confirmed,
        )
        uow.commit()
    return told_request(view)


@api.post("/return")
@api.input(ReturnIn, location="json")
@api.output(RequestOut)
@guard("loan.desk")
def take_back(json_data: ReturnIn) -> dict[str, object]:
    """Take a copy back, with its pages counted; the borrower signs."""
    confirmed = confirm(
        resources(),
        _given(json_data),
        lambda uow: service.who_returns(uow, actor(), json_data.barcode),
        client_address(),
    )
    with work() as uow:
        view = service.take_back(
            uow,
            actor(),
            json_data.barcode,
            json_data.pages,
            json_data.condition,
            confirmed=confirmed,
        )
        uow.commit()
    return told_request(view)


def _given(sent: HandOutIn | ReturnIn) -> Given:
    return Given(sent.password, sent.pin, drawing(sent.signature_png))


def _told_decision(found: Preview) -> dict[str, object]:
    return {
        **service.decision_as_json(found.decision),
        "provisional": found.decision.is_provisional,
        "due_note": found.decision.due_note,
        "may_reserve": found.decision.may_queue,
        "approvers": [
            {"candidate": one.candidate, "label": one.label, "name": one.person.name}
            for one in found.approvers
        ],
    }
