"""The story of the contract, third part: papers asked for, lent, looked at, lost, brought back."""

from dataclasses import replace

from archive.core.clock import local_day
from archive.lending import matrix
from archive.lending.service import save_rule, seed_rules
from tests.lending.test_workdays import NOTICE
from tests.web.story.filing import ARCHIVIST, KEEPER, filed
from tests.web.story.papers import CLERK, HEAD, TODAY

BORROWER, PURPOSE = "sales_clerk2", "客户续签合同前核对资质"


def lending(w):
    with w.resources.work() as uow:
        seed_rules(uow)
        uow.commit()
    rules = w.get(ARCHIVIST, "/loans/rules")["items"]
    w.get(ARCHIVIST, "/loans/rules/{code}", code=rules[0]["code"])
    one_paper(w)
    otherwise(w)
    on_a_note(w)
    lost(w)
    on_the_screen(w)
    visitor(w)
    working_days(w)


def wish(item, mode="original", **more):
    return {
        "item_id": item, "mode": mode, "purpose": PURPOSE, "business_reference": "海信", **more,
    }  # fmt: skip


def asked(w, item, mode="original", who=BORROWER):
    return w.ask(who, "POST /loans", wish(item, mode))


def approved(w, item, mode="original", who=BORROWER):
    """A request that everybody who is asked has approved."""
    made = asked(w, item, mode, who)
    names = {person.name: name for name, person in w.company.everyone().items()}
    while waiting := [one for one in made["approvals"] if one["state"] == "open"]:
        said = {"opinion": "同意", "version": made["version"]}
        path = "POST /loans/{request_id}/approve"
        made = w.ask(names[waiting[0]["approver"]], path, said, request_id=made["id"])
    return made


def lent(w, item):
    """A paper handed out; return the request and what was scanned."""
    request = approved(w, item["id"])
    scan = {"barcode": item["copies"][0]["barcode"], "request_id": request["id"]}
    w.ask(ARCHIVIST, "POST /loans/hand-out", scan)
    return request, scan["barcode"]


def one_paper(w):
    item = filed(w)
    w.ask(BORROWER, "POST /loans/decide", wish(item["id"]))
    w.get(BORROWER, "/loans/decision", {"item": item["id"], "mode": "original"})
    request, barcode = lent(w, item)
    loan = {"request_id": request["id"]}
    w.get(BORROWER, "/loans", {"mine": True})
    w.get(BORROWER, "/loans/{request_id}", **loan)
    w.ask(CLERK, "POST /loans/reserve", wish(item["id"]))
    w.ask(ARCHIVIST, "POST /loans/{request_id}/recall", {"reason": "审计要看"}, **loan)
    back = {"barcode": barcode, "pages": 1, "condition": "完好"}
    w.ask(ARCHIVIST, "POST /loans/return", back)


def otherwise(w):
    item = filed(w)["id"]
    made = asked(w, item)
    [waiting] = [one["approver"] for one in made["approvals"] if one["state"] == "open"]
    assert waiting == w.company.sales_head.name
    no = {"opinion": "不急用", "version": made["version"]}
    w.ask(HEAD, "POST /loans/{request_id}/refuse", no, request_id=made["id"])
    w.ask(BORROWER, "POST /loans/{request_id}/withdraw", request_id=asked(w, item)["id"])
    request, _ = lent(w, filed(w))
    w.resources.clock.advance(days=10)
    w.ask(BORROWER, "POST /loans/{request_id}/renew", request_id=request["id"])


def on_a_note(w):
    items = [filed(w) for _ in range(2)]
    sent = {
        "mode": "original", "purpose": PURPOSE, "business_reference": "海信",
        "items": [one["id"] for one in items],
    }  # fmt: skip
    w.ask(BORROWER, "POST /loans/notes/decision", sent)
    made = w.ask(BORROWER, "POST /loans/notes", sent)
    note, path = {"group_id": made["id"]}, "/loans/notes/{group_id}"
    for who in (HEAD, ARCHIVIST):
        told = w.get(BORROWER, path, **note)
        picks = [{"id": one["id"], "version": one["version"]} for one in told["requests"]]
        decided = {"requests": picks, "opinion": "同意"}
        w.ask(who, f"POST {path}/decide", decided, **note)
    codes = [one["copies"][0]["barcode"] for one in items]
    out = {"copies": [{"barcode": code, "pages": 1} for code in codes]}
    w.ask(ARCHIVIST, f"POST {path}/hand-out", out, **note)
    w.ask(ARCHIVIST, f"POST {path}/return", out, **note)


def lost(w):
    item = filed(w)
    request, _ = lent(w, item)
    told = {"report": "客户现场遗失，正在找。"}
    made = w.ask(ARCHIVIST, "POST /loans/{request_id}/loss", told, request_id=request["id"])
    incident, path = {"incident_id": made["id"]}, "/loans/incidents/{incident_id}"
    told = {"report": "报案未果。", "responsible": "林美玲", "version": made["version"]}
    made = w.ask(ARCHIVIST, f"POST {path}/report", told, **incident)
    w.get(KEEPER, "/loans/incidents")
    w.get(KEEPER, path, **incident)
    for kind in ("docx", "pdf"):
        w.get(KEEPER, f"{path}/A11.{{kind}}", **incident, kind=kind)
    done = {"decision": "确认遗失，报失。", "outcome": "lost", "version": made["version"]}
    w.ask(KEEPER, f"POST {path}/close", done, **incident)


def allow_downloads(w):
    """Let the head of the archive change the rule by which own papers are looked at."""
    with w.resources.work() as uow:
        rule = next(one for one in matrix.all_rules(uow) if one.code == "own-open-electronic")
        today = local_day(w.resources.clock())
        save_rule(uow, w.company.archive_head, replace(rule, download=True, valid_from=today))
        uow.commit()


def on_the_screen(w):
    made = filed(w)
    view, path = {"request_id": approved(w, made["id"], "electronic")["id"]}, "/loans/{request_id}"
    shown = w.get(BORROWER, f"{path}/view", **view)
    file = next(one["id"] for one in shown["files"] if one["pages"])
    w.get(BORROWER, f"{path}/view/{{file_id}}/{{page}}.jpg", **view, file_id=file, page=1)
    pages = {"file_id": file, "pages": "1"}
    w.ask(BORROWER, f"POST {path}/view/print", pages, **view)
    w.ask(BORROWER, f"POST {path}/view/finish", **view)
    allow_downloads(w)
    view = {"request_id": approved(w, made["id"], "electronic", CLERK)["id"]}
    w.ask(CLERK, f"POST {path}/view/download", pages, **view)
    w.ask(ARCHIVIST, f"POST {path}/view/revoke", {"reason": "用途不符"}, **view)
    copied = {"file_id": file, "pages": "1", "copies": 1, "recipient": "海信采购部"}
    paper = {"request_id": approved(w, filed(w)["id"], "copy")["id"]}
    sheet = w.ask(ARCHIVIST, f"POST {path}/copy", copied | {"file_id": None}, **paper)
    w.get(ARCHIVIST, "/loans/sheets")
    end = {"how": "returned", "version": sheet["version"]}
    w.ask(ARCHIVIST, "POST /loans/sheets/{sheet_id}/end", end, sheet_id=sheet["id"])


def visitor(w):
    made = filed(w)
    told = {
        "name": "马国强", "unit": "市场监督管理局", "letter_number": "市监介〔2026〕118号",
        "id_kind": "居民身份证", "id_number": "11010519491231002X",
        "companion": w.company.archivist.staff_no, "purpose": "核对经销资质",
        "papers": [made["copies"][0]["barcode"]],
    }  # fmt: skip
    visit = w.ask(ARCHIVIST, "POST /loans/visits", told)
    w.get(ARCHIVIST, "/loans/visits")
    w.get(ARCHIVIST, "/loans/visits/{visit_id}", visit_id=visit["id"])
    w.ask(ARCHIVIST, "POST /loans/visits/{visit_id}/end", visit_id=visit["id"])


def working_days(w):
    year = w.get(ARCHIVIST, "/calendar/{year}", year=2027)
    w.get(ARCHIVIST, "/calendar/working-day", {"after": TODAY, "count": 3})
    day = {"first": "2027-03-01", "what": "closed", "note": "厂庆", "version": year["version"]}
    changed = w.ask(KEEPER, "PUT /calendar/days", day)
    said = {"year": 2027, "text": NOTICE, "basis": "放假通知", "version": changed["version"]}
    w.ask(KEEPER, "POST /calendar/notices", said)
