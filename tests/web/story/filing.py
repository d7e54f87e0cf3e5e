"""The story of the contract, second part: papers taken in, described, sealed, controlled."""

import io

from pypdf import PdfWriter

from archive.jobs import drain_all
from tests.conftest import PASSWORD, one_page_pdf
from tests.web.contract_walker import Sent
from tests.web.story.papers import CLERK, HEAD, TODAY, signed

ARCHIVIST, KEEPER = "archivist", "archive_head"
PLACE = {"room": "库房一", "row": "1", "bay": "1", "shelf": "1", "box": "1"}


def filing(w):
    take_in(w)
    offered(w)
    describe(w)
    from_elsewhere(w)
    in_batches(w)
    hand_over(w)
    unsealed(w)
    control(w)
    plan(w)


def filed(w, place=PLACE):
    """A signed paper at its place."""
    return w.ask(ARCHIVIST, "POST /records/{record_id}/file", {"place": place}, record_id=signed(w))


def take_in(w):
    made = w.ask(ARCHIVIST, "POST /items", {"record_id": signed(w), "note": "齐全"})
    item = {"item_id": made["id"]}
    w.ask(ARCHIVIST, "POST /items/{item_id}/classify", {"version": made["version"]}, **item)
    w.ask(ARCHIVIST, "POST /items/{item_id}/catalogue", {}, **item)
    w.ask(ARCHIVIST, "POST /items/{item_id}/shelve", {"place": PLACE, "pages": 1}, **item)
    made = w.ask(ARCHIVIST, "POST /items", {"record_id": signed(w)})
    sent = {"place": PLACE, "version": made["version"]}
    w.ask(ARCHIVIST, "POST /items/{item_id}/file", sent, item_id=made["id"])
    filed(w)
    back = {"reason": "签字不清"}
    w.ask(ARCHIVIST, "POST /records/{record_id}/file-refusal", back, record_id=signed(w))
    w.get(ARCHIVIST, "/items", {"year": 2026})
    w.get(ARCHIVIST, "/volumes")
    w.get(ARCHIVIST, "/volumes/{volume_id}", volume_id=1)
    for code in ("A04", "A06"):
        paper = {"volume_id": 1, "code": code, "kind": "docx"}
        w.get(ARCHIVIST, "/volumes/{volume_id}/papers/{code}.{kind}", **paper)


def offered(w):
    """Papers that came from outside, through a batch of scans."""
    first, second = scanned(w, "来函一", "来函二")
    w.ask(ARCHIVIST, "POST /items/{item_id}/accept", {}, item_id=first)
    w.ask(ARCHIVIST, "POST /items/{item_id}/refusal", {"reason": "缺第二页"}, item_id=second)
    w.ask(ARCHIVIST, "POST /items/{item_id}/take-again", {}, item_id=second)


def scanned(w, *titles):
    """Items offered from scans with these titles."""
    batch = w.ask(ARCHIVIST, "POST /intake-batches", {"title": "旧合同扫描"})
    told = {"batch_id": batch["id"]}
    files = [(one_page_pdf(f"[sig:{title}]"), f"{title}.pdf") for title in titles]
    sent = Sent(data={"upload": files})
    w.ask(ARCHIVIST, "POST /intake-batches/{batch_id}/files", sent, **told)
    drain_all(w.resources)
    w.ask(ARCHIVIST, "POST /intake-batches/{batch_id}/register", **told)
    drain_all(w.resources)
    listed = w.get(ARCHIVIST, "/intake-batches/{batch_id}/files", **told)
    return [one["item_id"] for one in listed["items"]]


def describe(w):
    made = filed(w)
    item = {"item_id": made["id"]}
    now = w.get(ARCHIVIST, "/items/{item_id}", **item)
    changed = {
        "title": "新开发客户报告表（改）", "pages": 2, "secrecy": "内部", "reason": "题名不全",
        "version": now["version"],
    }  # fmt: skip
    now = w.ask(ARCHIVIST, "PUT /items/{item_id}/description", changed, **item)
    w.get(ARCHIVIST, "/items/{item_id}/versions", **item)
    w.get(ARCHIVIST, "/items/{item_id}/as-of", {"at": TODAY}, **item)
    [first, *_] = now["files"] if "files" in now else made["files"]
    w.get(ARCHIVIST, "/items/{item_id}/files/{file_id}", **item, file_id=first["id"])
    moved = {
        "category": "KH", "item_class": "客户开发", "retention": "Y", "secrecy": "内部",
        "unit": "XSB", "year": 2026, "reason": "期限定错",
    }  # fmt: skip
    w.ask(ARCHIVIST, "POST /items/{item_id}/move", moved, **item)


def from_elsewhere(w):
    imported(w, 1989)
    wanted = {"scope": "item", "id": 1, "make": "bag"}
    task = w.ask(ARCHIVIST, "POST /packages", wanted)
    w.ask(ARCHIVIST, "POST /dossiers", {"scope": "order", "id": 1})
    drain_all(w.resources)
    told = w.get(ARCHIVIST, "/tasks/{task_id}", task_id=task["id"])
    file = {"task_id": task["id"], "file_id": told["files"][0]["id"]}
    content = w.get(ARCHIVIST, "/tasks/{task_id}/files/{file_id}", **file)
    w.ask(ARCHIVIST, "POST /imports", Sent(data={"file": (content, "包.zip")}))
    drain_all(w.resources)


def in_batches(w):
    batch = w.ask(ARCHIVIST, "POST /intake-batches", {"title": "展会资料"})
    told, path = {"batch_id": batch["id"]}, "/intake-batches/{batch_id}"
    common = {"secrecy": "内部", "year": 2025}
    changed = {"title": "展会资料二", "version": batch["version"], "common": common}
    w.ask(ARCHIVIST, f"PUT {path}", changed, **told)
    pages = PdfWriter()
    pages.add_blank_page(595, 842)
    pages.add_blank_page(595, 842)
    out = io.BytesIO()
    pages.write(out)
    files = [(out.getvalue(), "扫描.pdf"), ("另一份".encode(), "另一份.txt")]
    w.ask(ARCHIVIST, f"POST {path}/files", Sent(data={"upload": files}), **told)
    drain_all(w.resources)
    listed = w.get(ARCHIVIST, f"{path}/files", **told)["items"]
    w.ask(ARCHIVIST, f"POST {path}/files/{{file_id}}/split", **told, file_id=listed[0]["id"])
    drain_all(w.resources)
    listed = w.get(ARCHIVIST, f"{path}/files", **told)["items"]
    own = {"title": "展会照片目录", "date": "2025-05-01"}
    files = [{"id": listed[0]["id"], "version": listed[0]["version"], "own": own}]
    w.ask(ARCHIVIST, f"PATCH {path}/files", {"files": files}, **told)
    no = {"files": [one["id"] for one in listed], "reason": "重复"}
    w.ask(ARCHIVIST, f"POST {path}/dismiss", no, **told)
    w.get(ARCHIVIST, "/intake-batches")
    w.get(ARCHIVIST, path, **told)
    w.ask(ARCHIVIST, f"POST {path}/close", {"reason": "都是重复的"}, **told)


def hand_over(w):
    papers = [signed(w) for _ in range(2)]
    path = "/handovers/{list_id}"

    def made(*records):
        sent = {"department_id": w.company.sales_id, "month": "2026-11", "records": records}
        made = w.ask(CLERK, "POST /handovers", sent)
        return made, {"list_id": made["id"]}

    listed, told = made(papers[0])
    listed = w.ask(CLERK, f"POST {path}/{{change}}", **told, change="refresh")
    signature = {"digest": listed["digest"], "password": PASSWORD}
    w.ask(CLERK, f"POST {path}/hand", signature, **told)
    w.ask(ARCHIVIST, f"POST {path}/{{way}}", {"reason": "页数写错"}, **told, way="back")
    w.ask(CLERK, f"POST {path}/hand", signature, **told)
    pages = listed["lines"][0]["pages"]
    counted = [{"record_id": papers[0], "pages": pages}]
    w.ask(ARCHIVIST, f"POST {path}/receive", {**signature, "counted": counted}, **told)
    w.get(HEAD, "/handovers")
    w.get(HEAD, "/handovers/owed", {"month": "2026-11"})
    w.get(HEAD, path, **told)
    for kind in ("docx", "pdf"):
        w.get(HEAD, f"{path}/A07.{{kind}}", **told, kind=kind)
    listed, told = made(papers[1])
    w.ask(CLERK, f"POST {path}/{{change}}", **told, change="discard")


def imported(w, *years):
    """Papers of those years that nobody made here; a volume each."""
    rows = [
        {"title": f"{year} 年客户往来", "form": "E01", "year": year, "department": "销售部"}
        for year in years
    ]
    return w.ask(ARCHIVIST, "POST /items/import", {"rows": rows})["imported"]


def sealed(w, year):
    """A paper of that year whose volume is sealed."""
    [item] = imported(w, year)
    found = w.get(ARCHIVIST, "/items/{item_id}", item_id=item)
    volume, path = {"volume_id": found["volume_id"]}, "/volumes/{volume_id}/seal"
    w.ask(ARCHIVIST, f"POST {path}", {"password": PASSWORD, "note": "年度已清"}, **volume)
    seal = w.get(ARCHIVIST, path, **volume)
    signature = {"password": PASSWORD, "digest": seal["digest"]}
    w.ask(KEEPER, f"POST {path}/confirm", signature, **volume)
    return item


def unsealed(w):
    [item] = imported(w, 1990)
    found = w.get(ARCHIVIST, "/items/{item_id}", item_id=item)
    volume, path = {"volume_id": found["volume_id"]}, "POST /volumes/{volume_id}/seal"
    w.ask(ARCHIVIST, path, {"password": PASSWORD}, **volume)
    w.ask(ARCHIVIST, f"{path}/withdraw", {"reason": "还有一件"}, **volume)


def control(w):
    item = filed(w)["id"]
    said = {
        "item_id": item, "number": "WI-01", "title": "作业指导书", "label": "A/0",
        "valid_from": TODAY, "legible": True,
    }  # fmt: skip
    made = w.ask(ARCHIVIST, "POST /controlled", said)
    document, path = {"document_id": made["id"]}, "/controlled/{document_id}"
    to = {"department_id": w.company.sales_id, "person_id": w.company.sales_clerk.id}
    copies = [w.ask(ARCHIVIST, f"POST {path}/copies", to, **document) for _ in range(2)]
    one, other = ({"copy_id": copy["id"]} for copy in copies)
    copy = "/controlled/copies/{copy_id}"
    w.get(ARCHIVIST, "/controlled")
    w.get(CLERK, "/controlled/mine")
    w.get(ARCHIVIST, path, **document)
    for kind in ("docx", "pdf"):
        w.get(ARCHIVIST, f"{path}/D21.{{kind}}", **document, kind=kind)
    w.get(ARCHIVIST, f"{copy}.pdf", **one)
    w.ask(CLERK, f"POST {copy}/receive", {"password": PASSWORD}, **one)
    w.ask(ARCHIVIST, f"POST {copy}/paper", {"note": "发收记录表第 2 行"}, **other)
    w.ask(ARCHIVIST, f"POST {copy}/end", {"how": "returned", "note": "换版"}, **one)
    [version, *_] = w.get(ARCHIVIST, path, **document)["versions"]
    old = {"note": "作废"}
    version = {**document, "version_id": version["id"]}
    w.ask(ARCHIVIST, f"POST {path}/versions/{{version_id}}/withdraw", old, **version)
    w.get(ARCHIVIST, "/controlled/old")
    no = {"item_id": filed(w)["id"], "note": "看不清"}
    w.ask(ARCHIVIST, "POST /controlled/refusals", no)


def plan(w):
    w.get(ARCHIVIST, "/plan")
    latest = w.get(ARCHIVIST, "/plan/latest")
    w.get(ARCHIVIST, "/plan/tree")
    new = latest["classes"][0] | {"name": "展会资料"}
    sent = {name: value for name, value in latest.items() if name != "terms"}
    sent |= {"classes": [*latest["classes"], new], "reason": "按新规定"}
    w.ask(ARCHIVIST, "POST /plan/versions", sent)
    w.get(ARCHIVIST, "/plan/versions")
