"""Files handed in under names in every script: taken as they are called or refused in words.

Whatever is given out again, alone or in a package, has a name that is good everywhere. How a
name is made good has tests of its own (``tests/core/test_file_names.py``).
"""

import io
import re
import zipfile
from email.message import Message

import pytest
from sqlalchemy import update

from archive.core.file_names import safe_name
from archive.customers.models import Customer
from archive.filing import service as filing
from archive.filing.models import HELD, Item
from archive.filing.packages.making import start_package
from archive.jobs import drain_all
from archive.tasks import service as tasks
from tests.core.test_file_names import NAMES, faults_of

pytestmark = pytest.mark.slow
HAN = re.compile(r"[\u4e00-\u9fff]")
TEXT = "普通文字".encode()


def sent(field, name, content=TEXT, **more):
    return {field: (io.BytesIO(content), name), **more}


def named(answer) -> str:
    """The name a browser would give the download."""
    said = answer.headers["Content-Disposition"]
    assert said.isascii() and "\n" not in said
    read = Message()
    read["Content-Disposition"] = re.sub(r'filename="[^"]*"; ', "", said)
    return str(read.get_filename())


def test_papers_come_in_and_go_out_under_good_names(resources, company, client_for):
    client = client_for(company.archivist)
    taken = []
    for number, name in enumerate(map(posted, NAMES)):
        paper = sent("file", name, f"正文{number}".encode(), title=f"来件{number}")
        answer = client.post("/filing/offer", data=paper)
        assert answer.status_code in (302, 422), (name, answer.status_code)
        if answer.status_code == 422:
            assert "文件名有误" in answer.text, name
        else:
            taken.append(int(answer.headers["Location"].rpartition("/")[2]))
    with resources.reading() as uow:
        items = [filing.get_item(uow, company.archivist, item_id) for item_id in taken]
    files = [(item.id, file) for item in items for file in item.files]
    assert len(files) >= 25, "most names are fine as they are"
    for item_id, file in files:
        with client.get(f"/items/{item_id}/files/{file.id}") as answer:
            assert answer.status_code == 200
            assert named(answer) == safe_name(file.name) and not faults_of(named(answer))


def posted(name: str) -> str:
    """What of a name a browser can send: one line, no lone half of a pair."""
    return name.encode(errors="replace").decode()


def test_no_door_for_files_is_broken_by_a_name(resources, company, client_for):
    """Batches of papers, filled sheets, packages, files to be judged: each says what it thinks."""
    client = client_for(company.archivist)
    clerk, nobody = client_for(company.sales_clerk), client_for(None)
    batch = client.post("/filing/incoming", data={"title": "三月"}).headers["Location"]
    for name in map(posted, NAMES[::2]):
        if not name:
            continue  # a browser sends no file under no name
        asked = {"Accept": "application/json"}
        taken = client.post(f"{batch}/files", data=sent("upload", name), headers=asked)
        for one in taken.json["files"] if taken.status_code == 200 else ():
            assert not one["refused"] or HAN.search(one["refused"]), name
        answers = [
            taken,
            client.post("/filing/receive", data=sent("file", name)),
            clerk.post("/records/import", data=sent("file", name, form="E01")),
            nobody.post("/verify", data=sent("file", name)),
        ]
        for answer in answers:
            assert answer.status_code in (200, 302, 422, 429), (name, answer.status_code)
            assert answer.is_json or answer.status_code == 302 or HAN.search(answer.text), name


def test_no_name_becomes_a_path_on_the_servers_disk(resources, company, client_for, tmp_path):
    client = client_for(company.archivist)
    batch = client.post("/filing/incoming", data={"title": "三月"}).headers["Location"]
    for name in ("../../逃.pdf", "/逃.pdf", "..\\逃.pdf", "a/../../逃.pdf"):
        client.post(f"{batch}/files", data=sent("upload", name))
        client.post("/filing/offer", data=sent("file", name, title="来件"))
    assert [path for path in tmp_path.rglob("*") if "逃" in path.name] == []


def test_a_package_holds_good_names_whatever_its_papers_are_called(resources, company, client_for):
    client = client_for(company.archivist)
    ids = []
    for number, name in enumerate(map(posted, NAMES[::2])):
        paper = sent("file", name, f"正文{number}".encode(), title=f"来件{number}")
        answer = client.post("/filing/offer", data=paper)
        if answer.status_code == 302:
            ids.append(int(answer.headers["Location"].rpartition("/")[2]))
    customer = "../青岛\u00a0海信: <示范>. "
    with resources.work() as uow:
        row = Customer(
            number="K1",
            name=customer,
            match_key="K1",
            owner_id=company.sales_clerk.id,
            created_at=resources.clock(),
        )
        uow.session.add(row)
        uow.session.flush()
        uow.session.execute(
            update(Item).where(Item.id.in_(ids)).values(state=HELD[0], customer_id=row.id)
        )
        number = row.id
        uow.commit()
    with resources.work() as uow:
        task = start_package(uow, company.archivist, "customer", number)
        uow.commit()
    drain_all(resources)
    with resources.reading() as uow:
        file = tasks.get_task(uow, company.archivist, task.id).of_role(tasks.RESULT)[0]
    assert not faults_of(file.name)
    package = zipfile.ZipFile(io.BytesIO(resources.blobs.read(file.sha256)))
    names = package.namelist()
    assert len(names) > len(ids) and len({name.casefold() for name in names}) == len(names)
    assert [name for name in names for part in name.split("/") if faults_of(part)] == []
