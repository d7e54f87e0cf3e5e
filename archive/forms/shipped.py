"""The forms that come with the program, put into the instance as versions of their own.

A form changed by an update becomes a new version, so that old records keep theirs. Where the
office has put its own version in use, the changed form only waits as a draft: an update never
takes an office's own form out of use. Called when an instance is opened, and by tests.
"""

import functools
import logging
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select

from archive.forms.models import FormState, FormVersion
from archive.forms.rules import bundle_digest, bytes_digest
from doc_templates import FormError, read_form
from doc_templates.catalogue import SHIPPED
from doc_templates.inspection import inspect_template
from storage.work import UnitOfWork

log = logging.getLogger(__name__)

FILES = ("form.toml", "template.docx", "sample.json")
NOTE = "随系统安装"
WAITING_NOTE = "随系统更新而来；本单位另有自用版本，核对后再发布"


@dataclass(frozen=True)
class Bundle:
    """The three parts of a form as they lie in a folder, and their digest."""

    definition: str
    template: bytes
    sample: str
    digest: str


@dataclass(frozen=True)
class _Known:
    """What is read out of a bundle to install it."""

    code: str
    title: str
    tags: tuple[str, ...]


def read_bundle(folder: Path) -> Bundle:
    """Return the form of a folder, read again only when a file changed; raise OSError."""
    stats = [(folder / name).stat() for name in FILES]
    return _read(folder, tuple((stat.st_mtime_ns, stat.st_size) for stat in stats))


def is_behind(uow: UnitOfWork) -> bool:
    """Say whether a shipped form is not in the instance yet; one query, nothing parsed."""
    return bool({bundle.digest for bundle in _shipped()} - _installed(uow))


def install_shipped(uow: UnitOfWork) -> tuple[str, ...]:
    """Put in every shipped form that is not there yet; return the codes of those put in.

    One that cannot be used is left out and logged: it must not keep the office closed.
    """
    installed = _installed(uow)
    put_in = {}
    for bundle in _shipped():
        known = None if bundle.digest in installed else _find_known(bundle)
        if known is not None:
            _install(uow, bundle, known)
            put_in[known.code] = bundle.digest
    if put_in:
        uow.journal(None, "form.install", "form", "shipped", put_in)
    return tuple(put_in)


def _shipped() -> list[Bundle]:
    found = []
    for path in sorted(SHIPPED.glob("*/*/form.toml")):
        try:
            found.append(read_bundle(path.parent))
        except (OSError, UnicodeDecodeError):
            log.exception("shipped form %s cannot be read", path.parent.name)
    return found


@functools.lru_cache(maxsize=256)
def _read(folder: Path, _stamps: tuple[tuple[int, int], ...]) -> Bundle:
    definition = (folder / FILES[0]).read_text("utf-8")
    template = (folder / FILES[1]).read_bytes()
    sample = (folder / FILES[2]).read_text("utf-8")
    return Bundle(definition, template, sample, bundle_digest(definition, template, sample))


@functools.lru_cache(maxsize=256)
def _find_known(bundle: Bundle) -> _Known | None:
    try:
        form = read_form(bundle.definition, bundle.template, bundle.sample)
        return _Known(form.code, form.title, inspect_template(bundle.template).tags)
    except FormError:
        log.exception("a shipped form cannot be used")
        return None


def _install(uow: UnitOfWork, bundle: Bundle, known: _Known) -> None:
    newest = uow.session.execute(
        select(FormVersion.origin)
        .where(FormVersion.code == known.code, FormVersion.state == FormState.PUBLISHED)
        .order_by(FormVersion.version.desc())
        .limit(1)
    ).first()
    last = uow.session.scalar(
        select(func.max(FormVersion.version)).where(FormVersion.code == known.code)
    )
    waits = newest is not None and newest.origin != "shipped"
    uow.session.add(
        FormVersion(
            code=known.code,
            version=None if waits else (last or 0) + 1,
            state=FormState.DRAFT if waits else FormState.PUBLISHED,
            origin="shipped",
            title=known.title,
            definition=bundle.definition,
            template=bundle.template,
            sample=bundle.sample,
            digest=bundle.digest,
            template_digest=bytes_digest(bundle.template),
            tags=list(known.tags),
            remarks=[],
            based_on=last or 0,
            note=WAITING_NOTE if waits else NOTE,
            made_at=uow.now(),
            published_at=None if waits else uow.now(),
        )
    )
    uow.session.flush()


def _installed(uow: UnitOfWork) -> set[str]:
    return set(uow.session.scalars(select(FormVersion.digest)))
