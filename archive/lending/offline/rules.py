"""What becomes of an act noted while the network was down (断网借还). Pure.

The hand-over that came first over the desk wins: the paper can be in one place only, and the
times of both desks say where it was. What does not fit is told as a conflict and changes nothing.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from archive.core.clock import show_instant

AHEAD = timedelta(minutes=5)
OLDEST = timedelta(days=7)
OUT, BACK = "out", "back"


@dataclass(frozen=True)
class Act:
    """One act as the page noted it; ``at`` is the page's own time.

    ``drawn_png`` is what the borrower drew for this act; None: signed on paper.
    """

    client_id: str
    kind: str
    barcode: str
    at: datetime
    request_id: int | None = None
    pages: int | None = None
    condition: str = ""
    staff_no: str = ""
    drawn_png: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True)
class CopyNow:
    """Where the register says a copy is: out since when, on which request, to whom; last back."""

    out_since: datetime | None = None
    request_id: int | None = None
    holder: str = ""
    last_back: datetime | None = None


class Step(StrEnum):
    """What to do with the act."""

    APPLY = "apply"
    DISPLACE = "displace"
    KNOWN = "known"
    REFUSE = "refuse"


@dataclass(frozen=True)
class Verdict:
    """What to do, and the words for it where it is not simply done."""

    step: Step
    words: str = ""


def judge(act: Act, copy: CopyNow, now: datetime) -> Verdict:
    """Say what becomes of an act; the clock of the desk must be believable first."""
    if act.at > now + AHEAD:
        return _refused("这台机器的时钟走快了，记下的时间还没有到；请校准时钟后重新办理。")
    if act.at < now - OLDEST:
        return _refused("记下的时间太早（超过 7 天），不能补登；请按实物重新办理。")
    return _judge_out(act, copy) if act.kind == OUT else _judge_back(act, copy)


def _judge_out(act: Act, copy: CopyNow) -> Verdict:
    if copy.last_back is not None and copy.last_back > act.at:
        return _refused(f"那时这一份还没有收回（{show_instant(copy.last_back)}才归还）。")
    if copy.out_since is None:
        return Verdict(Step.APPLY)
    since = show_instant(copy.out_since)
    if copy.request_id == act.request_id:
        return Verdict(Step.KNOWN, f"这一笔已经登记过（{since}）。")
    if copy.out_since > act.at:
        words = f"先交出的算数：撤销了 {since} 借给{copy.holder}的登记，请核对那一份实物。"
        return Verdict(Step.DISPLACE, words)
    return _refused(f"这一份已先借给{copy.holder}（{since}），这一笔没有登记；请核对实物。")


def _judge_back(act: Act, copy: CopyNow) -> Verdict:
    if copy.out_since is not None:
        if copy.out_since <= act.at:
            return Verdict(Step.APPLY)
        since = show_instant(copy.out_since)
        return _refused(f"这一份在 {since} 才借给{copy.holder}，归还的时间比这早；请核对实物。")
    if copy.last_back is None:
        return _refused("这一份没有借出过，不用归还。")
    return Verdict(Step.KNOWN, f"这一份已于 {show_instant(copy.last_back)} 归还，没有改动。")


def _refused(words: str) -> Verdict:
    return Verdict(Step.REFUSE, words)
