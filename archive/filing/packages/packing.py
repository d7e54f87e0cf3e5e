"""Putting items into a package, one by one: a BagIt bag, or XML packages after DA/T 48."""

import io
import json
import zipfile
from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from archive.core.clock import local, local_day
from archive.core.errors import Invalid
from archive.core.file_names import safe_name, unique_name
from archive.core.resources import Resources
from archive.filing.checks.holding import require_free
from archive.filing.items import get_item
from archive.filing.packages.bag import BagWriter
from archive.filing.packages.describing import DESCRIPTION, Content, code_of, description_of
from archive.filing.packages.xml_writing import NOT_WHOLE, Maker, write_xml
from archive.people.rights import Actor
from archive.signing.keys import company_key
from archive.tasks.service import Progress


@dataclass(frozen=True)
class Order:
    """A package to be made: for whom, of what, by which company, when."""

    actor: Actor
    content: Content
    company: str
    fonds: str
    made_at: datetime


def bag_steps(resources: Resources, order: Order, target: Path) -> Generator[Progress, None, None]:
    """Write a bag, telling how far it is."""
    content = order.content
    with BagWriter(target, content.name, local(order.made_at)) as bag:
        taken: set[str] = set()
        for done, item_id in enumerate(content.item_ids):
            yield Progress(done, len(content.item_ids), "正在装入文件…")
            _put_in(resources, bag, order.actor, item_id, taken)
        bag.close_with(
            {
                "Source-Organization": order.company,
                "External-Description": content.title,
                "External-Identifier": content.name,
                "Bagging-Date": local_day(order.made_at).isoformat(),
                "Bag-Software-Agent": "档案台",
            }
        )


def xml_steps(resources: Resources, order: Order, target: Path) -> Generator[Progress, None, None]:
    """Write one XML package for a single item, else a ZIP with one for each."""
    ids = order.content.item_ids
    maker = Maker(order.company, order.fonds, order.made_at, company_key(resources))
    if len(ids) == 1:
        yield Progress(0, 1, "正在封装…")
        _write(resources, order.actor, ids[0], maker, target)
        return
    base, taken = safe_name(order.content.name), set[str]()
    single = target.with_name("one.xml")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED, allowZip64=True) as package:
        for done, item_id in enumerate(ids):
            yield Progress(done, len(ids), "正在封装…")
            code = _write(resources, order.actor, item_id, maker, single)
            name = unique_name(safe_name(f"{code}.xml"), taken)
            package.write(single, f"{base}/{name}")


def _write(resources: Resources, actor: Actor, item_id: int, maker: Maker, target: Path) -> str:
    with resources.reading() as uow:
        item = get_item(uow, actor, item_id)
        require_free(uow, item_id)
        described = description_of(uow, item)
    write_xml(target, item, described, maker, resources.blobs)
    return code_of(item)


def _put_in(
    resources: Resources, bag: BagWriter, actor: Actor, item_id: int, taken: set[str]
) -> None:
    with resources.reading() as uow:
        item = get_item(uow, actor, item_id)
        require_free(uow, item_id)
        described = description_of(uow, item)
    folder, inside = unique_name(safe_name(code_of(item)), taken), set[str]()
    for file in item.files:
        name = unique_name(safe_name(file.name), inside)
        with resources.blobs.open(file.sha256) as stream:
            if bag.add(f"{folder}/{name}", stream) != file.sha256:
                raise Invalid(f"“{file.name}”{NOT_WHOLE}")
    text = json.dumps(described, ensure_ascii=False, indent=1, sort_keys=True)
    bag.add(f"{folder}/{unique_name(DESCRIPTION, inside)}", io.BytesIO(text.encode()))
