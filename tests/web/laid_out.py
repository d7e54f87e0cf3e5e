"""What lies about in a busy office and the demo company's story has not: one of each kind.

Laid out over the demo company, so that no page that is walked is an empty one. Each act is the
stations' own; ``lay_out`` tells at which pages people begin to walk beside their front page.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from docx import Document
from openpyxl import load_workbook
from sqlalchemy import select

from archive.core.clock import local_day
from archive.filing import service as filing
from archive.filing.checks.edge import keep_volume_check
from archive.filing.checks.sample import do_sample
from archive.filing.controlled import edge as controlled
from archive.filing.controlled.service import Declared
from archive.filing.handover import service as handover
from archive.filing.incoming import edge as intake
from archive.filing.incoming import service as intake_batches
from archive.filing.models import Item, ItemCopy
from archive.filing.retention import appraisal, lists
from archive.filing.retention import edge as retention
from archive.filing.retention.appraisal import Opinion
from archive.filing.retention.holds import set_hold
from archive.filing.stocktake import service as stocktake
from archive.filing.stocktake.scans import Scan
from archive.filing.stocktake.service import Scope
from archive.forms import service as forms
from archive.forms.inspection import inspect_upload
from archive.jobs import drain_all
from archive.lending import service as lending
from archive.lending.groups import service as groups
from archive.lending.groups.service import Wish
from archive.lending.incidents import service as incidents
from archive.lending.models import Loan
from archive.lending.visits import service as visits
from archive.people import service as people
from archive.people.grants.service import GrantFields
from archive.people.rights import Actor
from archive.people.service import UserFields
from archive.records import batch, drafts
from archive.records.excel import blank_workbook
from archive.records.models import Record
from archive.signing import edge
from archive.signing.codes import code_for
from archive.signing.outside import edge as outside
from archive.signing.outside.views import Invited
from archive.trust.access.service import let_in
from doc_templates import load_form, sample_values

ARCHIVIST, KEEPER, CLERK, HEAD, LEADER = (
    "xuwenjing",
    "yanshouzheng",
    "linxiaoyu",
    "fangjiaming",
    "luhaiping",
)
MORE = {"quality": "quality", "auditor": "audit"}  # roles that nobody of the demo company has
Begin = tuple[str, str]


@dataclass(frozen=True)
class Office:
    """The demo company's people by user name, and their acts in one line each."""

    resources: object
    staff: dict[str, Actor]

    def do(self, act, who, *args, **kwargs):
        with self.resources.work() as uow:
            made = act(uow, self.staff[who], *args, **kwargs)
            uow.commit()
        return made

    def ask(self, query):
        with self.resources.reading() as uow:
            return uow.session.execute(query).all()


def lay_out(resources, password_of) -> list[Begin]:
    """Lay everything out; return who begins at which page."""
    _hire(resources)
    with resources.reading() as uow:
        staff = {one.username: one for one in people.staff(uow, limit=100)}
    office = Office(resources, staff)
    begin = [one for part in (_filing, _shelves, _lending, _papers) for one in part(office)]
    begin += _end_of_keeping(office, password_of)
    drain_all(resources)
    return begin


def _hire(resources):
    with resources.work() as uow:
        unit = people.departments(uow)[0].id
        for number, (name, role) in enumerate(MORE.items()):
            fields = UserFields(
                username=name,
                staff_no=f"07{number:02d}",
                name=f"{'质量' if role == 'quality' else '审计'}专员",
                department_id=unit,
                roles=frozenset({role}),
                clearance=1,
            )
            people.add_user(uow, None, fields, "-", must_change_password=False)
        uow.commit()


def _filing(office) -> Iterator[Begin]:
    """A volume checked, a paper put aside, scans that came in, a list handed over."""
    resources = office.resources
    [(volume_id, item_id), *_] = office.ask(
        select(Item.volume_id, Item.id).where(Item.state == "shelved").order_by(Item.id)
    )
    keep_volume_check(resources, office.staff[ARCHIVIST], volume_id)
    yield ARCHIVIST, "/checks"
    upload = filing.keep_upload(resources.blobs, "旧合同".encode(), "旧合同.txt")
    row = filing.read_row({"title": "旧合同（扫描前的文字）"})
    old = office.do(filing.offer_paper, ARCHIVIST, row, upload)
    old = office.do(filing.file_in_one, ARCHIVIST, old.id)
    _spoil(resources, old.files[0].sha256)
    while do_sample(resources):
        pass
    yield KEEPER, f"/quarantine/{old.id}"
    office.do(filing.offer_paper, ARCHIVIST, filing.read_row({"title": "客户来函"}), None)
    made = office.do(intake_batches.make_batch, ARCHIVIST, "扫描", {})
    sent = [intake.Upload("一.txt", "第一份".encode()), intake.Upload("二.txt", "第二份".encode())]
    intake.receive(resources, office.staff[ARCHIVIST], made.id, sent)
    yield ARCHIVIST, f"/filing/incoming/{made.id}"
    said = Declared(0, "WI-01", "作业指导书", "A/0", local_day(resources.clock()), is_legible=True)
    document = controlled.declare(resources, office.staff[ARCHIVIST], item_id, said)
    clerk = office.staff[CLERK]
    controlled.issue(resources, office.staff[ARCHIVIST], document.id, clerk.department_id, clerk.id)
    yield ARCHIVIST, f"/controlled/{document.id}"
    yield CLERK, "/controlled"


def _spoil(resources, sha256):
    path = resources.blobs.folder / sha256[:2] / sha256[2:4] / sha256
    path.chmod(0o600)
    path.write_bytes(b"\x00" + path.read_bytes()[1:])


def _shelves(office) -> Iterator[Begin]:
    """A stocktake with a paper seen, one not, and one that nobody knows."""
    [(volume_id,), *_] = office.ask(
        select(Item.volume_id).join(ItemCopy).order_by(Item.volume_id.desc())
    )
    take = office.do(stocktake.open_take, ARCHIVIST, Scope("volume", volume_id))
    [(code,), *_] = office.ask(
        select(ItemCopy.barcode).join(Item).where(Item.volume_id == volume_id)
    )
    office.do(stocktake.add_scans, ARCHIVIST, take.id, [Scan("a", code, ""), Scan("b", "捡到", "")])
    yield ARCHIVIST, f"/stocktakes/{take.id}"
    yield ARCHIVIST, f"/stocktakes/{take.id}/scan"
    yield ARCHIVIST, f"/stocktakes/{take.id}/offline"
    yield ARCHIVIST, "/loans/desk/shell"


def _lending(office) -> Iterator[Begin]:
    """A note of several papers, a view on the screen, a visitor, a paper lost."""
    unit = office.staff[CLERK].department_id
    free = [
        item_id
        for (item_id,) in office.ask(
            select(Item.id)
            .join(ItemCopy)
            .where(Item.department_id == unit, Item.state == "shelved", ItemCopy.status == "in")
            .where(Item.secrecy <= 1)
            .order_by(Item.id)
        )
    ]
    wish = Wish("onsite", "客户续签合同前核对资质", "客户续签")
    with office.resources.work() as uow:
        lines = groups.lines_for(uow, office.staff[CLERK], free[1:3], None)
        note = groups.ask_for_all(uow, office.staff[CLERK], wish, lines).group
        uow.commit()
    yield CLERK, f"/loans/notes/{note.id}"
    yield ARCHIVIST, f"/loans/notes/{note.id}/desk"
    told = ("electronic", "拜访前核对报价底线", "拜访客户")
    asked = office.do(lending.request_loan, CLERK, free[3], *told)
    by_id = {one.id: name for name, one in office.staff.items()}
    while step := asked.waits_for:
        asked = office.do(lending.approve, by_id[step.approver_id], asked.id, "同意")
    yield CLERK, f"/loans/{asked.id}/view"
    [(request_id,), *_] = office.ask(select(Loan.request_id).where(Loan.returned_at.is_(None)))
    lost = office.do(incidents.report_loss, ARCHIVIST, request_id, "客户现场遗失，正在找。")
    yield KEEPER, f"/loans/incidents/{lost.id}"
    [(code,), *_] = office.ask(select(ItemCopy.barcode).where(ItemCopy.item_id == free[4]))
    visitor = visits.Told(
        name="马国强",
        unit="市场监督管理局",
        letter_number="市监介〔2026〕118号",
        id_kind="居民身份证",
        id_number="11010519491231002X",
        companion=office.staff[ARCHIVIST].staff_no,
        purpose="核对经销资质",
    )
    visit = office.do(visits.note_visit, ARCHIVIST, visitor, [code]).visit
    yield ARCHIVIST, f"/loans/visits/{visit.id}"


def _papers(office) -> Iterator[Begin]:
    """A sheet read, a form being made, a paper corrected, one to be submitted, a list handed."""
    resources, form = office.resources, load_form("E01")
    book, filled = load_workbook(io.BytesIO(blank_workbook(form))), io.BytesIO()
    names = [str(cell.value).rstrip(" *") for cell in book.worksheets[0][1]]
    book.worksheets[0].cell(2, names.index("客户名称") + 1, "青岛海信")
    book.save(filled)
    sheet = resources.blobs.put(filled.getvalue(), "application/octet-stream")
    task = office.do(batch.start_check, CLERK, "E01", "新客户.xlsx", sheet)
    drain_all(resources)
    yield CLERK, f"/tasks/{task.id}"
    yield CLERK, f"/records/import/{task.id}"
    word, out = Document(), io.BytesIO()
    word.add_paragraph("走访记录 {{编号}} {{客户名称}} 经理 {{签名.经理}} {{签日.经理}}")
    word.save(out)
    draft = office.do(
        forms.draft_new_form, "admin", "E99", "走访记录", "sales", inspect_upload(out.getvalue())
    )
    yield "admin", f"/forms/drafts/{draft.id}"
    yield "admin", f"/forms/drafts/{draft.id}/publish"
    made = office.do(drafts.create_draft, CLERK, "E01", sample_values("E01"))
    yield CLERK, f"/signing/{made.id}/submit"
    [(signed, unit), *_] = office.ask(
        select(Record.id, Record.department_id)
        .where(Record.state == "signed", Record.department_id == office.staff[HEAD].department_id)
        .order_by(Record.id)
    )
    month = f"{local_day(resources.clock()):%Y-%m}"
    until = local_day(resources.clock()) + timedelta(days=30)
    given = GrantFields("record", signed, until, "核对售后条款")
    office.do(let_in, "admin", "苏小敏", given)
    yield "suxiaomin", "/access/mine"
    papers = office.do(handover.make_list, HEAD, unit, month, [signed])
    yield HEAD, f"/handover/{papers.id}"
    yield HEAD, f"/records/{signed}/compare"
    with resources.work() as uow:
        code = code_for(uow, signed, 1)
        uow.commit()
    yield "", f"/verify/{code}"
    for page in ("/login", "/login/code", "/verify"):
        yield "", page


def _end_of_keeping(office, password_of) -> Iterator[Begin]:
    """Two papers whose term is over: one before the committee, one on a list; and a hold."""
    rows = [
        {"title": f"{year} 年客户往来", "form": "E01", "year": year, "department": "销售部"}
        for year in (1993, 1994)
    ]
    batch_id = office.do(filing.import_batch, ARCHIVIST, filing.batch_of(rows)).imported
    old = office.ask(select(Item.id, Item.volume_id).where(Item.id.in_(batch_id)).order_by(Item.id))
    committee = [office.staff[name].id for name in (KEEPER, LEADER, HEAD)]
    opened = []
    for item_id, volume_id in old:
        seal = office.do(filing.prepare_seal, ARCHIVIST, volume_id)
        office.do(filing.confirm_seal, KEEPER, volume_id, seal.digest)
        told = ([item_id], committee, committee[0])
        opened.append(office.do(appraisal.open_appraisal, KEEPER, *told))
    yield KEEPER, f"/retention/appraisals/{opened[0]}"
    for name in (KEEPER, LEADER, HEAD):
        said = [Opinion(old[1][0], "destroy")]
        office.do(appraisal.give_opinions, name, opened[1], said)
        known = {"password": password_of(name), "address": "-"}
        retention.sign_appraisal(office.resources, office.staff[name], opened[1], **known)
    made = office.do(lists.make_list, ARCHIVIST, opened[1], "destroy")
    yield ARCHIVIST, f"/retention/lists/{made.id}"
    office.do(set_hold, KEEPER, "item", str(old[0][0]), "海关来函，暂停销毁。")
    yield "baiwenbin", "/retention/holds"


def invite_other_party(resources, password_of) -> Invited:
    """A contract that our side has signed, with a link for the other party."""
    with resources.reading() as uow:
        by_id = {one.id: one for one in people.staff(uow, limit=100)}
        clerk = people.find_actor_by_username(uow, CLERK)
    office = Office(resources, {CLERK: clerk})
    made = office.do(drafts.create_draft, CLERK, "E05", sample_values("E05"))
    run = edge.submit(resources, clerk, made.id, made.version, with_outside=True)
    while run.open_task is not None:
        signer = by_id[run.open_task.assignee_id]
        known = {"password": password_of(signer.username), "drawn_png": None}
        run = edge.sign(resources, signer, made.id, **known)
    return outside.invite(resources, clerk, made.id, 7, "微信")
