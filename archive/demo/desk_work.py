"""What people of the demo company do with a paper: fill in, submit, sign, give back, file.

Each act asks first how far the paper has come. The acts of signing are counted in the paper's
own history, the steps of filing in the item's.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from archive.core.clock import local_day
from archive.customers import service as customers
from archive.demo.firms import BY_SHORT
from archive.demo.staff import BY_USERNAME
from archive.demo.stage import Stage
from archive.demo.strokes import drawn_signature
from archive.filing import service as filing
from archive.filing.rules import Place
from archive.people.rights import Actor
from archive.records import drafts
from archive.records import service as records
from archive.signing import edge
from archive.signing import service as signing
from archive.signing.views import RunView
from storage.work import UnitOfWork

if TYPE_CHECKING:
    from archive.demo.papers import Paper

ARCHIVIST = "xuwenjing"
_GIVEN_NAMES = ("明远", "秀兰", "建业", "思齐", "国栋", "静怡", "启文")
_UNFINISHED = ("开拓经过", "公司地址", "首回交易额及品名")
_RETURNED = "开拓经过里没有写付款条件，请补上再报。"
_REJECTED = "该公司与现有客户同一集团，请并入原客户办理，不另立新户。"

FilingStep = Callable[[UnitOfWork, Actor, int], object]


def fill(stage: Stage, paper: "Paper") -> None:
    """Fill the paper in, once; its id is remembered on the stage."""
    author = stage.people[paper.author]
    day = local_day(stage.resources.clock())
    values = paper.values(paper.firm, day, author.name)
    if "unfinished" in paper.way:
        values = {key: value for key, value in values.items() if key not in _UNFINISHED}
    with stage.resources.work() as uow:
        made = drafts.create_draft(uow, author, paper.form, values, f"demo-{paper.key}")
        uow.commit()
    stage.records[paper.key] = made.id


def submit(stage: Stage, paper: "Paper", nth: int) -> None:
    """Send the paper to be signed."""
    if _acts_so_far(stage, paper) != nth:
        return
    record_id = stage.records[paper.key]
    with stage.resources.reading() as uow:
        record = records.load_record(uow, record_id)
    edge.submit(stage.resources, stage.people[paper.author], record_id, record.version)


def sign(stage: Stage, paper: "Paper", nth: int) -> None:
    """Let the one whose turn it is sign."""
    if _acts_so_far(stage, paper) != nth:
        return
    signer = _whose_turn(stage, paper)
    edge.sign(
        stage.resources,
        signer,
        stage.records[paper.key],
        password=BY_USERNAME[signer.username].password,
        drawn_png=drawn_signature(signer.name),
        opinion="" if signer.username == paper.author else "同意。",
    )


def give_back(stage: Stage, paper: "Paper", nth: int) -> None:
    """Let the one whose turn it is send the paper back to be mended."""
    _by_signer(stage, paper, nth, signing.return_record, _RETURNED)


def reject(stage: Stage, paper: "Paper", nth: int) -> None:
    """Let the one whose turn it is refuse the paper."""
    _by_signer(stage, paper, nth, signing.reject_record, _REJECTED)


def withdraw(stage: Stage, paper: "Paper", nth: int) -> None:
    """Let the author take the paper back."""
    if _acts_so_far(stage, paper) != nth:
        return
    with stage.resources.work() as uow:
        signing.withdraw_record(uow, stage.people[paper.author], stage.records[paper.key])
        uow.commit()


def mend(stage: Stage, paper: "Paper") -> None:
    """Let the author add what was missing."""
    author, record_id = stage.people[paper.author], stage.records[paper.key]
    with stage.resources.work() as uow:
        record = records.load_record(uow, record_id)
        if record.state != "returned":
            return
        told = dict(record.content)
        told["备注"] = "已补：货到三十日内付款。"
        drafts.save_draft(uow, author, record_id, told, record.version)
        uow.commit()


def enrich(stage: Stage, paper: "Paper") -> None:
    """Complete the register's entry of a customer that the filed report brought in."""
    firm, keeper = BY_SHORT[paper.firm.short], stage.people.get(paper.firm.keeper)
    editor = stage.people[ARCHIVIST]
    with stage.resources.work() as uow:
        found = customers.find_by_name(uow, firm.name)
        if found is None or found.credit_code:
            return
        given = _GIVEN_NAMES[firm.serial % len(_GIVEN_NAMES)]
        fields = replace(
            customers.fields_of(found),
            short_name=firm.short,
            credit_code=firm.credit_code,
            legal_person=f"{firm.contact[0]}{given}",
            region=firm.region,
            status=firm.status,
            owner_id=keeper.id if keeper else None,
        )
        customers.edit_customer(uow, editor, found.id, fields, found.version)
        uow.commit()


def appraise(stage: Stage, paper: "Paper") -> None:
    """鉴别: let the archivist take the signed paper in."""
    if stage.item_of(paper.key) is not None:
        return
    with stage.resources.work() as uow:
        filing.appraise(uow, stage.people[ARCHIVIST], stage.records[paper.key])
        uow.commit()


def _classify(uow: UnitOfWork, archivist: Actor, item_id: int) -> None:
    item = filing.get_for_filing(uow, archivist, item_id)
    filing.classify(uow, archivist, item_id, filing.proposed_for_item(uow, item))


def _catalogue(uow: UnitOfWork, archivist: Actor, item_id: int) -> None:
    filing.catalogue(uow, archivist, item_id)


def _shelve(uow: UnitOfWork, archivist: Actor, item_id: int) -> None:
    place = Place("库房一", "01", f"{item_id % 6 + 1:02d}", f"{item_id % 5 + 1:02d}", "1")
    filing.shelve(uow, archivist, item_id, place)


def _filing_step(name: str, done: int, step: FilingStep) -> Callable[..., None]:
    """Return the act of one step, done when exactly ``done`` steps were done before."""

    def act(stage: Stage, paper: "Paper") -> None:
        item_id, archivist = stage.item_of(paper.key), stage.people[ARCHIVIST]
        if item_id is None:
            return
        with stage.resources.work() as uow:
            if len(filing.load_item(uow, item_id).steps) == done:
                step(uow, archivist, item_id)
                uow.commit()

    act.__name__ = name
    return act


RUN_ACTS: Mapping[str, Callable[..., None]] = {
    "submit": submit,
    "sign": sign,
    "return": give_back,
    "reject": reject,
    "withdraw": withdraw,
}
OTHER_ACTS: Mapping[str, Callable[..., None]] = {
    "mend": mend,
    "enrich": enrich,
    "appraise": appraise,
    "classify": _filing_step("classify", 1, _classify),
    "catalogue": _filing_step("catalogue", 2, _catalogue),
    "shelve": _filing_step("shelve", 3, _shelve),
}


def _run(stage: Stage, paper: "Paper") -> RunView | None:
    with stage.resources.reading() as uow:
        return signing.find_run(uow, stage.people[paper.author], stage.records[paper.key])


def _acts_so_far(stage: Stage, paper: "Paper") -> int:
    run = _run(stage, paper)
    return len(run.acts) if run else 0


def _whose_turn(stage: Stage, paper: "Paper") -> Actor:
    run = _run(stage, paper)
    if run is None or run.open_task is None:
        raise LookupError(f"{paper.key}: nobody's turn to sign")
    return stage.person(run.open_task.assignee_id)


def _by_signer(
    stage: Stage, paper: "Paper", nth: int, act: Callable[..., RunView], why: str
) -> None:
    if _acts_so_far(stage, paper) != nth:
        return
    signer = _whose_turn(stage, paper)
    with stage.resources.work() as uow:
        act(uow, signer, stage.records[paper.key], why)
        uow.commit()
