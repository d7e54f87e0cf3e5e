"""The pages and calls of intake batches: put in, described, registered; and the watched folder."""

import io
import os

import pytest
from sqlalchemy import func, select

from archive.filing.incoming import edge, inbox
from archive.filing.incoming.inbox import Inbox
from archive.filing.incoming.looking import Look
from archive.filing.incoming.models import IntakeBatch, IntakeFile
from archive.jobs import HANDLERS, drain_all
from storage.errors import StorageError

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Files are what their first bytes say; the real looking has tests of its own."""

    def look(paths):
        return [
            Look(refused="认不出文件格式。")
            if path.read_bytes().startswith(b"MZ")
            else Look("application/pdf", 1)
            for path in paths
        ]

    monkeypatch.setattr(edge, "look_at_all", look)
    monkeypatch.setitem(HANDLERS, "extract", lambda *_: None)


def sent(*files):
    return {"upload": [(io.BytesIO(content), name) for name, content in files]}


def test_a_batch_by_its_pages(resources, company, client_for):
    client = client_for(company.archivist)
    wrong = client.post("/filing/incoming", data={"title": "批", "carrier": "copy"})
    assert wrong.status_code == 422 and "请写明为什么" in wrong.get_data(as_text=True)
    made = client.post("/filing/incoming", data={"title": "三月", "department": company.sales_id})
    url = made.headers["Location"]
    assert "三月" in client.get("/filing/incoming").get_data(as_text=True)
    answer = client.post(
        f"{url}/files",
        data=sent(("../a<b>.pdf", b"one"), ("b.exe", b"MZ")),
        headers={"Accept": "application/json"},
    )
    assert [one["refused"] for one in answer.json["files"]] == ["", "认不出文件格式。"]
    plain = client.post(f"{url}/files", data=sent(("c.pdf", b"one")), follow_redirects=True)
    assert "收下 1 个文件" in plain.get_data(as_text=True)
    page = client.get(url).get_data(as_text=True)
    assert "a&lt;b&gt;.pdf" in page and "a<b>" not in page and "内容相同" in page
    grid = {"row": ["1", "3"], "1.version": "1", "3.version": "1", "1.title": "甲", "3.title": ""}
    bad = client.post(f"{url}/describe", data={**grid, "1.date": "昨天", "then": "save"})
    page = bad.get_data(as_text=True)
    assert bad.status_code == 422 and "应为日期" in page and 'value="甲"' in page
    good = {**grid, "3.title": "乙", "then": "register"}
    task = client.post(f"{url}/describe", data=good)
    assert "/tasks/" in task.headers["Location"]
    drain_all(resources)
    assert "归档四步" in client.get(task.headers["Location"]).get_data(as_text=True)
    left = client.get(f"{url}?state=waiting").get_data(as_text=True)
    assert "请先决定" in left
    dismiss = {"row": [], "file": "3", "reason": "重复", "then": "dismiss"}
    client.post(f"{url}/describe", data=dismiss)
    assert client.post(f"{url}/close", data={}).headers["Location"] == "/filing/incoming"
    assert client.get(f"{url}/files/3").status_code == 409
    assert client.get("/filing/incoming?as=xlsx").status_code == 200


@pytest.mark.parametrize(
    "data", [{"row": "x"}, {"row": "1"}, {"row": "9" * 30}, {"file": "-1", "then": "dismiss"}]
)
def test_a_broken_grid_is_refused(company, client_for, data):
    client = client_for(company.archivist)
    url = client.post("/filing/incoming", data={"title": "批"}).headers["Location"]
    assert client.post(f"{url}/describe", data=data).status_code in (404, 422)


def test_separator_sheets_are_given_out(company, client_for):
    client = client_for(company.archivist)
    answer = client.get("/filing/separators?copies=2&number=HT-1")
    assert answer.data.startswith(b"%PDF") and answer.content_type == "application/pdf"
    assert client.get("/filing/separators?copies=999").status_code == 422


def test_a_batch_by_calls(resources, company, api_for):
    api, base = api_for(company.archivist), "/api/v1/intake-batches"
    made = api.post(base, json={"title": "接口", "common": {"item_class": "合同"}})
    assert (made.status_code, made.json["source"]) == (201, "call")
    url = f"{base}/{made.json['id']}"
    assert api.post(base, json={"title": 7}).status_code == 422
    assert api.post(f"{url}/files").status_code == 422
    told = api.post(f"{url}/files", data=sent(("a.pdf", b"one"), ("b.pdf", b"two"))).json
    first, second = (one["file_id"] for one in told["files"])
    own = {"title": "甲", "number": "HT-1", "date": "2026-03-05"}
    change = {"files": [{"id": first, "version": 1, "own": own}]}
    assert api.patch(f"{url}/files", json=change).json == {"count": 1}
    assert api.patch(f"{url}/files", json={"files": [{"id": first}]}).status_code == 422
    dismissed = api.post(f"{url}/dismiss", json={"files": [second], "reason": "模糊"})
    assert dismissed.json == {"count": 1}
    task = api.post(f"{url}/register")
    assert task.status_code == 202
    drain_all(resources)
    assert api.get(task.json["url"]).json["state"] == "done"
    files = api.get(f"{url}/files?state=registered").json["items"]
    assert files[0]["own"]["title"] == "甲"
    item = api.get(f"/api/v1/items/{files[0]['item_id']}").json
    assert (item["state"], item["document_number"]) == ("offered", "HT-1")
    assert api.post(f"{url}/register").status_code == 409
    assert api.post(f"{url}/files/{second}/split").status_code == 409
    assert api.get(base).json["total"] == 1
    assert api.put(url, json={"title": "x", "version": 1}).status_code == 409


@pytest.fixture
def box(resources, company, tmp_path):
    """A watched folder and its watcher."""
    root = tmp_path / "收件"
    root.mkdir()
    object.__setattr__(resources.settings, "inbox", root)
    return root


def names(resources):
    with resources.reading() as uow:
        rows = uow.session.execute(
            select(IntakeBatch.title, IntakeFile.name)
            .join(IntakeFile, IntakeFile.batch_id == IntakeBatch.id)
            .order_by(IntakeFile.id)
        )
        return [tuple(row) for row in rows]


def test_a_file_is_taken_when_it_has_come_to_rest(resources, box):
    watcher = Inbox(resources)
    (box / "a.pdf").write_bytes(b"half")
    assert watcher.look() == 0
    (box / "a.pdf").write_bytes(b"whole file")
    assert watcher.look() == 0
    assert watcher.look() == 1
    assert names(resources) == [("收件文件夹 2026-11-23", "a.pdf")]
    assert (box / "done" / "a.pdf").read_bytes() == b"whole file"
    assert watcher.look() == 0


def test_folders_name_the_department_or_the_batch(resources, company, box):
    for folder in ("XSB", "一季度合同"):
        (box / folder).mkdir()
        (box / folder / "a.pdf").write_bytes(folder.encode())
    watcher = Inbox(resources)
    watcher.look()
    assert watcher.look() == 2
    titles = {title for title, _ in names(resources)}
    assert titles == {"销售部 2026-11-23", "一季度合同 2026-11-23"}
    with resources.reading() as uow:
        units = set(uow.session.scalars(select(IntakeBatch.department_id)))
    assert units == {company.sales_id, None}


def test_what_is_no_plain_file_is_refused_with_words(resources, box, monkeypatch):
    monkeypatch.setattr(inbox, "LARGEST_FILE", 100)
    (box / "x").mkdir()
    (box / "x" / "deeper").mkdir()
    (box / "link.pdf").symlink_to("/etc/passwd")
    (box / ".hidden").write_bytes(b"x")
    (box / "huge.pdf").write_bytes(b"x" * 101)
    (box / "bad.exe").write_bytes(b"MZ")
    os.mkfifo(box / "pipe")
    watcher = Inbox(resources)
    watcher.look()
    assert watcher.look() == 6
    refused = box / "refused"
    why = {path.name: path.read_text(encoding="utf-8") for path in refused.rglob("*.txt")}
    assert "链接" in why["link.pdf.txt"] and "隐藏" in why[".hidden.txt"]
    assert "太大" in why["huge.pdf.txt"] and "普通文件" in why["pipe.txt"]
    assert "认不出" in why["bad.exe.txt"] and "文件夹里的文件夹" in why["deeper.txt"]
    assert [name for _, name in names(resources)] == ["bad.exe"]


def test_killed_between_row_and_move_it_is_not_entered_twice(resources, box, monkeypatch):
    (box / "a.pdf").write_bytes(b"one")
    watcher = Inbox(resources)
    watcher.look()
    moved = inbox._move
    monkeypatch.setattr(inbox, "_move", lambda *_: None)
    watcher.look()
    monkeypatch.setattr(inbox, "_move", moved)
    again = Inbox(resources)  # the worker that takes over
    again.look()
    assert again.look() == 1
    assert len(names(resources)) == 1 and (box / "done" / "a.pdf").exists()


def test_a_full_disk_leaves_the_file_where_it_is(resources, box, monkeypatch):
    (box / "a.pdf").write_bytes(b"one")

    def full(*_):
        raise StorageError("磁盘满了")

    watcher = Inbox(resources)
    watcher.look()
    with monkeypatch.context() as broken:
        broken.setattr(inbox, "keep", full)
        assert watcher.look() == 0
    assert (box / "a.pdf").exists() and watcher.look() == 1


def test_the_same_name_again_moves_nothing_over(resources, box):
    watcher = Inbox(resources)
    for content in (b"one", b"two"):
        (box / "a.pdf").write_bytes(content)
        watcher.look()
        watcher.look()
    assert {path.name for path in (box / "done").iterdir()} == {"a.pdf", "a (2).pdf"}
    assert len(names(resources)) == 2


def test_without_the_setting_nothing_is_watched(resources, company):
    assert Inbox(resources).look() == 0
    with resources.reading() as uow:
        assert uow.session.scalar(select(func.count()).select_from(IntakeBatch)) == 0
