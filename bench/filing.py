"""Filing one-page scans from outside through the real services, beside a bare copy and INSERT."""

import os
import random
import sqlite3
import tempfile
import time
from pathlib import Path

from archive.config import Settings
from archive.core.profile import Profile, save_profile
from archive.core.resources import open_resources
from archive.filing.incoming import service
from archive.filing.incoming.edge import Upload, receive
from archive.filing.incoming.registering import register_work, start_register
from archive.filing.incoming.screen import many_work, start_many
from archive.instance import install_forms, migrate
from archive.people import service as people

COUNT = 1000
PORTION = 20  # files a request, as the page sends them
GOAL = 20


def run() -> str:
    scans = [_scan(number) for number in range(COUNT)]
    with tempfile.TemporaryDirectory() as folder:
        floor = _floor(Path(folder, "floor"), scans)
        phases = _ours(Path(folder, "ours"), scans)
    ours = sum(phases.values())
    parts = "\n".join(
        f"| {name} | {seconds:.1f} | {COUNT / seconds:.0f} |" for name, seconds in phases.items()
    )
    size = sum(map(len, scans)) / COUNT / 1024
    return (
        f"## Filing {COUNT:,} scans (one-page PDFs of {size:.0f} KB, without OCR)\n\n"
        f"Goal: more than {GOAL} a second. Ours is the whole way: looked at in the child, bytes "
        "durable, rows, doubles\nlooked for, each paper's four steps, code, barcode and journal "
        "entries. The floor copies each file durably (fsync)\nand inserts one row of its own "
        "transaction; there is no peer that does the same.\n\n"
        "| | s | scans/s |\n| --- | --- | --- |\n"
        f"{parts}\n| ours, all | {ours:.1f} | {COUNT / ours:.0f} |\n"
        f"| floor: copy and INSERT | {floor:.1f} | {COUNT / floor:.0f} |\n\n"
        f"Ours takes {ours / floor:.1f} times the floor."
    )


def _ours(folder: Path, scans: list[bytes]) -> dict[str, float]:
    folder.mkdir()
    settings = Settings(data=folder, database_url=f"sqlite:///{folder / 'archive.db'}")
    resources = open_resources(settings, converter=None)  # type: ignore[arg-type]
    migrate(resources.database)
    install_forms(resources)
    with resources.work() as uow:
        save_profile(uow, Profile("本公司", "Z109"))
        unit = people.add_department(uow, "DAS", "档案室")
        fields = people.UserFields(
            username="archivist",
            staff_no="0001",
            name="孙文静",
            department_id=unit,
            roles=frozenset({"archivist"}),
            clearance=2,
        )
        person = people.add_user(uow, None, fields, "x", must_change_password=False)
        actor = people.get_actor(uow, person)
        batch = service.make_batch(uow, actor, "扫描", {"item_class": "合同"})
        uow.commit()
    phases = {}
    begun = time.perf_counter()
    for at in range(0, COUNT, PORTION):
        uploads = [
            Upload(f"{number:04d} 合同.pdf", scans[number]) for number in range(at, at + PORTION)
        ]
        receive(resources, actor, batch.id, uploads)
    phases["receive"] = time.perf_counter() - begun
    begun = time.perf_counter()
    with resources.work() as uow:
        task = start_register(uow, actor, batch.id)
        uow.commit()
    for _ in register_work(resources, task):
        pass
    phases["register"] = time.perf_counter() - begun
    begun = time.perf_counter()
    with resources.work() as uow:
        keys = [f"i{number}" for number in range(1, COUNT + 1)]
        task = start_many(uow, actor, keys, "库房一-01-01-01 盒1")
        uow.commit()
    for step in many_work(resources, task):
        last = step
    phases["four steps"] = time.perf_counter() - begun
    assert last.result is not None and last.result["notes"] == [f"已归档 {COUNT} 份。"]
    resources.database.dispose()
    return phases


def _floor(folder: Path, scans: list[bytes]) -> float:
    folder.mkdir()
    database = sqlite3.connect(folder / "floor.db", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("CREATE TABLE scan (id INTEGER PRIMARY KEY, name TEXT, size INTEGER)")
    begun = time.perf_counter()
    for number, content in enumerate(scans):
        path = folder / f"{number:04d}.pdf"
        with path.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        database.execute("INSERT INTO scan (name, size) VALUES (?, ?)", (path.name, len(content)))
    seconds = time.perf_counter() - begun
    database.close()
    return seconds


def _scan(number: int) -> bytes:
    """Return a one-page PDF with a picture of noise, about as large as a black-and-white scan."""
    picture = random.Random(number).randbytes(40_000)
    bodies = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 5 0 R"
        b"/Resources<</XObject<</I 4 0 R>>>>>>",
        b"<</Type/XObject/Subtype/Image/Width 640/Height 500/BitsPerComponent 1"
        b"/ColorSpace/DeviceGray/Length 40000>>stream\n" + picture + b"\nendstream",
        b"<</Length 31>>stream\nq 595 0 0 842 0 0 cm /I Do Q  \nendstream",
    ]
    out, offsets = bytearray(b"%PDF-1.7\n"), []
    for place, body in enumerate(bodies, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (place, body)
    start = len(out)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(bodies) + 1, table)
    out += b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(bodies) + 1, start)
    return bytes(out)
