"""Verify in threads: what is whole is noted, what is damaged is named with its item, it goes on."""

import pytest
from sqlalchemy import select

from archive.filing import service as filing
from archive.jobs import drain_all
from archive.tasks.models import Task
from archive.trust.checking import verify_instance
from storage.checked import BlobCheck
from storage.files import StoredFile


@pytest.fixture
def item(resources, company):
    upload = filing.keep_upload(resources.blobs, "销售合同".encode(), "销售合同.txt")
    with resources.work() as uow:
        row = filing.read_row({"title": "销售合同"})
        made = filing.offer_paper(uow, company.archivist, row, upload)
        for number in range(5):
            uow.keep(resources.blobs.put(f"文件{number}".encode(), "text/plain"))
        uow.commit()
    return made


def flip(resources, sha256):
    path = resources.blobs.folder / sha256[:2] / sha256[2:4] / sha256
    path.write_bytes(b"\x00" + path.read_bytes()[1:])


def verify(resources, **asked):
    read = []
    found = verify_instance(
        resources, with_index=False, on_progress=lambda done, total: read.append(total), **asked
    )
    return list(found), (read or [0])[-1]


def test_what_was_whole_lately_is_left_out_and_damage_never(resources, item, clock):
    with resources.reading() as uow:
        files = set(uow.session.scalars(select(StoredFile.sha256)))
    damaged = item.files[0].sha256
    assert verify(resources) == ([], len(files))
    assert verify(resources, days=30) == ([], 0)
    flip(resources, damaged)
    found, _ = verify(resources)
    assert f"第 {item.id} 件 的正本" in found[0].message and "销售合同" not in found[0].message
    again, read = verify(resources, days=30)
    assert (read, [one.subject for one in again]) == (1, [damaged])
    clock.advance(days=31)
    assert verify(resources, days=30)[1] == len(files)
    with resources.reading() as uow:
        noted = set(uow.session.scalars(select(BlobCheck.sha256)))
    assert noted == files - {damaged}


def test_the_page_leaves_it_to_a_task(resources, company, client_for, item):
    browser = client_for(company.admin)
    assert "后台" in browser.get("/admin/verify").text
    flip(resources, item.files[0].sha256)
    started = browser.post("/admin/verify")
    assert started.status_code == 302 and "/tasks/" in started.headers["Location"]
    drain_all(resources)
    page = browser.get(started.headers["Location"]).text
    assert "已完成" in page and f"第 {item.id} 件" in page
    assert "发现 2 处问题" in page and "检索索引不存在" in page  # nothing was ever indexed here
    with resources.reading() as uow:
        task = uow.session.scalars(select(Task)).one()
        assert task.result["findings"][0]["kind"] == "damaged"
        assert task.done == task.total == len(list(uow.session.scalars(select(StoredFile.sha256))))
