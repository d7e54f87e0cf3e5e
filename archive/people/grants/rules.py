"""What a grant must say: until when at most, and why. Pure."""

from datetime import date, timedelta

from archive.core.errors import Invalid

LONGEST_DAYS = 366
MOST_REASON = 200
KINDS = {"record": "文件", "item": "档案", "volume": "案卷", "customer": "客户"}


def check_until(until: date, today: date) -> None:
    """Raise Invalid for a day that is past or more than a year ahead."""
    if until < today:
        raise Invalid("截止日期已经过去。", {"until": "应不早于今天"})
    if until - today > timedelta(days=LONGEST_DAYS):
        raise Invalid("授权最长一年，到期可以再授。", {"until": "最远一年以后"})


def clean_reason(text: str, what: str = "授权") -> str:
    """Return the reason on one line; raise Invalid when it is missing, too long or not text."""
    cleaned = " ".join(text.split())
    if not cleaned:
        raise Invalid(f"请写明{what}的原因。", {"reason": "不能为空"})
    if len(cleaned) > MOST_REASON or not cleaned.isprintable():
        raise Invalid("原因太长或含有看不见的字符。", {"reason": f"最多 {MOST_REASON} 个可见的字"})
    return cleaned
