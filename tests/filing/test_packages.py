"""Packages: what leaves is a bag any tool can check; what comes in is taken whole or not at all."""

import io
import json
import stat
import zipfile
from dataclasses import replace

import bagit
import pytest

from archive.core import sheet_child
from archive.core.errors import ArchiveError, Forbidden, Invalid, NotFound
from archive.core.resources import open_resources
from archive.filing import service as filing
from archive.filing.incoming import kinds
from archive.filing.models import Item
from archive.filing.packages import doors
from archive.filing.packages.making import start_package
from archive.filing.packages.reading import check_package, read_package
from archive.instance import install_forms
from archive.jobs import drain_all
from archive.models import metadata
from archive.people.rights import CONFIDENTIAL
from archive.tasks import service as tasks
from tests.conftest import _settle


@pytest.fixture
def filed(resources, company, signed_record):
    """Two items of one customer, filed; returns the ids."""
    ids = []
    for title in ("变频压缩机", "控制器"):
        record = signed_record(使用产品=title, pdf=b"%PDF-1.7 " + title.encode())
        with resources.work() as uow:
            ids.append(filing.file_record(uow, company.archivist, record.id).id)
            uow.commit()
    return ids


@pytest.fixture
def make(resources, company, tmp_path):
    """Make a package as the worker does and return its path."""

    def made(scope, number, actor=None):
        actor = actor or company.archivist
        with resources.work() as uow:
            task = start_package(uow, actor, scope, number)
            uow.commit()
        drain_all(resources)
        with resources.reading() as uow:
            file = tasks.get_task(uow, actor, task.id).of_role(tasks.RESULT)[0]
        path = tmp_path / "包.zip"
        path.write_bytes(resources.blobs.read(file.sha256))
        return path

    return made


def item(resources, item_id):
    with resources.reading() as uow:
        return filing.load_item(uow, item_id)


def unpacked(path, folder):
    with zipfile.ZipFile(path) as package:
        package.extractall(folder)
    (base,) = list(folder.iterdir())
    return base


@pytest.mark.parametrize("scope", ["item", "volume", "customer"])
def test_package_is_a_bag_that_another_tool_finds_whole(resources, filed, make, tmp_path, scope):
    first = item(resources, filed[0])
    number = {"item": first.id, "volume": first.volume_id, "customer": first.customer_id}[scope]
    base = unpacked(make(scope, number), tmp_path / "out")
    bag = bagit.Bag(str(base))
    bag.validate()
    assert bag.info["Source-Organization"] == "本公司"
    payload = sorted(path.name for path in (base / "data").iterdir())
    assert len(payload) == (1 if scope == "item" else 2)
    described = json.loads((base / "data" / payload[0] / "元数据.json").read_text("utf-8"))
    assert described["客户"] == "青岛海信电器股份有限公司" and len(described["归档步骤"]) == 4
    assert {one["角色"] for one in described["文件"]} == {"正本", "Word 稿"}
    assert any(one["做了什么"] == "item.appraise" for one in described["过程"])
    lines = (base / "sm3" / "payload-sm3.txt").read_text("utf-8").splitlines()
    assert len(lines) == 3 * len(payload)


def test_package_comes_in_elsewhere_with_all_its_files_and_twice_makes_no_doubles(
    resources, filed, make, tmp_path, converter, clock
):
    path = make("volume", item(resources, filed[0]).volume_id)
    elsewhere = replace(
        resources.settings, data=tmp_path / "b", database_url=f"sqlite:///{tmp_path}/b.db"
    )
    other = open_resources(elsewhere, converter, clock)
    metadata.create_all(other.database.engine)
    install_forms(other)
    there = _settle(other)
    operator = replace(there.archivist, clearance=CONFIDENTIAL)
    outcomes = [taken_in(other, operator, path) for _ in range(2)]
    assert outcomes == [(2, 0, 0), (0, 2, 0)]
    with other.reading() as uow:
        items = [filing.load_item(uow, one.id) for one in uow.session.query(Item).all()]
    assert {one.customer_name for one in items} == {"青岛海信电器股份有限公司"}
    assert all({file.role for file in one.files} == {"master", "word"} for one in items)
    assert all(one.elements["来源单位"] == "本公司" for one in items)
    other.database.dispose()


def taken_in(resources, operator, path):
    counts = [0, 0, 0]
    for batch in read_package(path, resources.blobs):
        with resources.work() as uow:
            outcome = filing.import_batch(uow, operator, batch)
            uow.commit()
        for place, part in enumerate((outcome.imported, outcome.skipped, outcome.failed)):
            counts[place] += len(part)
    return tuple(counts)


def test_what_one_may_not_read_is_not_in_it(resources, company, filed, make, tmp_path):
    with resources.work() as uow:
        uow.session.get_one(Item, filed[1]).secrecy = 3
        from archive.people.readers import write_readers

        write_readers(uow, "item", filed[1], filing.thing_of_item(uow, filed[1]))
        uow.commit()
    base = unpacked(make("customer", item(resources, filed[0]).customer_id), tmp_path / "out")
    assert len(list((base / "data").iterdir())) == 1
    with resources.reading() as uow, pytest.raises(NotFound):
        start_package(uow, company.archivist, "item", filed[1])


def test_who_may_not_and_what_is_not_there(resources, company, filed):
    with resources.work() as uow:
        with pytest.raises(Forbidden):
            start_package(uow, company.sales_clerk, "item", filed[0])
        for scope, number in (("item", 999), ("volume", 999), ("customer", 999)):
            with pytest.raises(NotFound):
                start_package(uow, company.archivist, scope, number)
        with pytest.raises(Invalid):
            start_package(uow, company.archivist, "everything", 1)


def test_page_and_call_start_the_making(client_for, api_for, company, filed):
    answer = client_for(company.archivist).post(f"/packages/item/{filed[0]}")
    assert answer.status_code == 302 and "/tasks/" in answer.headers["Location"]
    call = api_for(company.archivist).post(
        "/api/v1/packages", json={"scope": "item", "id": filed[0]}
    )
    assert call.status_code == 202 and call.get_json()["url"].startswith("/api/v1/tasks/")
    for body in ({"scope": "all", "id": 1}, {"scope": "item", "id": "1"}, {}):
        assert api_for(company.archivist).post("/api/v1/packages", json=body).status_code == 422
    assert client_for(company.sales_clerk).post(f"/packages/item/{filed[0]}").status_code == 403


# ---------------------------------------------------------------- what comes in


def rewritten(path, change):
    """The package with its entries changed: ``change`` takes and returns name → bytes."""
    with zipfile.ZipFile(path) as package:
        entries = {one.filename: package.read(one) for one in package.infolist()}
    changed = change(entries)
    with zipfile.ZipFile(path, "w") as package:
        for name, content in changed.items():
            info = name if isinstance(name, zipfile.ZipInfo) else zipfile.ZipInfo(name)
            package.writestr(info, content)


def payload_of(entries):
    return next(name for name in entries if name.endswith(".pdf"))


def base_of(entries):
    return next(name for name in entries if name.endswith("/bagit.txt")).split("/")[0]


def special(kind):
    """An entry that is no plain file once a careless program unpacks it."""

    def added(entries):
        info = zipfile.ZipInfo(f"{base_of(entries)}/data/链接.pdf")
        info.external_attr = (kind | 0o777) << 16
        return entries | {info: b"/etc/passwd"}

    return added


HOSTILE = {
    "a byte changed": (lambda e: e | {payload_of(e): b"%PDF-1.7 other"}, "摘要不符"),
    "a file missing": (lambda e: {n: c for n, c in e.items() if n != payload_of(e)}, "包里没有"),
    "a file too many": (lambda e: e | {f"{base_of(e)}/data/多.pdf": b"%PDF-"}, "清单里没有"),
    "climbing out": (lambda e: e | {f"{base_of(e)}/data/../../逃.pdf": b"x"}, "不规矩"),
    "absolute": (lambda e: e | {"/etc/cron.d/x": b"x"}, "不规矩"),
    "backslash": (lambda e: e | {f"{base_of(e)}/data\\x.pdf": b"x"}, "不能用的字符"),
    "drive": (lambda e: e | {"C:/data/x.pdf": b"x"}, "不能用的字符"),
    "a link": (special(stat.S_IFLNK), "链接"),
    "a device": (special(stat.S_IFCHR), "特殊文件"),
    "a disk": (special(stat.S_IFBLK), "特殊文件"),
    "a pipe": (special(stat.S_IFIFO), "特殊文件"),
    "climbing in the manifest": (
        lambda e: {n: c + b"0" * 64 + b"  data/../../x\n" if "/manifest" in n else c
                   for n, c in e.items()},
        "清单里有，包里没有：data/../../x",
    ),
    "same name in another case": (
        lambda e: e | {payload_of(e)[:-4] + ".PDF": b"x"}, "重名"
    ),
    "two folders": (lambda e: e | {"另一个/bagit.txt": b"x"}, "只有一个文件夹"),
    "no declaration": (
        lambda e: {n: c for n, c in e.items() if not n.endswith("/bagit.txt")}, "BagIt"
    ),
    "no manifest": (
        lambda e: {n: c for n, c in e.items() if "/manifest" not in n}, "manifest-sha256"
    ),
    "manifest of nonsense": (
        lambda e: {n: b"zz  data/x" if "/manifest" in n else c for n, c in e.items()}, "看不懂"
    ),
    "tag changed": (
        lambda e: {n: c + b"X: y\n" if "bag-info" in n else c for n, c in e.items()}, "摘要不符"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("change", "told"), HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_package_is_refused_whole(resources, filed, make, change, told):
    path = make("volume", item(resources, filed[0]).volume_id)
    rewritten(path, change)
    before = list(resources.blobs.digests())
    with pytest.raises(Invalid, match=told):
        list(read_package(path, resources.blobs))
    assert list(resources.blobs.digests()) == before, "nothing of it was kept"


def test_bomb_is_refused_before_it_is_unpacked(resources, filed, make):
    path = make("item", filed[0])
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as package:
        base = package.namelist()[0].split("/")[0]
        package.writestr(f"{base}/data/炸弹.txt", bytes(60_000_000))
    with pytest.raises(Invalid, match="不正常"):
        check_package(path)


def test_too_many_and_too_large_are_refused(resources, filed, make, monkeypatch):
    path = make("item", filed[0])
    assert check_package(path) == 3
    for limit in ("MOST_ENTRIES", "MOST_BYTES", "MOST_FILE"):
        with monkeypatch.context() as patch, pytest.raises(Invalid):
            patch.setattr(doors, limit, 1)
            check_package(path)


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 broken"])
def test_what_is_no_package_is_said_so(tmp_path, content):
    path = tmp_path / "x.zip"
    path.write_bytes(content)
    with pytest.raises(ArchiveError, match="没有导入"):
        check_package(path)


def broken_zips():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("包/bagit.txt", "BagIt-Version: 1.0\n" * 50)
    good = out.getvalue()
    end, at = good.rindex(b"PK\x05\x06"), good.index(b"bagit.txt") + len(b"bagit.txt")
    start = int.from_bytes(good[end + 16 : end + 20], "little")
    yield good[: end + 16] + (start + 40).to_bytes(4, "little") + good[end + 20 :]
    yield good[:at] + b"\xff" * 8 + good[at + 8 :]


@pytest.mark.parametrize(
    "content",
    list(broken_zips()),
    ids=["before its beginning", "bad deflate"],
)
def test_a_zip_broken_inside_is_said_so(tmp_path, content):
    path = tmp_path / "x.zip"
    path.write_bytes(content)
    with pytest.raises(Invalid, match="没有导入"):
        check_package(path)


def test_a_payload_with_a_name_that_is_no_text_is_said_so(tmp_path):
    path = tmp_path / "x.zip"
    entries = {"包/bagit.txt": b"BagIt-Version: 1.0\n", "包/bag-info.txt": b"", "包/data/a": b"1"}
    with zipfile.ZipFile(path, "w") as package:
        for name, content in resummed(entries).items():
            package.writestr(name, content)
    assert check_package(path) == 1
    path.write_bytes(path.read_bytes().replace("包/data/a".encode(), b"\xf6\xff\xff/data/a", 1))
    with pytest.raises(Invalid, match="已损坏"):
        check_package(path)


def read_sheet(path):
    list(sheet_child.read(path, 9, 9))


@pytest.mark.parametrize(
    ("looks", "refuses"), [(kinds.look_at, kinds.Refused), (read_sheet, sheet_child.Refused)]
)
def test_a_sheet_with_a_name_that_is_no_text_is_refused_in_words(tmp_path, looks, refuses):
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("xl/workbook.xml", "<workbook/>")
        package.writestr("表.xml", "<a/>")
    path.write_bytes(path.read_bytes().replace("表.xml".encode(), b"\xf6\xff\xff.xml", 1))
    with pytest.raises(refuses, match="已损坏"):
        looks(path)


def test_folder_with_a_strange_description_fails_alone(resources, company, filed, make):
    path = make("volume", item(resources, filed[0]).volume_id)
    with zipfile.ZipFile(path) as package:
        entries = {one.filename: package.read(one) for one in package.infolist()}
    name = next(one for one in entries if one.endswith("元数据.json"))
    entries[name] = json.dumps({"题名": ["不是文字"], "年度": "很久以前"}).encode()
    with zipfile.ZipFile(path, "w") as package:
        for one, content in resummed(entries).items():
            package.writestr(one, content)
    operator = replace(company.archivist, clearance=CONFIDENTIAL)
    assert taken_in(resources, operator, path) == (1, 0, 1)


def resummed(entries):
    """The entries with manifests made anew, as the sender could."""
    import hashlib

    base = base_of(entries)
    kept = {n: c for n, c in entries.items() if "tagmanifest" not in n}
    lines = [
        f"{hashlib.sha256(c).hexdigest()}  {n.partition('/')[2]}"
        for n, c in kept.items()
        if n.startswith(f"{base}/data/")
    ]
    return kept | {f"{base}/manifest-sha256.txt": "\n".join(lines).encode()}
