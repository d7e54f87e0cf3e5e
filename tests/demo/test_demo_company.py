"""The demo company as ``archive demo`` makes it: once, whole, through the real services."""

import fcntl
import re
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from archive.config import Settings
from archive.core.calendar import WorkCalendar
from archive.core.clock import local_day
from archive.core.errors import Conflict, Unavailable
from archive.core.profile import load_profile
from archive.core.resources import Resources, open_resources
from archive.customers import service as customers
from archive.customers.rules import credit_code_warning
from archive.demo import Account, make_demo, papers
from archive.demo.firms import CUSTOMERS, PROSPECTS
from archive.demo.papers import paper_acts, story_papers
from archive.demo.staff import PEOPLE
from archive.demo.story import founding, story
from archive.demo.strokes import drawn_signature
from archive.demo.wording import sample_paper
from archive.documents import service as documents
from archive.filing import service as filing
from archive.lending import service as lending
from archive.models import metadata
from archive.people import access
from archive.people import service as people
from archive.people.rights import Actor
from archive.records import service as records
from archive.records.models import Record, RecordState
from archive.signing import service as signing
from archive.signing.appearance import is_blank
from archive.signing.verdicts import judge_file
from doc_templates import Signer, check_values, list_forms, load_form
from doc_templates.errors import ConversionFailed
from storage.verify import verify_blobs, verify_journal

pytestmark = pytest.mark.slow

Progress = Callable[[int, int | None], None]


def silent(_done: int, _total: int | None) -> None:
    """Watch no progress."""


def count_rows(resources: Resources) -> dict[str, int]:
    with resources.reading() as uow:
        return {
            table.name: uow.session.scalar(select(func.count()).select_from(table)) or 0
            for table in metadata.sorted_tables
        }


@pytest.fixture(scope="module")
def made() -> Iterator[dict[str, Resources]]:
    """Keeps the one demo the reading tests of this file share."""
    shelf: dict[str, Resources] = {}
    yield shelf
    for resources in shelf.values():
        resources.database.dispose()


@pytest.fixture
def demo(made, tmp_path_factory, converter, clock) -> Resources:
    """An instance with the whole demo company; tests only read it."""
    if "demo" not in made:
        folder = tmp_path_factory.mktemp("demo")
        settings = Settings(data=folder, database_url=f"sqlite:///{folder / 'archive.db'}")
        resources = open_resources(settings, converter, clock)
        metadata.create_all(resources.database.engine)
        make_demo(resources, silent)
        made["demo"] = resources
    return made["demo"]


def actor(resources: Resources, username: str) -> Actor:
    with resources.reading() as uow:
        found = people.find_actor_by_username(uow, username)
    assert found is not None
    return found


# ---------------------------------------------------------------- who is there


def test_five_departments_fifteen_people_forty_customers(demo):
    with demo.reading() as uow:
        assert [unit.name for unit in people.departments(uow)].count("档案室") == 1
        assert load_profile(uow).company == "示例商贸有限公司"
        assert load_profile(uow).fonds == "Z109"
    rows = count_rows(demo)
    assert (rows["department"], rows["user"], rows["customer"]) == (5, 15, 40)
    assert rows["loan_rule"] > 20


def test_every_printed_account_signs_in_and_need_not_change_the_password(demo):
    accounts = make_demo(demo, silent)
    assert len({account.username for account in accounts}) == len(accounts) == 15
    with demo.reading() as uow:
        for account in accounts:
            check = access.check_password(uow, account.username, account.password, "-")
            assert check.user_id, account
            person = people.get_actor(uow, check.user_id)
            assert (person.name, person.must_change_password) == (account.name, False)
            assert person.department_name in account.duty


def test_the_customers_are_made_up_and_complete(demo):
    head = actor(demo, "fangjiaming")
    with demo.reading() as uow:
        found = customers.list_customers(uow, head, per_page=100).items
        doubles = [customers.likely_doubles(uow, one.name, except_id=one.id) for one in found]
    assert {one.name for one in found} == {firm.name for firm in CUSTOMERS}
    assert not any(doubles)
    for one in found:
        assert credit_code_warning(one.credit_code) == "", one
        assert one.credit_code[2:8] == "990000"
        assert "-0000" in one.phone
        assert "示例" in one.address
        assert one.legal_person and one.region and one.short_name
    assert {one.status for one in found} == {"潜在", "正常", "暂停往来", "停止交易"}
    assert [one for one in found if one.owner_id is None]


def test_no_two_firms_share_a_name_number_or_code():
    firms = CUSTOMERS + PROSPECTS
    for key in ("name", "short", "phone", "credit_code", "serial"):
        assert max(Counter(getattr(firm, key) for firm in firms).values()) == 1, key


# ---------------------------------------------------------------- papers


def states(resources: Resources) -> Counter[tuple[str, str]]:
    with resources.reading() as uow:
        return Counter(
            (row.form_code, row.state)
            for row in uow.session.execute(select(Record.form_code, Record.state))
        )


def test_there_are_papers_in_every_state(demo):
    found = states(demo)
    never_yet = {RecordState.DESTROYED}  # that takes the end of a term and a cooling period
    assert {state for _, state in found} == set(RecordState) - never_yet
    assert {"E01", "E05", "E10"} <= {form for form, _ in found}
    assert found["E01", "filed"] == 16
    assert found["E05", "filed"] == 7
    assert found["E10", "filed"] == 6
    assert sum(found.values()) >= 48


def test_every_step_of_signing_has_a_paper_waiting_at_it(demo):
    waiting = set()
    with demo.reading() as uow:
        rows = uow.session.execute(
            select(Record.id, Record.form_code, Record.author_id).where(
                Record.state == "in_signing"
            )
        ).all()
        for row in rows:
            author = people.get_actor(uow, row.author_id)
            task = signing.get_run(uow, author, row.id).open_task
            waiting.add((row.form_code, task.role))
    assert waiting >= {
        *(("E01", role) for role in ("报告人", "主管", "经理")),
        ("E05", "甲方负责人"),
        ("E05", "用印"),
        *(("E10", role) for role in ("经理", "总经理", "董事长")),
    }


def test_a_filed_paper_carries_every_signature_and_is_genuine(demo):
    author = actor(demo, "linxiaoyu")
    with demo.reading() as uow:
        filed = records.list_records(uow, author, state="filed", form="E10").items[0]
        pdf = documents.latest_document(uow, filed.id, "pdf")
    verdict = judge_file(demo, demo.blobs.read(pdf.sha256))
    assert verdict.intact and verdict.is_latest and verdict.record_id == filed.id
    names = {one.name for one in verdict.signatures if one.valid}
    assert names >= {filed.author_name, "方嘉明", "陆海平", "沈若云"}


def test_poppler_and_we_agree_on_every_signed_paper(demo, tmp_path):
    with demo.reading() as uow:
        states = ("in_signing", "signed", "filed")
        ids = uow.session.scalars(select(Record.id).where(Record.state.in_(states))).all()
        kept = [documents.latest_document(uow, one, "pdf") for one in ids]
    assert len(kept) > 35
    for place, document in enumerate(kept):
        pdf = demo.blobs.read(document.sha256)
        ours, theirs = judge_file(demo, pdf), poppler(pdf, tmp_path)
        assert ours.intact and ours.trusted, ours.why
        assert theirs == ["Signature is Valid."] * len(ours.signatures)
        changed = bytearray(pdf)
        changed[300 + place] ^= 1
        assert not judge_file(demo, bytes(changed)).intact
        assert theirs != poppler(bytes(changed), tmp_path)


def poppler(pdf, folder):
    path = folder / "judged.pdf"
    path.write_bytes(pdf)
    command = ["pdfsig", "-nocert", path]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return re.findall(r"Signature Validation: (.*)", answer.stdout)


def test_the_returned_paper_was_mended_signed_and_filed_in_a_second_round(demo):
    with demo.reading() as uow:
        row = uow.session.scalar(select(Record).where(Record.round == 2))
        author = people.get_actor(uow, row.author_id)
        acts = [act.action for act in signing.get_run(uow, author, row.id).acts]
        assert (row.state, "退回意见" in row.content["备注"]) == ("filed", True)
    assert acts == ["submit", "approve", "return", "submit", "approve", "approve", "approve"]


def test_papers_lie_in_this_and_last_years_volumes_and_on_their_way_there(demo):
    archivist = actor(demo, "xuwenjing")
    with demo.reading() as uow:
        volumes = filing.list_volumes(uow, archivist, per_page=100).items
        unfinished = {item.state for item in filing.unfinished_items(uow, archivist)}
    assert {volume.year for volume in volumes} >= {2025, 2026}
    assert all(volume.items for volume in volumes)
    assert unfinished == {"appraised", "catalogued"}


# ---------------------------------------------------------------- lending


def test_the_loans_show_every_case(demo):
    keeper = actor(demo, "yanshouzheng")
    with demo.reading() as uow:
        requests = lending.list_requests(uow, keeper, per_page=100).items
        open_loans = lending.open_loans(uow, keeper).items
        today = local_day(demo.clock())
        refused = lending.refusals(uow, keeper, founding(demo.clock()).date(), today).items
    assert Counter(one.state for one in requests) == {
        "closed": 1,
        "handed_out": 2,
        "approved": 1,
        "waiting": 1,
    }
    assert [loan.is_overdue for loan in open_loans] == [True, False]
    assert [one.loan.intact for one in requests if one.state == "closed"] == [True]
    assert [{reason.code for reason in one.reasons} for one in refused] == [
        {"no_purpose", "no_business_reference", "not_connected"}
    ]


# ---------------------------------------------------------------- the whole


def test_the_journal_holds_its_times_run_forward_and_no_file_is_missing(demo):
    with demo.reading() as uow:
        assert list(verify_journal(uow)) == []
        assert list(verify_blobs(uow, demo.blobs)) == []
        entries = uow.session.execute(
            select(metadata.tables["journal_entry"]).order_by("seq")
        ).all()
    times = [datetime.fromisoformat(entry.at) for entry in entries]
    assert times == sorted(times)
    assert entries[-1].action == "verify.run" and times[-2] < times[-1] <= demo.clock()


def test_a_second_run_adds_no_row_and_prints_the_same(demo):
    before = count_rows(demo)
    first = make_demo(demo, silent)
    later = replace(demo, clock=lambda: datetime(2027, 3, 1, tzinfo=UTC))
    assert make_demo(later, silent) == first
    assert count_rows(demo) == before
    assert all(isinstance(account, Account) for account in first)


class FailingConverter:
    """A PDF service that breaks down at one document and works again afterwards."""

    def __init__(self, inner, breaks_at: int) -> None:
        self.inner, self.breaks_at, self.calls = inner, breaks_at, 0

    def to_pdf(self, docx: bytes) -> bytes:
        self.calls += 1
        if self.calls == self.breaks_at:
            raise ConversionFailed("转换程序意外退出。")
        return self.inner.to_pdf(docx)


class PowerCut(BaseException):
    """Nobody catches this."""


def test_a_demo_broken_off_is_taken_up_and_ends_the_same(demo, resources, converter):
    def cut_at(limit: int) -> Progress:
        def watch(done: int, _total: int | None) -> None:
            if done == limit:
                raise PowerCut

        return watch

    parts = replace(resources, converter=FailingConverter(converter, 7))
    with pytest.raises(Unavailable, match="再次运行 archive demo"):
        make_demo(parts, silent)
    assert 0 < count_rows(parts)["record"] < 20
    for limit in (0, 70, 71, 200, 360):
        with pytest.raises(PowerCut):
            make_demo(parts, cut_at(limit))
    seen: list[tuple[int, int | None]] = []
    make_demo(parts, lambda done, total: seen.append((done, total)))
    assert seen[0][0] == 0
    assert seen[-1][0] == seen[-1][1] == len(story(demo.clock()))
    assert count_rows(parts) == count_rows(demo)
    assert states(parts) == states(demo)


def test_an_instance_with_other_content_is_left_alone(resources, company):
    before = count_rows(resources)
    with pytest.raises(Conflict, match="ARCHIVE_DATA"):
        make_demo(resources, silent)
    assert count_rows(resources) == before


def test_two_demos_are_not_made_at_a_time(resources):
    with (resources.settings.run / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(Conflict, match="正在运行"):
            make_demo(resources, silent)
    assert count_rows(resources)["department"] == 0


# ---------------------------------------------------------------- the script


@pytest.mark.parametrize(
    "base",
    [
        datetime(2026, 11, 23, 1, 30, tzinfo=UTC),
        datetime(2027, 1, 1, 0, 0, tzinfo=UTC),
        datetime(2026, 2, 18, 16, 30, tzinfo=UTC),  # in the Spring Festival, after local midnight
        datetime(2031, 6, 15, 12, 0, tzinfo=UTC),  # a Sunday of a year without an official notice
    ],
)
def test_everything_happens_in_the_past_on_working_days_and_in_two_years(base):
    moments, calendar, begun = story(base), WorkCalendar(), founding(base)
    assert all(begun < moment.at < base for moment in moments)
    assert all(calendar.is_open(local_day(moment.at)) for moment in moments)
    assert len({moment.at.year for moment in moments}) >= 2


def test_what_happens_to_a_paper_stays_in_order():
    for place, paper in enumerate(story_papers()):
        times = [(-act.day, act.minute) for act in paper_acts(paper, place)]
        assert times == sorted(times), paper.key
        assert len(times) == len(set(times)), paper.key


def test_another_form_gets_a_paper_of_its_own(monkeypatch):
    model = load_form("E01")
    unsigned = replace(model, code="X99", signers=(Signer("厂长", "role:nobody"),))
    more = [replace(model, code=f"X{n:02d}") for n in range(papers.MOST_OTHERS + 2)]
    told = [load_form(code) for code in ("E01", "E05", "E10")]
    monkeypatch.setattr(papers, "list_forms", lambda: told)
    known = len(story_papers())
    monkeypatch.setattr(papers, "list_forms", lambda: (*told, unsigned, *more))
    others = story_papers()[known:]
    assert [paper.form for paper in others] == ["X99", *(form.code for form in more)]
    through = [paper.form for paper in others if paper.way]
    assert through == [form.code for form in more[: papers.MOST_OTHERS]]


@pytest.mark.parametrize("code", [form.code for form in list_forms()])
def test_the_sample_of_a_form_becomes_a_paper_about_one_of_our_customers(code):
    form, day = load_form(code), datetime(2026, 11, 23).date()
    values = sample_paper(form, CUSTOMERS[0], day, "林晓雨")
    assert check_values(form, values).errors == {}
    assert values.get(form.customer_field, CUSTOMERS[0].name) == CUSTOMERS[0].name
    assert values.get(form.date_field, "2026-11-23") == "2026-11-23"


def test_everyone_has_a_drawn_signature_of_their_own():
    drawn = [drawn_signature(person.name) for person in PEOPLE]
    assert len(set(drawn)) == len(PEOPLE)
    assert not any(is_blank(picture) for picture in drawn)
    drawn_signature.cache_clear()
    assert drawn_signature(PEOPLE[0].name) == drawn[0]
