"""What signing in is decided by, on plain values: lifetimes, locks, words for what is shown."""

import re
import unicodedata
from datetime import timedelta

READ, WRITE = "read", "write"
SCOPES = {READ: "只读", WRITE: "读写"}
METHODS = {
    "password": "密码",
    "ldap": "公司目录（LDAP）",
    "oidc": "统一登录",
    "code": "两步验证",
}
REFUSALS = {
    "": "成功",
    "unknown": "没有这个用户名",
    "left": "已离职",
    "password": "密码不对",
    "throttled": "错误次数过多，暂时锁定",
    "code": "验证码不对",
    "replayed": "验证码已经用过",
    "no_account": "没有对应的账号",
    "other_identity": "账号已对应另一个身份",
    "use_outside": "应从统一登录进来",
    "provider": "统一登录没有通过",
    "unreachable": "公司目录连不上",
}
STEP_LIFE = timedelta(minutes=5)
SEEN_EVERY = timedelta(minutes=5)
FRESH = timedelta(minutes=10)
FIRST_LOCK = timedelta(minutes=15)
LONGEST_LOCK = timedelta(hours=24)
LOCK_MEMORY = timedelta(hours=24)
WRONG_CODES = 8
CODE_LOCK = timedelta(minutes=15)
LOG_KEPT = timedelta(days=400)  # 网络安全法 art. 21: at least six months
_BROWSERS = (
    (r"MicroMessenger/", "微信"),
    (r"DingTalk/", "钉钉"),
    (r"QQBrowser/", "QQ 浏览器"),
    (r"Edg(?:e|A|iOS)?/", "Edge"),
    (r"(?:Chrome|CriOS)/", "Chrome"),
    (r"(?:Firefox|FxiOS)/", "Firefox"),
    (r"Safari/", "Safari"),
)
_SYSTEMS = (
    (r"HarmonyOS|OpenHarmony", "鸿蒙"),
    (r"Android", "安卓"),
    (r"iPhone|iPad", "苹果手机或平板"),
    (r"Windows", "Windows"),
    (r"Mac OS X|Macintosh", "Mac"),
    (r"Linux|X11", "Linux"),
)


def inside(target: str) -> str:
    """Return the target if it is a path of this server, else the home page."""
    is_path = target.startswith("/") and not target.startswith(("//", "/\\"))
    return target if is_path and target.isprintable() and "\\" not in target else "/"


def name_key(username: str) -> str:
    """Return under what wrong passwords of a name are counted: spelt otherwise is no other name."""
    return " ".join(unicodedata.normalize("NFKC", username).casefold().split())[:80]


def lock_length(earlier: int) -> timedelta:
    """Return how long an account is locked that was locked ``earlier`` times in a day."""
    times: int = 2 ** min(earlier, 10)
    return min(FIRST_LOCK * times, LONGEST_LOCK)


def device_name(agent: str) -> str:
    """Return a browser and its system in words people know."""
    browser = next((name for mark, name in _BROWSERS if re.search(mark, agent)), "")
    system = next((name for mark, name in _SYSTEMS if re.search(mark, agent)), "")
    return " · ".join(part for part in (browser, system) if part) or "不认识的设备"
