"""A big archive for measuring: 100,000 items in 3,000 volumes of 5,000 customers, in seconds.

Rows are written past the services (their own speed is not what is measured), but every one
carries what the services would have given it: code, readers, steps, copy, file.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from itertools import count, islice
from typing import Any

from archive.core.resources import Resources
from archive.filing.codes import ReferenceCode, make_barcode
from archive.filing.plan import load_plan
from archive.people import service as people
from archive.people.rights import Actor, Thing, reader_tokens

AUTHORS, FIRST_AUTHOR = 60, 4
ITEMS, VOLUMES, CUSTOMERS, FULL = 100_000, 3_000, 5_000, 500
UNITS = ("XSB", "KFB", "CWB", "ZLB", "SCB", "CGB", "YFB", "RLB", "XZB", "FWB")
YEARS = range(2006, 2027)
NOW = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)
PASSWORD = "量速度用的-2026"
WORDS = ("客户拜访记录", "客户基本资料表", "销售合同", "信用评估报告", "来访登记", "质量反馈单")


def settle(resources: Resources, password_hash: str) -> dict[str, Actor]:
    """Make the ten departments and the people who will look: archivists and a clerk."""
    staff = {
        "archivist": ("孙文静", {"archivist"}, 2),
        "archive_head": ("何守正", {"archive_head", "head"}, 3),
        "clerk": ("陈晓东", {"clerk"}, 1),
    }
    with resources.work() as uow:
        units = [people.add_department(uow, code, f"{code}部") for code in UNITS]
        made = {}
        for number, (key, (name, roles, clearance)) in enumerate(staff.items(), start=1):
            fields = people.UserFields(
                username=key,
                staff_no=f"{number:04d}",
                name=name,
                department_id=units[0],
                roles=frozenset(roles),
                clearance=clearance,
            )
            made[key] = people.add_user(
                uow, None, fields, password_hash, must_change_password=False
            )
        for number in range(FIRST_AUTHOR, FIRST_AUTHOR + AUTHORS):
            fields = people.UserFields(
                username=f"author{number}",
                staff_no=f"{number:04d}",
                name=f"职员{number}",
                department_id=units[number % len(units)],
                roles=frozenset({"clerk"}),
                clearance=1,
            )
            people.add_user(uow, None, fields, password_hash, must_change_password=False)
        actors = {key: people.get_actor(uow, user_id) for key, user_id in made.items()}
        uow.commit()
    return actors


def fill(resources: Resources, actors: dict[str, Actor]) -> int:
    """Write the whole archive and return the volume of 500 items that is still open."""
    connection = resources.database.engine.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute("PRAGMA synchronous=OFF")
        cursor.execute("BEGIN")
        _put(cursor, "customer", _customers())
        volumes = list(islice(_volumes(), VOLUMES))
        _put(cursor, "volume", volumes)
        serials: dict[str, int] = {}
        sets = _Sets()
        items = list(_items(volumes, serials, sets))
        _put(cursor, "reader_set", sets.rows())
        _put(cursor, "reader_set_token", sets.tokens())
        _put(cursor, "item", items)
        _put(cursor, "serial", ({"series": key, "last": last} for key, last in serials.items()))
        _put(cursor, "stored_file", _blobs())
        _put(cursor, "item_file", _files(items))
        _put(cursor, "item_copy", _copies(items))
        _put(cursor, "filing_step", _steps(items, actors["archivist"].id))
        _put(cursor, "reader_token", _readers(items))
        cursor.execute("COMMIT")
        cursor.execute("ANALYZE")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.close()
    finally:
        connection.close()
    return int(volumes[0]["id"])


def _put(cursor: Any, table: str, rows: Iterable[dict[str, Any]]) -> None:
    wanted = iter(rows)
    first = next(wanted)
    marks = ", ".join(f":{key}" for key in first)
    sql = f"insert into {table} ({', '.join(first)}) values ({marks})"
    cursor.execute(sql, first)
    cursor.executemany(sql, wanted)


def _customers() -> Iterable[dict[str, Any]]:
    for number in range(1, CUSTOMERS + 1):
        name = f"青岛第{number}家商贸有限公司"
        yield {
            "id": number,
            "number": f"KH{number:06d}",
            "name": name,
            "match_key": name[:-4],
            "short_name": "",
            "initials": "qd",
            "credit_code": "",
            "legal_person": "",
            "address": "",
            "factory_address": "",
            "phone_keys": "",
            "search_text": name,
            "phone": "",
            "factory_phone": "",
            "region": "",
            "status": "正常",
            "cooperation": "一般往来",
            "owner_id": _keeper(number),
            "department_id": 1 + number % len(UNITS),
            "remark": "",
            "created_at": _at(NOW),
            "row_version": 1,
        }


def _volumes() -> Iterable[dict[str, Any]]:
    classes = list(load_plan().classes.values())
    numbers = count(1)
    for second in ("", "·02"):
        for year in reversed(YEARS):
            for row in classes:
                for unit in UNITS:
                    yield {
                        "id": (number := next(numbers)),
                        "fonds": "Z109",
                        "category": row.category + second,
                        "year": year,
                        "retention": row.retention,
                        "unit": unit,
                        "item_class": row.name,
                        "title": f"{year}年度 {unit}部 {row.name}（{row.retention}）",
                        "state": "open" if number == 1 or number % 5 == 0 else "sealed",
                        "created_at": _at(NOW),
                    }


def _items(
    volumes: Sequence[dict[str, Any]], serials: dict[str, int], sets: "_Sets"
) -> Iterable[dict[str, Any]]:
    rest = -(-(ITEMS - FULL) // (VOLUMES - 1))
    number = 0
    for volume in volumes:
        for _ in range(FULL if volume["id"] == 1 else rest):
            if number == ITEMS:
                return
            number += 1
            yield _item(number, volume, serials, sets)


def _item(
    number: int, volume: dict[str, Any], serials: dict[str, int], sets: "_Sets"
) -> dict[str, Any]:
    is_sealed = volume["state"] == "sealed"
    parts = (volume[key] for key in ("fonds", "category", "year", "retention", "unit"))
    code = ReferenceCode(*parts, 0, is_provisional=True)
    key = f"{'final' if is_sealed else 'item'}:{code.lowest_class}"
    serials[key] = serials.get(key, 0 if is_sealed else 5000) + 1
    provisional = replace(code, serial=serials[key])
    final = replace(provisional, is_provisional=False)
    customer = 1 + number * 7 % CUSTOMERS
    unit, author = UNITS.index(volume["unit"]), FIRST_AUTHOR + number % AUTHORS
    secrecy = 1 if volume["id"] == 1 else (1, 1, 1, 0, 2, 1, 1, 1, 1, 3)[number % 10]
    return {
        "id": number,
        "title": f"青岛第{customer}家商贸有限公司{WORDS[number % len(WORDS)]}",
        "customer_id": customer,
        "form_code": f"E{1 + number % 10:02d}",
        "document_number": f"E{1 + number % 10:02d}-{volume['year']}-{number:06d}",
        "responsible": "陈晓东",
        "author_id": author,
        "department_id": 1 + unit,
        "document_date": date(volume["year"], 1 + number % 12, 1 + number % 28).isoformat(),
        "year": volume["year"],
        "category": volume["category"],
        "item_class": volume["item_class"],
        "retention": volume["retention"],
        "unit": volume["unit"],
        "secrecy": secrecy,
        "pages": 1 + number % 9,
        "text": "",
        "note": "",
        "volume_id": volume["id"],
        "serial": provisional.serial,
        "provisional_code": str(provisional),
        "reference_code": str(final) if is_sealed else None,
        "code_order": (final if is_sealed else provisional).order,
        "plan_version": 1,
        "readers_id": sets.of(_tokens(author, 1 + unit, customer, secrecy)),
        "state": "shelved",
        "status": "",
        "elements": "{}",
        "created_at": _at(NOW),
        "row_version": 5,
    }


def _blobs() -> Iterable[dict[str, Any]]:
    yield {
        "sha256": "0" * 64,
        "size": 1000,
        "media_type": "application/pdf",
        "created_at": _at(NOW),
    }


def _files(items: Sequence[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    for item in items:
        if item["volume_id"] == 1:
            continue  # papers without a scan: nothing for the four-property check to read
        yield {
            "item_id": item["id"],
            "role": "master",
            "name": "正本.pdf",
            "sha256": "0" * 64,
            "created_at": _at(NOW),
        }


def _copies(items: Sequence[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    for item in items:
        yield {
            "item_id": item["id"],
            "barcode": make_barcode(item["id"]),
            "pages": item["pages"],
            "location": f"库房一-{item['volume_id'] % 90:02d}-01-01",
            "status": "in",
            "row_version": 1,
        }


def _steps(items: Sequence[dict[str, Any]], by: int) -> Iterable[dict[str, Any]]:
    for item in items:
        for step in ("鉴别", "归属", "登记目录", "上架"):
            yield {
                "item_id": item["id"],
                "step": step,
                "by_id": by,
                "at": _at(NOW),
                "note": "",
            }


def _readers(items: Sequence[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    for item in items:
        parts = (item[key] for key in ("author_id", "department_id", "customer_id", "secrecy"))
        for token in _tokens(*parts):
            yield {"kind": "item", "thing_id": item["id"], "token": token}


@cache
def _tokens(author: int, unit: int, customer: int, secrecy: int) -> tuple[str, ...]:
    thing = Thing(
        kind="item",
        department_id=unit,
        owner_id=author,
        customer_owner_id=_keeper(customer),
        customer_department_id=1 + customer % len(UNITS),
        secrecy=secrecy,
    )
    return tuple(sorted(reader_tokens(thing)))


def _keeper(customer: int) -> int:
    return FIRST_AUTHOR + customer * 13 % AUTHORS


class _Sets:
    """The sets of tokens met, each under its number."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, ...], int] = {}

    def of(self, tokens: tuple[str, ...]) -> int:
        return self._numbers.setdefault(tokens, len(self._numbers) + 1)

    def rows(self) -> Iterable[dict[str, Any]]:
        for tokens, number in self._numbers.items():
            digest = hashlib.sha256("\n".join(tokens).encode()).hexdigest()
            yield {"id": number, "digest": digest}

    def tokens(self) -> Iterable[dict[str, Any]]:
        for tokens, number in self._numbers.items():
            for token in tokens:
                yield {"token": token, "set_id": number}


def _at(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")
