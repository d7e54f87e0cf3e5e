"""What was filed elsewhere is brought in by the page: a package, a list of lines; as a task."""

import io
import json
import re
import zipfile
from dataclasses import replace
from functools import partial

import pytest
from sqlalchemy import func, select

from archive.core.errors import Forbidden
from archive.filing.import_rows import read_jsonl
from archive.filing.models import Item
from archive.filing.packages import receiving
from archive.filing.packages.receiving import receive_work, start_receiving
from archive.jobs import drain_all
from archive.tasks import service as tasks

LINES = [{"id": f"旧{n}", "title": f"旧系统第{n}号合同", "year": 2019} for n in range(1, 4)]


def jsonl(lines):
    return "\n".join(json.dumps(line, ensure_ascii=False) for line in lines).encode()


def send(client, content, name, where="/filing/receive"):
    return client.post(where, data={"file": (io.BytesIO(content), name)})


def count(resources):
    with resources.reading() as uow:
        return uow.session.scalar(select(func.count()).select_from(Item))


def test_a_list_comes_in_by_the_page_and_the_wrong_line_is_named(resources, company, client_for):
    browser = client_for(company.archivist)
    assert "导入封装包" in browser.get("/filing/receive").text
    lines = jsonl([*LINES, {"title": ""}, {"title": "机密纪要", "secrecy": "机密"}])
    answer = send(browser, lines, "旧系统.jsonl")
    assert answer.status_code == 302
    drain_all(resources)
    shown = browser.get(answer.headers["Location"]).text
    assert "导入 3 件，已有 0 件，没有导入 2 件" in shown
    assert "第 4 行" in shown and "高于您的涉密权限" in shown
    again = send(browser, jsonl(LINES), "旧系统.jsonl")
    drain_all(resources)
    assert "导入 0 件，已有 3 件" in browser.get(again.headers["Location"]).text
    assert count(resources) == 3


@pytest.mark.parametrize(
    ("content", "name", "told"),
    [
        (b"", "空.jsonl", "空的"),
        (b"x", "程序.exe", "不认识"),
        (b"x", "没有后缀", "不认识"),
        (b"x", ".jsonl", "不认识"),
    ],
)
def test_what_is_not_taken_is_said_at_the_field(
    resources, company, client_for, content, name, told
):
    answer = send(client_for(company.archivist), content, name)
    assert answer.status_code == 422 and told in answer.text
    assert client_for(company.archivist).post("/filing/receive", data={}).status_code == 422


def test_a_damaged_package_is_refused_whole(resources, company, api_for):
    hostile = io.BytesIO()
    with zipfile.ZipFile(hostile, "w") as package:
        package.writestr("../../etc/passwd", "root")
    call = api_for(company.archivist)
    for content, name in (
        (b"PK not a zip", "包.zip"),
        (hostile.getvalue(), "包.zip"),
        (b"<a>", "包.xml"),
        (b"no sheet", "表.xlsx"),
    ):
        made = send(call, content, name, "/api/v1/imports")
        assert made.status_code == 202
        drain_all(resources)
        told = call.get(made.json["url"]).json
        assert told["state"] == "failed" and re.search("[一-鿿]", told["message"])
    assert count(resources) == 0


def test_a_run_that_was_cut_off_goes_on_and_counts_each_paper_once(resources, company, monkeypatch):
    monkeypatch.setattr(receiving, "read_jsonl", partial(read_jsonl, batch=1))
    ref = resources.blobs.put(jsonl(LINES), "text/plain")
    with resources.work() as uow:
        task = start_receiving(uow, company.archivist, "旧.jsonl", ref)
        uow.commit()
    work = receive_work(resources, task)
    kept = next(work).memory
    work.close()  # killed here: one paper is in
    with resources.reading() as uow:
        begun = tasks.load_task(uow, task.id)
    steps = list(receive_work(resources, replace(begun, memory=kept)))
    assert steps[-1].result["notes"] == ["导入 3 件，已有 0 件，没有导入 0 件。"]
    assert count(resources) == 3


def test_only_who_may_import(resources, company, client_for):
    assert client_for(company.sales_clerk).get("/filing/receive").status_code == 403
    ref = resources.blobs.put(b"{}", "text/plain")
    with resources.work() as uow, pytest.raises(Forbidden):
        start_receiving(uow, company.sales_clerk, "旧.jsonl", ref)
