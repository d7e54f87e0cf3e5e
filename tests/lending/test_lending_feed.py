"""The calendar of one's due days, and the secrecy of its address."""

import re
from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from archive.lending.icalendar import DueDay, write_calendar
from archive.people.models import User

NOW = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)


def unfolded(content: bytes) -> list[str]:
    return content.decode().replace("\r\n ", "").split("\r\n")[:-1]


@given(st.text(max_size=200), st.dates(date(2000, 1, 1), date(2100, 1, 1)))
def test_no_text_breaks_the_calendar(text, day):
    content = write_calendar("借阅应还", [DueDay("loan-1@x", day, text, text)], NOW)
    assert all(len(line) <= 75 for line in content.split(b"\r\n"))
    lines = unfolded(content)
    assert lines.count("BEGIN:VEVENT") == lines.count("END:VEVENT") == 1
    assert lines[0] == "BEGIN:VCALENDAR" and lines[-1] == "END:VCALENDAR"
    assert f"DTSTART;VALUE=DATE:{day:%Y%m%d}" in lines
    told = next(line for line in lines if line.startswith("SUMMARY:")).removeprefix("SUMMARY:")
    plain = re.sub(r"\\(.)", lambda found: "\n" if found.group(1) == "n" else found.group(1), told)
    assert plain == "".join(char for char in text if char == "\n" or char.isprintable())


def address_of(page: str) -> str:
    return re.search(r"/loans/calendar/[\w-]+\.ics", page).group(0)


def test_the_due_day_is_in_the_calendar_of_its_borrower(shelf, company, client_for):
    open_item, barcode = shelf.item(title="报告；表,甲")
    shelf.lent(company.sales_clerk, open_item, barcode)
    client, stranger = client_for(company.sales_clerk), client_for(None)
    assert "取订阅地址" in client.get("/loans").text
    address = address_of(client.post("/loans/calendar/new").text)
    answer = stranger.get(address)
    assert answer.content_type.startswith("text/calendar")
    lines = unfolded(answer.data)
    assert "DTSTART;VALUE=DATE:20261207" in lines
    assert any("归还《报告；表\\,甲》" in line for line in lines)

    assert "换一个订阅地址" in client.get("/loans").text
    fresh = address_of(client.post("/loans/calendar/new").text)
    assert fresh != address and stranger.get(address).status_code == 404
    with shelf.resources.work() as uow:
        uow.session.get(User, company.sales_clerk.id).left_on = date(2026, 11, 23)
        uow.commit()
    assert stranger.get(fresh).status_code == 404


def test_a_calendar_is_ended_and_a_guess_finds_nothing(shelf, company, client_for):
    client, stranger = client_for(company.sales_clerk), client_for(None)
    client.post("/loans/calendar/stop")
    address = address_of(client.post("/loans/calendar/new").text)
    client.post("/loans/calendar/stop")
    for wrong in (address, "/loans/calendar/x.ics", f"/loans/calendar/{'A' * 5000}.ics"):
        assert stranger.get(wrong).status_code == 404
    assert shelf.journal().count("loan_feed.close") == 1
