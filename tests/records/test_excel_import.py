"""Many papers from one sheet: checked as a whole, told row by row, made once, whatever happens."""

import io
from contextlib import closing

import pytest
from flask.testing import EnvironBuilder
from openpyxl import Workbook, load_workbook
from sqlalchemy import func, select

from archive.core.errors import Conflict, Invalid, NotFound
from archive.jobs import drain_all, drain_once
from archive.records import batch, service
from archive.records.batch import Choice
from archive.records.models import Record
from archive.tasks import runner
from archive.tasks import service as tasks

pytestmark = pytest.mark.slow  # many cases, each with real work

HEADS = ("客户名称", "公司地址", "公司电话", "使用产品", "开拓经过")
HOSTILE = (
    "客户&合同",
    "A<B & C",
    "{{7*7}}",
    "{% for %}",
    "=cmd|' /C calc'!A0",
    "🧧",
    "𠮷",
    "@SUM(A1)",
)


def line(n, **other):
    row = dict(
        zip(HEADS, (f"海信{n}", f"东海西路{n}号", "0532-83878888", "压缩机", "上门"), strict=True)
    )
    return row | other


def workbook(rows, heads=None, title="名单"):
    book = Workbook()
    page = book.active
    page.title = title
    heads = heads or list(dict.fromkeys(key for row in rows for key in row)) or list(HEADS)
    page.append(heads)
    for row in rows:
        page.append([row.get(head) for head in heads])
        for cell in page[page.max_row]:
            if cell.data_type == "f":  # typed as text: openpyxl takes any = for a formula
                cell.data_type = "s"
    return book


def content_of(book):
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.fixture
def check(resources, company):
    """Upload a sheet and let the worker check it; return the finished task."""

    def run(content, actor=None, code="E01", choice=None, name="名单.xlsx"):
        person = actor or company.sales_clerk
        if isinstance(content, Workbook):
            content = content_of(content)
        ref = resources.blobs.put(content, "application/octet-stream")
        with resources.work() as uow:
            task = batch.start_check(uow, person, code, name, ref, choice)
            uow.commit()
        drain_all(resources)
        with resources.reading() as uow:
            return tasks.get_task(uow, person, task.id)

    return run


@pytest.fixture
def take(resources, company):
    """Import what a check found; return the finished task."""

    def run(checked, actor=None, drain=True, **choice):
        person = actor or company.sales_clerk
        with resources.work() as uow:
            task = batch.start_import(uow, person, checked.id, Choice(**choice))
            uow.commit()
        if drain:
            drain_all(resources)
        with resources.reading() as uow:
            return tasks.get_task(uow, person, task.id)

    return run


@pytest.fixture
def count(resources):
    def all_records():
        with resources.reading() as uow:
            return uow.session.scalar(select(func.count()).select_from(Record))

    return all_records


def test_the_downloaded_sheet_filled_in_becomes_drafts(
    resources, company, client_for, check, take, count
):
    client = client_for(company.sales_clerk)
    answer = client.get("/records/import/sheet?form=E01")
    assert answer.status_code == 200
    book = load_workbook(io.BytesIO(answer.data))
    page = book.worksheets[0]
    heads = {cell.value: cell for cell in page[1]}
    assert "客户名称 *" in heads
    assert "必填" in heads["客户名称 *"].comment.text
    for n in (1, 2, 3):
        for head, value in line(n).items():
            at = heads.get(f"{head} *", heads.get(head))
            page.cell(n + 1, at.column, value)
    checked = check(book)
    assert (checked.result["good"], checked.result["bad"]) == (3, 0)
    assert count() == 0  # nothing is written by checking
    done = take(checked)
    assert done.state == "done"
    assert done.result["made"] == 3
    with resources.reading() as uow:
        found = service.list_records(uow, company.sales_clerk, mine=True).items
    assert {record.customer_name for record in found} == {"海信1", "海信2", "海信3"}
    assert {record.state for record in found} == {"draft"}
    assert {record.content["主办人员"] for record in found} == {"陈晓东"}  # the usual value
    assert {record.content["日期"] for record in found} == {"2026-11-23"}


def test_every_bad_row_is_told_with_place_and_reason_and_nothing_is_imported(
    company, resources, check, take, count
):
    rows = [line(1), line(2, 公司电话="没有"), line(3, 客户名称=None), line(4, 日期="11/12/26")]
    checked = check(workbook(rows))
    assert (checked.result["good"], checked.result["bad"]) == (1, 3)
    told = {(place, why) for place, _, why in checked.result["faults"]}
    assert any(place == "第 3 行“公司电话”" for place, _ in told)
    assert ("第 4 行“客户名称”", "请填写客户名称") in told
    assert any(place == "第 5 行“日期”" and "不明确" in why for place, why in told)
    with pytest.raises(Invalid, match="3 行需要改正"):
        take(checked)
    assert count() == 0
    assert take(checked, only_good=True).result["made"] == 1
    assert count() == 1


def test_the_returned_file_holds_the_bad_rows_with_reasons_and_can_be_sent_again(
    resources, company, check, take, count
):
    rows = [line(1), line(2, 公司电话="没有"), line(3, 备注="=1+1", 公司电话="无")]
    checked = check(workbook(rows))
    take(checked, only_good=True)
    (returned,) = checked.of_role("result")
    book = load_workbook(io.BytesIO(resources.blobs.read(returned.sha256)))
    page = book.worksheets[0]
    heads = {str(cell.value).strip(" *"): cell.column for cell in page[1]}
    assert page.max_row == 3
    assert "公司电话" in page.cell(2, heads["错误说明"]).value
    phone = page.cell(2, heads["公司电话"])
    assert (phone.value, phone.fill.fgColor.rgb[-6:]) == ("没有", "FDE2E1")
    assert page.cell(3, heads["备注"]).data_type == "s"
    for row in (2, 3):
        page.cell(row, heads["公司电话"], "0532-1234567")
    again = check(book)
    assert (again.result["good"], again.result["bad"]) == (2, 0)
    take(again)
    assert count() == 3


def test_the_same_file_twice_makes_no_doubles_unless_asked(clock, check, take, count):
    sheet = content_of(workbook([line(1), line(2), line(2)]))
    assert take(check(sheet)).result["made"] == 3  # twice the same row in one file is meant
    clock.advance(hours=1)
    checked = check(sheet)
    assert checked.result["repeated"] == 3
    done = take(checked)
    assert (done.result["made"], done.result["known"]) == (0, 3)
    assert count() == 3
    clock.advance(hours=1)
    assert take(check(sheet), again=True).result["made"] == 3
    assert count() == 6


def test_one_check_is_imported_once_even_when_clicked_twice(check, take, count):
    checked = check(workbook([line(1)]))
    first = take(checked, drain=False)
    assert take(checked).id == first.id
    assert count() == 1


def test_a_killed_worker_goes_on_where_it_was(
    resources, company, clock, check, take, count, monkeypatch
):
    monkeypatch.setattr(batch, "SLICE", 5)
    checked = check(workbook([line(n) for n in range(23)]))

    class Killed(BaseException):
        pass

    real, calls = batch._import, []

    def killed_after_two(*args):
        if len(calls) == 2:
            calls.append(1)
            real(*args)  # the rows are safe, but how far it was is not noted
            raise Killed
        calls.append(1)
        return real(*args)

    monkeypatch.setattr(batch, "_import", killed_after_two)
    with pytest.raises(Killed):
        take(checked)
    assert count() == 15
    clock.advance(minutes=5)
    drain_all(resources)
    with resources.reading() as uow:
        done = tasks.list_tasks(uow, company.sales_clerk).items[0]
    assert (done.state, done.result["made"], done.result["known"]) == ("done", 23, 0)
    assert count() == 23


def test_an_import_is_stopped_and_taken_up_again(
    resources, company, check, take, count, monkeypatch
):
    monkeypatch.setattr(batch, "SLICE", 4)
    monkeypatch.setattr(runner, "SLICE_SECONDS", 0)
    task = take(check(workbook([line(n) for n in range(10)])), drain=False)
    for turn in range(40):
        if count():
            break
        with resources.reading() as u:
            print(turn, tasks.get_task(u, company.sales_clerk, task.id))
        drain_once(resources, "worker")
    with resources.work() as uow:
        tasks.stop_task(uow, company.sales_clerk, task.id)
        uow.commit()
    drain_all(resources)
    assert count() == 4
    with resources.work() as uow:
        assert tasks.load_task(uow, task.id).state == "stopped"
        tasks.resume_task(uow, company.sales_clerk, task.id)
        uow.commit()
    drain_all(resources)
    assert count() == 10


def test_long_checks_get_on_whatever_the_slices(check, monkeypatch):
    monkeypatch.setattr(batch, "CHUNK", 3)
    monkeypatch.setattr(runner, "SLICE_SECONDS", 0)
    checked = check(workbook([line(n) for n in range(10)]))
    assert (checked.state, checked.result["good"], checked.total) == ("done", 10, 10)


def test_hostile_values_come_in_as_typed_or_are_refused(resources, company, check, take):
    rows = [line(n, 客户名称=f"公司{n}", 备注=text) for n, text in enumerate(HOSTILE)]
    rows.append(line(90, 备注="好" * 10_000))
    for row in rows:
        if str(row["备注"]).startswith("="):
            row["备注"] = "'" + row["备注"]
    checked = check(workbook(rows))
    assert checked.result["bad"] == 0
    take(checked)
    with resources.reading() as uow:
        found = service.list_records(uow, company.sales_clerk, per_page=100).items
    kept = {record.content["备注"] for record in found}
    assert kept == {str(row["备注"]) for row in rows}
    refused = check(workbook([line(1, 备注="左\u202e右"), line(2, 客户名称="字" * 10_000)]))
    assert (refused.result["good"], refused.result["bad"]) == (0, 2)
    assert len(refused.result["faults"][1][1]) <= 61


def test_what_is_no_sheet_of_this_form_is_refused_as_a_whole(check):
    for content, word in (
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 99, "xlsx"),
        (b"%PDF-1.7\0\0", "认不出"),
        (workbook([{**line(1), "客户名": "x"}]), "是不是“客户名称”"),
        (workbook([{"客户名称": "海信"}]), "必填的一栏"),
        (workbook([], heads=list(HEADS)), "没有填写"),
        (workbook([line(1)], heads=[*HEADS, "客户名称"]), "出现了两次"),
    ):
        task = check(content)
        assert task.state == "failed"
        assert word in task.message
        assert task.result == {}


def test_blank_rows_are_ignored_hidden_ones_named_and_skipped_when_asked(check, take, count):
    book = workbook([line(1), {}, line(3)])
    page = book.active
    page.row_dimensions[4].hidden = True
    for row in range(5, 60):
        page.cell(row, 1).number_format = "0.00"
    checked = check(book)
    assert checked.result["good"] == 2
    assert any("第 4 行是隐藏行" in note for note in checked.result["file_notes"])
    assert take(checked, skip_hidden=True).result["made"] == 1
    assert count() == 1


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8-sig"])
def test_csv_of_old_programs_is_taken(encoding, check, take):
    text = ",".join(HEADS) + "\r\n" + '海信,东海西路1号,0532-83878888,压缩机,"上门，\r\n签约"\r\n'
    checked = check(text.encode(encoding), name="名单.csv")
    assert checked.result["good"] == 1
    assert take(checked).result["made"] == 1


def contract(lines, **other):
    book = workbook(
        [{"序号": 1, "甲方": "华南制冷", "乙方": "青岛海信", **other}], title="E05 买卖合同"
    )
    page = book.create_sheet("货品")
    page.append(["序号", "货品名称", "规格", "单价", "数量"])
    for row in lines:
        page.append(row)
    return book


def test_tables_come_from_their_own_sheet(resources, company, check, take):
    book = contract([[1, "压缩机", "QX-23", 1200.5, 10], ["1", "冷凝器", None, "80", 4]])
    checked = check(book, code="E05")
    assert checked.result["bad"] == 0, checked.result["faults"]
    take(checked)
    with resources.reading() as uow:
        (record,) = service.list_records(uow, company.sales_clerk).items
    assert [row["货品名称"] for row in record.content["货品"]] == ["压缩机", "冷凝器"]
    assert record.content["货品"][0]["单价"] == "1200.50"


def test_a_line_that_belongs_to_no_paper_or_is_wrong_is_told(check):
    checked = check(contract([[1, "压缩机", "", "很贵", 1], [7, "孤儿", "", 1, 1]]), code="E05")
    told = {(place, why) for place, _, why in checked.result["faults"]}
    assert any(place == "工作表“货品”第 2 行“单价”" for place, _ in told)
    assert any(place == "工作表“货品”第 3 行" and "序号 7" in why for place, why in told)
    assert checked.result["good"] == 0


def test_a_sheet_of_another_form_is_sent_to_its_place(company, client_for, check):
    blank = client_for(company.sales_clerk).get("/records/import/sheet?form=E05").data
    task = check(blank)
    assert task.state == "failed"
    assert "E05" in task.message


def test_drafts_are_changed_by_number_and_blank_cells_stay(
    resources, company, clock, make_draft, check, take, count
):
    draft = make_draft()
    book = workbook([{**dict.fromkeys(HEADS), "编号": f"#{draft.id}", "备注": "改过"}])
    checked = check(book)
    assert (checked.result["changes"], checked.result["bad"]) == (1, 0), checked.result["faults"]
    assert take(checked).result["changed"] == 1
    with resources.reading() as uow:
        record = service.get_record(uow, company.sales_clerk, draft.id)
    assert (record.content["备注"], record.customer_name) == ("改过", "青岛海信电器有限公司")
    assert count() == 1


def test_a_draft_changed_meanwhile_is_not_overwritten(
    resources, company, make_draft, filled, check, take
):
    draft = make_draft()
    checked = check(workbook([{**dict.fromkeys(HEADS), "编号": f"#{draft.id}", "备注": "表里的"}]))
    with resources.work() as uow:
        service.save_draft(
            uow, company.sales_clerk, draft.id, {**filled, "备注": "页面上的"}, draft.version
        )
        uow.commit()
    done = take(checked)
    assert done.result["changed"] == 0
    assert any("没有改成" in note for note in done.result["notes"])
    with resources.reading() as uow:
        assert service.get_record(uow, company.sales_clerk, draft.id).content["备注"] == "页面上的"


def test_nobody_changes_anothers_draft_or_a_submitted_one(company, make_draft, submit, check):
    theirs = make_draft(actor=company.sales_clerk2)
    sent = submit(make_draft())
    rows = [{**line(1), "编号": number} for number in (f"#{theirs.id}", "#999", sent.number, "#x")]
    checked = check(workbook(rows))
    whys = [why for _, _, why in checked.result["faults"]]
    assert ["没有编号" in why for why in whys] == [True, True, False, True]
    assert "已经提交" in whys[2]


def test_only_the_uploader_sees_and_imports_a_check(resources, company, client_for, check, take):
    checked = check(workbook([line(1)]))
    with pytest.raises(NotFound):
        take(checked, actor=company.sales_clerk2)
    other = client_for(company.sales_clerk2)
    assert other.get(f"/records/import/{checked.id}").status_code == 404
    assert other.post(f"/records/import/{checked.id}").status_code == 404
    assert client_for(company.admin).get("/records/import").status_code == 403
    assert client_for(None).get("/records/import").status_code == 302


def test_the_form_changed_after_the_check(resources, company, check, monkeypatch):
    checked = check(workbook([line(1)]))
    newer = type("Newer", (), {"code": "E01", "title": "新开发客户报告表", "version": 99})
    monkeypatch.setattr(batch, "get_form", lambda *_: newer)
    with resources.work() as uow, pytest.raises(Conflict, match="重新上传"):
        batch.start_import(uow, company.sales_clerk, checked.id, Choice())


def test_the_whole_way_on_the_pages(resources, company, client_for, app, count):
    client = client_for(company.sales_clerk)
    assert "下载空表" in client.get("/records/import?form=E01").text
    rows = [line(1, 客户名称="<b>海信</b>"), line(2, 公司电话="x")]
    sent = {"form": "E01", "file": (io.BytesIO(content_of(workbook(rows))), "..\\名单.xlsx")}
    answer = client.post("/records/import", data=sent)
    assert answer.status_code == 302
    task_url = answer.headers["Location"]
    drain_all(resources)
    progress = client.get(f"{task_url}/progress.json").json
    assert progress["ended"]
    page = client.get(progress["next"]).text
    assert "1 行需要改正" in page
    assert "&lt;b&gt;海信" in page
    assert client.post(progress["next"], data={"then": "rm -rf"}).status_code == 422
    assert client.post(progress["next"], data={}).status_code == 422
    answer = client.post(progress["next"], data={"only_good": "1", "then": "both"})
    drain_all(resources)
    assert count() == 1
    assert "已经导入" in client.get(progress["next"]).text
    following = client.get(f"{answer.headers['Location']}/progress.json").json["next"]
    page = client.get(following).text
    assert "Word和PDF文件2个.zip" in page
    app.config["WTF_CSRF_ENABLED"] = True
    assert client.post("/records/import", data={}).status_code == 400


def test_bad_uploads_are_refused_at_once(company, client_for):
    client = client_for(company.sales_clerk)
    for data, status in (
        ({"form": "E01"}, 422),
        ({"form": "E01", "file": (io.BytesIO(b""), "空.xlsx")}, 422),
        ({"form": "X99", "file": (io.BytesIO(b"x"), "x.csv")}, 404),
        ({"form": "E01", "file": (io.BytesIO(b"x" * (21 << 20)), "大.xlsx")}, 413),
    ):
        asked = EnvironBuilder(client.application, "/records/import", method="POST", data=data)
        environ = asked.get_environ()
        with closing(asked), closing(environ["wsgi.input"]):  # a large upload waits in a file
            assert client.open(environ).status_code == status


def test_programs_import_in_one_call(resources, company, api_for, count):
    call = api_for(company.sales_clerk)
    assert call.get("/api/v1/forms/E01/sheet.xlsx").data[:2] == b"PK"

    def send(rows, **more):
        file = (io.BytesIO(content_of(workbook(rows))), "名单.xlsx")
        return call.post("/api/v1/forms/E01/import", data={"file": file, **more})

    answer = send([line(1), line(2)])
    assert answer.status_code == 202
    drain_all(resources)
    task = call.get(answer.json["url"]).json
    assert task["state"] == "done"
    following = call.get(f"/api/v1/tasks/{task['result']['follow']}").json
    assert following["result"]["made"] == 2
    bad = send([line(3), line(4, 公司电话="x")])
    drain_all(resources)
    assert "follow" not in call.get(bad.json["url"]).json["result"]
    assert count() == 2
    good = send([line(3), line(4, 公司电话="x")], only_good="true")
    drain_all(resources)
    assert "follow" in call.get(good.json["url"]).json["result"]
    assert count() == 3
    assert send([line(1)], only_good="maybe").status_code == 422
    assert send([line(1)], then="exe").status_code == 422
    assert call.post("/api/v1/forms/E01/import").status_code == 422
    assert api_for(None).post("/api/v1/forms/E01/import").status_code == 401
    assert api_for(company.admin).post("/api/v1/forms/E01/import").status_code == 403
