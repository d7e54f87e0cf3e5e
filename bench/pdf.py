"""Word to PDF: our warm office against the bare UNO call, a cold soffice, and itself twice.

BENCH_DOCUMENTS (300) says how many documents the look at memory takes.
"""

import contextlib
import os
import signal
import statistics
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from doc_templates import load_form, render_word, sample_values
from doc_templates.office_profile import (
    environment,
    find_office,
    profile_url,
    write_profile,
)
from doc_templates.pdf import WORKER, OfficeConverter
from doc_templates.pdf_pool import OfficePool

CODES = ("E01", "E05", "E08")
ROUNDS, COLD_ROUNDS, SIDE_BY_SIDE = 20, 3, 24
DOCUMENTS = int(os.environ.get("BENCH_DOCUMENTS", "300"))


def run() -> str:
    """Return the tables."""
    words = {code: render_word(load_form(code), sample_values(code)) for code in CODES}
    lines = [
        "## PDF (ms wall, median of conversions in turn)",
        "",
        "| form | ours / bare UNO | ours | bare UNO | cold soffice | cold / ours |",
        "|---|---|---|---|---|---|",
    ]
    for code, word in words.items():
        lines.append(f"| {code} | {' | '.join(_beside_uno(word))} |")
    lines += ["", *_two_offices(words["E01"]), "", *_memory(words)]
    return "\n".join(lines)


def _beside_uno(word: bytes) -> list[str]:
    with tempfile.TemporaryDirectory() as name, OfficeConverter() as office:
        folder = Path(name)
        source = folder / "in.docx"
        source.write_bytes(word)
        with _bare_uno(folder, source) as convert:
            ours, bare = [], []
            for count in range(ROUNDS + 3):
                figures = _timed(lambda: office.to_pdf(word)), convert()
                if count >= 3:
                    ours.append(figures[0])
                    bare.append(figures[1])
        cold = [_timed(lambda: _cold(source)) for _ in range(COLD_ROUNDS + 1)][1:]
    mine, theirs, slow = map(statistics.median, (ours, bare, cold))
    shares = statistics.median(one / two for one, two in zip(ours, bare, strict=True))
    return [f"{shares:.2f}", f"{mine:.0f}", f"{theirs:.0f}", f"{slow:.0f}", f"{slow / mine:.0f}"]


@contextlib.contextmanager
def _bare_uno(folder: Path, source: Path):
    """An office of its own, with the same settings, asked by nothing but UNO."""
    soffice, python = find_office("soffice", "/usr/bin/python3")
    home = folder / "office"
    home.mkdir()
    write_profile(home, None)
    script = Path(__file__).with_name("raw_uno.py")
    command = [python, "-I", str(script), str(WORKER), soffice, profile_url(home)]
    command += [f"bench-{os.getpid()}", str(source), str(folder / "out.pdf")]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=dict(environment(home)),
        start_new_session=True,
    )

    def convert() -> float:
        process.stdin.write("\n")
        process.stdin.flush()
        return float(process.stdout.readline())

    try:
        yield convert
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdin.close()
        process.stdout.close()


def _two_offices(word: bytes) -> list[str]:
    """Return how much faster two offices are, the pools taking turns."""
    with OfficePool(1) as one, OfficePool(2) as two, ThreadPoolExecutor(4) as clerks:
        for pool in (one, two):
            pool.start()
            list(clerks.map(pool.to_pdf, [word] * 6))
        turns = [
            [_timed(lambda p=pool: list(clerks.map(p.to_pdf, [word] * SIDE_BY_SIDE)))
             for pool in (one, two)]
            for _ in range(3)
        ]  # fmt: skip
    ratio = statistics.median(single / double for single, double in turns)
    load = os.getloadavg()[0]
    return [
        f"Two offices make {ratio:.2f} times the documents of one ({os.cpu_count()} cores, "
        f"load of the machine {load:.1f}, the measuring itself 2)."
    ]


def _memory(words: dict[str, bytes]) -> list[str]:
    """Return the office's memory along many documents, with its renewals."""
    marks, peak, renewals = [], 0, 0
    began = time.perf_counter()
    with OfficeConverter() as office:
        for count in range(1, DOCUMENTS + 1):
            office.to_pdf(words[CODES[count % len(CODES)]])
            current = office._office.memory >> 20 if office._office else 0
            peak = max(peak, current)
            renewals += office._office is None
            if count % max(1, DOCUMENTS // 6) == 0:
                marks.append(f"{current or '–'}")
    spent = time.perf_counter() - began
    return [
        f"Memory of the office along {DOCUMENTS} documents ({', '.join(CODES)} in turn, "
        f"{spent:.0f} s): {', '.join(marks)} MB; at most {peak} MB, renewed {renewals} times "
        "(– just renewed)."
    ]


def _timed(call) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1e3


def _cold(source: Path) -> None:
    command = ["soffice", f"-env:UserInstallation=file://{source.with_suffix('')}", "--headless"]
    command += ["--convert-to", "pdf", "--outdir", str(source.parent), str(source)]
    subprocess.run(command, check=True, capture_output=True)
