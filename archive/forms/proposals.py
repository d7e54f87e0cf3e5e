"""A definition proposed from the tags of a Word template, and one cut to fewer fields.

Works on the parsed form.toml as plain tables, so that what this module does not know (formulas,
checks, layout) stays as it is. Pure.
"""

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from archive.forms.guesses import guess_candidate, guess_kind, sample_of, signing_rank
from doc_templates.print_context import BUILT_IN_TAGS, ROLE_TAGS
from doc_templates.printing import BLANK_GRID

Table = dict[str, Any]
GRID = "格"  # `行.选项格.甲` prints a tick in the box of one choice of a row
CAPITAL = "大写"  # `合计大写` is the amount of 合计 in capitals


@dataclass(frozen=True)
class Proposal:
    """A definition that has a field for every tag, and the names of what was added to it."""

    definition: Table
    sample: Table
    fields: tuple[str, ...]
    signers: tuple[str, ...]


def blank_definition(code: str, title: str, pack: str, item_class: str) -> Table:
    """Return the definition of a new form, still without fields and signers."""
    return {
        "code": code,
        "title": title,
        "pack": pack,
        "version": 1,
        "title_rule": title,
        "filing": {"item_class": item_class},
    }


def propose(definition: Table, sample: Table, tags: Sequence[str], text: str = "") -> Proposal:
    """Return the definition with a field, column or signer added for every tag without one.

    ``text`` is what the template says: there the choices of ticked columns are found.
    """
    table, values = copy.deepcopy(definition), copy.deepcopy(sample)
    fields: list[Table] = table.setdefault("field", [])
    signers: list[Table] = table.setdefault("signer", [])
    added = [*_add_fields(fields, values, tags, text)]
    roles = [*_add_signers(signers, tags)]
    if not definition.get("signer"):
        signers.sort(key=lambda one: signing_rank(one["candidate"]))
    if not definition.get("field"):
        table["title_rule"] = _title_rule(table)
    for name in ("field", "signer"):
        if not table[name]:
            del table[name]
    return Proposal(table, values, tuple(added), tuple(roles))


def without_fields(
    definition: Table, sample: Table, dropped: frozenset[str]
) -> tuple[Table, Table]:
    """Return definition and sample without the fields (`栏`) and columns (`表.栏`) named."""
    table, values = copy.deepcopy(definition), copy.deepcopy(sample)
    table["field"] = [one for one in table.get("field", []) if one.get("key") not in dropped]
    for one in table["field"]:
        _drop_columns(one, values, dropped)
    for key in dropped:
        values.pop(key, None)
    _forget_names(table, frozenset(key for key in dropped if "." not in key))
    return table, values


def key_of(entry: Mapping[str, Any]) -> str:
    """Return the key of a field's table; "" where it has none."""
    key = entry.get("key", "")
    return key if isinstance(key, str) else ""


def _add_fields(
    fields: list[Table], values: Table, tags: Sequence[str], text: str
) -> Iterator[str]:
    known = {key_of(entry): entry for entry in fields}
    for tag in tags:
        name, _, column = tag.partition(".")
        if name in ROLE_TAGS or name in BUILT_IN_TAGS:
            continue
        if name.endswith(GRID) and any(f"{name}.{place}" in tags for place in BLANK_GRID):
            name, column = name.removesuffix(GRID), ""
        if name not in known:
            known[name] = _new_field(name, tags)
            fields.append(known[name])
            if known[name]["kind"] != "computed":
                values[name] = [{}, {}] if _is_table(name, tags) else _sample(known[name])
            yield name
        if column and _add_column(known[name], values, column, text):
            yield f"{name}.{column.removesuffix(GRID)}"


def _is_table(name: str, tags: Sequence[str]) -> bool:
    return any(tag.startswith(f"{name}.") for tag in tags)


def _new_field(name: str, tags: Sequence[str]) -> Table:
    if _is_table(name, tags):
        return {"key": name, "kind": "rows", "min_rows": 1, "column": []}
    amount = name.removesuffix(CAPITAL)
    if amount != name and amount in tags:
        return {"key": name, "kind": "computed", "result": "capital", "formula": amount}
    return {"key": name, "kind": guess_kind(name)}


def _add_column(entry: Table, values: Table, column: str, text: str) -> bool:
    """Add a column to a table that has none of this name; say whether it was added."""
    columns = entry.get("column")
    if not isinstance(columns, list):
        return False
    key = column.removesuffix(GRID)
    if {column, key} & {key_of(one) for one in columns}:
        return False
    choices = list(dict.fromkeys(re.findall(rf"\.{re.escape(column)}\.(\w+)", text)))
    if column.endswith(GRID) and choices:
        added: Table = {"key": key, "kind": "choice", "choices": choices, "tick": True}
    else:
        added = {"key": column, "kind": guess_kind(column)}
    columns.append(added)
    for row in _rows(values, key_of(entry)):
        row[added["key"]] = _sample(added)
    return True


def _rows(values: Table, key: str) -> list[Table]:
    """Return the sample rows of a table that can take values."""
    found = values.get(key)
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def _sample(entry: Table) -> object:
    return sample_of(entry["kind"], entry["key"], tuple(entry.get("choices", ())))


def _add_signers(signers: list[Table], tags: Sequence[str]) -> Iterator[str]:
    known = {str(one.get("role", "")) for one in signers}
    for tag in tags:
        name, _, role = tag.partition(".")
        if name in ROLE_TAGS and role and role not in known:
            known.add(role)
            signers.append({"role": role, "candidate": guess_candidate(role)})
            yield role


def _title_rule(table: Table) -> str:
    """Name the customer in the titles of a new form's records, where it has one."""
    customers = [key_of(one) for one in table["field"] if one.get("kind") == "customer"]
    return f"{{{customers[0]}}}{table['title']}" if customers else str(table["title"])


def _drop_columns(entry: Table, values: Table, dropped: frozenset[str]) -> None:
    columns = entry.get("column")
    if not isinstance(columns, list):
        return
    key = key_of(entry)
    entry["column"] = [one for one in columns if f"{key}.{key_of(one)}" not in dropped]
    for row in _rows(values, key):
        for name in [name for name in row if f"{key}.{name}" in dropped]:
            del row[name]


def _forget_names(table: Table, dropped: frozenset[str]) -> None:
    """Take the fields out of the title, the facets, the effects and the layout."""
    rule = str(table.get("title_rule", ""))
    table["title_rule"] = _without_pieces(rule, dropped) or str(table.get("title", ""))
    if "facets" in table:
        facets = table["facets"] if isinstance(table["facets"], list) else []
        table["facets"] = [name for name in facets if name not in dropped]
    effects = table.get("effects", {})
    if effects.get("creates_customer") in dropped:
        del effects["creates_customer"]
    facts = effects.get("customer_facts", {})
    for name in [name for name, key in facts.items() if key in dropped]:
        del facts[name]
    blocks = [one for one in table.get("layout", []) if one.get("rows") not in dropped]
    for block in blocks:
        for part in ("grid", "text", "line", "head"):
            if part in block:
                block[part] = _without_pieces(str(block[part]), dropped)
    if "layout" in table:
        table["layout"] = blocks


def _without_pieces(text: str, dropped: frozenset[str]) -> str:
    """Take `{栏}`, `{栏:12}` and `{栏#格}` of dropped fields out of a text."""
    return re.sub(
        r"\{([^{}]*)\}",
        lambda found: "" if re.split(r"[:#=]", found[1].strip())[0] in dropped else found[0],
        text,
    )
