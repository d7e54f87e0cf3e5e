"""Electronic viewing: how long a borrower waits for the first page and for each next one.

A signed contract (E05) and a scan of twenty pages, lent for the screen to borrowers, each of whom
opens the view once and leafs through it: the page with its places for pictures, then one picture
after the other, over one connection to a real web server on the loopback, at the width at which
the page asks. Time is wall time as the borrower's browser waits: the rights looked at twice, the
page drawn from the file, the mark burnt in, the JPEG, and the line in the log.
"""

import http.client
import io
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pypdf
from PIL import Image, ImageDraw
from waitress import create_server

from archive.app import create_app
from archive.cli.processes import THREADS
from archive.core.resources import Resources
from archive.filing.models import ItemFile
from archive.lending import service as lending
from archive.people import access
from archive.people.gate import COOKIE
from archive.people.rights import Actor
from archive.signing import appearance, pades
from archive.signing.appearance import text_runs, type_face
from archive.signing.authority import CompanyAuthority
from archive.signing.boxes import find_boxes
from bench.lending import _open
from bench.lending_filling import NOW, settle, shelve
from bench.timing import percentile
from doc_templates import PrintContext, load_form, render_word, sample_values
from doc_templates.pdf import OfficeConverter
from storage.files import keep_file

FIRST_MS, NEXT_MS = 300, 100
BORROWERS = 12
SCANNED_PAGES, SHEET = 20, (2480, 3508)  # A4 at 300 dots an inch
PDF = "application/pdf"
Took = tuple[float, float]  # milliseconds, wall and CPU


@dataclass
class Waits:
    """What borrowers waited for one paper."""

    pages: int
    kilobytes: int
    opening: list[Took] = field(default_factory=list)
    first: list[Took] = field(default_factory=list)
    further: list[Took] = field(default_factory=list)


def run() -> str:
    """Return the section."""
    with tempfile.TemporaryDirectory() as folder:
        papers = {"signed E05": _signed(Path(folder)), "scan": _scanned()}
        resources = _open(Path(folder, "instance"))
        try:
            actors = settle(resources)
            with _served(resources) as port:
                found = {
                    name: _leafed(resources, actors, port, content, first)
                    for first, (name, content) in enumerate(papers.items(), start=1)
                }
        finally:
            resources.database.dispose()
    return _report(found)


def _signed(folder: Path) -> bytes:
    """A contract with the signatures of our own steps and the company's certification."""
    form = load_form("E05")
    word = render_word(form, sample_values("E05"), PrintContext(number="2026-001"))
    with OfficeConverter() as office:
        plain = office.to_pdf(word)
    authority = CompanyAuthority.create(
        folder / "authority", "示例集团有限公司", b"correct horse battery", NOW
    )
    company, person = (
        authority.signing_key(one.certificate_pem, one.encrypted_key_pem)
        for one in (authority.issue_company_seal(NOW), authority.issue_person("张三", "A1", NOW))
    )
    found = find_boxes(plain, [one.role for one in form.signers if one.candidate != "external"])
    boxes = {f"step{place}": box for place, box in enumerate(found.values(), start=1)}
    signed = pades.prepare(plain, boxes, company, "送签", NOW)
    image = appearance.compose(None, "张三", "2026年11月23日")
    for step in boxes:
        signed = pades.approve(signed, step, person, image, "张三", "同意", NOW)
    return signed


def _scanned() -> bytes:
    """Grey pages with the grain of paper and forty lines of text, as a scanner stores them."""
    grain = Image.effect_noise(SHEET, 5).point(lambda grey: min(255, grey + 105))
    face, pages = type_face(text_runs("第")[0][0], 58), []
    for number in range(1, SCANNED_PAGES + 1):
        sheet = grain.copy()
        draw = ImageDraw.Draw(sheet)
        for line in range(40):
            text = f"第 {number} 页第 {line} 行　青岛海信电器股份有限公司龙井茶包装机采购合同验收"
            draw.text((220, 250 + 76 * line), text, fill=40, font=face)
        pages.append(sheet)
    out = io.BytesIO()
    pages[0].save(out, "PDF", save_all=True, append_images=pages[1:], resolution=300)
    return out.getvalue()


@contextmanager
def _served(resources: Resources) -> Iterator[int]:
    app = create_app(resources)
    server = create_server(app, host="127.0.0.1", port=0, threads=THREADS)
    threading.Thread(target=server.run, daemon=True).start()
    yield server.effective_port  # a daemon; it ends with the measuring


def _leafed(
    resources: Resources, actors: dict[str, Actor], port: int, content: bytes, first: int
) -> Waits:
    """Lend one paper to each borrower for the screen, and let them leaf through it in turn."""
    item_id, file_id = _filed(resources, content, first)
    waits = Waits(len(pypdf.PdfReader(io.BytesIO(content)).pages), len(content) // 1024)
    for number in range(BORROWERS):
        borrower = actors[f"clerk{number}"]
        ask = _browser(resources, borrower, port)
        address = f"/loans/{_lent(resources, actors, borrower, item_id)}/view"
        waits.opening.append(ask(address))
        times = [ask(f"{address}/{file_id}/{page}.jpg") for page in range(1, waits.pages + 1)]
        waits.first.append(times[0])
        waits.further += times[1:]
    return waits


def _filed(resources: Resources, content: bytes, first: int) -> tuple[int, int]:
    ((item_id, _),) = shelve(resources, 1, first=first)
    ref = resources.blobs.put(content, PDF)
    with resources.work() as uow:
        keep_file(uow.session, ref, NOW)
        row = ItemFile(
            item_id=item_id, role="master", name="正本.pdf", sha256=ref.sha256, created_at=NOW
        )
        uow.session.add(row)
        uow.session.flush()
        file_id = row.id
        uow.commit()
    return item_id, file_id


def _lent(resources: Resources, actors: dict[str, Actor], borrower: Actor, item_id: int) -> int:
    """Ask, approve, and return the request whose view is open now."""
    why = ("客户续签合同前核对资质", "KH")
    with resources.work() as uow:
        asked = lending.request_loan(uow, borrower, item_id, "electronic", *why)
        while step := asked.waits_for:
            approver = next(one for one in actors.values() if one.id == step.approver_id)
            asked = lending.approve(uow, approver, asked.id, "同意")
        uow.commit()
    return asked.id


def _browser(resources: Resources, who: Actor, port: int) -> Callable[[str], Took]:
    """Return a signed-in browser with one connection: an address in, the milliseconds out."""
    with resources.work() as uow:
        headers = {"Cookie": f"{COOKIE}={access.open_session(uow, who.id, '127.0.0.1', 'bench')}"}
        uow.commit()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(address: str) -> Took:
        began, spent = time.perf_counter(), time.process_time()
        connection.request("GET", address, headers=headers)
        answer = connection.getresponse()
        content = answer.read()
        took = (time.perf_counter() - began) * 1e3, (time.process_time() - spent) * 1e3
        if answer.status != 200 or (address.endswith(".jpg") and content[:2] != b"\xff\xd8"):
            raise RuntimeError(f"{address}: {answer.status}")
        return took

    return ask


def _report(found: dict[str, Waits]) -> str:
    loads = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    lines = [
        f"## Electronic viewing ({BORROWERS} borrowers each, one at a time, ms)",
        "",
        f"Allowed: {FIRST_MS} ms for the first page, {NEXT_MS} for each next one. Over HTTP on the"
        " loopback, each picture 1,240 pixels wide with the mark burnt in and its line in the log."
        " Wall is what the borrower waits, CPU what server and asking spend of it;"
        f" load of the machine (1, 5, 15 min): {loads}.",
        "",
        "| paper | pages | KB | | wall: median | p99 | within | CPU: median | p99 |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, waits in found.items():
        head = f"| {name} | {waits.pages} | {waits.kilobytes:,} |"
        lines.append(f"{head} opening | {_cells(waits.opening, FIRST_MS)} |")
        lines.append(f"| | | | first page | {_cells(waits.first, FIRST_MS)} |")
        lines.append(f"| | | | next page | {_cells(waits.further, NEXT_MS)} |")
    return "\n".join(lines)


def _cells(took: list[Took], limit: int) -> str:
    wall, cpu = ([one[side] for one in took] for side in (0, 1))
    within = f"{sum(one <= limit for one in wall)} of {len(wall)}"
    middle, last = (
        (f"{statistics.median(times):.0f}", f"{percentile(times, 0.99):.0f}")
        for times in (wall, cpu)
    )
    return " | ".join([*middle, within, *last])


if __name__ == "__main__":
    print(run())
