"""The administrator's pages: a Word file uploaded, its fields corrected, seen, and put in use."""

import io
import re
import struct
import tomllib
import zipfile
from html import unescape

import pytest
from sqlalchemy import select

from archive.forms import inspection
from archive.forms.models import FormVersion
from archive.forms.store import get_form, list_forms
from doc_templates import load_form, sample_values

pytestmark = pytest.mark.slow  # many cases, each a whole instance

NEW = {"code": "e11", "title": "客户走访记录", "pack": "sales"}


def upload(client, path, content, name="新.docx", **typed):
    return client.post(path, data={**typed, "file": (io.BytesIO(content), name)})


def page_of(client, answer):
    """Follow a redirect by hand; return the page's text."""
    assert answer.status_code == 302, answer.get_data(as_text=True)[:600]
    return client.get(answer.headers["Location"]).get_data(as_text=True)


def draft_path(answer):
    return answer.headers["Location"]


def row_version(page):
    return re.search(r'name="row_version" value="(\d+)"', page)[1]


def everything_on(page):
    """Return what a browser would send of the draft's form, unchanged."""
    form = page[page.index('id="draft"') : page.index('value="save"')]
    sent = {}
    for tag in re.findall(r"<input[^>]*>", form):
        name = re.search(r'name="([^"]*)"', tag)
        value = re.search(r'value="([^"]*)"', tag)
        if not name or ('type="checkbox"' in tag and " checked" not in tag):
            continue
        sent[name[1]] = value[1] if value else "on"
    for name, inner in re.findall(r'<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>', form, re.S):
        chosen = re.search(r"<option(?: value=\"([^\"]*)\")? selected>([^<]*)", inner)
        sent[name] = (chosen[1] or chosen[2]) if chosen else ""
    for name, text in re.findall(
        r'<textarea[^>]*name="([^"]*)"[^>]*>\n(.*?)</textarea>', form, re.S
    ):
        sent[name] = text
    return sent


def test_a_word_file_becomes_a_form_that_people_fill_in(
    resources, company, admin, client_for, visit_word
):
    answer = upload(admin, "/forms", visit_word, **NEW)
    path, page = draft_path(answer), page_of(admin, answer)
    assert "检查通过" in page
    typed = everything_on(page)
    kinds = {name[5:]: kind for name, kind in typed.items() if name.startswith("kind|")}
    assert kinds == {
        "客户名称": "customer",
        "走访日期": "date",
        "联系电话": "phone",
        "预计金额": "money",
        "谈话内容": "longtext",
        "意向": "rows",
        "意向.产品": "text",
        "意向.数量": "decimal",
        "意向.单价": "money",
    }
    assert typed["candidate|填表人"] == "submitter" and typed["candidate|经理"] == "head"
    typed |= {"required|客户名称": "on", "label|谈话内容": "谈话要点", "action": "publish"}
    answer = admin.post(path, data=typed)
    assert answer.headers["Location"].endswith("/publish")
    confirm = page_of(admin, answer)
    assert "新表单：6 个栏目" in confirm and "填表人、经理签字" in confirm
    answer = admin.post(f"{path}/publish", data={"row_version": row_version(confirm)})
    assert "第 1 版" in page_of(admin, answer)
    with resources.reading() as uow:
        form = get_form(uow, "E11")
    assert [one.role for one in form.signers] == ["填表人", "经理"]
    assert form.find_field("谈话内容").label == "谈话要点"
    assert form.title_of({"客户名称": "云渡机械"}) == "云渡机械客户走访记录"
    clerk = client_for(company.sales_clerk)
    assert "客户走访记录" in clerk.get("/records/new").get_data(as_text=True)
    record = clerk.post("/records/new", data={"form": "E11", "draft_key": "k" * 20})
    sheet = page_of(clerk, record)
    assert "谈话要点" in sheet and "意向" in sheet


def test_a_new_template_shows_what_it_changes_before_it_is_put_in_use(
    resources, admin, e01_word, word_with
):
    answer = upload(admin, "/forms/E01/upload", e01_word)
    path, page = draft_path(answer), page_of(admin, answer)
    assert "传真" in page and "发布后为第 2 版" in page
    confirm = admin.get(f"{path}/publish").get_data(as_text=True)
    assert "增加栏目“传真”（电话）" in confirm and "Word 模板换了新的" in confirm
    with resources.reading() as uow:
        assert get_form(uow, "E01").version == 1, "nothing is published by the first click"
    sent = {"row_version": row_version(confirm), "note": "增加传真"}
    assert "增加传真" in page_of(admin, admin.post(f"{path}/publish", data=sent))
    with resources.reading() as uow:
        form = get_form(uow, "E01")
    assert form.version == 2
    assert form.effects.creates_customer == "客户名称", "what the page does not show is kept"
    assert admin.post(f"{path}/publish", data=sent).status_code == 409, "twice"


def test_a_field_without_a_tag_is_named_and_may_be_taken_out(resources, admin, word_with):
    tags = [entry.key for entry in load_form("E01").fields if entry.key != "工厂电话"]
    text = "".join(f"{{{{{tag}}}}}" for tag in tags)
    signs = "".join(f"{{{{签名.{role}}}}}" for role in ("报告人", "主管", "经理"))
    answer = upload(admin, "/forms/E01/upload", word_with(text, signs))
    path, page = draft_path(answer), page_of(admin, answer)
    assert "栏目“工厂电话”在模板里没有标签" in page
    assert 'name="drop|工厂电话"' in page and 'name="drop|客户名称"' not in page
    confirm = admin.get(f"{path}/publish").get_data(as_text=True)
    assert "确认发布" not in confirm
    forced = admin.post(f"{path}/publish", data={"row_version": row_version(page)})
    assert forced.status_code == 422 and "工厂电话" in forced.get_data(as_text=True)
    typed = everything_on(page) | {"drop|工厂电话": "on"}
    page = page_of(admin, admin.post(path, data=typed))
    assert "检查通过" in page
    assert "去掉栏目“工厂电话”" in admin.get(f"{path}/publish").get_data(as_text=True)


def test_a_field_that_has_its_tag_cannot_be_taken_out(admin, e01_word):
    answer = upload(admin, "/forms/E01/upload", e01_word)
    typed = everything_on(page_of(admin, answer)) | {"drop|客户名称": "on"}
    refused = admin.post(draft_path(answer), data=typed)
    assert refused.status_code == 422
    assert "在模板里有标签，不能去掉" in refused.get_data(as_text=True)


def test_saving_what_is_shown_changes_nothing(resources, admin):
    for code in ("E01", "E05", "E10"):
        answer = admin.post(f"/forms/{code}/versions/1/edit")
        path, page = draft_path(answer), page_of(admin, answer)
        before = _digest(resources, path)
        page_of(admin, admin.post(path, data=_unescaped(everything_on(page))))
        confirm = admin.get(f"{path}/publish").get_data(as_text=True)
        assert "看不出栏目和版式的差别" in confirm, code
        assert _digest(resources, path) == before, code


def _unescaped(sent):
    return {name: unescape(value) for name, value in sent.items()}


def _digest(resources, path):
    draft_id = int(path.rpartition("/")[2])
    with resources.reading() as uow:
        return uow.session.scalar(select(FormVersion.digest).where(FormVersion.id == draft_id))


def test_the_order_of_signing_is_what_was_typed(resources, admin):
    answer = admin.post("/forms/E01/versions/1/edit")
    path, page = draft_path(answer), page_of(admin, answer)
    typed = everything_on(page) | {"place|经理": "1", "place|报告人": "3", "candidate|经理": "head"}
    typed |= {"place|主管": "2", "optional|主管": "on"}
    admin.post(path, data=typed)
    assert "签核顺序改为：经理、主管、报告人" in admin.get(f"{path}/publish").get_data(as_text=True)


def test_two_administrators_at_one_draft_do_not_overwrite_one_another(admin):
    answer = admin.post("/forms/E01/versions/1/edit")
    path, page = draft_path(answer), page_of(admin, answer)
    typed = everything_on(page)
    assert admin.post(path, data=typed | {"title": "甲改的"}).status_code == 302
    late = admin.post(path, data=typed | {"title": "乙改的"})
    assert late.status_code == 409 and "刚被别人改过" in late.get_data(as_text=True)
    assert "甲改的" in admin.get(path).get_data(as_text=True)


def test_the_definition_can_be_written_by_hand(admin):
    answer = admin.post("/forms/E01/versions/1/edit")
    path, page = draft_path(answer), page_of(admin, answer)
    text = load_form("E01").folder.joinpath("form.toml").read_text("utf-8")
    sent = {"row_version": row_version(page), "sample": "{}"}
    wrong = admin.post(f"{path}/text", data=sent | {"definition": text + "\n[[["})
    assert wrong.status_code == 422
    other = admin.post(f"{path}/text", data=sent | {"definition": text.replace("E01", "E02", 1)})
    assert other.status_code == 422 and "不能改" in other.get_data(as_text=True)
    odd = admin.post(f"{path}/text", data=sent | {"definition": 'code = "E01"\nfield = 5\n'})
    assert odd.status_code == 422 and "[[field]]" in odd.get_data(as_text=True)
    unread = text.replace('kind = "phone"', 'kind = "telefon"', 1)
    page = page_of(admin, admin.post(f"{path}/text", data=sent | {"definition": unread}))
    assert "telefon" in page and "有 1 处要改好" in page
    assert admin.get(f"{path}/preview.png").status_code == 422


def test_the_sample_is_printed_and_shown(admin, converter, e01_word):
    answer = upload(admin, "/forms/E01/upload", e01_word)
    path, page = draft_path(answer), page_of(admin, answer)
    typed = everything_on(page) | {"sample|传真": "0731-7777"}
    page_of(admin, admin.post(path, data=_unescaped(typed)))
    picture = admin.get(f"{path}/preview.png")
    assert picture.mimetype == "image/png" and picture.data[:4] == b"\x89PNG"
    assert "传真：0731-7777" in converter.texts[-1]
    assert "云" in converter.texts[-1] or sample_values("E01")["客户名称"] in converter.texts[-1]
    assert admin.get(f"{path}/sample.docx").data[:2] == b"PK"
    assert admin.get(f"{path}/sample.pdf").data[:5] == b"%PDF-"
    assert admin.get(f"{path}/preview.png?page=99").status_code == 404


def test_the_parts_of_a_version_can_be_downloaded(admin):
    form = load_form("E05")
    assert admin.get("/forms/E05/versions/1/docx").data == form.read_template()
    assert admin.get("/forms/E05/versions/1/json").json == sample_values("E05")
    assert 'code = "E05"' in admin.get("/forms/E05/versions/1/toml").get_data(as_text=True)
    assert admin.get("/forms/E05/versions/9/docx").status_code == 404
    assert admin.get("/forms/E99/versions/1/docx").status_code == 404


def test_a_second_upload_of_the_same_file_makes_no_second_draft(resources, admin, e01_word):
    first = upload(admin, "/forms/E01/upload", e01_word)
    assert draft_path(upload(admin, "/forms/E01/upload", e01_word)) == draft_path(first)
    page_of(admin, first)
    history = admin.get("/forms/E01").get_data(as_text=True)
    assert history.count("/forms/drafts/") == 1


def test_a_version_is_begun_anew_once_until_something_is_corrected(admin):
    def begin():
        return draft_path(admin.post("/forms/E01/versions/1/edit"))

    first = begin()
    assert begin() == first
    definition = admin.get("/forms/E01/versions/1/toml").text.replace("新开发", "新开拓", 1)
    sample = admin.get("/forms/E01/versions/1/json").text
    sent = {"row_version": "1", "definition": definition, "sample": sample}
    assert admin.post(f"{first}/text", data=sent).status_code == 302
    assert begin() != first


def test_the_template_in_use_is_refused_with_its_version(admin):
    answer = upload(admin, "/forms/E01/upload", load_form("E01").read_template())
    assert answer.status_code == 409
    assert "第 1 版的模板完全相同" in answer.get_data(as_text=True)


def test_a_code_that_is_taken_leads_to_its_page(admin, visit_word):
    answer = upload(admin, "/forms", visit_word, **NEW | {"code": "E01"})
    assert answer.status_code == 409 and "已经有表单" in answer.get_data(as_text=True)


def _bomb():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", b"0" * (300 << 20))
    return out.getvalue()


def _with_macro(content):
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, old.read(name))
        new.writestr("word/vbaProject.bin", b"macro")
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "没有收到文件"),
        (b"hello", "不是 Word 文件"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "Word"),
        (b"PK\x03\x04" + b"\0" * 40, "损坏"),
        (_bomb(), "不能用作模板"),
        (struct.pack("<I", 7) * 10, "不是 Word 文件"),
    ],
)
def test_what_is_no_word_file_is_refused_and_nothing_is_kept(resources, admin, content, why):
    answer = upload(admin, "/forms/E01/upload", content)
    assert answer.status_code == 422
    assert why in answer.get_data(as_text=True)
    assert _drafts(resources) == []


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__ }}",
        "{{ cycler() }}",
        "{% for 行 in range(1000000000) %}x{% endfor %}",
        "{% import 'os' as os %}",
        "{% for 行 in 货品 %}{{行.名}}",
        "{{ 客户名称|upper }}",
        "{{客户名称",
        "一个标签也没有",
    ],
)
def test_a_template_that_does_more_than_show_values_is_refused(resources, admin, word_with, text):
    answer = upload(admin, "/forms/E01/upload", word_with(text))
    assert answer.status_code == 422
    assert _drafts(resources) == []


def test_a_macro_and_a_huge_file_are_refused(resources, admin, visit_word, monkeypatch):
    answer = upload(admin, "/forms", _with_macro(visit_word), **NEW)
    assert answer.status_code == 422 and "宏" in answer.get_data(as_text=True)
    monkeypatch.setattr(inspection, "MOST_BYTES", 1000)
    assert upload(admin, "/forms", visit_word, **NEW).status_code == 413
    assert _drafts(resources) == []


def _drafts(resources):
    with resources.reading() as uow:
        return list(
            uow.session.scalars(select(FormVersion.id).where(FormVersion.version.is_(None)))
        )


@pytest.mark.parametrize(
    "typed",
    [
        {"code": ""},
        {"code": "客户"},
        {"code": "../E1"},
        {"code": "E" * 300},
        {"title": ""},
        {"title": "表" * 500},
        {"title": "表\x00单"},
        {"pack": " "},
    ],
)
def test_a_new_form_wants_a_code_a_name_and_a_pack(resources, admin, visit_word, typed):
    assert upload(admin, "/forms", visit_word, **NEW | typed).status_code == 422
    assert _drafts(resources) == []


@pytest.mark.parametrize("value", ["<b>&合同", "{{7*7}}", "{% for %}", "🧧𠮷", "\u202e倒", '"]]\n'])
def test_hostile_labels_stay_what_they_are(resources, admin, value):
    answer = admin.post("/forms/E01/versions/1/edit")
    path, page = draft_path(answer), page_of(admin, answer)
    typed = _unescaped(everything_on(page)) | {"label|备注": value, "help|备注": value}
    page = page_of(admin, admin.post(path, data=typed))
    assert "<b>&合同" not in page
    with resources.reading() as uow:
        draft_id = int(path.rpartition("/")[2])
        row = uow.session.get(FormVersion, draft_id)
        text = row.definition
    kept = next(one for one in tomllib.loads(text)["field"] if one["key"] == "备注")
    assert kept["label"] == kept["help"] == value.strip()


def test_a_posted_page_that_no_browser_sends_is_refused(admin):
    answer = admin.post("/forms/E01/versions/1/edit")
    path, page = draft_path(answer), page_of(admin, answer)
    typed = everything_on(page)
    assert admin.post(path, data=typed | {"label|备注": "长" * 10_000}).status_code == 422
    assert admin.post(path, data=typed | {"row_version": "x"}).status_code == 409
    assert admin.post(path, data={}).status_code == 409
    many = {f"kind|栏{n}": "text" for n in range(3000)} | {"row_version": row_version(page)}
    assert admin.post(path, data=many).status_code == 422
    odd = typed | {"kind|备注": "exec", "kind|没有的栏": "text", "place|经理": "-9"}
    assert admin.post(path, data=odd).status_code == 302
    assert "检查通过" in admin.get(path).get_data(as_text=True)


def test_a_draft_is_thrown_away(resources, admin, e01_word):
    answer = upload(admin, "/forms/E01/upload", e01_word)
    path, page = draft_path(answer), page_of(admin, answer)
    sent = {"row_version": row_version(page)}
    assert admin.post(f"{path}/discard", data=sent).status_code == 302
    assert admin.get(path).status_code == 404
    assert admin.post(f"{path}/discard", data=sent).status_code == 404
    with resources.reading() as uow:
        assert get_form(uow, "E01").version == 1


def test_another_template_is_put_into_a_draft(admin, e01_word, visit_word, word_with):
    answer = upload(admin, "/forms", word_with("{{客户名称}}"), **NEW)
    path, page = draft_path(answer), page_of(admin, answer)
    sent = {"row_version": row_version(page)}
    page = page_of(admin, upload(admin, f"{path}/template", visit_word, **sent))
    assert "谈话内容" in page and "检查通过" in page
    assert upload(admin, f"{path}/template", visit_word, **sent).status_code == 409


def test_retired_and_brought_back_on_the_page(resources, admin):
    page = admin.get("/forms/E10").get_data(as_text=True)
    sent = {"row_version": row_version(page)}
    page = page_of(admin, admin.post("/forms/E10/versions/1/retire", data=sent))
    assert "已停用" in page
    assert admin.post("/forms/E10/versions/1/retire", data=sent).status_code == 409
    with resources.reading() as uow:
        assert "E10" not in {form.code for form in list_forms(uow)}
    assert "E10" in admin.get("/forms").get_data(as_text=True)
    sent = {"row_version": row_version(page)}
    page_of(admin, admin.post("/forms/E10/versions/1/restore", data=sent))
    with resources.reading() as uow:
        assert "E10" in {form.code for form in list_forms(uow)}


PLACES = (
    ("GET", "/forms"),
    ("POST", "/forms"),
    ("GET", "/forms/E01"),
    ("POST", "/forms/E01/upload"),
    ("POST", "/forms/E01/versions/1/edit"),
    ("POST", "/forms/E01/versions/1/retire"),
    ("GET", "/forms/E01/versions/1/docx"),
    ("GET", "/forms/drafts/1"),
    ("POST", "/forms/drafts/1/publish"),
    ("GET", "/forms/drafts/1/preview.png"),
)


@pytest.mark.parametrize(("method", "path"), PLACES)
def test_nobody_but_the_administrator_gets_in(company, client_for, method, path):
    for person in (company.sales_clerk, company.leader, company.archive_head):
        assert client_for(person).open(path, method=method).status_code == 403
    assert client_for(None).open(path, method=method).status_code == 302


def test_a_forged_post_is_refused(app, company, client_for):
    app.config["WTF_CSRF_ENABLED"] = True
    answer = client_for(company.admin).post("/forms/E01/versions/1/edit")
    assert answer.status_code == 400


def test_the_menu_shows_forms_to_the_administrator_only(admin, client_for, company):
    assert 'href="/forms"' in admin.get("/").get_data(as_text=True)
    assert 'href="/forms"' not in client_for(company.sales_clerk).get("/").get_data(as_text=True)
