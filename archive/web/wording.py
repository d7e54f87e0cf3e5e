"""What people read when something is refused: titles, sentences, next steps, schema messages.

Only words live here; which error gets which status stands in ``errors.py``.
"""

import re
from collections.abc import Callable

TITLES = {
    400: "请求有误",
    401: "请先登录",
    403: "没有权限",
    404: "找不到",
    405: "不能这样操作",
    409: "已被改动",
    413: "内容太大",
    415: "格式不支持",
    422: "请改正后再提交",
    429: "操作太频繁",
    500: "系统出错",
    503: "暂时做不了",
    507: "磁盘写不进去",
}

SENTENCES: dict[int | str, str] = {
    400: "收到的内容不完整或格式不对。请返回上一页，重新填写后提交。",
    401: "请先登录。",
    403: "您没有权限做这件事；如确有需要，请联系部门负责人或安全管理员。",
    404: "没有这个页面或这份内容，或者您无权查看。",
    405: "这个地址不支持这种操作。请从页面上的按钮进入。",
    406: "无法按要求的格式回答。请改用 JSON。",
    408: "等待内容的时间太长。请检查网络后重试。",
    409: "这份内容刚刚被别人改过，或编号、名称已被占用。请刷新后核对，再重新保存。",
    410: "这份内容已不存在。",
    411: "缺少内容长度。请重新提交。",
    412: "条件不符。请刷新后重试。",
    413: "提交的内容太大。请压缩附件或分次提交。",
    414: "地址太长。请缩短检索词后重试。",
    415: "不支持这种内容格式。接口请发送 JSON（Content-Type: application/json）。",
    416: "要求的范围不存在。",
    422: "有的内容不符合要求，请按提示改正后再提交。",
    428: "缺少版本号。请刷新后重试。",
    429: "操作太频繁，请稍等一会儿再试。",
    431: "请求的头部太大。请清除浏览器的本站数据后重试。",
    500: "系统出了错，已经记录下来。请稍后重试；如果一直这样，请告诉系统管理员。",
    501: "系统不支持这种操作。",
    503: "需要的服务现在没有响应。请稍后再试。",
    507: "服务器的磁盘已满或不能写入，这一步没有保存，也没有留下一半。已保存的都在。",
    "csrf": "页面放得太久，提交凭证已经失效。请返回上一页刷新后重新提交，填写的内容请先复制保存。",
}

NEXT_STEPS = {
    403: "需要权限时，请把本页地址发给部门负责人或安全管理员。",
    404: "请核对地址，或用上方的检索框查找。",
    409: "请返回后刷新页面，核对最新内容，再做一次。",
    413: "请压缩或拆分后再提交。",
    507: "请先把刚才填写的内容复制下来，再告诉系统管理员腾出磁盘空间；之后返回上一页重新提交。",
    503: "请过几分钟再试；一直不行时，请告诉系统管理员。",
}

_Wording = str | Callable[[re.Match[str]], str]

# Messages of the schema library, as patterns, in the order they are tried.
_SCHEMA: tuple[tuple[re.Pattern[str], _Wording], ...] = tuple(
    (re.compile(pattern), wording)
    for pattern, wording in (
        (r"Field required|Missing data", "必填"),
        (r"Extra inputs|Unknown field", "没有这一项"),
        (r"at least (\d+) character", lambda m: f"至少 {m[1]} 个字"),
        (r"at most (\d+) character", lambda m: f"最多 {m[1]} 个字"),
        (r"at least (\d+) item", lambda m: f"至少 {m[1]} 项"),
        (r"at most (\d+) item", lambda m: f"最多 {m[1]} 项"),
        (r"greater than or equal to (\S+)", lambda m: f"不能小于 {m[1]}"),
        (r"less than or equal to (\S+)", lambda m: f"不能大于 {m[1]}"),
        (r"greater than (\S+)", lambda m: f"要大于 {m[1]}"),
        (r"less than (\S+)", lambda m: f"要小于 {m[1]}"),
        (r"valid string|valid text", "要填文字"),
        (r"valid integer|unable to parse string as an integer", "要填整数"),
        (r"valid number|valid decimal|unable to parse string as a number", "要填数字"),
        (r"valid boolean|unable to interpret", "要填是（true）或否（false）"),
        (r"valid date", "要填日期，如 2026-11-23"),
        (r"valid list|valid array|Not a valid list", "要填一个列表"),
        (
            r"valid dictionary|valid object|Invalid input type|Input should be an object",
            "要填一个对象",
        ),
        (r"JSON", "不是正确的 JSON"),
        (r"Input should be (.+)", lambda m: f"只能是 {m[1].replace(' or ', ' 或 ')}"),
        (r"should match pattern", "格式不对"),
        (r"Value error, (.+)", lambda m: m[1]),
    )
)


def in_chinese(message: str) -> str:
    """Return a message of the schema library in plain Chinese; Chinese stays as it is."""
    if re.search(r"[\u4e00-\u9fff]", message) and not message.startswith("Value error, "):
        return message
    for pattern, wording in _SCHEMA:
        found = pattern.search(message)
        if found:
            return wording if isinstance(wording, str) else wording(found)
    return "填写的内容不对"
