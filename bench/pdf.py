"""Word to PDF: our warm office against a cold ``soffice --convert-to``, on the same file."""

import subprocess
import tempfile
import time
from pathlib import Path

from doc_templates import load_form, render_word, sample_values
from doc_templates.pdf import OfficeConverter

ROUNDS = 8


def run() -> str:
    """Return the table."""
    word = render_word(load_form("E01"), sample_values("E01"))
    with tempfile.TemporaryDirectory() as folder, OfficeConverter() as office:
        began = time.perf_counter()
        office.to_pdf(word)
        first = time.perf_counter() - began
        source = Path(folder) / "e01.docx"
        source.write_bytes(word)
        _cold(source)
        warm, cold = [], []
        for _ in range(ROUNDS):
            warm.append(_timed(lambda: office.to_pdf(word)))
            cold.append(_timed(lambda: _cold(source)))
    warm.sort()
    cold.sort()
    middle = len(warm) // 2
    return "\n".join(
        [
            "## PDF of E01 (ms wall, median)",
            "",
            "| cold / warm | warm office | cold soffice | first (office starting) |",
            "|---|---|---|---|",
            f"| {cold[middle] / warm[middle]:.1f} | {warm[middle] * 1e3:.0f} "
            f"| {cold[middle] * 1e3:.0f} | {first * 1e3:.0f} |",
        ]
    )


def _timed(call):
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def _cold(source: Path) -> None:
    profile = source.with_suffix("")
    subprocess.run(
        [
            "soffice",
            f"-env:UserInstallation=file://{profile}",
            "--headless",
            "--convert-to",
            "pdf",
            "--outdir",
            str(source.parent),
            str(source),
        ],
        check=True,
        capture_output=True,
    )
