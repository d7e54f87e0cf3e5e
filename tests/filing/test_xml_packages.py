"""XML packages after DA/T 48: one per item, signed; what comes in is taken whole or not at all."""

import base64
import hashlib
import re
import stat
import zipfile
from dataclasses import replace

import pytest
from sqlalchemy import select

from archive.core.errors import ArchiveError, Invalid
from archive.core.resources import open_resources
from archive.filing import service as filing
from archive.filing.models import Item
from archive.filing.packages import xml_parsing
from archive.filing.packages.describing import description_of
from archive.filing.packages.incoming import doubts_of, read_incoming
from archive.filing.packages.making import start_package
from archive.filing.packages.taking import SIGNED_BY
from archive.instance import install_forms
from archive.jobs import drain_all
from archive.models import metadata
from archive.people.rights import CONFIDENTIAL
from archive.tasks import service as tasks
from tests.conftest import _settle

SAME = (
    "题名",
    "文号",
    "责任者",
    "日期",
    "年度",
    "门类",
    "类目",
    "保管期限",
    "密级",
    "客户",
    "表单",
    "文件",
)


@pytest.fixture
def filed(resources, company, signed_record):
    ids = []
    for name in ("海信 <A&B> 公司", "格力公司"):
        record = signed_record(客户名称=name, pdf=b"%PDF-1.7 " + name.encode() * 20)
        with resources.work() as uow:
            ids.append(filing.file_record(uow, company.archivist, record.id).id)
            uow.commit()
    return ids


@pytest.fixture
def make(resources, company, tmp_path):
    """Make an XML package as the worker does and return its path."""

    def made(scope, number, actor=None):
        actor = actor or company.archivist
        with resources.work() as uow:
            task = start_package(uow, actor, scope, number, "xml")
            uow.commit()
        drain_all(resources)
        with resources.reading() as uow:
            file = tasks.get_task(uow, actor, task.id).of_role(tasks.RESULT)[0]
        path = tmp_path / file.name
        path.write_bytes(resources.blobs.read(file.sha256))
        return path

    return made


@pytest.fixture
def elsewhere(resources, tmp_path, converter, clock):
    """Another house: its own data, its own authority."""
    settings = replace(
        resources.settings, data=tmp_path / "b", database_url=f"sqlite:///{tmp_path}/b.db"
    )
    other = open_resources(settings, converter, clock)
    metadata.create_all(other.database.engine)
    install_forms(other)
    yield other, replace(_settle(other).archivist, clearance=CONFIDENTIAL)
    other.database.dispose()


def taken_in(resources, operator, path):
    counts, doubts = [0, 0, 0], []
    for batch in read_incoming(path, resources):
        doubts += doubts_of(batch)
        with resources.work() as uow:
            outcome = filing.import_batch(uow, operator, batch)
            uow.commit()
        for place, part in enumerate((outcome.imported, outcome.skipped, outcome.failed)):
            counts[place] += len(part)
    return tuple(counts), doubts


def described(resources):
    with resources.reading() as uow:
        ids = uow.session.scalars(select(Item.id).order_by(Item.title)).all()
        return [description_of(uow, filing.load_item(uow, one)) for one in ids]


def text_of(path):
    return path.read_text("utf-8")


@pytest.mark.slow
def test_package_is_after_the_standard_and_names_every_act(resources, filed, make):
    text = text_of(make("item", filed[0]))
    for word in ("<封装包类型>原始型<", "<聚合层次>文件<", "base64-pdf", "历史行为"):
        assert word in text
    assert "海信 &lt;A&amp;B&gt; 公司" in text and "<业务行为>鉴别<" in text
    assert "item.appraise" in text
    first = re.search(r"<编码数据 [^>]*>([^<]*)<", text).group(1)
    with resources.reading() as uow:
        master = filing.load_item(uow, filed[0]).files[0]
    assert hashlib.sha256(base64.b64decode(first)).hexdigest() == master.sha256


def test_round_trip_leaves_the_description_equal_and_twice_makes_no_doubles(
    resources, filed, make, elsewhere
):
    other, operator = elsewhere
    with resources.reading() as uow:
        volume = filing.load_item(uow, filed[0]).volume_id
    path = make("volume", volume)
    counts, doubts = taken_in(other, operator, path)
    assert counts == (2, 0, 0) and all("身份未经证实" in doubt for doubt in doubts)
    assert taken_in(other, operator, path)[0] == (0, 2, 0)
    there, here = described(other), described(resources)
    for one, origin in zip(there, here, strict=True):
        assert {key: one[key] for key in SAME} == {key: origin[key] for key in SAME}
        assert one["其他"]["来源档号"] == origin["归档号"]
        assert "本公司" in one["其他"][SIGNED_BY]


@pytest.mark.slow
def test_own_package_is_known_as_our_own(resources, company, filed, make):
    operator = replace(company.archivist, clearance=CONFIDENTIAL)
    counts, doubts = taken_in(resources, operator, make("item", filed[0]))
    assert counts == (1, 0, 0) and doubts == []


# ---------------------------------------------------------------- what comes in


def swap(old, new):
    """Return a change that must find what it replaces."""

    def change(text):
        assert re.search(old, text), old
        return re.sub(old, new, text, count=1)

    return change


def unsigned(text):
    return re.sub(r"<电子签名块.*</电子签名块>", "", text, flags=re.S)


def both(*changes):
    def change(text):
        for one in changes:
            text = one(text)
        return text

    return change


DTD = swap(r"\?>", '?><!DOCTYPE x [<!ENTITY a "b">]>')
BOMB = swap(
    r"\?>",
    '?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;">]>',
)
HOSTILE = {
    "a byte changed": (both(unsigned, swap("(<编码数据 [^>]*>)J", r"\1K")), "摘要"),
    "changed after signing": (swap("<题名>[^<]+", "<题名>另一份"), "签名之后被改动"),
    "data missing": (both(unsigned, swap("(<编码数据 [^>]*>)[^<]+", r"\1")), "缺失"),
    "data cut off": (both(unsigned, swap("(<编码数据 [^>]*>)J", r"\1")), "Base64|不完整"),
    "data after padding": (both(unsigned, swap("(<编码数据 [^>]*>)J", r"\1JQ==J")), "Base64"),
    "another size": (both(unsigned, swap("<计算机文件大小>", "<计算机文件大小>9")), "字节"),
    "a document type": (DTD, "DTD"),
    "entity bomb": (BOMB, "DTD"),
    "an instruction": (swap("<版本>", "<?php x?><版本>"), "处理指令"),
    "climbing out": (both(unsigned, swap("<计算机文件名>", "<计算机文件名>../../")), "不规矩"),
    "absolute": (both(unsigned, swap("<计算机文件名>", "<计算机文件名>/etc/")), "不规矩"),
    "backslash": (both(unsigned, swap("<计算机文件名>", r"<计算机文件名>C:\\")), "不规矩"),
    "a link to other data": (
        both(unsigned, swap("<编码数据 ", '<编码数据 引用编码数据ID="修改0-文档1" ')), "链接"
    ),
    "same name twice": (
        lambda t: re.sub("<计算机文件名>[^<]+", "<计算机文件名>同名.pdf", unsigned(t)), "重名"
    ),
    "no digest and no signature": (
        lambda t: re.sub("<数字摘要[^>]*>[^<]*</数字摘要>", "", unsigned(t)), "无从核对"
    ),
    "an unknown element": (both(unsigned, swap("<权限管理/>", "<权限管理/><多/>")), "结构"),
    "no description": (both(unsigned, swap("<内容描述>.*</内容描述>", "")), "结构"),
    "not whole": (lambda t: t[: len(t) // 2], "不是完好的 XML"),
    "another language": (lambda _: "<html><body/></html>", "结构"),
    "nothing": (lambda _: "", "不是完好的 XML"),
    "a broken certificate": (swap("<证书>....", "<证书>AAAA"), "读不出来"),
    "secrecy of the state": (both(unsigned, swap("<密级>[^<]*", "<密级>绝密")), "密级"),
}  # fmt: skip


def test_hostile_package_is_refused_whole(resources, filed, make):
    path = make("item", filed[0])
    good, before = text_of(path), list(resources.blobs.digests())
    for name, (change, told) in HOSTILE.items():
        path.write_text(change(good), "utf-8")
        with pytest.raises(Invalid, match=told) as refusal:
            list(read_incoming(path, resources))
            pytest.fail(f"taken: {name}")
        assert "没有导入" in refusal.value.message and path.name[:20] in refusal.value.message
    assert list(resources.blobs.digests()) == before, "nothing of it was kept"


@pytest.mark.slow
def test_unsigned_package_is_taken_with_that_said(resources, company, filed, make):
    path = make("item", filed[0])
    path.write_text(unsigned(text_of(path)), "utf-8")
    operator = replace(company.archivist, clearance=CONFIDENTIAL)
    counts, doubts = taken_in(resources, operator, path)
    assert counts == (1, 0, 0) and "没有签名" in doubts[0]


@pytest.mark.slow
def test_one_bad_package_of_a_zip_refuses_all_of_it(resources, filed, make, tmp_path):
    one = make("item", filed[0])
    bad = swap("<题名>[^<]+", "<题名>改")(text_of(one))
    cases = {
        "one of two": ({"包/a.xml": text_of(one), "包/b.xml": bad}, "b.xml.*签名之后"),
        "the same twice": ({"包/a.xml": text_of(one), "包/b.xml": text_of(one)}, "同一份"),
        "climbing out": ({"包/../../a.xml": text_of(one)}, "不规矩"),
        "absolute": ({"/a.xml": text_of(one)}, "不规矩"),
    }
    before = list(resources.blobs.digests())
    for entries, told in cases.values():
        path = tmp_path / "多件.zip"
        with zipfile.ZipFile(path, "w") as package:
            for name, content in entries.items():
                package.writestr(name, content)
        with pytest.raises(Invalid, match=told):
            list(read_incoming(path, resources))
    link = zipfile.ZipInfo("包/链接.xml")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as package:
        package.writestr(link, "/etc/passwd")
    with pytest.raises(Invalid, match="链接"):
        list(read_incoming(path, resources))
    assert list(resources.blobs.digests()) == before


@pytest.mark.slow
def test_what_is_too_large_or_too_deep_is_refused(resources, filed, make, monkeypatch):
    path = make("item", filed[0])
    for limit in ("MOST_ELEMENTS", "MOST_TEXT", "MOST_WORDS", "MOST_FILE", "MOST_FILES", "DEEPEST"):
        with monkeypatch.context() as patch, pytest.raises(Invalid, match="没有导入"):
            patch.setattr(xml_parsing, limit, 1)
            list(read_incoming(path, resources))
    path.write_text(f'<a b="{"x" * (5 << 20)}', "utf-8")
    with pytest.raises(Invalid, match="太长"):
        list(read_incoming(path, resources))


@pytest.mark.slow
def test_kept_file_that_is_damaged_is_not_packed(resources, company, filed):
    with resources.reading() as uow:
        digest = filing.load_item(uow, filed[0]).files[0].sha256
    path = next(resources.settings.blobs.rglob(digest))
    path.chmod(0o644)
    path.write_bytes(b"%PDF-1.7 other")
    for kind in ("bag", "xml"):
        with resources.work() as uow:
            task = start_package(uow, company.archivist, "item", filed[0], kind)
            uow.commit()
        drain_all(resources)
        with resources.reading() as uow:
            told = tasks.get_task(uow, company.archivist, task.id)
        assert told.state == "failed" and "完整性检查" in told.message


@pytest.mark.slow
def test_page_and_call_choose_the_kind(client_for, api_for, company, filed):
    page = client_for(company.archivist)
    assert page.post(f"/packages/item/{filed[0]}", data={"make": "xml"}).status_code == 302
    assert page.post(f"/packages/item/{filed[0]}", data={"make": "tar"}).status_code == 422
    call = api_for(company.archivist)
    for kind, code in (("xml", 202), ("bag", 202), ("tar", 422)):
        body = {"scope": "item", "id": filed[0], "make": kind}
        assert call.post("/api/v1/packages", json=body).status_code == code


@pytest.mark.slow
def test_unknown_kind_is_refused(resources, company, filed):
    with resources.work() as uow, pytest.raises(ArchiveError, match="XML"):
        start_package(uow, company.archivist, "item", filed[0], "rar")
