"""Making the demo company in an empty instance, once, and taking up one that was broken off.

A row of the profile says when a demo was begun and whether it is whole. Called by the command.
"""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from archive.core.errors import ArchiveError, Conflict, Unavailable
from archive.core.profile import Profile, ProfileEntry, save_profile
from archive.core.resources import Resources
from archive.demo.staff import COMPANY, FONDS, Account, accounts, add_staff, hash_passwords
from archive.demo.stage import standing_at
from archive.demo.story import founding, tell
from archive.forms.service import install_shipped
from archive.lending.service import seed_rules
from archive.people.service import departments
from archive.signing.keys import company_key
from archive.trust.backup.nightly import note_check
from archive.trust.checking import verify_instance
from storage import journal

_KEY = "demo"
_BEGUN, _WHOLE = "begun", "whole"


@dataclass(frozen=True)
class _Mark:
    """When the demo was begun, and whether it is whole."""

    base: datetime
    is_whole: bool


def make_demo(
    resources: Resources, on_progress: Callable[[int, int | None], None]
) -> tuple[Account, ...]:
    """Make the demo company and return its accounts; a second run changes nothing.

    What was broken off half way is taken up. Raises Conflict where there is anything else, and
    Unavailable when a part that is needed fails.
    """
    with _alone(resources):
        mark = _find_mark(resources) or _begin(resources)
        if not mark.is_whole:
            _tell(resources, mark.base, on_progress)
            # its story began a year ago: the check that would be overdue is made, not assumed
            found = verify_instance(resources, with_index=False)  # which is made afterwards
            note_check(resources, sum(1 for _ in found))
            _set_mark(resources, replace(mark, is_whole=True))
    return accounts()


def _begin(resources: Resources) -> _Mark:
    """Found the company: forms, profile, people, lending rules and mark in one transaction."""
    _refuse_used(resources)
    mark = _Mark(resources.clock(), is_whole=False)
    hashes = hash_passwords()
    past = replace(resources, clock=standing_at(founding(mark.base)))
    with past.work() as uow:
        _refuse_used(past)
        install_shipped(uow)
        save_profile(uow, Profile(company=COMPANY, fonds=FONDS))
        add_staff(uow, hashes)
        seed_rules(uow)
        uow.session.merge(ProfileEntry(key=_KEY, value=_written(mark)))
        uow.commit()
    return mark


def _tell(
    resources: Resources, base: datetime, on_progress: Callable[[int, int | None], None]
) -> None:
    company_key(replace(resources, clock=standing_at(founding(base))))
    try:
        tell(resources, base, on_progress)
    except ArchiveError as error:
        raise Unavailable(
            f"示例数据只做了一部分：{error.message}"
            "排除原因后再次运行 archive demo，会从停下的地方接着做；"
            f"想从头来，请先移走数据目录 {resources.settings.data}。"
        ) from error


def _refuse_used(resources: Resources) -> None:
    with resources.reading() as uow:
        acts = journal.acts(uow.session) - {"form.install"}  # every instance opens with its forms
        is_used = bool(departments(uow) or acts)
    if is_used:
        raise Conflict(
            f"{resources.settings.data} 里已经有数据，不会往里放示例。"
            "请用环境变量 ARCHIVE_DATA 指定一个空的数据目录，再运行 archive demo。"
        )


def _find_mark(resources: Resources) -> _Mark | None:
    with resources.reading() as uow:
        row = uow.session.get(ProfileEntry, _KEY)
        written = row.value if row else ""
    if not written:
        return None
    word, _, began = written.partition(" ")
    return _Mark(datetime.fromisoformat(began), word == _WHOLE)


def _set_mark(resources: Resources, mark: _Mark) -> None:
    with resources.work() as uow:
        uow.session.merge(ProfileEntry(key=_KEY, value=_written(mark)))
        uow.commit()


def _written(mark: _Mark) -> str:
    return f"{_WHOLE if mark.is_whole else _BEGUN} {mark.base.isoformat()}"


@contextmanager
def _alone(resources: Resources) -> Iterator[None]:
    """Keep a second demo out while one is being made; the lock ends with the process."""
    with (resources.settings.run / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as busy:
            raise Conflict("另一个 archive demo 正在运行，请等它做完。") from busy
        yield
