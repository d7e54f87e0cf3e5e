"""What people of the demo company do with a paper: fill in, submit, sign, give back, file.

Each act asks first how far the paper has come: the acts of signing are counted in the paper's
own history, the steps of filing in the item's.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from archive.customers import service as customers
from archive.customers.service import CustomerFields
from archive.demo.firms import Firm
from archive.demo.seal_marks import contract_seal, put_on
from archive.demo.stage import Paper, Stage, today
from archive.demo.strokes import drawn_signature
from archive.documents import service as documents
from archive.filing import service as filing
from archive.filing.rules import Place
from archive.people.rights import Actor
from archive.records import service as records
from archive.records.models import RecordState
from archive.signing import edge
from archive.signing import service as signing
from archive.signing.freeze import freeze_signature
from archive.signing.views import RunView
from storage.work import UnitOfWork

ARCHIVIST = "xuwenjing"
UNFINISHED = "unfinished"
_SALES_HEAD = "fangjiaming"
_LEFT_OPEN = ("公司地址", "首回交易额及品名", "开拓经过")
_GIVEN_NAMES = ("明远", "秀兰", "建业", "思齐", "国栋", "静怡", "启文")
_RETURNED = "交货与付款的条件写得不够清楚，请补全后再报。"
_REJECTED = "该公司与现有客户属同一集团，请并入原客户办理，不另立新户。"
_MENDED = "已按退回意见补充：款到发货，首批分两次交清。"

RunAct = Callable[[Stage, Actor, int], None]


def register_customer(stage: Stage, firm: Firm) -> None:
    """Enter a firm in the register; its keeper does, or the head of sales for the pool."""
    actor = stage.people[firm.keeper or _SALES_HEAD]
    with stage.resources.work() as uow:
        if customers.find_by_name(uow, firm.name) is None:
            fields = CustomerFields(name=firm.name, first_contact=today(stage))
            customers.create_customer(uow, actor, _details(stage, firm, fields))
            uow.commit()


def fill(stage: Stage, paper: Paper) -> None:
    """Make the draft, or find the one made before, and remember its id."""
    author = stage.people[paper.author]
    raw = paper.values(paper.firm, today(stage), author.name)
    if UNFINISHED in paper.way:
        raw = {key: value for key, value in raw.items() if key not in _LEFT_OPEN}
    with stage.resources.work() as uow:
        made = records.create_draft(uow, author, paper.form, raw, f"demo-{paper.key}")
        uow.commit()
    stage.records[paper.key] = made.id


def signing_act(word: str, nth: int, stage: Stage, paper: Paper) -> None:
    """Do the ``nth`` act in a paper's history of signing, unless it was done."""
    author, record_id = stage.people[paper.author], stage.records[paper.key]
    with stage.resources.reading() as uow:
        run = signing.find_run(uow, author, record_id)
    if run is None or len(run.acts) <= nth:
        _SIGNING[word](stage, author, record_id)


def mend(stage: Stage, paper: Paper) -> None:
    """Correct a paper that was given back."""
    author = stage.people[paper.author]
    with stage.resources.work() as uow:
        record = records.get_record(uow, author, stage.records[paper.key])
        if record.state == RecordState.RETURNED:
            mended = {**record.content, "备注": _MENDED}
            records.save_draft(uow, author, record.id, mended, record.version)
            uow.commit()


def filing_act(step: int, stage: Stage, paper: Paper) -> None:
    """Do one of the four steps of filing (from 0), unless it was done."""
    item_id = stage.item_of(paper.key)
    with stage.resources.work() as uow:
        done = 0 if item_id is None else len(filing.load_item(uow, item_id).steps)
        if done <= step:
            _FILING[step](uow, stage, paper, item_id or 0)
            uow.commit()


def enrich_customer(stage: Stage, paper: Paper) -> None:
    """Complete what filing the report entered about a new customer."""
    firm = paper.firm
    with stage.resources.work() as uow:
        found = customers.find_by_name(uow, firm.name)
        if found is not None and not found.credit_code:
            fields = _details(stage, firm, customers.fields_of(found))
            actor = stage.people[firm.keeper]
            customers.edit_customer(uow, actor, found.id, fields, found.version)
            uow.commit()


def _details(stage: Stage, firm: Firm, fields: CustomerFields) -> CustomerFields:
    keeper = stage.people.get(firm.keeper)
    return replace(
        fields,
        short_name=firm.short,
        credit_code=firm.credit_code,
        legal_person=firm.contact[0] + _GIVEN_NAMES[firm.serial % len(_GIVEN_NAMES)],
        address=firm.address,
        factory_address=firm.factory_address,
        phone=firm.phone,
        factory_phone=firm.factory_phone,
        region=firm.region,
        status=firm.status,
        owner_id=keeper.id if keeper else None,
        department_id=keeper.department_id if keeper else None,
        first_contact=fields.first_contact or today(stage),
        remark=f"联系人：{firm.contact}",
    )


def _submit(stage: Stage, author: Actor, record_id: int) -> None:
    with stage.resources.reading() as uow:
        version = records.get_record(uow, author, record_id).version
    edge.submit(stage.resources, author, record_id, version)


def _ask_seal(stage: Stage, author: Actor, record_id: int) -> None:
    with stage.resources.reading() as uow:
        version = records.get_record(uow, author, record_id).version
    seal = contract_seal(stage)
    edge.submit(stage.resources, author, record_id, version, seal=seal)


def _sign(stage: Stage, author: Actor, record_id: int) -> None:
    """Sign as ``edge.sign`` does, but without asking for the password again: nobody sits there."""
    signer, parts = _whose_turn(stage, author, record_id), stage.resources
    with parts.reading() as uow:
        record, run, task = signing.plan_signature(uow, signer, record_id)
        latest = documents.latest_document(uow, record_id, documents.PDF)
        images = signing.signature_images(uow, record_id)
    drawn, before = drawn_signature(signer.name), latest.sha256 if latest else ""
    signed = freeze_signature(parts, signer, record, run, task, drawn, before, images)
    with parts.work() as uow:
        opinion = "" if signer == author else "同意"
        signing.record_signature(uow, signer, task, signed, opinion)
        uow.commit()


def _send_back(stage: Stage, author: Actor, record_id: int) -> None:
    _refuse(stage, author, record_id, signing.return_record, _RETURNED)


def _reject(stage: Stage, author: Actor, record_id: int) -> None:
    _refuse(stage, author, record_id, signing.reject_record, _REJECTED)


def _refuse(
    stage: Stage,
    author: Actor,
    record_id: int,
    act: Callable[[UnitOfWork, Actor, int, str], RunView],
    reason: str,
) -> None:
    signer = _whose_turn(stage, author, record_id)
    with stage.resources.work() as uow:
        act(uow, signer, record_id, reason)
        uow.commit()


def _withdraw(stage: Stage, author: Actor, record_id: int) -> None:
    with stage.resources.work() as uow:
        signing.withdraw_record(uow, author, record_id)
        uow.commit()


def _whose_turn(stage: Stage, author: Actor, record_id: int) -> Actor:
    with stage.resources.reading() as uow:
        task = signing.get_run(uow, author, record_id).open_task
    return author if task is None else stage.person(task.assignee_id)


def _appraise(uow: UnitOfWork, stage: Stage, paper: Paper, _item_id: int) -> None:
    filing.appraise(uow, stage.people[ARCHIVIST], stage.records[paper.key], "签核齐全，正本完好")


def _classify(uow: UnitOfWork, stage: Stage, _paper: Paper, item_id: int) -> None:
    belonging = filing.proposed_for_item(uow, filing.load_item(uow, item_id))
    filing.classify(uow, stage.people[ARCHIVIST], item_id, belonging)


def _catalogue(uow: UnitOfWork, stage: Stage, _paper: Paper, item_id: int) -> None:
    filing.catalogue(uow, stage.people[ARCHIVIST], item_id)


def _shelve(uow: UnitOfWork, stage: Stage, paper: Paper, item_id: int) -> None:
    box = f"{today(stage).year % 100}{paper.form[-2:]}"
    place = Place(room="库房一", row="02", bay=f"{today(stage).year % 10:02d}", shelf="3", box=box)
    filing.shelve(uow, stage.people[ARCHIVIST], item_id, place)


_SIGNING: Mapping[str, RunAct] = {
    "submit": _submit,
    "ask_seal": _ask_seal,
    "sign": _sign,
    "seal": put_on,
    "return": _send_back,
    "reject": _reject,
    "withdraw": _withdraw,
}
_FILING = (_appraise, _classify, _catalogue, _shelve)
