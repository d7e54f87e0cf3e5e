"""Restoring into an empty place, and the drill: the same into a folder that is thrown away.

All is read and checked in a folder beside the place, which becomes the place by one rename:
whenever it is broken off, the place is empty or whole.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from archive.config import Settings
from archive.core.errors import Conflict
from archive.core.resources import Resources
from archive.trust.backup import manifest
from archive.trust.backup.receiving import Progress, Received, receive
from archive.trust.backup.source import Source
from storage.crossing import carry_in, is_empty
from storage.database import open_database
from storage.places import hold_folder, hold_place, no_room, sync_folder
from storage.work import Clock, system_clock


def restore(
    settings: Settings, source: Source, on_progress: Progress, clock: Clock = system_clock
) -> Received:
    """Restore a backup into the settings' data folder, which must be empty or not there.

    The rows go into the settings' database, which must be empty too. Raises Conflict for any other
    place, and all that ``receive`` raises; then nothing is there.
    """
    data = settings.data
    refuse_used_place(settings)
    try:
        data.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise no_room(error, f"文件夹 {data.parent} ") from error
    beside = data.with_name(f".{data.name}.restoring")
    taken = f"{data.parent} 里正在进行另一个恢复，请等它结束。"
    with hold_folder(data.parent, taken), _fresh(beside):
        received = receive(source, beside, on_progress, clock)
        refuse_used_place(settings)
        _carry_rows_in(settings, beside)
        try:
            beside.rename(data)  # over an empty folder, or to where nothing is
        except OSError as error:
            raise no_room(error, f"{data} ") from error
        sync_folder(data.parent)
    return received


def drill(resources: Resources, source: Source, on_progress: Progress) -> Received:
    """Restore a backup into a folder that is thrown away, to see that it can be done.

    Raises what ``receive`` raises. Needs as much room on the data disk as the backup holds.
    """
    run = resources.settings.run
    with hold_place(run / "drill.lock", "另一次恢复演练正在进行。"), _fresh(run / "drill"):
        return receive(source, run / "drill", on_progress, resources.clock)


def refuse_used_place(settings: Settings) -> None:
    """Raise Conflict unless the data folder is empty or not there, and rows would live in it."""
    data = settings.data
    if not _is_own_file(settings):
        _refuse_used_database(settings)
    if not data.exists():
        return
    if not data.is_dir() or any(data.iterdir()):
        raise Conflict(
            f"{data} 不是空的，恢复不会覆盖任何东西。请把 ARCHIVE_DATA 设成一个空文件夹再恢复。"
        )
    if os.path.ismount(data):
        raise Conflict(f"{data} 是磁盘的挂载点，请把 ARCHIVE_DATA 设成它里面的一个子文件夹。")


def _is_own_file(settings: Settings) -> bool:
    return settings.database_url == f"sqlite:///{settings.data / manifest.ROWS}"


def _refuse_used_database(settings: Settings) -> None:
    if settings.database_url.startswith("sqlite"):
        raise Conflict(
            "DATABASE_URL 指着数据文件夹以外的 SQLite 文件，恢复不会动它。"
            "请去掉它，恢复到空的数据文件夹。"
        )
    database = open_database(settings.database_url)
    try:
        is_free = is_empty(database)
    except SQLAlchemyError as error:
        raise Conflict(
            f"DATABASE_URL 里的数据库连不上（{type(error).__name__}），什么也没有恢复。"
            "请核对地址、用户和密码。"
        ) from error
    finally:
        database.dispose()
    if not is_free:
        raise Conflict(
            "DATABASE_URL 里的数据库不是空的，恢复不会动它。请新建一个空的数据库，"
            "把 DATABASE_URL 改成它再恢复。"
        )


def _carry_rows_in(settings: Settings, folder: Path) -> None:
    """Put the rows where the settings want them; they are whole in the folder."""
    if _is_own_file(settings):
        return
    database = open_database(settings.database_url)
    try:
        carry_in(folder / manifest.ROWS, database)
    finally:
        database.dispose()
    for path in folder.glob(f"{manifest.ROWS}*"):
        path.unlink()


@contextmanager
def _fresh(folder: Path) -> Iterator[None]:
    """Make the folder anew and take away what is left of it at the end."""
    shutil.rmtree(folder, ignore_errors=True)  # of one that was killed
    try:
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise no_room(error, f"文件夹 {folder} ") from error
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)
