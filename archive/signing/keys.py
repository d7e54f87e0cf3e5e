"""The keys of the company and its people, fetched from rows and the authority's folder.

The authority is made at ``archive init`` and opened once a process; a person's key is issued
when they first sign, issued anew before it expires, and revoked when they leave. The authority's
own certificates are renewed by a chore (``renewal``).
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from archive.config import Settings, instance_secret
from archive.core.clock import local_day
from archive.core.profile import load_profile
from archive.core.resources import Resources
from archive.people.models import User
from archive.people.rights import Actor
from archive.signing.authority import CompanyAuthority, IssuedKey, SigningKey
from archive.signing.authority_folder import AuthorityError, renewed_at
from archive.signing.certificates import serial_hex
from archive.signing.models import PersonCertificate
from archive.signing.own_keys import open_own_key, withdraw_own
from archive.signing.proof_models import OwnCertificate
from archive.signing.renewal import Standing, read_standing
from storage.work import UnitOfWork

RENEW_BEFORE = timedelta(days=60)
CRL_PATH = "/trust/company.crl"


@dataclass(frozen=True)
class _Holder:
    """Whose key it is: a person's, a seal's, or with neither the company's; how it is issued."""

    user_id: int | None
    seal_id: int | None
    issue: Callable[[CompanyAuthority, datetime], IssuedKey]


log = logging.getLogger(__name__)

_opened: dict[Path, tuple[int, CompanyAuthority]] = {}
_lock = threading.Lock()


def authority_folder(settings: Settings) -> Path:
    """Return where the company's authority is kept."""
    return settings.keys / "authority"


def open_authority(resources: Resources) -> CompanyAuthority:
    """Return the company's authority, made on first use, kept open until it is renewed."""
    folder = authority_folder(resources.settings)
    stamp = renewed_at(folder)
    with _lock:
        held = _opened.get(folder)
        if held is None or held[0] != stamp:
            held = _opened[folder] = (stamp, _open_or_make(resources, folder))
        return held[1]


def find_standing(settings: Settings) -> Standing | None:
    """Return the certificates that stand at present, read without a key; None before the first."""
    folder = authority_folder(settings)
    return read_standing(folder) if _is_made(folder) else None


def renew_authority(resources: Resources) -> bool:
    """Renew the company's certificates if it is time; return whether they were. A chore.

    Where that cannot be, the log and the health page say why, and all else goes on.
    """
    folder, now = authority_folder(resources.settings), resources.clock()
    try:
        standing = find_standing(resources.settings)
        if standing is None or not standing.is_ageing(now):
            return False
        open_authority(resources).renew(folder, now)
        renewed = read_standing(folder)
    except AuthorityError as refusal:
        log.error("the company's certificates are not renewed: %s", refusal.message)
        return False
    detail = {
        "issuing": serial_hex(renewed.issuing),
        "issuing_until": renewed.issuing.not_valid_after_utc.isoformat(),
        "root": serial_hex(renewed.root),
        "root_until": renewed.root.not_valid_after_utc.isoformat(),
    }
    with resources.work() as uow:
        uow.journal(None, "certificate.renew", "authority", 0, detail)
        uow.commit()
    return True


def forget_authority(folder: Path) -> None:
    """Close the authority of a folder that goes away or moves."""
    with _lock:
        _opened.pop(folder, None)


def company_key(resources: Resources) -> SigningKey:
    """Return the key that certifies frozen papers, issued on first use."""
    holder = _Holder(None, None, lambda authority, now: authority.issue_company_seal(now))
    return _key(resources, holder)


def seal_key(resources: Resources, seal_id: int, name: str) -> SigningKey:
    """Return the key of one of the company's seals, issued on first use."""
    holder = _Holder(None, seal_id, lambda authority, now: authority.issue_seal(name, now))
    return _key(resources, holder)


def person_key(resources: Resources, actor: Actor, own_password: str = "") -> SigningKey:
    """Return the signing key of a person, issued when they first sign.

    A person with a certificate of their own signs with that one; ``own_password`` opens it.
    Raises Invalid where the password is missing or wrong.
    """
    with resources.reading() as uow:
        own = open_own_key(uow, actor.id, own_password)
    holder = _Holder(
        actor.id,
        None,
        lambda authority, now: authority.issue_person(actor.name, actor.staff_no, now),
    )
    return own or _key(resources, holder)


def revoked_serials(uow: UnitOfWork) -> dict[str, datetime]:
    """Return the serials of revoked certificates, and of own ones withdrawn, and since when."""
    revoked: dict[str, datetime] = {}
    for table, when in (
        (PersonCertificate, PersonCertificate.revoked_at),
        (OwnCertificate, OwnCertificate.withdrawn_at),
    ):
        for serial, since in uow.session.execute(select(table.serial, when)):
            if since is not None:
                revoked[serial] = since
    return revoked


def revoke_person(uow: UnitOfWork, user_id: int, now: datetime) -> int:
    """Revoke every certificate of a person from now on; return how many. A second time: none."""
    rows = uow.session.scalars(
        select(PersonCertificate).where(
            PersonCertificate.user_id == user_id, PersonCertificate.revoked_at.is_(None)
        )
    ).all()
    for row in rows:
        row.revoked_at = now
    withdrawn = withdraw_own(uow, user_id, now)
    serials = sorted([*(row.serial for row in rows), *withdrawn])
    if serials:
        uow.journal(None, "certificate.revoke", "user", user_id, {"serials": serials})
    return len(serials)


def revoke_seal(uow: UnitOfWork, seal_id: int) -> int:
    """Revoke every certificate of a seal that is no more; return how many."""
    rows = uow.session.scalars(
        select(PersonCertificate).where(
            PersonCertificate.seal_id == seal_id, PersonCertificate.revoked_at.is_(None)
        )
    ).all()
    for row in rows:
        row.revoked_at = uow.now()
    if rows:
        detail = {"serials": sorted(row.serial for row in rows)}
        uow.journal(None, "certificate.revoke", "seal", seal_id, detail)
    return len(rows)


def revoke_leavers(uow: UnitOfWork) -> int:
    """Revoke the certificates of everyone who has left; return how many. For the daily chores."""
    today = local_day(uow.now())
    leavers = uow.session.scalars(
        select(User.id)
        .join(PersonCertificate, PersonCertificate.user_id == User.id)
        .where(User.left_on <= today, PersonCertificate.revoked_at.is_(None))
        .union(
            select(User.id)
            .join(OwnCertificate, OwnCertificate.user_id == User.id)
            .where(User.left_on <= today, OwnCertificate.withdrawn_at.is_(None))
        )
    ).all()
    return sum(revoke_person(uow, user_id, uow.now()) for user_id in leavers)


def company_crl(resources: Resources) -> bytes:
    """Return the revocation list of today (DER), fit to be published."""
    with resources.reading() as uow:
        rows = uow.session.execute(
            select(PersonCertificate.serial, PersonCertificate.revoked_at).where(
                PersonCertificate.revoked_at.is_not(None)
            )
        ).all()
    revoked = [(row.serial, row.revoked_at) for row in rows if row.revoked_at is not None]
    return open_authority(resources).crl(revoked, resources.clock())


def _is_made(folder: Path) -> bool:
    return folder.exists() and any(folder.iterdir())


def _open_or_make(resources: Resources, folder: Path) -> CompanyAuthority:
    secret, crl_url = instance_secret(resources.settings), resources.settings.public_url + CRL_PATH
    if not _is_made(folder):
        with resources.reading() as uow:
            company = load_profile(uow).company
        return CompanyAuthority.create(folder, company, secret, resources.clock(), crl_url)
    return CompanyAuthority.open(folder, secret, crl_url)


def _key(resources: Resources, holder: _Holder) -> SigningKey:
    authority = open_authority(resources)
    with resources.reading() as uow:
        pems = _pems(_valid_row(uow, holder))
    certificate, key = pems or _issue(resources, authority, holder)
    return authority.signing_key(certificate, key)


def _pems(row: PersonCertificate | None) -> tuple[bytes, bytes] | None:
    """Return certificate and encrypted key as plain bytes, good beyond the unit of work."""
    if row is None:
        return None
    return row.certificate_pem.encode(), row.encrypted_key_pem.encode()


def _issue(
    resources: Resources, authority: CompanyAuthority, holder: _Holder
) -> tuple[bytes, bytes]:
    issued = holder.issue(authority, resources.clock())
    with resources.work() as uow:
        quicker = _pems(_valid_row(uow, holder))
        if quicker is not None:  # another request issued one meanwhile
            return quicker
        uow.session.add(_as_row(issued, holder))
        kind = "user" if holder.seal_id is None else "seal"
        detail = {"serial": issued.serial_hex}
        subject = holder.user_id or holder.seal_id or 0
        uow.journal(holder.user_id, "certificate.issue", kind, subject, detail)
        uow.commit()
    return issued.certificate_pem, issued.encrypted_key_pem


def _valid_row(uow: UnitOfWork, holder: _Holder) -> PersonCertificate | None:
    """The newest certificate that is good and not about to expire."""
    return uow.session.scalar(
        select(PersonCertificate)
        .where(
            PersonCertificate.user_id.is_(None)
            if holder.user_id is None
            else PersonCertificate.user_id == holder.user_id,
            PersonCertificate.seal_id.is_(None)
            if holder.seal_id is None
            else PersonCertificate.seal_id == holder.seal_id,
            PersonCertificate.revoked_at.is_(None),
            PersonCertificate.not_after > uow.now() + RENEW_BEFORE,
        )
        .order_by(PersonCertificate.id)
        .limit(1)
    )


def _as_row(issued: IssuedKey, holder: _Holder) -> PersonCertificate:
    return PersonCertificate(
        user_id=holder.user_id,
        seal_id=holder.seal_id,
        serial=issued.serial_hex,
        certificate_pem=issued.certificate_pem.decode(),
        encrypted_key_pem=issued.encrypted_key_pem.decode(),
        not_before=issued.not_before,
        not_after=issued.not_after,
        revoked_at=None,
    )
