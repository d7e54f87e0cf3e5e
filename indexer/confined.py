"""What a process that reads strangers' files may no longer do, taken away in one place.

``confine`` is the first thing such a child calls; run as a script with a command behind it, this
file confines itself and becomes the command. What to take away is told by whoever starts the
child (``children``), in the environment; a child that was told nothing does not start. Stands on
the standard library alone, so that any Python can run it.
"""

import contextlib
import ctypes
import json
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

TOLD = "ARCHIVE_CHILD"
CHILDREN: Mapping[str, str] = {
    "indexer.extract_child": "读出文件里的文字",
    "indexer.scan_child": "认出图片里的字",
    "archive.core.sheet_child": "读表格",
    "archive.filing.checks.content_child": "四性检测：看文件里有什么",
    "archive.filing.incoming.child": "收件：看、拆、画",
    "archive.signing.verdict_child": "核验外来文件的签名",
    "doc_templates.inspection_child": "检查上传的模板",
    "doc_templates.office_worker": "LibreOffice：Word 转 PDF",
}
_PACKAGES = ("archive", "doc_templates", "indexer", "storage")
_SYSTEM = ("/usr", "/bin", "/lib", "/lib32", "/lib64", "/sbin", "/opt", "/proc", "/sys")
# Of the system's settings what programs read as they start; a Python's own lie under its version.
_SETTINGS = [
    "alternatives",
    "fonts",
    "group",
    "host.conf",
    "hosts",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "libreoffice",
    "locale.alias",
    "localtime",
    "mime.types",
    "nsswitch.conf",
    "papersize",
    "passwd",
    "poppler",
    "ssl/openssl.cnf",
    "timezone",
    "xpdf",
]
_VARIABLE = (
    "/var/cache/fontconfig",
    "/var/lib/fonts",
    "/var/lib/libreoffice",
    "/var/spool/libreoffice",
)
_DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")
_NEW_NET, _NEW_USER = 0x40000000, 0x10000000
_PDEATHSIG, _NO_NEW_PRIVS, _DROP_BOUND = 1, 38, 24
_GIVES_WAY = 5  # of 19: gets about a third of a core that somebody at a page wants too


@dataclass(frozen=True)
class Bounds:
    """What a child may cost and reach.

    ``memory``, ``output`` (of one file) in bytes, ``seconds`` of CPU; None leaves it open.
    ``is_mapped`` counts only memory of its own, not what it maps. ``reads`` and ``writes`` are
    the only paths of the instance it reaches. ``user`` is (uid, gid). A ``is_lasting`` child may
    outlive the thread that started it.
    """

    memory: int | None
    seconds: int | None
    output: int | None = None
    is_mapped: bool = False
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    sockets: tuple[str, ...] = ()
    user: tuple[int, int] | None = None
    is_lasting: bool = False

    def told(self) -> str:
        """Return it as the environment carries it."""
        return json.dumps(asdict(self))


@dataclass(frozen=True)
class Confinement:
    """What could be taken away here."""

    uid: int
    has_left_network: bool
    has_fence: bool


def confine() -> Confinement:
    """Take away what the starter told; for processes of one thread. Raises KeyError untold."""
    told = json.loads(os.environ.pop(TOLD))
    for name in ("reads", "writes", "sockets"):
        told[name] = tuple(told[name])
    bounds = Bounds(**told)
    if not bounds.is_lasting:  # the office is waited for at a page itself
        _give_way()
    has_left = leave_network()
    _kernel("prctl", _NO_NEW_PRIVS, 1, 0, 0, 0)
    fence = _made_fence(bounds)
    _change_user(bounds.user)
    has_fence = fence is not None and _syscall(_RESTRICT, fence, 0) == 0
    if fence is not None:
        os.close(fence)
    if not bounds.is_lasting:
        die_with_parent()
    _limit(bounds)
    return Confinement(os.geteuid(), has_left, has_fence)


def die_with_parent() -> None:
    """Have the kernel end this process when the thread that started it ends (Linux)."""
    _kernel("prctl", _PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def leave_network() -> bool:
    """Move this process into a network of its own that leads nowhere; say whether it could.

    As root at once; as another user through a user namespace of its own, which also takes every
    privilege over the machine away.
    """
    ways = (_NEW_NET,) if os.geteuid() == 0 else (_NEW_NET | _NEW_USER, _NEW_NET)
    return any(_kernel("unshare", way) == 0 for way in ways)


def _give_way() -> None:
    """Let who waits at a page go first: recognition takes seconds of a core a page."""
    os.nice(_GIVES_WAY)
    with contextlib.suppress(OSError):  # where the kernel shares cores out by session
        Path("/proc/self/autogroup").write_text(str(_GIVES_WAY))


def _limit(bounds: Bounds) -> None:
    memory = resource.RLIMIT_DATA if bounds.is_mapped else resource.RLIMIT_AS
    wanted = {
        memory: bounds.memory,
        resource.RLIMIT_CPU: bounds.seconds,
        resource.RLIMIT_FSIZE: bounds.output,
        resource.RLIMIT_CORE: 0,
    }
    for which, most in wanted.items():
        if most is not None:
            resource.setrlimit(which, (most, most))


def _change_user(user: tuple[int, int] | None) -> None:
    """Become another user; root that has to stay root keeps nothing but its name."""
    if user is not None:
        uid, gid = user
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    elif os.geteuid() == 0:
        for capability in range(64):
            _kernel("prctl", _DROP_BOUND, capability, 0, 0, 0)
        header = (ctypes.c_uint32 * 2)(0x20080522, 0)
        _kernel("capset", ctypes.byref(header), ctypes.byref((ctypes.c_uint32 * 6)()))


# --- the fence: which files it reaches (Landlock, Linux 5.13 and later) ----------------------

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_EXECUTE, _WRITE, _READ, _LIST = 1, 2, 4, 8
_REMOVE_FOLDER, _REMOVE, _MAKE_FOLDER, _MAKE, _MAKE_SOCKET, _MAKE_FIFO = 16, 32, 128, 256, 512, 1024
_REFER, _TRUNCATE = 1 << 13, 1 << 14
_OF_FILES = _EXECUTE | _WRITE | _READ | _TRUNCATE
_READING = _READ | _LIST
_WRITING = (
    _READING | _WRITE | _REMOVE_FOLDER | _REMOVE | _MAKE_FOLDER | _MAKE | _MAKE_SOCKET | _MAKE_FIFO
)
_OF_VERSION = {1: (1 << 13) - 1, 2: (1 << 14) - 1}
_LATEST = (1 << 15) - 1
_TCP, _SCOPES = 3, 3  # bind and connect; abstract sockets and signals outside


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def _made_fence(bounds: Bounds) -> int | None:
    """Open the paths a child may reach, while it still can; None where the kernel has none."""
    version = _syscall(_CREATE, None, 0, 1)
    if version < 1:
        return None
    handled = _OF_VERSION.get(version, _LATEST)
    words = (handled, _TCP if version >= 4 else 0, _SCOPES if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    attributes = (ctypes.c_uint64 * 3)(*words)
    fence = _syscall(_CREATE, ctypes.byref(attributes), size, 0)
    if fence < 0:
        return None
    for path, rights in _reached(bounds):
        _allow(fence, path, rights & handled)
    return fence


def _reached(bounds: Bounds) -> Iterable[tuple[str, int]]:
    here = Path(__file__).resolve().parents[1]
    libraries = (path for path in sys.path if path.endswith(("site-packages", "dist-packages")))
    for path in (*_SYSTEM, sys.prefix, sys.base_prefix, *libraries):
        yield path, _READING | _EXECUTE
    settings = (*(f"/etc/{name}" for name in _SETTINGS), *map(str, Path("/etc").glob("python3*")))
    for path in (*_VARIABLE, *settings, *bounds.reads):
        yield path, _READING
    for name in _PACKAGES:
        yield str(here / name), _READING
    for path in _DEVICES:
        yield path, _READ | _WRITE
    for path in bounds.sockets:
        yield path, _MAKE_SOCKET | _REMOVE
    for path in bounds.writes:
        yield path, _WRITING | _TRUNCATE | _REFER


def _allow(fence: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # not on this system
    try:
        if not Path(f"/proc/self/fd/{place}").is_dir():
            rights &= _OF_FILES
        rule = _Beneath(rights, place)
        _syscall(_ADD, fence, 1, ctypes.byref(rule), 0)
    finally:
        os.close(place)


def _syscall(number: int, *arguments: object) -> int:
    return _kernel("syscall", ctypes.c_long(number), *arguments)


def _kernel(name: str, *arguments: object) -> int:
    """Call one function of the C library; -1 where it is not there (another system)."""
    try:
        call: Callable[..., int] = getattr(ctypes.CDLL(None, use_errno=True), name)
        return int(call(*arguments))
    except (AttributeError, OSError):
        return -1


def main(command: list[str]) -> int:
    """Become the command, confined; without one, tell what could be taken away."""
    done = confine()
    if command:
        os.execvp(command[0], command)  # noqa: S606 - the command is ours, without a shell
    print(json.dumps(asdict(done)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
