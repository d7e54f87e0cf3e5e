"""Sends notices by e-mail for the worker, over the server named in the settings.

At least once: a mail is noted as sent right after the server took it, and carries a Message-ID
made from its notice, so that the one lost moment between (a killed worker) can only repeat the
same message. While the server cannot be reached nothing waits on it: jobs fail at once for a
minute and the outbox tries them again later.
"""

import re
import smtplib
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

from archive.config import Settings
from archive.core.clock import local
from archive.core.errors import Unavailable
from archive.core.profile import load_profile
from archive.core.resources import Resources
from archive.lending.models import LoanNotice
from archive.people.models import User
from storage.outbox import OutboxItem

TIMEOUT_SECONDS = 10.0
PAUSE_SECONDS = 60.0
LOOPBACK = ("127.0.0.1", "::1", "localhost")
ADDRESS = re.compile(r"[^@\s<>,;:\"()\[\]\\]+@[^@\s<>,;:\"()\[\]\\]+")

Monotonic = Callable[[], float]


class Postman:
    """Delivers notices over one connection a batch; leaves a server that is away in peace."""

    def __init__(self, clock: Monotonic = time.monotonic) -> None:
        self._clock = clock
        self._away_until = 0.0

    def deliver(self, resources: Resources, items: Sequence[OutboxItem]) -> None:
        """Handle outbox rows of kind ``loan_mail`` (key ``notice:ID``); raise Unavailable."""
        settings = resources.settings
        if not settings.smtp_url:
            return
        if self._clock() < self._away_until:
            raise Unavailable("邮件服务器暂时连不上，稍后再发。")
        ids = [int(item.key.partition(":")[2]) for item in items]
        letters = [letter for one in ids if (letter := self.letter(resources, one)) is not None]
        if not letters:
            return
        try:
            with _connect(settings) as server:
                for notice_id, mail in letters:
                    self._send(resources, server, notice_id, mail)
        except (OSError, smtplib.SMTPException) as fault:
            if not isinstance(fault, smtplib.SMTPResponseException):
                self._away_until = self._clock() + PAUSE_SECONDS
            raise Unavailable(f"邮件没有发出：{type(fault).__name__}") from fault

    def _send(
        self, resources: Resources, server: smtplib.SMTP, notice_id: int, letter: EmailMessage
    ) -> None:
        with suppress(smtplib.SMTPRecipientsRefused):  # a wrong address stays wrong
            server.send_message(letter)
        self.note_sent(resources, notice_id)

    def letter(self, resources: Resources, notice_id: int) -> tuple[int, EmailMessage] | None:
        """Return a notice as a mail; None when it was sent, or the person has no address."""
        return _letter(resources, notice_id)

    def note_sent(self, resources: Resources, notice_id: int) -> None:
        """Note that the server took it."""
        with resources.work() as uow:
            uow.session.get_one(LoanNotice, notice_id).mailed_at = uow.now()
            uow.commit()


POSTMAN = Postman()


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


def _letter(resources: Resources, notice_id: int) -> tuple[int, EmailMessage] | None:
    """Return the notice as a mail; None when it was sent, or the person has no address now."""
    settings = resources.settings
    with resources.reading() as uow:
        row = uow.session.get(LoanNotice, notice_id)
        person = uow.session.get(User, row.user_id) if row else None
        if row is None or person is None or row.mailed_at is not None:
            return None
        if not ADDRESS.fullmatch(person.email):
            return None
        return row.id, _written(settings, row, person, load_profile(uow).company)


def _written(settings: Settings, row: LoanNotice, person: User, company: str) -> EmailMessage:
    letter = EmailMessage()
    letter["From"] = settings.mail_from
    letter["To"] = person.email
    letter["Subject"] = f"【借阅】{_subject(row.kind)}"
    letter["Date"] = format_datetime(local(row.created_at))
    letter["Message-ID"] = f"<loan-notice-{row.id}@{settings.mail_from.partition('@')[2]}>"
    page = f"/loans/{row.request_id}" if row.request_id else "/loans"
    letter.set_content(
        f"{person.name}：\n\n{row.text}\n\n{settings.public_url}{page}\n\n{company}档案室\n"
    )
    return letter


def _subject(kind: str) -> str:
    return {
        "ready": "可以取件",
        "void": "申请已作废",
        "before": "即将到期",
        "due": "今天到期",
        "renewed": "续借已办",
        "not_renewed": "续借未获同意",
        "recall": "请提前归还",
    }.get(kind, "逾期催还")
