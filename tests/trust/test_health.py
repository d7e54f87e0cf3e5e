"""What is overdue is said to administrators, and programs read the measures; nobody else."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from archive.app import create_app
from archive.core.logs import JsonLines, request_id
from archive.jobs import drain_all
from archive.trust.backup import nightly, record
from archive.trust.backup.record import Done
from archive.trust.health.rules import DANGER, HINT, WARNING, Act, Authority, Measures, notices

NOW = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)
GB = 1 << 30


def holding(days, *, has_root_key=True):
    return Authority(NOW + timedelta(days=7300), NOW + timedelta(days=days), has_root_key)


WELL = Measures(
    now=NOW,
    begun=NOW - timedelta(days=300),
    last_entry=NOW - timedelta(minutes=1),
    checked=Act(NOW - timedelta(days=6)),
    backed_up=Act(NOW - timedelta(hours=20)),
    backup_failed=None,
    drilled=Act(NOW - timedelta(days=30)),
    backup_is_set=True,
    disk_free=100 * GB,
    disk_total=500 * GB,
    worker_beat=NOW - timedelta(seconds=40),
    office_answers=True,
    jobs_waiting=0,
    jobs_given_up=0,
    oldest_job=None,
    index_trouble="",
    blobs=10,
    blob_bytes=1000,
    row_bytes=1000,
    entries=10,
    authority=holding(3650),
    authority_trouble="",
    versions={"档案台": "0.1.0"},
)


def test_nothing_is_said_while_all_is_well():
    assert notices(WELL) == ()


@pytest.mark.parametrize(
    ("change", "tone", "words"),
    [
        ({"checked": Act(NOW - timedelta(days=8))}, WARNING, "8 天没有做完整性检查"),
        ({"checked": None}, WARNING, "启用已有 300 天，还没有做过完整性检查"),
        ({"checked": Act(NOW, 3)}, DANGER, "发现 3 处"),
        ({"backed_up": Act(NOW - timedelta(days=3))}, DANGER, "3 天没有做成"),
        ({"backed_up": None}, DANGER, "还没有做过"),
        ({"backed_up": None, "backup_is_set": False}, HINT, "ARCHIVE_BACKUP_TO"),
        ({"backup_failed": Act(NOW, 0, "磁盘已满")}, DANGER, "磁盘已满"),
        ({"backed_up": Act(NOW, 2)}, DANGER, "2 个文件"),
        ({"drilled": None}, HINT, "演练"),
        ({"disk_free": GB - 1, "disk_total": 2 * GB}, DANGER, "只剩"),
        ({"disk_free": 24 * GB}, DANGER, "24.0 GB"),
        ({"last_entry": NOW + timedelta(hours=1)}, WARNING, "时钟"),
        ({"worker_beat": None}, WARNING, "后台进程"),
        ({"office_answers": False}, WARNING, "LibreOffice"),
        ({"jobs_given_up": 1}, WARNING, "放弃"),
        ({"oldest_job": NOW - timedelta(hours=1)}, WARNING, "60 分钟"),
        ({"index_trouble": "索引损坏"}, WARNING, "索引损坏"),
        ({"authority": holding(1000, has_root_key=False)}, WARNING, "root.key，请把它放回去"),
        ({"authority": holding(1000)}, WARNING, "请看后台进程的日志"),
        ({"authority": holding(300)}, DANGER, "到 2027-09-19 为止，没有自动更新"),
        ({"authority": None, "authority_trouble": "证书已损坏"}, DANGER, "证书已损坏"),
    ],
)
def test_what_is_overdue_or_wrong_is_said_once(change, tone, words):
    (told,) = notices(replace(WELL, **change))
    assert told.tone == tone and words in told.text


def test_a_failure_before_the_last_good_backup_is_forgotten():
    failed = Act(NOW - timedelta(days=2), 0, "磁盘已满")
    assert notices(replace(WELL, backup_failed=failed)) == ()


def test_the_banner_is_for_administrators(app, resources, company, client_for, clock):
    with resources.work() as uow:
        uow.journal(None, "x", "x", "x")
        uow.commit()
    clock.advance(days=9)
    assert "9 天，还没有做过完整性检查" in client_for(company.admin).get("/admin/users").text
    assert "完整性检查。" not in client_for(company.sales_clerk).get("/").text
    page = client_for(company.admin).get("/admin/health").text
    assert "没有心跳" in page and "ARCHIVE_BACKUP_TO" in page
    assert "读外来文件的进程" in page and "网络" in page
    client_for(company.admin).post("/admin/verify")
    drain_all(resources)
    app.extensions.pop("archive_health_notices")
    assert "完整性检查。" not in client_for(company.admin).get("/admin/users").text
    with resources.reading() as uow:
        assert record.last(uow, record.CHECKED).at == clock()


def test_metrics_by_token_only(resources, company, client_for):
    parts = replace(resources, settings=replace(resources.settings, metrics_token="t" * 20))
    client = create_app(parts).test_client()
    assert client.get("/metrics").status_code == 302
    for wrong in ("Bearer x", "Basic " + "t" * 20, "Bearer 令牌", "Bearer"):
        assert client.get("/metrics", headers={"Authorization": wrong}).status_code == 403, wrong
    client.get("/records/17?q=青岛海信")
    answer = client.get("/metrics", headers={"Authorization": "Bearer " + "t" * 20})
    assert answer.status_code == 200 and answer.mimetype == "text/plain"
    assert 'archive_request_seconds_bucket{method="GET",route="/records/<int:record_id>"' in (
        answer.text
    )
    assert "archive_outbox_pending " in answer.text
    for line in answer.text.splitlines():
        assert line.startswith("#") or len(line.rsplit(" ", 1)) == 2
    assert "海信" not in answer.text and "/records/17" not in answer.text


def test_no_token_set_opens_nothing(client_for):
    for sent in ("Bearer ", "Bearer x"):
        answer = client_for(None).get("/metrics", headers={"Authorization": sent})
        assert answer.status_code == 403


def test_every_answer_has_a_number_and_a_hostile_one_is_not_taken(client_for):
    client = client_for(None)
    assert client.get("/healthz", headers={"X-Request-ID": "abc-1"}).headers["X-Request-ID"] == (
        "abc-1"
    )
    hostile = "x" * 100
    made = client.get("/healthz", headers={"X-Request-ID": hostile}).headers["X-Request-ID"]
    assert made != hostile and len(made) == 16


def test_the_json_log_tells_no_personal_data(caplog):
    import json
    import logging

    request_id.set("r1")
    try:
        raise ValueError("王建国 13800138000")
    except ValueError:
        logger = logging.getLogger("t")
        with caplog.at_level("ERROR"):
            logger.exception("failed", extra={"route": "/x"})
    line = JsonLines().format(caplog.records[-1])
    said = json.loads(line)
    assert said["error"] == "ValueError" and said["request_id"] == "r1" and said["route"] == "/x"
    assert "王建国" not in line and "\n" not in line


def done(**ago):
    return Done(NOW - timedelta(**ago), {})


def test_a_night_has_one_backup():
    due = nightly.backup_is_due  # NOW is 9:30 in the morning; the night began at 1:00
    assert due(NOW, None, None)
    assert due(NOW, done(hours=9), None)
    assert not due(NOW, done(hours=8), None)
    assert not due(NOW, done(hours=9), done(minutes=59))
    assert due(NOW, done(hours=9), done(minutes=61))
    assert due(NOW, done(hours=-50), None), "a clock that went back does not stop backups"
    assert nightly.check_is_due(NOW, done(days=7), None)
    assert not nightly.check_is_due(NOW, done(days=6), None)
    assert not nightly.check_is_due(NOW, None, None)


def test_the_nightly_backup_is_made_and_a_lost_disk_is_told(resources, tmp_path, clock):
    with resources.database.writer.connect() as rows:
        rows.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32))")
        rows.commit()
    place = tmp_path / "备份盘"
    parts = replace(resources, settings=replace(resources.settings, backup_to=place))
    assert not nightly.do_nightly(parts)
    with resources.reading() as uow:
        assert "没有挂上" in record.last(uow, record.BACKUP_FAILED).detail["why"]
    assert not place.exists()
    nightly.backup_to_folder(parts, place, None, lambda *_: None)
    assert not nightly.do_nightly(parts), "an hour has not passed"
    clock.advance(hours=2)
    assert nightly.do_nightly(parts)
    assert not nightly.do_nightly(parts)
    with resources.reading() as uow:
        assert record.last(uow, record.BACKED_UP).at == clock()


def test_a_database_that_cannot_be_read_is_said_to_whoever_asks_how_it_is(resources, client_for):
    client = client_for(None)
    assert (client.get("/healthz").status_code, client.get("/healthz").json["status"]) == (
        200,
        "ok",
    )
    resources.database.dispose()
    for path in resources.settings.data.glob("archive.db*"):
        path.write_bytes(b"no database any more" * 500)
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json) == (503, {"status": "down"})
