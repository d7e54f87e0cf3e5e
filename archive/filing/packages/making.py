"""Making a package of an item, a volume, or all that is filed of a customer, as long work.

Only what its owner may read goes in, checked again when it is made. Each item has a folder of its
own: its files, and its description with every act on it. Called by pages, calls and the worker.
"""

from collections.abc import Generator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import select

from archive.core.errors import Invalid, NotFound
from archive.core.file_names import safe_name
from archive.core.profile import load_profile
from archive.core.resources import Resources
from archive.customers.models import Customer
from archive.filing.items import get_item
from archive.filing.models import HELD, Item, Volume
from archive.filing.packages.describing import Content, code_of
from archive.filing.packages.packing import Order, bag_steps, xml_steps
from archive.filing.retention.models import DisposalLine, DisposalList
from archive.filing.retention.rules import LARGEST_ID, TRANSFER
from archive.people.rights import Actor, require
from archive.people.service import get_actor
from archive.tasks import service as tasks
from archive.tasks.service import RESULT, Deed, NewFile, Progress, TaskView
from storage.work import UnitOfWork

PACKAGE = "filing.package"
ZIP = "application/zip"
BAG, XML = "bag", "xml"
MAKES = {BAG: "封装包（BagIt）", XML: "封装包（XML，DA/T 48）"}
NOTES = {
    BAG: "BagIt 1.0，SHA-256 清单，可用任何 BagIt 工具核对。",
    XML: "每件一个 XML（DA/T 48），文件在里面，由单位证书签名。",
}
SCOPES = {"item": "一件", "volume": "案卷", "customer": "客户档案", "disposal": "移交清册"}
MOST_ITEMS = 5000
MOST_BYTES = 4 << 30


def start_package(
    uow: UnitOfWork, actor: Actor, scope: str, number: int, make: str = BAG
) -> TaskView:
    """Leave the making to the worker; raise NotFound, Invalid for nothing in it or too much."""
    require(actor, "item.package")
    if make not in MAKES:
        raise Invalid(
            "封装包可以做成 BagIt 或 XML（DA/T 48）。", {"make": f"只能选：{'、'.join(MAKES)}"}
        )
    content = content_of(uow, actor, scope, number)
    title = f"{MAKES[make]}：{content.title}（{len(content.item_ids)} 件）"
    params = {"scope": scope, "number": number, "make": make}
    return tasks.start_task(uow, actor, PACKAGE, title, params)


def package_work(resources: Resources, task: TaskView) -> Generator[Progress, None, None]:
    """Write the package item by item; begun again, it is written anew."""
    scope, number = str(task.params["scope"]), int(task.params["number"])
    make = str(task.params.get("make", BAG))
    with resources.reading() as uow:
        actor = get_actor(uow, task.owner_id)
        content = content_of(uow, actor, scope, number)
        profile = load_profile(uow)
    order = Order(actor, content, profile.company, profile.fonds, resources.clock())
    with TemporaryDirectory(prefix="package-") as folder:
        target = Path(folder, "package")
        yield from (bag_steps if make == BAG else xml_steps)(resources, order, target)
        if target.stat().st_size > MOST_BYTES:
            raise Invalid(f"封装包超过 {MOST_BYTES >> 30} GB，请按案卷分开做。")
        is_single = make == XML and len(content.item_ids) == 1
        ref = resources.blobs.put_file(target, "text/xml" if is_single else ZIP)
    total = len(content.item_ids)
    detail = {"scope": scope, "number": number, "items": total, "package": ref.sha256}
    deed = Deed("item.package", scope, number, detail)
    name = f"{safe_name(content.name)}.{'xml' if is_single else 'zip'}"
    file = NewFile(RESULT, 0, name, ref, f"{total} 件")
    result = {"notes": [f"共 {total} 件；{NOTES[make]}"]}
    told = (total, total, "封装包做好了。")
    yield Progress(*told, result=result, files=(file,), is_end=True, deed=deed)


def content_of(uow: UnitOfWork, actor: Actor, scope: str, number: int) -> Content:
    """Return what goes in of an item, a volume or a customer; raise NotFound, Invalid."""
    if scope == "item":
        item = get_item(uow, actor, number)
        return Content(code_of(item), item.title, (item.id,))
    if scope == "volume":
        volume = uow.session.get(Volume, number)
        found = _readable(uow, actor, _ids(uow, Item.volume_id == number))
        name = title = volume.title if volume else ""
    elif scope == "customer":
        customer = uow.session.get(Customer, number)
        found = _readable(uow, actor, _ids(uow, Item.customer_id == number))
        name = title = f"{customer.name}客户档案" if customer else ""
    elif scope == "disposal":
        row = uow.session.get(DisposalList, number) if 0 < number <= LARGEST_ID else None
        row = row if row is not None and row.kind == TRANSFER else None
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
    return Content(name, title, found)


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
