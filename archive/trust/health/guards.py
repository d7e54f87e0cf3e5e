"""What is in force around the processes that read strangers' files, in words for the page."""

import os
import pwd
from collections.abc import Iterator

from indexer.children import child_user, in_force
from indexer.confined import Confinement


def guards() -> tuple[tuple[bool, str], ...]:
    """Return each guard: whether it is in force here, and what that means.

    The first call of a process starts a child to try it (about half a second).
    """
    done = in_force()
    if done is None:
        return ((False, "读外来文件的进程在这里起不来，文件读不出文字；请看后台进程的日志"),)
    return (*_as_whom(done), *_reach(done))


def _as_whom(done: Confinement) -> Iterator[tuple[bool, str]]:
    user = child_user()
    if user is None:
        yield True, f"服务不是以 root 运行的（{_name(os.geteuid())}），读文件的进程也是这个用户"
        return
    yield True, f"LibreOffice 换成用户 {_name(user[0])} 运行"
    if done.uid:
        yield True, f"读文件的进程换成用户 {_name(user[0])} 运行"
    else:
        why = f"用户 {_name(user[0])} 读不了装程序的文件夹，读文件的进程仍是 root（特权已全部去掉）"
        yield False, f"{why}；请把程序和 Python 装到人人可读的地方，如 /opt"


def _reach(done: Confinement) -> Iterator[tuple[bool, str]]:
    if done.has_left_network:
        yield True, "连不上网络，也连不上本机的其他服务"
    else:
        yield False, "系统不允许单独的网络空间（user namespace），没有与网络隔开；请用防火墙限制"
    if done.has_fence:
        yield True, "除了程序和交给它的那个文件，别的文件都打不开（Landlock）"
    else:
        yield False, "内核没有 Landlock（5.13 以上才有），只靠文件权限挡住别的文件"


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
