"""Making a package of an item, a volume, or all that is filed of a customer, as long work.

Only what its owner may read goes in, checked again when it is made. Each item has a folder of its
own: its files, and its description with every act on it. Called by pages, calls and the worker.
"""

import io
import json
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import select

from archive.core.clock import local, local_day
from archive.core.errors import Invalid, NotFound
from archive.core.profile import load_profile
from archive.core.resources import Resources
from archive.customers.models import Customer
from archive.filing.items import get_item, load_item
from archive.filing.models import HELD, Item, Volume
from archive.filing.packages.bag import BagWriter, safe_name, unique_name
from archive.filing.retention.models import DisposalLine, DisposalList
from archive.filing.views import ItemView
from archive.people import service as people
from archive.people.rights import Actor, require
from archive.people.service import get_actor
from archive.tasks import service as tasks
from archive.tasks.service import RESULT, NewFile, Progress, TaskView
from storage.journal import JournalEntry
from storage.work import UnitOfWork

PACKAGE = "filing.package"
ZIP = "application/zip"
DESCRIPTION = "元数据.json"
SCOPES = {"item": "一件", "volume": "案卷", "customer": "客户档案"}
MOST_ITEMS = 5000
MOST_BYTES = 4 << 30


@dataclass(frozen=True)
class _Content:
    """What a package is of: its name, and the items that go in."""

    name: str
    title: str
    item_ids: tuple[int, ...]


def start_package(uow: UnitOfWork, actor: Actor, scope: str, number: int) -> TaskView:
    """Leave the making to the worker; raise NotFound, Invalid for nothing in it or too much."""
    require(actor, "item.package")
    content = _content(uow, actor, scope, number)
    title = f"封装包：{content.title}（{len(content.item_ids)} 件）"
    params = {"scope": scope, "number": number}
    return tasks.start_task(uow, actor, PACKAGE, title, params)


def package_work(resources: Resources, task: TaskView) -> Generator[Progress, None, None]:
    """Write the bag item by item; begun again, it is written anew."""
    scope, number = str(task.params["scope"]), int(task.params["number"])
    with resources.reading() as uow:
        actor = get_actor(uow, task.owner_id)
        content = _content(uow, actor, scope, number)
        company = load_profile(uow).company
    now, total = resources.clock(), len(content.item_ids)
    with TemporaryDirectory(prefix="package-") as folder:
        target = Path(folder, "bag.zip")
        with BagWriter(target, content.name, local(now)) as bag:
            taken: set[str] = set()
            for done, item_id in enumerate(content.item_ids):
                yield Progress(done, total, "正在装入文件…")
                _put_in(resources, bag, actor, item_id, taken)
            bag.close_with(
                {
                    "Source-Organization": company,
                    "External-Description": content.title,
                    "External-Identifier": content.name,
                    "Bagging-Date": local_day(now).isoformat(),
                    "Bag-Software-Agent": "档案台",
                }
            )
        if target.stat().st_size > MOST_BYTES:
            raise Invalid(f"封装包超过 {MOST_BYTES >> 30} GB，请按案卷分开做。")
        ref = resources.blobs.put_file(target, ZIP)
    with resources.work() as uow:
        detail = {"scope": scope, "number": number, "items": total, "package": ref.sha256}
        uow.journal(actor.id, "item.package", scope, number, detail)
        uow.commit()
    file = NewFile(RESULT, 0, f"{safe_name(content.name)}.zip", ref, f"{total} 件")
    notes = [f"共 {total} 件；BagIt 1.0，SHA-256 清单，可用任何 BagIt 工具核对。"]
    yield Progress(
        total, total, "封装包做好了。", result={"notes": notes}, files=(file,), is_end=True
    )


def _content(uow: UnitOfWork, actor: Actor, scope: str, number: int) -> _Content:
    if scope == "item":
        item = get_item(uow, actor, number)
        return _Content(_code_of(item), item.title, (item.id,))
    if scope == "volume":
        volume = uow.session.get(Volume, number)
        found = _readable(uow, actor, _ids(uow, Item.volume_id == number))
        name = title = volume.title if volume else ""
    elif scope == "customer":
        customer = uow.session.get(Customer, number)
        found = _readable(uow, actor, _ids(uow, Item.customer_id == number))
        name = title = f"{customer.name}客户档案" if customer else ""
    elif scope == "disposal":
        row = uow.session.get(DisposalList, number)
        inside = select(DisposalLine.item_id).where(DisposalLine.list_id == number)
        found = _readable(uow, actor, _ids(uow, Item.id.in_(inside)))
        name = title = f"{row.number}移交档案" if row else ""
    else:
        raise Invalid("封装包可以是一件、一个案卷或一个客户的全部档案。", {"scope": "不认识"})
    if not name:
        raise NotFound(f"没有这个{SCOPES[scope]}。")
    if not found:
        raise Invalid("里面没有您可以导出的已归档文件，做不成封装包。")
    if len(found) > MOST_ITEMS:
        raise Invalid(f"共 {len(found)} 件，一次最多 {MOST_ITEMS} 件，请按案卷分开做。")
    return _Content(name, title, found)


def _ids(uow: UnitOfWork, where: object) -> Sequence[int]:
    query = select(Item.id).where(where, Item.state.in_(HELD))  # type: ignore[arg-type]
    code = query.order_by(Item.reference_code, Item.provisional_code, Item.id)
    return uow.session.scalars(code).all()


def _readable(uow: UnitOfWork, actor: Actor, ids: Sequence[int]) -> tuple[int, ...]:
    """Return those the actor may read; the others are not there for them."""
    found = []
    for item_id in ids:
        try:
            found.append(get_item(uow, actor, item_id).id)
        except NotFound:
            continue
    return tuple(found)


def _put_in(
    resources: Resources, bag: BagWriter, actor: Actor, item_id: int, taken: set[str]
) -> None:
    with resources.reading() as uow:
        item = get_item(uow, actor, item_id)
        described = _description(uow, item)
    folder, inside = unique_name(safe_name(_code_of(item)), taken), set[str]()
    for file in item.files:
        name = unique_name(safe_name(file.name), inside)
        with resources.blobs.open(file.sha256) as stream:
            bag.add(f"{folder}/{name}", stream)
    text = json.dumps(described, ensure_ascii=False, indent=1, sort_keys=True)
    bag.add(f"{folder}/{unique_name(DESCRIPTION, inside)}", io.BytesIO(text.encode()))


def _code_of(item: ItemView) -> str:
    return item.reference_code or item.provisional_code or f"{item.id:06d}"


def _description(uow: UnitOfWork, item: ItemView) -> dict[str, object]:
    """Return the item's description: core, files, and its process (DA/T 46)."""
    whole = load_item(uow, item.id)
    return {
        "档号": whole.reference_code or "",
        "归档号": whole.provisional_code or "",
        "题名": whole.title,
        "文号": whole.document_number,
        "责任者": whole.responsible,
        "日期": whole.document_date.isoformat() if whole.document_date else "",
        "年度": whole.year,
        "门类": whole.category,
        "类目": whole.item_class,
        "保管期限": whole.retention,
        "密级": whole.secrecy_label,
        "机构": whole.unit,
        "部门": whole.department_name,
        "客户": whole.customer_name,
        "表单": whole.form_code,
        "页数": whole.pages,
        "附注": whole.note,
        "其他": dict(whole.elements),
        "来源编号": whole.external_id or "",
        "文件": [
            {
                "角色": file.role_label,
                "名称": file.name,
                "字节": file.size,
                "格式": file.media_type,
                "SHA-256": file.sha256,
            }
            for file in whole.files
        ],
        "归档步骤": [
            {"步骤": one.step, "办理人": one.by_name, "时间": one.at.isoformat(), "说明": one.note}
            for one in whole.steps
        ],
        "过程": _process(uow, whole),
    }


def _process(uow: UnitOfWork, item: ItemView) -> list[dict[str, object]]:
    rows = list(
        uow.session.scalars(
            select(JournalEntry)
            .where(JournalEntry.object_type == "item", JournalEntry.object_id == str(item.id))
            .order_by(JournalEntry.seq)
        )
    )
    names = people.names_of(uow, [row.actor_id for row in rows])
    return [
        {
            "序号": row.seq,
            "时间": row.at,
            "何人": names.get(row.actor_id or 0, "系统"),
            "做了什么": row.action,
            "摘要": row.hash,
        }
        for row in rows
    ]
