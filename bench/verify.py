"""Verify at disk speed: ours over an instance's files against sha256sum over the same files."""

import os
import subprocess
import tempfile
import time
from pathlib import Path

from archive.config import Settings
from archive.core.resources import open_resources
from archive.models import metadata
from storage.verify import verify_blobs

SIZES = {"400 files of 64 KB": (400, 64 << 10), "100 files of 1 MB": (100, 1 << 20)}
ROUNDS = 5


def run() -> str:
    lines = [
        "## Verify (all files of an instance, page cache warm, median of five in turn)",
        "",
        "| files | ours / sha256sum | ours, MB/s | sha256sum, MB/s |",
        "|---|---|---|---|",
    ]
    for name, (count, size) in SIZES.items():
        with tempfile.TemporaryDirectory(prefix="bench-verify-") as folder:
            ours, theirs = _measure(Path(folder), count, size)
        amount = count * size / 1e6
        speeds = f"{amount / ours:.0f} | {amount / theirs:.0f}"
        lines.append(f"| {name} | {ours / theirs:.2f} | {speeds} |")
    lines += [
        "",
        "Wall time; below 1 is faster than sha256sum, which takes the files one after the other "
        f"in one process; ours hashes in {os.cpu_count()} threads and holds every size and row "
        "against the database.",
    ]
    return "\n".join(lines)


def _measure(folder: Path, count: int, size: int) -> tuple[float, float]:
    settings = Settings(data=folder, database_url=f"sqlite:///{folder / 'archive.db'}")
    resources = open_resources(settings, converter=None)  # type: ignore[arg-type]
    metadata.create_all(resources.database.engine)
    refs = [resources.blobs.put(os.urandom(size), "application/pdf") for _ in range(count)]
    with resources.work() as uow:
        for ref in refs:
            uow.keep(ref)
        uow.commit()
    paths = [str(resources.blobs._path(ref.sha256)) for ref in refs]
    ours, theirs = [], []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        with resources.reading() as uow:
            assert list(verify_blobs(uow, resources.blobs)) == []
        ours.append(time.perf_counter() - began)
        began = time.perf_counter()
        subprocess.run(["sha256sum", *paths], stdout=subprocess.DEVNULL, check=True)
        theirs.append(time.perf_counter() - began)
    resources.database.dispose()
    return sorted(ours)[ROUNDS // 2], sorted(theirs)[ROUNDS // 2]
