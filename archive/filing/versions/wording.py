"""Values of an item's description in words: names for ids, labels for codes.

Ids are looked up together, a fixed number of statements. Called by ``history`` and ``asof``.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import select

from archive.customers.models import Customer
from archive.filing.models import Volume
from archive.filing.plan import load_plan
from archive.people.models import Department
from archive.people.rights import SECRECY
from storage.work import UnitOfWork

SHORT = 300
_TABLES = {
    "customer_id": (Customer.id, Customer.name),
    "department_id": (Department.id, Department.name),
    "volume_id": (Volume.id, Volume.title),
}


class Words:
    """Tells the values of descriptions; made for all descriptions to be shown at once."""

    def __init__(self, uow: UnitOfWork, described: Iterable[Mapping[str, Any]]) -> None:
        found = list(described)
        self._names: dict[str, dict[int, str]] = {}
        for key, (number, name) in _TABLES.items():
            ids = {one[key] for one in found if one.get(key) is not None}
            query = select(number, name).where(number.in_(ids))
            rows = uow.session.execute(query).all() if ids else ()
            self._names[key] = {row[0]: row[1] for row in rows}

    def tell(self, key: str, value: Any) -> str:
        """Return a value as people read it; empty for none."""
        if value is None or value == "" or value == {}:
            return ""
        if key in _TABLES:
            return self._names[key].get(value, f"第 {value} 号")
        if key == "secrecy":
            return SECRECY[value]
        if key == "retention":
            return load_plan().terms.get(value, str(value))
        if key == "elements":
            return "\n".join(f"{name}：{told}" for name, told in value.items())
        return str(value)
