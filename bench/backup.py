"""Backup and restore of an instance with 52 MB of files, against ``tar`` over the same folder."""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median

from archive.config import Settings
from archive.core.resources import open_resources
from archive.instance import migrate
from archive.trust.backup.making import backup_to_file, backup_to_folder
from archive.trust.backup.receiving import NO_CONVERTER
from archive.trust.backup.restoring import restore
from archive.trust.backup.source import find_source
from storage.sealed import Passphrase

FILES, SIZE, ROUNDS = 100, 512 << 10, 3
MEGABYTES = FILES * SIZE / 1e6


def run() -> str:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        times = [_round(place, _instance(place)) for _ in range(ROUNDS)]
    middle = {name: median(one[name] for one in times) for name in times[0]}
    lines = [
        f"| {what} | {middle[ours] / middle[plain]:.2f} | {MEGABYTES / middle[ours]:.0f} "
        f"| {MEGABYTES / middle[plain]:.0f} |"
        for what, ours, plain in (
            ("backup to a file", "file", "tar"),
            ("the same, sealed", "sealed", "tar"),
            ("backup to a folder, first", "first", "cp"),
            ("backup to a folder, nothing new", "again", "cp"),
            ("restore", "restore", "untar"),
        )
    ]
    return "\n".join(
        [
            f"## Backup and restore ({FILES} files, {MEGABYTES:.0f} MB)",
            "",
            "| | time ours / plain | ours MB/s | plain MB/s |",
            "|---|---|---|---|",
            *lines,
            "",
            "Plain: `tar -c`, `cp -r`, `tar -x`, each with sync. Ours reads every file "
            "against its digest on the way; restoring hashes all of it twice more and checks the "
            "journal, and both check the database page by page.",
        ]
    )


def _instance(place: Path):
    data = place / "instance"
    shutil.rmtree(data, ignore_errors=True)
    settings = Settings(data=data, database_url=f"sqlite:///{data / 'archive.db'}")
    resources = open_resources(settings, NO_CONVERTER)
    migrate(resources.database)
    with resources.work() as uow:
        for _ in range(FILES):
            uow.keep(resources.blobs.put(os.urandom(SIZE), "application/pdf"))
        uow.commit()
    return resources


def _round(place: Path, resources) -> dict[str, float]:
    data, out = resources.settings.data, place / "out"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    target, repository, back = out / "a.tar", out / "repository", out / "back"
    sealed = Passphrase(b"a long passphrase")
    settings = Settings(data=back, database_url=f"sqlite:///{back / 'archive.db'}")

    def quiet(*_):
        return None

    times = {
        "tar": _timed(
            lambda: _shell(f"tar -cf {out}/plain.tar -C {data} . && sync {out}/plain.tar")
        ),
        "file": _timed(lambda: backup_to_file(resources, target, None, quiet)),
        "sealed": _timed(lambda: backup_to_file(resources, out / "b.bak", sealed, quiet)),
        "cp": _timed(lambda: _shell(f"cp -r {data} {out}/copy && sync -f {out}/copy")),
        "first": _timed(lambda: backup_to_folder(resources, repository, None, quiet)),
        "again": _timed(lambda: backup_to_folder(resources, repository, None, quiet)),
        "untar": _timed(
            lambda: _shell(
                f"mkdir {out}/x && tar -xf {out}/plain.tar -C {out}/x && sync -f {out}/x"
            )
        ),
        "restore": _timed(lambda: restore(settings, find_source(target, None), quiet)),
    }
    resources.database.dispose()
    return times


def _shell(command: str) -> None:
    subprocess.run(["sh", "-c", command], check=True)


def _timed(act) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began
