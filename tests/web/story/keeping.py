"""The story of the contract, last part: shelves counted, terms over, and what is everybody's."""

import io

import openpyxl

from archive.filing.retention.settings import save_settings
from archive.jobs import drain_all
from archive.people import access
from tests.conftest import PASSWORD
from tests.web.contract_walker import Sent
from tests.web.story.filing import ARCHIVIST, KEEPER, filed, sealed
from tests.web.story.papers import CLERK, HEAD, LATER, LEADER, signed


def keeping(w):
    shelves(w)
    counted(w)
    circle(w)
    found(w)
    account(w)
    term_over(w)


def shelves(w):
    laid = w.ask(ARCHIVIST, "POST /places/layout", {"layout": "库房二 2列 × 2节 × 2层"})
    room = {"place_id": laid["room"]["id"]}
    made = w.ask(ARCHIVIST, "POST /places", {"kind": "room", "names": ["库房三"]})
    [new] = made["items"]
    path = "/places/{place_id}"
    changed = {"name": "库房三（新）", "version": new["version"], "capacity": 500}
    new = w.ask(ARCHIVIST, f"POST {path}/change", changed, place_id=new["id"])
    use = {"version": new["version"]}
    new = w.ask(ARCHIVIST, f"POST {path}/{{act}}", use, place_id=new["id"], act="close")
    use = {"version": new["version"]}
    w.ask(ARCHIVIST, f"POST {path}/{{act}}", use, place_id=new["id"], act="reopen")
    w.get(ARCHIVIST, "/places")
    tree = w.get(ARCHIVIST, path, **room)
    while tree["children"]:
        tree = tree["children"][0]
    code = filed(w)["copies"][0]["barcode"]
    move = {"barcodes": [code], "place": tree["place"]["barcode"], "reason": "换架"}
    w.ask(ARCHIVIST, "POST /places/moves", move)
    w.get(ARCHIVIST, "/places/copies")
    w.get(ARCHIVIST, "/places/copies/{barcode}", barcode=code)
    w.get(ARCHIVIST, "/places/labels.pdf", {"what": "places", "id": room["place_id"]})


def counted(w):
    item = filed(w)
    volume = item["volume_id"]
    path = "/stocktakes/{take_id}"
    scope = {"kind": "volume", "id": volume}
    given_up = w.ask(ARCHIVIST, "POST /stocktakes", scope)
    w.ask(ARCHIVIST, f"POST {path}/discard", {"reason": "改日再盘"}, take_id=given_up["id"])
    take = {"take_id": w.ask(ARCHIVIST, "POST /stocktakes", scope)["id"]}
    shown = w.get(ARCHIVIST, path, **take)
    missing, *seen = [one["barcode"] for one in shown["findings"]]
    scans = [{"barcode": one, "client_id": f"a{n}"} for n, one in enumerate(seen)]
    w.ask(ARCHIVIST, f"POST {path}/scans", {"scans": scans}, **take)
    book, out = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["条码", "位置", "时间"])
    book.active.append(["捡到的", "", ""])
    book.save(out)
    sent = Sent(data={"file": (out.getvalue(), "清单.xlsx")})
    w.ask(ARCHIVIST, f"POST {path}/list", sent, **take)
    shown = w.get(ARCHIVIST, path, **take)
    for finding in shown["findings"]:
        said = {name: finding[name] for name in ("barcode", "outcome")}
        said["decision"] = "missing" if finding["outcome"] == "missing" else "noted"
        said["note"] = "找过"
        shown = w.ask(ARCHIVIST, f"POST {path}/decide", said, **take)
    done = {"digest": shown["digest"], "password": PASSWORD, "note": "盘完"}
    w.ask(ARCHIVIST, f"POST {path}/close", done, **take)
    w.get(ARCHIVIST, "/stocktakes")
    for kind in ("docx", "pdf"):
        w.get(ARCHIVIST, f"{path}/A09.{{kind}}", **take, kind=kind)
    back = {"note": "在隔壁"}
    w.ask(ARCHIVIST, "POST /places/copies/{barcode}/found", back, barcode=missing)


def term_over(w):
    """Papers of thirty years ago: held, judged, kept on, given away, destroyed."""
    with w.resources.work() as uow:
        save_settings(uow, w.company.admin, w.company.leader.id, 3)
        uow.commit()
    given, burnt, undecided = (sealed(w, year) for year in (1993, 1994, 1995))
    held = {"scope": "item", "target": str(given), "reason": "海关来函，暂停销毁。"}
    hold = w.ask(KEEPER, "POST /retention/holds", held)
    w.get(KEEPER, "/retention/holds")
    w.ask(KEEPER, "POST /retention/holds/{hold_id}/lift", {"reason": "结案"}, hold_id=hold["id"])
    w.get(KEEPER, "/retention/due")
    path = "/retention/appraisals/{appraisal_id}"
    given_up = {"appraisal_id": opened(w, undecided)["id"]}
    w.ask(KEEPER, f"POST {path}/withdraw", {"reason": "人员变动"}, **given_up)
    moved = judged(w, given, "transfer")
    listed = w.ask(ARCHIVIST, f"POST {path}/lists", {"kind": "transfer"}, **moved)
    over = signature(listed) | {"receiver": "市档案馆", "receiver_name": "刘接收"}
    w.ask(ARCHIVIST, "POST /retention/lists/{list_id}/transfer", over, list_id=listed["id"])
    destroyed(w, undecided, burnt)


def opened(w, item):
    company = w.company
    members = [company.archive_head.id, company.leader.id, company.sales_head.id]
    sent = {"items": [item], "members": members, "leader_id": members[0]}
    return w.ask(KEEPER, "POST /retention/appraisals", sent)


def judged(w, item, opinion):
    made, path = {"appraisal_id": opened(w, item)["id"]}, "/retention/appraisals/{appraisal_id}"
    for who in (KEEPER, LEADER, HEAD):
        said = {"opinions": [{"item_id": item, "opinion": opinion}]}
        w.ask(who, f"POST {path}/opinions", said, **made)
        w.ask(who, f"POST {path}/sign", {"password": PASSWORD}, **made)
    w.get(KEEPER, path, **made)
    for kind in ("docx", "pdf"):
        w.get(KEEPER, f"{path}/A15.{{kind}}", **made, kind=kind)
    return made


def signature(listed):
    return {"digest": listed["digest"], "password": PASSWORD}


def destroyed(w, first, second):
    """A list withdrawn; another approved, watched once three months are over, carried out."""
    path = "/retention/lists/{list_id}"
    make = "POST /retention/appraisals/{appraisal_id}/lists"
    listed = w.ask(ARCHIVIST, make, {"kind": "destroy"}, **judged(w, first, "destroy"))
    w.ask(ARCHIVIST, f"POST {path}/withdraw", {"reason": "写漏一件"}, list_id=listed["id"])
    listed = w.ask(ARCHIVIST, make, {"kind": "destroy"}, **judged(w, second, "destroy"))
    one = {"list_id": listed["id"]}
    w.ask(LEADER, f"POST {path}/approve", signature(listed), **one)
    w.resources.clock.advance(days=93)
    watched = signature(listed) | {"method": "粉碎", "location": "档案室院内"}
    for who in (KEEPER, HEAD):
        w.ask(who, f"POST {path}/witness", watched, **one)
    w.ask(ARCHIVIST, f"POST {path}/execute", signature(listed), **one)
    drain_all(w.resources)
    w.get(KEEPER, path, **one)
    for kind in ("docx", "pdf"):
        w.get(KEEPER, f"{path}/paper.{{kind}}", **one, kind=kind)


def circle(w):
    paper = signed(w)
    thing = {"kind": "record", "id": paper}
    w.get(HEAD, "/access", thing)
    w.get(HEAD, "/access/person", {**thing, "person": "林美玲"})
    given = {**thing, "person": "赵客服", "until": LATER, "reason": "核对售后条款"}
    made = w.ask("admin", "POST /grants", given)
    w.get("admin", "/grants")
    path = "POST /grants/{grant_id}/withdraw"
    w.ask("admin", path, {"reason": "完了"}, grant_id=made["id"])
    w.get("only_audit_admin", "/journal")
    w.get("only_audit_admin", "/verify")


def found(w):
    drain_all(w.resources)
    w.get(CLERK, "/search", {"q": "海信"})
    w.get(CLERK, "/search/suggest", {"q": "海"})
    saved = {"name": "我的海信", "q": "海信", "filters": {}, "sort": "relevance"}
    made = w.ask(CLERK, "POST /search/saved", saved)
    one = {"saved_id": made["id"]}
    w.get(CLERK, "/search/saved")
    w.ask(CLERK, "PATCH /search/saved/{saved_id}", {"name": "海信的"}, **one)
    w.ask(CLERK, "POST /search/saved/{saved_id}/run", **one)
    w.ask(CLERK, "DELETE /search/saved/{saved_id}", **one)


def account(w):
    w.get(CLERK, "/me")
    with w.resources.work() as uow:
        access.open_session(uow, w.company.sales_clerk.id, "127.0.0.1", "另一个浏览器")
        access.issue_token(uow, w.company.sales_clerk.id, 9, name="报表")
        uow.commit()
    sessions = w.get(CLERK, "/me/sessions")
    tokens = w.get(CLERK, "/me/tokens")
    last = [one["id"] for one in tokens["items"] if one["name"] == "报表"]
    w.ask(CLERK, "DELETE /me/sessions/{session_id}", session_id=sessions["items"][0]["id"])
    w.ask(CLERK, "DELETE /me/tokens/{token_id}", token_id=last[0])
