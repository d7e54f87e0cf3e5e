"""The story of the contract, first part: papers filled in, submitted, signed, sealed, corrected."""

from archive.jobs import drain_all
from archive.signing.seals import edge as seals
from archive.signing.seals.rules import SealFields
from doc_templates import sample_values
from tests.conftest import PASSWORD, one_page_pdf
from tests.signing.test_seals import seal_png
from tests.web.contract_walker import Sent

TODAY, LATER = "2026-11-23", "2026-12-23"
CLERK, HEAD, LEADER = "sales_clerk", "sales_head", "leader"


def papers(w):
    w.get(CLERK, "/forms")
    w.get(CLERK, "/forms/{code}", code="E01")
    w.get(CLERK, "/forms/{code}/sheet.xlsx", code="E01")
    fill_in(w)
    sign_in_order(w)
    act_otherwise(w)
    correct(w)
    seal(w)
    other_party(w)
    desk(w)
    in_bulk(w)


def drafted(w, form="E01", **values):
    body = {"form": form, "values": sample_values(form) | values}
    return w.ask(CLERK, "POST /records", body)


def submitted(w, form="E01", signed_by=(), **sent):
    """A paper on its way; ``signed_by``: those who have signed already."""
    made = drafted(w, form)
    record = {"record_id": made["id"]}
    w.ask(CLERK, "POST /records/{record_id}/submit", {"version": made["version"], **sent}, **record)
    for who in signed_by:
        w.ask(who, "POST /records/{record_id}/sign", {"password": PASSWORD}, **record)
    return made["id"]


def signed(w, form="E01"):
    return submitted(w, form, (CLERK, HEAD, LEADER))


def fill_in(w):
    customer = w.ask(CLERK, "POST /customers", {"name": "青岛海信冰箱有限公司"})
    changed = {"short_name": "海信", "version": customer["version"]}
    w.ask(CLERK, "PATCH /customers/{customer_id}", changed, customer_id=customer["id"])
    w.get(CLERK, "/customers")
    w.get(CLERK, "/customers/{customer_id}", customer_id=customer["id"])
    w.get(CLERK, "/customers/suggest", {"q": "海信"})
    made = drafted(w)
    record = {"record_id": made["id"]}
    path = "/records/{record_id}"
    kept = {"reason": "先留一版", "version": made["version"]}
    w.ask(CLERK, f"POST {path}/versions", kept, **record)
    now = w.get(CLERK, path, **record)
    filled = sample_values("E01") | {"备注": "地址已按执照改正"}
    changed = {"values": filled, "version": now["version"], "reason": "地址写错"}
    w.ask(CLERK, f"PUT {path}", changed, **record)
    w.get(CLERK, f"{path}/versions", **record)
    w.get(CLERK, f"{path}/compare", {"old": 1, "new": 2}, **record)
    w.get(CLERK, "/records", {"state": "draft"})
    for ending in ("docx", "pdf"):
        w.get(CLERK, f"{path}/document.{ending}", record_id=signed(w))


def sign_in_order(w):
    paper = {"record_id": submitted(w, signed_by=[CLERK])}
    w.get(CLERK, "/records/{record_id}/signing", **paper)
    w.get(CLERK, "/records/{record_id}/as-of", {"at": TODAY}, **paper)
    w.ask(CLERK, "POST /records/{record_id}/remind", **paper)
    w.ask(CLERK, "POST /records/{record_id}/copy", {"people": ["林美玲"]}, **paper)
    w.ask(CLERK, "POST /records/{record_id}/take-back", **paper)
    w.ask(CLERK, "POST /records/{record_id}/withdraw", **paper)


def act_otherwise(w):
    """What a signer may do instead of signing."""
    path = "POST /records/{record_id}"
    paper = {"record_id": submitted(w, signed_by=[CLERK])}
    added = {"people": ["钱主任"], "way": "before", "note": "请先看"}
    run = w.ask(HEAD, f"{path}/add-signer", added, **paper)
    [theirs] = [one["id"] for one in run["tasks"] if one["assignee"] == "钱主任"]
    w.ask(HEAD, f"{path}/remove-signer", {"task_id": theirs}, **paper)
    w.ask(HEAD, f"{path}/delegate", {"person": "钱主任", "note": "请给意见"}, **paper)
    w.ask("other_head", f"{path}/advise", {"opinion": "条款没有问题"}, **paper)
    back = {"password": PASSWORD, "reason": "电话写错", "to": 0}
    w.ask(HEAD, f"{path}/return", back, **paper)
    paper = {"record_id": submitted(w, signed_by=[CLERK])}
    w.ask(HEAD, f"{path}/hand-over", {"person": "钱主任", "note": "请代签"}, **paper)
    refused = {"password": PASSWORD, "reason": "不做这家"}
    w.ask(HEAD, f"{path}/reject", refused, record_id=submitted(w, signed_by=[CLERK]))


def correct(w):
    path = "/records/{record_id}/corrections"
    old = signed(w)
    new = w.ask(CLERK, f"POST {path}", {"reason": "地址写错"}, record_id=old)
    w.get(CLERK, path, record_id=old)
    w.ask(CLERK, f"DELETE {path}", record_id=new["id"])


def seal(w):
    fields = SealFields("合同专用章", "合同专用章", 42.0, 42.0, "archive_head")
    made = seals.add_seal(w.resources, w.company.admin, fields, seal_png())
    wanted = {"seal_id": made, "why": "签订合同"}
    paper = {"record_id": submitted(w, "E05", [LEADER], seal=wanted)}
    done = {"password": PASSWORD, "copies": 1, "compared": True}
    w.ask("archive_head", "POST /records/{record_id}/seal", done, **paper)
    w.get(CLERK, "/seals")
    w.get("archive_head", "/seals/uses")


def other_party(w):
    path = "/records/{record_id}/invitations"
    paper = {"record_id": submitted(w, "E05", [LEADER], with_outside=True)}
    made = w.ask(CLERK, f"POST {path}", {"days": 7, "contact": "微信"}, **paper)
    w.get(CLERK, path, **paper)
    revoke = f"POST {path}/{{invitation_id}}/revoke"
    w.ask(CLERK, revoke, **paper, invitation_id=made["id"])
    scan = Sent(data=one_page_pdf("双方签字"), content_type="application/pdf")
    paper = {"record_id": submitted(w, "E05", [LEADER], with_outside=True)}
    w.ask(CLERK, "POST /records/{record_id}/scan", scan, **paper)


def desk(w):
    """The desk of who signs: what waits, several at once, deputies, phrases, what is stuck."""
    waiting = [submitted(w, signed_by=[CLERK]) for _ in range(2)]
    w.get(HEAD, "/inbox", {"view": "todo"})
    w.get(HEAD, "/inbox/counts")
    w.ask(HEAD, "POST /inbox/sign", {"record_ids": waiting, "password": PASSWORD})
    given = {"agent": "钱主任", "from_day": TODAY, "until_day": LATER, "reason": "出差"}
    made = w.ask(HEAD, "POST /delegations", given)
    w.get(HEAD, "/delegations")
    w.ask(HEAD, "POST /delegations/{delegation_id}/end", delegation_id=made["id"])
    for_me = {"text": "同意，请按期交货。"}
    w.ask(HEAD, "POST /opinions", for_me)
    w.get(HEAD, "/opinions")
    w.ask(HEAD, "POST /opinions/remove", for_me)
    paper = submitted(w, signed_by=[CLERK])
    run = w.get(CLERK, "/records/{record_id}/signing", record_id=paper)
    [task] = [one["id"] for one in run["tasks"] if one["state"] == "open"]
    w.get("admin", "/inbox/stuck")
    to = {"person": "钱主任", "note": "王建国休假"}
    w.ask("admin", "POST /inbox/{task_id}/reassign", to, task_id=task)


def in_bulk(w):
    ids = [submitted(w) for _ in range(2)]
    task = w.ask(CLERK, "POST /records/bundle", {"ids": ids, "make": "word"})
    told = {"task_id": task["id"]}
    w.ask(CLERK, "POST /tasks/{task_id}/stop", **told)
    w.ask(CLERK, "POST /tasks/{task_id}/resume", **told)
    drain_all(w.resources)
    w.get(CLERK, "/tasks")
    made = w.get(CLERK, "/tasks/{task_id}", **told)
    w.get(CLERK, "/tasks/{task_id}/files/{file_id}", **told, file_id=made["files"][0]["id"])
    sheet = w.get(CLERK, "/forms/{code}/sheet.xlsx", code="E01")
    sent = Sent(data={"file": (sheet, "新客户.xlsx"), "check_only": "1"})
    w.ask(CLERK, "POST /forms/{code}/import", sent, code="E01")
    drain_all(w.resources)
