"""Last year's figures of a monthly report: brought when the month is chosen, never over typing."""

import pytest

from archive.people.readers import write_readers
from archive.records import service
from archive.records.models import Record, RecordState


def figures(turnover, total):
    names = ("营业额", "毛利", "收款")
    return [
        {"项目": name, "本月实际业绩": str(turnover + at), "累计实际业绩": str(total + at)}
        for at, name in enumerate(names)
    ]


@pytest.fixture
def report(resources, company, make_draft):
    """Return a maker of signed reports."""

    def make(month, turnover, total, actor=None, state=RecordState.SIGNED):
        record = make_draft(
            {"日期": f"{month}-28", "月份": month, "业绩": figures(turnover, total)},
            actor=actor or company.sales_clerk,
            code="E10",
        )
        with resources.work() as uow:
            row = uow.session.get(Record, record.id)
            row.state, row.number = state, f"E10-{month}-{record.id:03d}"
            row.signed_at = uow.now()
            write_readers(uow, "record", record.id, service.thing_of(uow, record.id))
            uow.commit()
        return record

    return make


def begin(resources, actor):
    with resources.work() as uow:
        record = service.start_draft(uow, actor, "E10")
        uow.commit()
    return record


def save(resources, actor, record, **changed):
    with resources.work() as uow:
        now = service.load_record(uow, record.id)
        values = {**now.content, **changed}
        saved = service.save_draft(uow, actor, record.id, values, now.version)
        uow.commit()
    return saved


def last_year(record):
    return [row["本月去年同期"] for row in record.content["业绩"]]


def test_a_new_report_begins_with_last_years_figures(resources, company, report):
    report("2025-11", 1000, 9000)
    record = begin(resources, company.sales_clerk)
    assert record.content["月份"] == "2026-11"
    assert last_year(record) == ["1000.00", "1001.00", "1002.00"]
    assert record.content["业绩"][0]["累计去年同期"] == "9000.00"


def test_choosing_another_month_brings_that_months_figures(resources, company, report):
    report("2025-11", 1000, 9000)
    report("2025-10", 500, 8000)
    record = begin(resources, company.sales_clerk)
    moved = save(resources, company.sales_clerk, record, 月份="2026-10")
    assert last_year(moved) == ["500.00", "501.00", "502.00"]
    nowhere = save(resources, company.sales_clerk, moved, 月份="2026-03")
    assert last_year(nowhere) == ["", "", ""]


def test_a_typed_figure_is_never_written_over(resources, company, report):
    report("2025-11", 1000, 9000)
    report("2025-10", 500, 8000)
    record = begin(resources, company.sales_clerk)
    rows = [dict(row) for row in record.content["业绩"]]
    rows[1]["本月去年同期"] = "777"
    typed = save(resources, company.sales_clerk, record, 业绩=rows)
    moved = save(resources, company.sales_clerk, typed, 月份="2026-10")
    assert last_year(moved) == ["500.00", "777.00", "502.00"]


def test_a_cleared_figure_stays_cleared_while_the_month_stays(resources, company, report):
    report("2025-11", 1000, 9000)
    record = begin(resources, company.sales_clerk)
    rows = [dict(row) | {"本月去年同期": ""} for row in record.content["业绩"]]
    assert last_year(save(resources, company.sales_clerk, record, 业绩=rows)) == ["", "", ""]


def test_a_save_sent_again_after_figures_were_brought_is_no_conflict(
    resources, company, client_for, report
):
    report("2025-10", 500, 8000)
    record = begin(resources, company.sales_clerk)
    clerk = client_for(company.sales_clerk)
    values = {**record.content, "月份": "2026-10"}
    body = {"version": record.version, "values": values}
    first = clerk.post(f"/records/{record.id}/autosave", json=body)
    assert first.get_json()["brought"]["业绩[0].本月去年同期"] == "500.00"
    assert "E10-2025-10" in first.get_json()["notes"]["业绩"]
    again = clerk.post(f"/records/{record.id}/autosave", json=body)
    assert again.status_code == 200
    assert again.get_json()["version"] == first.get_json()["version"]


def test_only_signed_reports_one_may_read_count(resources, company, report):
    report("2025-11", 1000, 9000, state=RecordState.DRAFT)
    report("2025-11", 70, 80, actor=company.other_clerk)
    assert last_year(begin(resources, company.sales_clerk)) == ["", "", ""]


def test_ones_own_report_goes_before_a_colleagues(resources, company, report):
    report("2025-11", 1000, 9000, actor=company.sales_clerk2)
    assert last_year(begin(resources, company.sales_clerk))[0] == "1000.00"
    report("2025-11", 10, 90, actor=company.sales_head)
    assert last_year(begin(resources, company.sales_clerk)) == ["", "", ""]
    report("2025-11", 5, 6)
    assert last_year(begin(resources, company.sales_clerk))[0] == "5.00"


def test_a_half_typed_month_brings_nothing(resources, company, report):
    report("2025-11", 1000, 9000)
    record = begin(resources, company.sales_clerk)
    broken = save(resources, company.sales_clerk, record, 月份="2026年")
    assert last_year(broken) == ["", "", ""]
    assert (
        last_year(save(resources, company.sales_clerk, broken, 月份="2026年11月"))[0] == "1000.00"
    )
