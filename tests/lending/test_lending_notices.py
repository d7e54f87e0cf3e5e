"""Who is told what, when, once; and the mail that carries it, to a real server."""

from dataclasses import replace
from datetime import date

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import select

from archive.config import BadSetting, load_settings
from archive.core.calendar import WorkCalendar
from archive.core.errors import Unavailable
from archive.jobs import drain_all, drain_once
from archive.lending import service as lending
from archive.lending.chores import do_loan_chores
from archive.lending.mail import LoanPostman
from archive.lending.models import LoanNotice
from archive.lending.notices import MAIL, tell
from archive.lending.reminding import SCHEDULE, step_reached
from archive.people.models import User
from archive.people.postman import PAUSE_SECONDS
from storage.outbox import OutboxItem, OutboxRow

DUE = date(2026, 12, 7)


@pytest.mark.parametrize(
    ("on", "kind"),
    [
        (date(2026, 11, 23), None),
        (date(2026, 12, 2), None),
        (date(2026, 12, 3), "before"),
        (date(2026, 12, 4), "before"),
        (date(2026, 12, 6), "before"),
        (DUE, "due"),
        (date(2026, 12, 8), "late1"),
        (date(2026, 12, 9), "late1"),
        (date(2026, 12, 10), "late3"),
        (date(2026, 12, 13), "late3"),
        (date(2026, 12, 15), "late3"),
        (date(2026, 12, 16), "late7"),
        (date(2026, 12, 25), "late7"),
        (date(2026, 12, 28), "late15"),
        (date(2027, 6, 1), "late15"),
    ],
)
def test_which_step_is_reached(on, kind):
    step = step_reached(DUE, on, WorkCalendar())
    assert (step.kind if step else None) == kind


def test_the_weekend_after_the_due_day_is_not_late():
    friday = date(2026, 12, 4)
    assert step_reached(friday, date(2026, 12, 6), WorkCalendar()).kind == "due"
    assert [step.days_late for step in SCHEDULE] == [-2, 0, 1, 3, 7, 15]


def kinds(shelf, who) -> list[str]:
    with shelf.resources.reading() as uow:
        return [one.kind for one in lending.notices_for(uow, who)][::-1]


def test_everybody_is_told_once_a_step(shelf, company, clock):
    item_id, barcode = shelf.item()
    shelf.lent(company.sales_clerk, item_id, barcode)
    for _ in range(37):  # until Wednesday, 30 December; the worker comes by several times a day
        for _ in range(2):
            do_loan_chores(shelf.resources)
        clock.advance(days=1)
    steps = ["before", "due", "late1", "late3", "late7", "late15"]
    assert kinds(shelf, company.sales_clerk) == ["ready", *steps]
    assert kinds(shelf, company.sales_head) == ["late3", "late7", "late15"]
    assert kinds(shelf, company.leader) == ["late7", "late15"]
    assert kinds(shelf, company.archivist) == ["late15"]
    with shelf.resources.reading() as uow:
        texts = [one.text for one in lending.notices_for(uow, company.leader)]
    assert texts[0].startswith("陈晓东借的《新开发客户报告表（海信）》")
    assert "已逾期 15 个工作日" in texts[0] and "暂停新的借阅" in texts[1]


def test_after_days_without_a_worker_only_the_last_step_is_told(shelf, company, clock):
    item_id, barcode = shelf.item()
    shelf.lent(company.sales_clerk, item_id, barcode)
    clock.advance(days=24, hours=-6)
    assert do_loan_chores(shelf.resources) == 0  # half past three in the morning
    clock.advance(hours=6)
    do_loan_chores(shelf.resources)
    assert kinds(shelf, company.sales_clerk) == ["ready", "late7"]


def test_a_leaver_s_head_and_the_archive_are_told(shelf, company, clock):
    item_id, barcode = shelf.item()
    shelf.lent(company.sales_clerk, item_id, barcode)
    with shelf.resources.work() as uow:
        uow.session.get(User, company.sales_clerk.id).left_on = date(2026, 11, 24)
        uow.commit()
    clock.advance(days=15)
    do_loan_chores(shelf.resources)
    assert kinds(shelf, company.sales_clerk) == ["ready"]
    assert kinds(shelf, company.sales_head) == kinds(shelf, company.archive_head) == ["late1"]


# ------------------------------------------------- the mail


class Sink:
    """Takes mail as a server would; refuses one address, or everything."""

    def __init__(self) -> None:
        self.letters, self.is_busy = [], False

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.is_busy:
            return "451 try again"
        self.letters.append(envelope.content.decode())
        return "250 OK"


@pytest.fixture
def sink(shelf, company, unused_port):
    handler = Sink()
    controller = Controller(handler, hostname="127.0.0.1", port=unused_port)
    controller.start()
    settings = replace(
        shelf.resources.settings,
        smtp_url=f"smtp://127.0.0.1:{controller.port}",
        mail_from="dangan@example.com",
    )
    shelf.resources.settings = settings
    write_address(shelf, company.sales_clerk, "chen@example.com")
    yield handler
    controller.stop()


@pytest.fixture
def unused_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def write_address(shelf, who, address: str) -> None:
    with shelf.resources.work() as uow:
        uow.session.get(User, who.id).email = address
        uow.commit()


def test_a_notice_goes_out_by_mail_once(shelf, company, sink):
    item_id, _ = shelf.item()
    shelf.approved(company.sales_clerk, item_id)
    drain_all(shelf.resources)
    drain_all(shelf.resources)
    (letter,) = sink.letters
    assert "To: chen@example.com" in letter and "Message-ID: <loan-notice-1@example.com>" in letter
    with shelf.resources.work() as uow:
        assert uow.session.scalar(select(LoanNotice.mailed_at)) is not None
        uow.outbox(MAIL, "notice:1")  # the same job again, as after a killed worker
        uow.outbox(MAIL, "notice:999")
        uow.commit()
    drain_all(shelf.resources)
    assert len(sink.letters) == 1


def test_a_busy_server_gets_it_later_and_nothing_is_lost(shelf, company, sink, clock):
    sink.is_busy = True
    item_id, _ = shelf.item()
    shelf.approved(company.sales_clerk, item_id)
    drain_all(shelf.resources)
    assert sink.letters == []
    sink.is_busy = False
    clock.advance(seconds=30)
    drain_all(shelf.resources)
    assert len(sink.letters) == 1


def test_a_wrong_address_holds_nothing_up(shelf, company, sink):
    write_address(shelf, company.sales_clerk2, "nobody@example.com")
    write_address(shelf, company.sales_head, "王建国\r\nBcc: all@example.com")
    with shelf.resources.work() as uow:
        for who in (company.sales_clerk2, company.sales_head, company.sales_clerk):
            tell(uow, who.id, "due", f"try:{who.id}", "请归还。")
        assert not tell(uow, company.sales_clerk.id, "due", f"try:{company.sales_clerk.id}", "再")
        uow.commit()
    drain_all(shelf.resources)
    assert len(sink.letters) == 1 and "chen@example.com" in sink.letters[0]
    with shelf.resources.reading() as uow:
        assert uow.session.scalar(select(OutboxRow.id).where(OutboxRow.kind == MAIL)) is None


def test_a_server_that_is_away_is_left_in_peace(shelf, company, unused_port):
    shelf.resources.settings = replace(
        shelf.resources.settings,
        smtp_url=f"smtp://127.0.0.1:{unused_port}",
        mail_from="dangan@example.com",
    )
    write_address(shelf, company.sales_clerk, "chen@example.com")
    with shelf.resources.work() as uow:
        tell(uow, company.sales_clerk.id, "due", "try", "请归还。")
        uow.commit()
    now = [0.0]
    postman = LoanPostman(lambda: now[0])
    job = [OutboxItem(1, MAIL, "notice:1", {}, 1)]
    with pytest.raises(Unavailable, match="没有发出"):
        postman.deliver(shelf.resources, job)
    with pytest.raises(Unavailable, match="连不上"):
        postman.deliver(shelf.resources, job)
    now[0] = PAUSE_SECONDS
    with pytest.raises(Unavailable, match="没有发出"):
        postman.deliver(shelf.resources, job)


def test_without_a_server_notices_stay_in_the_app(shelf, company):
    write_address(shelf, company.sales_clerk, "chen@example.com")
    with shelf.resources.work() as uow:
        tell(uow, company.sales_clerk.id, "due", "try", "请归还。")
        uow.commit()
    assert drain_once(shelf.resources, "test") > 0 and drain_all(shelf.resources) == 0
    assert kinds(shelf, company.sales_clerk) == ["due"]


@pytest.mark.parametrize(
    "url", ["x", "http://mail", "smtp://", "smtp://h:99999", "smtp://h:abc", "smtp://[::1"]
)
def test_wrong_mail_settings_are_refused(url, tmp_path):
    env = {"ARCHIVE_DATA": str(tmp_path), "ARCHIVE_MAIL_FROM": "a@example.com"}
    with pytest.raises(BadSetting, match="ARCHIVE_SMTP_URL"):
        load_settings({**env, "ARCHIVE_SMTP_URL": url})
    with pytest.raises(BadSetting, match="ARCHIVE_MAIL_FROM"):
        load_settings({"ARCHIVE_SMTP_URL": "smtp://mail", "ARCHIVE_MAIL_FROM": "档案室"})
    good = load_settings({**env, "ARCHIVE_SMTP_URL": "smtps://u:p%40@mail.example.com:465"})
    assert good.smtp_url and load_settings(env).smtp_url == ""
