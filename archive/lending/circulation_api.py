"""The API of what happens while a paper is out: a place in line, renewing, recalling."""

from apiflask import APIBlueprint

from archive.core.web import work
from archive.lending import service
from archive.lending.schema import RecallIn, RequestIn, RequestOut
from archive.lending.told import told_outcome, told_request
from archive.lending.typed import day_sent
from archive.people.gate import actor, guard

api = APIBlueprint("circulation_api", __name__, url_prefix="/api/v1/loans", tag="loans")


@api.post("/reserve")
@api.input(RequestIn, location="json")
@api.output(RequestOut, status_code=201)
@guard("loan.request")
def reserve(json_data: RequestIn) -> dict[str, object]:
    """Ask for a place in line for a paper that is out; a refusal is kept and told in full."""
    with work() as uow:
        outcome = service.request_loan(
            uow,
            actor(),
            json_data.item_id,
            json_data.mode,
            json_data.purpose,
            json_data.business_reference,
            wanted_until=day_sent(json_data.until, "until") if json_data.until else None,
            joins_queue=True,
        )
        uow.commit()
    return told_outcome(outcome)


@api.post("/<int:request_id>/renew")
@api.output(RequestOut)
@guard("loan.request")
def renew(request_id: int) -> dict[str, object]:
    """Renew one's own loan; a refusal is kept and answered with every reason."""
    with work() as uow:
        outcome = service.renew(uow, actor(), request_id)
        uow.commit()
    return told_outcome(outcome)


@api.post("/<int:request_id>/recall")
@api.input(RecallIn, location="json")
@api.output(RequestOut)
@guard("loan.desk")
def recall(request_id: int, json_data: RecallIn) -> dict[str, object]:
    """Ask a lent copy back, with the reason."""
    with work() as uow:
        view = service.recall(uow, actor(), request_id, json_data.reason)
        uow.commit()
    return told_request(view)
