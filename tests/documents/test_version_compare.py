"""Two versions of a record compared: entry by entry, row by row, word by word."""

import pytest

from archive.documents.comparing import (
    LINES_LIMIT,
    WORK_LIMIT,
    entry_differences,
    pair_of,
    row_differences,
    text_difference,
    words_of,
)
from archive.records import service as records
from archive.signing import edge
from doc_templates import load_form, sample_values

PASSWORD = "档案台-测试-2026"


def marked(pieces):
    return [piece.text for piece in pieces if piece.marked]


def test_words_are_marked_and_the_text_is_whole():
    old, new = "工厂在青岛市市南区东海西路17号", "工厂在青岛市黄岛区东海西路171号"
    pair = pair_of(old, new)
    assert marked(pair.old) == ["市南区", "17"] and marked(pair.new) == ["黄岛区", "171"]
    assert "".join(piece.text for piece in pair.old) == old
    rare = "𠮷田㐀A<b>&\u200b 合同HT-2024-0017"
    assert "".join(words_of(rare)) == rare


@pytest.fixture(scope="module")
def table():
    form = load_form("E05")
    return next(entry for entry in form.fields if entry.kind == "rows")


def test_rows_moved_changed_added_and_removed_are_told_apart(table):
    def rows(*pairs):
        return [{"货品名称": name, "规格": kind, "单价": "80"} for name, kind in pairs]

    old = rows(("压缩机", "甲"), ("电机", "乙"), ("线束", "丙"), ("面板", "丁"))
    new = rows(("面板", "丁"), ("压缩机", "甲"), ("电机", "戊"), ("包装", "己"))
    told = {
        next(p.new or p.old for _, p in one.cells)[0].text: (one.kind, one.old_at, one.new_at)
        for one in row_differences(table, old, new)
    }
    assert told["压缩机"] == ("same", 1, 2)
    assert told["面板"] == ("moved", 4, 1)
    assert told["电机"] == ("changed", 2, 3)
    assert told["包装"] == ("added", 0, 4)
    assert told["线束"] == ("removed", 3, 0)
    assert all(one.kind == "same" for one in row_differences(table, old, old))


def test_long_texts_stay_within_bounds_and_say_so():
    many = text_difference("\n".join(f"第{n}行" for n in range(LINES_LIMIT + 5)), "第0行")
    assert "只比较了前" in many.note and many.unchanged == 1
    long = text_difference("甲" * WORK_LIMIT, "乙" * 10)
    assert "整段标出" in long.note and len(long.pairs) == 1
    assert text_difference("一样\n\n", "一样\n").pairs == ()


def test_only_what_differs_is_told():
    form = load_form("E01")
    values = dict(sample_values("E01"))
    assert entry_differences(form, values, values) == ()
    (told,) = entry_differences(form, values, values | {"备注": "补充一句"})
    assert told.key == "备注" and "补充一句" in "".join(marked(told.pair.new))


@pytest.fixture
def twice(resources, company):
    """A paper submitted, returned, mended and submitted again: two versions, two Word files."""
    person = company.sales_clerk
    with resources.work() as uow:
        draft = records.create_draft(uow, person, "E01", sample_values("E01"))
        uow.commit()
    edge.submit(resources, person, draft.id, draft.version)
    with resources.work() as uow:
        back = records.mark_withdrawn(uow, person, draft.id)
        mended = sample_values("E01") | {"备注": "地址已按执照改正"}
        records.save_draft(
            uow, person, draft.id, mended, back.version, keep=True, reason="地址写错"
        )
        uow.commit()
    return draft.id


def test_two_versions_stand_side_by_side(company, client_for, api_for, twice):
    page = client_for(company.sales_clerk)
    shown = page.get(f"/records/{twice}/compare")
    assert shown.status_code == 200
    assert "<ins>" in shown.text and "地址写错" in shown.text
    assert page.get(f"/records/{twice}/compare?old=1&new=9").status_code == 404
    assert page.get(f"/records/{twice}/compare?old=x&new=2").status_code == 422
    assert client_for(company.other_clerk).get(f"/records/{twice}/compare").status_code == 404
    api = api_for(company.sales_clerk)
    body = api.get(f"/api/v1/records/{twice}/compare?old=1&new=2").json
    assert [one["label"] for one in body["entries"]] == ["备注"]
    assert body["text"]["pairs"] and "重新生成" in body["text_note"]
    assert api.get(f"/api/v1/records/{twice}/compare?old=1").status_code == 422
    assert "第 2 版" in page.get(f"/records/{twice}").text


def test_a_version_needs_a_reason_once_it_was_submitted(company, api_for, twice):
    api = api_for(company.sales_clerk)
    record = api.get(f"/api/v1/records/{twice}").json
    kept = {"version": record["version"], "reason": "再留一次"}
    assert api.post(f"/api/v1/records/{twice}/versions", json=kept).status_code == 409
    changed = {
        "version": record["version"],
        "values": record["values"] | {"备注": "又改"},
        "draft": True,
        "reason": "电话补上",
    }
    saved = api.put(f"/api/v1/records/{twice}", json=changed).json
    versions = api.get(f"/api/v1/records/{twice}/versions").json["items"]
    assert [(one["n"], one["kind"], one["reason"]) for one in versions[:2]] == [
        (3, "save", "电话补上"),
        (2, "save", "地址写错"),
    ]
    past = api.get(f"/api/v1/records/{twice}/as-of?at=2026-11-23").json
    assert past["is_exact"] and past["version"] == 3
    assert api.get(f"/api/v1/records/{twice}/as-of?at=昨天").status_code == 422
    assert api.get(f"/api/v1/records/{twice}/as-of?at=2026-11-22").json["version"] is None
    empty = {"version": saved["version"], "reason": " "}
    assert api.post(f"/api/v1/records/{twice}/versions", json=empty).status_code == 422
