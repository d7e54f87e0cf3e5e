"""A month's checkpoints as a paper (A13), to be signed and kept outside the system."""

from archive.core.clock import show_instant
from archive.core.errors import Invalid, NotFound
from archive.core.profile import load_profile
from archive.filing.papers import Paper
from archive.forms.service import get_form
from archive.people.rights import Actor
from archive.trust.checkpoints import list_checkpoints
from storage.work import UnitOfWork

CODE = "A13"


def month_paper(uow: UnitOfWork, actor: Actor, month: str) -> Paper:
    """Return a month's (2026-11) checkpoints as a paper; raise NotFound where there are none."""
    if not month:
        raise Invalid("请写明月份。", {"month": "例如 2026-11"})
    found = list_checkpoints(uow, actor, month)
    if not found:
        raise NotFound(f"{month} 没有日志检查点。")
    values: dict[str, object] = {
        "单位": load_profile(uow).company,
        "月份": month,
        "检查点数": str(len(found)),
        "末次条数": str(found[0].tree_size),
        "检查点": [
            {
                "日期": one.day,
                "日志条数": str(one.tree_size),
                "根": one.root,
                "时间戳": "有" if one.is_stamped else "",
            }
            for one in reversed(found)
        ],
        "打印时间": show_instant(uow.now()),
        "打印人": actor.name,
    }
    return Paper(get_form(uow, CODE), values, month, month)
