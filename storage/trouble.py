"""Tells a failing disk or database file from a fault of ours, and says it in words.

SQLite says "database or disk is full" as an operational error like any other; here it becomes
NoRoom or RowsDamaged. Called where errors are answered: by the web's table and the commands.
"""

import errno
import sqlite3

from sqlalchemy.exc import DBAPIError

from storage.errors import NoRoom, RowsDamaged, StorageError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_SAYINGS = {
    "is full": "磁盘已满",
    "readonly database": "磁盘是只读的，或者没有写入的权限",
    "disk i/o error": "磁盘读写出错",
    "unable to open database": "数据库文件打不开",
}


def storage_trouble(error: BaseException) -> StorageError | None:
    """Return what is wrong with disk or database file, or None for any other error."""
    if isinstance(error, OSError) and error.errno in _FULL | {errno.EROFS}:
        return _not_saved("磁盘已满" if error.errno in _FULL else "磁盘是只读的")
    if not isinstance(error, DBAPIError | sqlite3.Error):
        return None
    said = str(getattr(error, "orig", error)).lower()
    if "malformed" in said or "not a database" in said:
        return RowsDamaged(
            "数据库文件已损坏，读不出来。请马上告诉系统管理员：运行 archive verify，"
            "保留现有文件夹，再用最近的备份恢复到另一个空文件夹。"
        )
    why = next((why for words, why in _SAYINGS.items() if words in said), "")
    return _not_saved(why) if why else None


def _not_saved(why: str) -> NoRoom:
    return NoRoom(f"这一步没有保存：服务器的{why}。已保存的都在，没有留下写了一半的东西。")
