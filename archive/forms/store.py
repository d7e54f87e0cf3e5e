"""Published forms as ready ``Form`` objects: found by code and version, read once per process.

A published version never changes, so what was read from it is kept in memory under the digest
of its bytes. Called through ``forms.service``.
"""

import threading
from collections import OrderedDict

from sqlalchemy import func, select

from archive.forms.models import FormState, FormVersion
from doc_templates import Form, FormNotFound
from doc_templates.catalogue import read_form
from storage.work import UnitOfWork

KEPT_FORMS = 256
LARGEST_VERSION = 2**31 - 1
KEYS = "form_keys"

_Key = tuple[int, str, int]  # row id, digest, version
_TITLES = (
    select(FormVersion.code, FormVersion.title)
    .where(FormVersion.state != FormState.DRAFT)
    .order_by(FormVersion.version)
)


class _ReadForms:
    """The forms read last, by digest and version; safe for many threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._forms: OrderedDict[tuple[str, int], Form] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, key: tuple[str, int]) -> Form | None:
        with self._lock:
            if key in self._forms:
                self._forms.move_to_end(key)
            return self._forms.get(key)

    def keep(self, key: tuple[str, int], form: Form) -> Form:
        with self._lock:
            kept = self._forms.setdefault(key, form)
            while len(self._forms) > self._most:
                self._forms.popitem(last=False)
        return kept


_READ = _ReadForms(KEPT_FORMS)


def get_form(uow: UnitOfWork, code: str, version: int | None = None) -> Form:
    """Return a form in one version, retired or not; without one, the newest in use.

    Raises FormNotFound.
    """
    key = _known_key(uow, code, version)
    if key is None:
        which = f"第 {version} 版" if version is not None else ""
        raise FormNotFound(f"没有代号为“{code[:20]}”的表单{which}，或者它已停用。")
    return _read(uow, *key)


def list_forms(uow: UnitOfWork, *, with_retired: bool = False) -> tuple[Form, ...]:
    """Return the newest version in use of every form people fill in, ordered by pack and code.

    ``with_retired`` adds the forms of which no version is in use any more.
    """
    states = [FormState.PUBLISHED, *([FormState.RETIRED] if with_retired else [])]
    newest = (
        select(FormVersion.code, func.max(FormVersion.version).label("version"))
        .where(FormVersion.state.in_(states))
        .group_by(FormVersion.code)
        .subquery()
    )
    rows = uow.session.execute(
        select(FormVersion.id, FormVersion.digest, FormVersion.version).join(
            newest,
            (FormVersion.code == newest.c.code) & (FormVersion.version == newest.c.version),
        )
    ).all()
    forms = [_read(uow, row.id, row.digest, row.version or 0) for row in rows]
    forms = [form for form in forms if form.by_hand]
    return tuple(sorted(forms, key=lambda form: (form.pack, form.code)))


def form_titles(uow: UnitOfWork) -> dict[str, str]:
    """Return the newest title of every form there ever was, by code, retired ones included."""
    return {row.code: row.title for row in uow.session.execute(_TITLES)}


def forget_newest(uow: UnitOfWork) -> None:
    """Ask again which version is the newest, after one was published or retired."""
    uow.session.info.pop(KEYS, None)


def _known_key(uow: UnitOfWork, code: str, version: int | None) -> _Key | None:
    """Return the key of a version; asked once in a unit of work."""
    known: dict[tuple[str, int | None], _Key | None] = uow.session.info.setdefault(KEYS, {})
    if (code, version) not in known:
        known[code, version] = _version_key(uow, code, version)
    return known[code, version]


def _version_key(uow: UnitOfWork, code: str, version: int | None) -> _Key | None:
    """Return id, digest and number of the version asked for."""
    if version is not None and not 0 < version <= LARGEST_VERSION:
        return None
    query = select(FormVersion.id, FormVersion.digest, FormVersion.version)
    query = query.where(FormVersion.code == code)
    if version is None:
        query = query.where(FormVersion.state == FormState.PUBLISHED)
        query = query.order_by(FormVersion.version.desc()).limit(1)
    else:
        query = query.where(FormVersion.version == version, FormVersion.state != FormState.DRAFT)
    row = uow.session.execute(query).first()
    return (row.id, row.digest, row.version or 0) if row else None


def _read(uow: UnitOfWork, row_id: int, digest: str, version: int) -> Form:
    found = _READ.find((digest, version))
    if found is not None:
        return found
    row = uow.session.execute(
        select(FormVersion.definition, FormVersion.template, FormVersion.sample).where(
            FormVersion.id == row_id
        )
    ).one()
    form = read_form(row.definition, row.template, row.sample, version)
    return _READ.keep((digest, version), form)
