"""Runs the measurements named on the command line (all by default) and writes RESULTS.md."""

import importlib
import importlib.metadata
import os
import platform
import subprocess
import sys
from datetime import date
from pathlib import Path

MEASUREMENTS = (
    "word",
    "pdf",
    "entry",
    "signing",
    "search",
    "verify",
    "filing",
    "archive",
    "lending",
    "viewing",
    "server",
    "backup",
)
RESULTS = Path(__file__).with_name("RESULTS.md")
PACKAGES = ("docxtpl", "whoosh-reloaded", "rjieba", "pyhanko", "sqlalchemy", "flask", "waitress")


def main() -> None:
    names = sys.argv[1:] or list(MEASUREMENTS)
    sections = []
    for name in names:
        print(f"… {name}", file=sys.stderr, flush=True)
        sections.append(importlib.import_module(f"bench.{name}").run())
    text = "\n\n".join([_head(), *sections]) + "\n"
    print(text)
    if not sys.argv[1:]:
        RESULTS.write_text(text, encoding="utf-8")


def _head() -> str:
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    office = subprocess.run(["soffice", "--version"], capture_output=True, text=True, check=False)
    return "\n".join(
        [
            "# Measurements",
            "",
            f"Made by `make bench` on {date.today().isoformat()}. The machine is shared and noisy: "
            "trust the ratios, each from one run with both sides in it.",
            "",
            f"- {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
            f"- {versions}",
            f"- {office.stdout.strip() or 'no LibreOffice'}",
        ]
    )


if __name__ == "__main__":
    main()
