"""What is overdue or wrong, judged on measured values alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from archive.core.clock import local_day

DANGER, WARNING, HINT = "danger", "warning", "info"
CHECK_WITHIN = timedelta(days=7)
BACKUP_WITHIN = timedelta(days=2)
DRILL_WITHIN = timedelta(days=92)
LEAST_SHARE, LEAST_BYTES = 0.05, 1 << 30
BEAT_WITHIN = timedelta(minutes=2)
WAIT_WITHIN = timedelta(minutes=10)
CLOCK_BACK = timedelta(minutes=2)
RENEWED_BY = timedelta(days=365 * 3 - 7)  # left of the issuing certificate; then renewal failed
RENEW_SOON = timedelta(days=365)
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Act:
    """When something was done last, how many things were wrong, and what it said."""

    at: datetime
    findings: int = 0
    why: str = ""


@dataclass(frozen=True)
class Authority:
    """Until when the company's certificates hold, and whether they can be renewed here."""

    root_until: datetime
    issuing_until: datetime
    has_root_key: bool


@dataclass(frozen=True)
class Measures:
    """What the server is measured by at one moment; sizes in bytes."""

    now: datetime
    begun: datetime | None
    last_entry: datetime | None
    checked: Act | None
    backed_up: Act | None
    backup_failed: Act | None
    drilled: Act | None
    backup_is_set: bool
    disk_free: int
    disk_total: int
    worker_beat: datetime | None
    office_answers: bool
    jobs_waiting: int
    jobs_given_up: int
    oldest_job: datetime | None
    index_trouble: str
    blobs: int
    blob_bytes: int
    row_bytes: int
    entries: int
    authority: Authority | None
    authority_trouble: str
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Notice:
    """One thing an administrator should know: how bad, what to do; on every page or not."""

    tone: str
    text: str
    on_every_page: bool = True


def notices(seen: Measures) -> tuple[Notice, ...]:
    """Return what is overdue or wrong, the worst first."""
    found = [*_disk(seen), *_backup(seen), *_check(seen), *_clock(seen), *_work(seen)]
    found += _authority(seen)
    return tuple(sorted(found, key=lambda one: (DANGER, WARNING, HINT).index(one.tone)))


def _disk(seen: Measures) -> Iterator[Notice]:
    is_short = seen.disk_free < LEAST_BYTES or seen.disk_free < LEAST_SHARE * seen.disk_total
    if is_short:
        free = seen.disk_free / (1 << 30)
        text = f"数据磁盘只剩 {free:.1f} GB。写满后什么也存不了，请尽快腾出空间或换大磁盘。"
        yield Notice(DANGER, text)


def _backup(seen: Measures) -> Iterator[Notice]:
    good, failed = seen.backed_up, seen.backup_failed
    if failed is not None and (good is None or failed.at > good.at):
        yield Notice(DANGER, f"自动备份没有做成：{failed.why or '原因见日志'}")
    elif seen.backup_is_set and (good is None or seen.now - good.at > BACKUP_WITHIN):
        since = "还没有做过" if good is None else f"已有 {(seen.now - good.at) // _DAY} 天没有做成"
        text = f"自动备份{since}。请看后台进程是否在运行、备份文件夹能否写入。"
        yield Notice(DANGER, text)
    elif not seen.backup_is_set and (good is None or seen.now - good.at > CHECK_WITHIN):
        text = "还没有设置自动备份（ARCHIVE_BACKUP_TO）；磁盘坏了，全部档案就没有了。"
        yield Notice(HINT, text, on_every_page=False)
    if good is not None and good.findings:
        yield Notice(
            DANGER, f"上次备份时有 {good.findings} 个文件丢失或损坏，请运行 archive verify。"
        )
    since_drill = seen.drilled.at if seen.drilled else seen.begun
    if good is not None and since_drill is not None and seen.now - since_drill > DRILL_WITHIN:
        text = "三个月没有做过恢复演练：archive restore 备份 --drill。"
        yield Notice(HINT, text, on_every_page=False)


def _check(seen: Measures) -> Iterator[Notice]:
    since = seen.checked.at if seen.checked else seen.begun
    if seen.checked is not None and seen.checked.findings:
        count = seen.checked.findings
        yield Notice(DANGER, f"上次完整性检查发现 {count} 处问题。请保留现状，对照备份处理。")
    if since is not None and seen.now - since > CHECK_WITHIN:
        days = (seen.now - since) // _DAY
        told = "没有做" if seen.checked else "，还没有做过"
        text = f"{'' if seen.checked else '启用'}已有 {days} 天{told}完整性检查。"
        yield Notice(WARNING, f"{text}请在“完整性检查”里做一次。")


def _clock(seen: Measures) -> Iterator[Notice]:
    if seen.last_entry is not None and seen.last_entry - seen.now > CLOCK_BACK:
        yield Notice(
            WARNING,
            "服务器的时钟比日志里最近的一条还早，时钟可能被调回过。请校准时间；日志仍按序号排列。",
        )


def _work(seen: Measures) -> Iterator[Notice]:
    beat = seen.worker_beat
    if beat is None or seen.now - beat > BEAT_WITHIN:
        text = "后台进程没有在运行，PDF、检索、提醒和自动备份都停着。请用 archive serve 启动。"
        yield Notice(WARNING, text, on_every_page=False)
    elif not seen.office_answers:
        text = "LibreOffice 没有应答，PDF 暂时做不了。请查看后台进程的日志。"
        yield Notice(WARNING, text, on_every_page=False)
    if seen.jobs_given_up:
        text = f"有 {seen.jobs_given_up} 件后台工作多次失败后放弃了，详见日志。"
        yield Notice(WARNING, text, on_every_page=False)
    if seen.oldest_job is not None and seen.now - seen.oldest_job > WAIT_WITHIN:
        minutes = (seen.now - seen.oldest_job) // timedelta(minutes=1)
        text = f"后台工作排了 {minutes} 分钟还没有做。"
        yield Notice(WARNING, text, on_every_page=False)
    if seen.index_trouble:
        yield Notice(WARNING, f"{seen.index_trouble}（会自动重建）", on_every_page=False)


def _authority(seen: Measures) -> Iterator[Notice]:
    if seen.authority_trouble:
        yield Notice(DANGER, seen.authority_trouble)
    held = seen.authority
    if held is None or held.issuing_until - seen.now > RENEWED_BY:
        return
    until = local_day(held.issuing_until)
    cause = (
        "请看后台进程的日志"
        if held.has_root_key
        else "根密钥不在 keys/authority/root.key，请把它放回去，十分钟内会更新，更新后可再收走"
    )
    is_near = held.issuing_until - seen.now < RENEW_SOON
    text = f"公司的签发证书到 {until} 为止，没有自动更新：{cause}。到期后谁也不能再签字。"
    yield Notice(DANGER if is_near else WARNING, text, on_every_page=is_near)
