"""The demo company with strangers in it, and what of other people's lies about, by address.

``THINGS`` says for the beginning of an address with which ids it is asked: the columns of the
query are the arguments of the address. Used by ``test_strangers_things``.
"""

import re
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text

from archive.core.clock import local_day
from archive.demo import make_demo
from archive.filing import service as filing
from archive.jobs import drain_all
from archive.lending.groups import basket
from archive.lending.viewing import sheets
from archive.people import access
from archive.people import service as people
from archive.people.rights import Actor
from archive.people.service import UserFields
from archive.records import drafts, pictures
from archive.search import synonyms
from archive.search.saved import save
from archive.signing.delegation import delegate_tasks
from archive.tasks import service as tasks
from doc_templates import sample_values
from tests.conftest import PASSWORD_HASH
from tests.web.laid_out import ARCHIVIST, CLERK, HEAD, Office, invite_other_party, lay_out

UNIT = "物流部"
STRANGERS = {  # nobody of them has anything to do with the sales department's papers
    "stranger_clerk": ({"clerk"}, 1),
    "stranger_head": ({"head"}, 2),
    "stranger_keeper": ({"archivist"}, 0),  # of the archive's office, but cleared for nothing
}

ITEM = "select min(id) item_id from item where department_id = :sales group by state"
FILE = """select item_id, max(item_file.id) file_id from item_file join item on item.id = item_id
          where department_id = :sales group by state"""
RECORD = "select min(id) record_id from record where department_id = :sales group by state"
VOLUME = "select min(volume_id) volume_id from item where department_id = :sales"
REQUEST = "select min(id) request_id from loan_request group by state, mode"
COPY = "select barcode from item_copy join item on item.id = item_id where department_id = :sales"
TAKE = "select id take_id from stocktake"
USER = "select id user_id from user where username = 'linxiaoyu'"
CUSTOMER = "select min(id) customer_id from customer where owner_id is not null group by owner_id"
TASK = "select id task_id from task where owner_id <> :stranger"
OF_TASKS = (
    "from task_file join task on task.id = task_file.task_id where task.owner_id <> :stranger"
)
TASK_FILE = f"select task_id, task_file.id file_id {OF_TASKS}"
INVITATION = "select record_id, id invitation_id from signing_invitation"
DELEGATION = "select id delegation_id from signing_delegation"
HANDOVER = "select id list_id from handover_list"
BATCH = "select id batch_id from intake_batch"
BATCH_FILE = "select batch_id, id file_id, 1 number from intake_file"
DOCUMENT = "select id document_id from controlled_document"
DOCUMENT_VERSION = "select document_id, id version_id from controlled_version"
SESSION = "select id session_id from login_session where user_id <> :stranger"
TOKEN = "select id token_id from api_token where user_id <> :stranger"
GRANT = "select id grant_id from access_grant"
FORM = "select 'E01' code, 1 version"
THINGS = {
    "/access/<kind>/<thing_id>": """
        select 'record' kind, min(id) thing_id from record where department_id = :sales
        union select 'item', min(id) from item where department_id = :sales
        union select 'customer', min(id) from customer
        union select 'volume', min(volume_id) from item where department_id = :sales""",
    "/access/grants/<grant_id>": GRANT,
    "/account/sessions/<session_id>": SESSION,
    "/account/tokens/<token_id>": TOKEN,
    "/admin/checkpoints/<month>": "select '2026-11' month",
    "/admin/journal/<seq>": "select 5 seq",
    "/admin/users/<user_id>": USER,
    "/calendar/<year>": "select 2026 year",
    "/checks/<run_id>": "select id run_id from check_run",
    "/checks/findings/<finding_id>": "select id finding_id from check_finding",
    "/controlled/<document_id>": DOCUMENT,
    "/controlled/<document_id>/versions/<version_id>": DOCUMENT_VERSION,
    "/controlled/<document_id>/withdraw/<version_id>": DOCUMENT_VERSION,
    "/controlled/copies/<copy_id>": "select id copy_id from controlled_copy",
    "/copies/<barcode>": f"{COPY} limit 2",
    "/customers/<customer_id>": CUSTOMER,
    "/delegations/<delegation_id>": DELEGATION,
    "/dossiers/<scope>/<number>": """
        select 'customer' scope, customer_id number from item where department_id = :sales
        union select 'volume', volume_id from item where department_id = :sales and volume_id > 0
        union select 'order', id from item where department_id = :sales""",
    "/filing/incoming/<batch_id>": BATCH,
    "/filing/incoming/<batch_id>/files/<file_id>": BATCH_FILE,
    "/filing/item/<item_id>": ITEM,
    "/filing/record/<record_id>": RECORD,
    "/filing/screen/<key>/page/<number>": """
        select 'i' || min(id) "key", 1 number from item where department_id = :sales
        union select 'r' || min(id), 1 from record where state = 'signed'""",
    "/filing/screen/<step>": "select 1 one",
    "/forms/<code>": FORM,
    "/forms/drafts/<draft_id>": "select id draft_id from form_version where state = 'draft'",
    "/grants/<grant_id>": GRANT,
    "/handover/<list_id>": HANDOVER,
    "/handovers/<list_id>": HANDOVER,
    "/inbox/<task_id>": "select min(id) task_id from signing_task group by state",
    "/intake-batches/<batch_id>": BATCH,
    "/intake-batches/<batch_id>/files/<file_id>": BATCH_FILE,
    "/items/<item_id>": ITEM,
    "/items/<item_id>/files/<file_id>": f"{FILE} union select :item, max(id) from item_file",
    "/loans/<request_id>": REQUEST,
    "/loans/<request_id>/papers/<code>": f"select * from ({REQUEST}), (select 'A01' code)",
    "/loans/<request_id>/view/<file_id>/<page>": """
        select loan_request.id request_id, item_file.id file_id, 1 page
        from loan_request join item_file on item_file.item_id = loan_request.item_id
        where mode = 'electronic'""",
    "/loans/basket/drop/<item_id>": "select item_id from loan_basket_line",
    "/loans/calendar/<token>": "select 'x' token",
    "/loans/incidents/<incident_id>": "select id incident_id from loan_incident",
    "/loans/items/<item_id>": ITEM,
    "/loans/notes/<group_id>": "select id group_id from loan_group",
    "/loans/register/papers/A02": "select 1 one",
    "/loans/rules/<code>": "select min(code) code from loan_rule",
    "/loans/sheets/<sheet_id>": "select id sheet_id from loan_sheet",
    "/loans/visits/<visit_id>": "select id visit_id from loan_visit",
    "/me/sessions/<session_id>": SESSION,
    "/me/tokens/<token_id>": TOKEN,
    "/packages/<scope>/<number>": """
        select 'item' scope, min(id) number from item where department_id = :sales
        union select 'volume', min(volume_id) from item where department_id = :sales
        union select 'customer', min(customer_id) from item where department_id = :sales""",
    "/places/<place_id>": "select min(id) place_id from storage_place",
    "/places/copies/<barcode>": f"{COPY} limit 2",
    "/quarantine/<item_id>": "select item_id from quarantine",
    "/quarantine/<item_id>/files/<file_id>": """
        select quarantine.item_id, item_file.id file_id
        from quarantine join item_file on item_file.item_id = quarantine.item_id""",
    "/records/<record_id>": RECORD,
    "/records/<record_id>/earlier/<source_id>": """
        select :draft record_id, min(id) source_id from record
        where form_code = 'E01' and department_id = :sales group by state""",
    "/records/<record_id>/invitations/<invitation_id>": INVITATION,
    "/records/<record_id>/pictures/<sha256>": """
        select record_id, sha256 from record_picture
        union select :draft, sha256 from record_picture""",
    "/records/import/<check_id>": "select id check_id from task where owner_id <> :stranger",
    "/records/new/<code>": FORM,
    "/retention/appraisals/<appraisal_id>": "select id appraisal_id from appraisal",
    "/retention/holds/<hold_id>": "select id hold_id from legal_hold",
    "/retention/lists/<list_id>": "select id list_id from disposal_list",
    "/seals/<seal_id>": "select id seal_id from company_seal",
    "/search/at/<item_id>": ITEM,
    "/search/saved/<saved_id>": "select id saved_id from saved_search",
    "/search/synonyms/<group_id>": "select id group_id from synonym_group",
    "/sign/<token>": "select 'x' token, 1 number",
    "/signing/<record_id>": RECORD,
    "/signing/<record_id>/invitations/<invitation_id>": INVITATION,
    "/signing/delegations/<delegation_id>": DELEGATION,
    "/signing/stuck/<task_id>": "select min(id) task_id from signing_task group by state",
    "/stocktakes/<take_id>": TAKE,
    "/tasks/<task_id>": TASK,
    "/tasks/<task_id>/files/<file_id>": (
        f"{TASK_FILE} union select :task, max(task_file.id) {OF_TASKS}"
    ),
    "/verify/<token>": "select 'x' token",
    "/volumes/<volume_id>": VOLUME,
    "/volumes/<volume_id>/papers/<code>": VOLUME,
}


@dataclass(frozen=True)
class Town:
    """The company, its people and the strangers by user name, and what the strangers have."""

    resources: object
    staff: dict[str, Actor]
    own: dict[str, int]

    def rows(self, query: str, stranger: str) -> list[dict[str, object]]:
        """Return what a query of ``THINGS`` finds for one of the strangers."""
        known = self.own | {"stranger": self.staff[stranger].id}
        with self.resources.reading() as uow:
            wanted = {name: known[name] for name in set(re.findall(r":(\w+)", query))}
            found = uow.session.execute(text(query), wanted).mappings()
            return [dict(row) for row in found]


def settle(resources) -> Town:
    """Make the demo company and lay everything out; let the strangers come."""
    make_demo(resources, lambda *_: None)
    lay_out(resources, _password_of)
    invite_other_party(resources, _password_of)
    _hire(resources)
    with resources.reading() as uow:
        staff = {one.username: one for one in people.staff(uow, limit=100)}
    office = Office(resources, staff)
    own = _strangers_own(office) | {"sales": staff[HEAD].department_id}
    others_own(office)
    drain_all(resources)
    return Town(resources, staff, own)


def _password_of(username):
    return f"demo-{username}"


def _hire(resources):
    with resources.work() as uow:
        unit = people.add_department(uow, "WLB", UNIT)
        for number, (name, (roles, clearance)) in enumerate(STRANGERS.items()):
            fields = UserFields(
                name, f"08{number:02d}", f"外人{number}", unit, frozenset(roles), clearance
            )
            people.add_user(uow, None, fields, PASSWORD_HASH, must_change_password=False)
        uow.commit()


def _strangers_own(office):
    """What a stranger has: somebody else's inner id is asked for inside it."""
    clerk = office.staff["stranger_clerk"]
    draft = office.do(drafts.create_draft, clerk.username, "E01", sample_values("E01"))
    row = {"title": "物流台账", "year": 2024, "department": UNIT, "secrecy": "内部"}
    item, _ = office.do(filing.import_item, ARCHIVIST, row)
    task = office.do(tasks.start_task, clerk.username, "bundle", "打包", {})
    return {"draft": draft.id, "item": item.id, "task": task.id}


def others_own(office):
    """What the demo company's people have not yet: searches, tokens, deputies, prints, pictures."""
    clerk, resources = office.staff[CLERK], office.resources
    office.do(save, CLERK, "我的海棠湾", "海棠湾", {}, "relevance", None)
    office.do(synonyms.add_group, ARCHIVIST, "合同 = 合约")
    day = local_day(resources.clock())
    office.do(delegate_tasks, CLERK, office.staff["hezihan"], day, day + timedelta(days=5))
    [(request_id, file_id), *_] = office.ask(
        text(
            "select loan_grant.request_id, item_file.id from loan_grant"
            " join loan_request on loan_request.id = loan_grant.request_id"
            " join item_file on item_file.item_id = loan_request.item_id"
        )
    )
    office.do(sheets.ask_print, CLERK, request_id, file_id, (1,))
    [(draft, author), *_] = office.ask(
        text("select id, author_id from record where state = 'draft' order by id")
    )
    by_id = {one.id: name for name, one in office.staff.items()}
    picture = resources.blobs.put("一张照片".encode(), "image/png")
    office.do(pictures.keep_picture, by_id[author], draft, picture)
    [(free,), *_] = office.ask(
        text("select item_id from item_copy where status = 'in' order by item_id desc")
    )
    office.do(basket.put_in, CLERK, [free])
    with resources.work() as uow:
        access.issue_token(uow, clerk.id, 9, name="报表")
        access.open_session(uow, clerk.id, "127.0.0.1", "别人的浏览器")
        uow.commit()
