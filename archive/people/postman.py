"""Sends mails for the worker, over the server named in the settings; what they say is others'.

At least once: a mail is noted as sent right after the server took it, and carries a Message-ID
made from its notice, so that the one lost moment between (a killed worker) can only repeat the
same message. While the server cannot be reached nothing waits on it: jobs fail at once for a
minute and the outbox tries them again later.
"""

import re
import secrets
import smtplib
import ssl
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from archive.config import Settings
from archive.core.clock import local
from archive.core.errors import Invalid, Unavailable
from archive.core.profile import load_profile
from archive.core.resources import Resources
from archive.people.models import User
from storage.outbox import OutboxItem
from storage.work import UnitOfWork

TIMEOUT_SECONDS = 10.0
PAUSE_SECONDS = 60.0
LOOPBACK = ("127.0.0.1", "::1", "localhost")
ADDRESS = re.compile(r"[^@\s<>,;:\"()\[\]\\]+@[^@\s<>,;:\"()\[\]\\]+")
OFFICE = "档案室"

Monotonic = Callable[[], float]


@dataclass(frozen=True)
class Letter:
    """What a person is told by mail; ``mark`` names the message, ``page`` is where to look.

    ``office`` stands behind the company's name under it.
    """

    to: User
    subject: str
    at: datetime
    mark: str
    text: str
    page: str
    office: str = OFFICE


def send_at_once(settings: Settings, to: str, subject: str, text: str, now: datetime) -> None:
    """Send a mail that may be kept nowhere, not even for the worker; raise Unavailable, Invalid.

    For what is told once (a code). Whoever calls it holds no transaction.
    """
    if not settings.smtp_url:
        raise Unavailable("没有设邮件服务器，不能寄邮件。")
    mail = _message(settings, to, subject, text, now, secrets.token_hex(8))
    try:
        with _connect(settings) as server:
            server.send_message(mail)
    except smtplib.SMTPRecipientsRefused as refused:
        raise Invalid("邮件服务器不收这个邮箱地址。", {"code_mail": "地址不对"}) from refused
    except (OSError, smtplib.SMTPException) as fault:
        raise Unavailable("邮件没有寄出，邮件服务器暂时连不上。") from fault


class Postman(ABC):
    """Delivers letters over one connection a batch; leaves a server that is away in peace."""

    def __init__(self, clock: Monotonic = time.monotonic) -> None:
        self._clock = clock
        self._away_until = 0.0

    @abstractmethod
    def letter(self, uow: UnitOfWork, number: int) -> Letter | None:
        """Return what outbox key ``word:NUMBER`` is to say; None when nothing any more."""

    @abstractmethod
    def note_sent(self, uow: UnitOfWork, number: int) -> None:
        """Note that the server took it."""

    def deliver(self, resources: Resources, items: Sequence[OutboxItem]) -> None:
        """Handle outbox rows of the kind this postman is for; raise Unavailable."""
        settings = resources.settings
        if not settings.smtp_url:
            return
        if self._clock() < self._away_until:
            raise Unavailable("邮件服务器暂时连不上，稍后再发。")
        letters = []
        for number in (int(item.key.partition(":")[2]) for item in items):
            mail = self._written(resources, number)
            if mail is not None:
                letters.append((number, mail))
        if not letters:
            return
        try:
            with _connect(settings) as server:
                for number, mail in letters:
                    self._send(resources, server, number, mail)
        except (OSError, smtplib.SMTPException) as fault:
            if not isinstance(fault, smtplib.SMTPResponseException):
                self._away_until = self._clock() + PAUSE_SECONDS
            raise Unavailable(f"邮件没有发出：{type(fault).__name__}") from fault

    def _written(self, resources: Resources, number: int) -> EmailMessage | None:
        with resources.reading() as uow:
            told = self.letter(uow, number)
            if told is None or not ADDRESS.fullmatch(told.to.email):
                return None
            return _mail(resources.settings, told, load_profile(uow).company)

    def _send(
        self, resources: Resources, server: smtplib.SMTP, number: int, mail: EmailMessage
    ) -> None:
        with suppress(smtplib.SMTPRecipientsRefused):  # a wrong address stays wrong
            server.send_message(mail)
        with resources.work() as uow:
            self.note_sent(uow, number)
            uow.commit()


class NoticePostman(Postman):
    """Delivers the rows of a table of notices (key ``notice:ID``), each once.

    A row has ``user_id``, ``text``, ``created_at`` and ``mailed_at``.
    """

    model: Any

    def letter(self, uow: UnitOfWork, number: int) -> Letter | None:
        """Return the notice as a letter; None when it was sent or is gone."""
        row = uow.session.get(self.model, number)
        person = uow.session.get(User, row.user_id) if row else None
        if row is None or person is None or row.mailed_at is not None:
            return None
        return self.worded(row, person)

    @abstractmethod
    def worded(self, row: Any, person: User) -> Letter:
        """Return a notice as a letter."""

    def note_sent(self, uow: UnitOfWork, number: int) -> None:
        """Note that the server took it."""
        uow.session.get_one(self.model, number).mailed_at = uow.now()


def _mail(settings: Settings, told: Letter, company: str) -> EmailMessage:
    page = f"{settings.public_url}{told.page}"
    text = f"{told.to.name}：\n\n{told.text}\n\n{page}\n\n{company}{told.office}\n"
    return _message(settings, told.to.email, told.subject, text, told.at, told.mark)


def _message(
    settings: Settings, to: str, subject: str, text: str, at: datetime, mark: str
) -> EmailMessage:
    """``mark`` tells one mail from another, and is the same when it is sent again."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = settings.mail_from, to, subject
    mail["Date"] = format_datetime(local(at))
    mail["Message-ID"] = f"<{mark}@{settings.mail_from.partition('@')[2]}>"
    mail.set_content(text)
    return mail


def _connect(settings: Settings) -> smtplib.SMTP:
    parts = urlsplit(settings.smtp_url)
    host, secure = parts.hostname or "", parts.scheme == "smtps"
    context = ssl.create_default_context()
    if secure:
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            host, parts.port or 465, timeout=TIMEOUT_SECONDS, context=context
        )
    else:
        server = smtplib.SMTP(host, parts.port or 25, timeout=TIMEOUT_SECONDS)
    try:
        server.ehlo()
        if not secure and server.has_extn("starttls"):
            server.starttls(context=context)
            server.ehlo()
            secure = True
        if parts.username:
            if not secure and host not in LOOPBACK:
                raise smtplib.SMTPNotSupportedError("no TLS: the password is not sent in the clear")
            server.login(unquote(parts.username), unquote(parts.password or ""))
    except BaseException:
        server.close()
        raise
    return server
