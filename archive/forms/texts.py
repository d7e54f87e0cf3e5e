"""Reading what was typed or kept as text: codes, lines, definitions, samples. Pure."""

import json
import tomllib
from collections.abc import Mapping
from typing import Any

from archive.core.errors import Invalid
from doc_templates.reading import CODE

LONGEST_TEXT = 200_000


def clean_code(text: str) -> str:
    """Return the code of a form as typed, in capitals; raise Invalid."""
    code = text.strip().upper()
    if not CODE.fullmatch(code):
        raise Invalid(
            "表单代号应是一至四个大写字母加数字，例如 E11。", {"code": "大写字母加数字，例如 E11"}
        )
    return code


def clean_line(text: str, name: str, label: str, limit: int) -> str:
    """Return one line as typed, without blanks around it; raise Invalid naming the entry."""
    line = text.strip()
    if not line:
        raise Invalid(f"请填写{label}。", {name: f"请填写{label}"})
    if len(line) > limit or not line.isprintable():
        raise Invalid(f"{label}最多 {limit} 字，不能有控制字符。", {name: f"最多 {limit} 字"})
    return line


def parse_definition(text: str) -> dict[str, Any]:
    """Return the tables of a form.toml; raise Invalid for text that is none, naming the place.

    Only the shape is looked at, so that the page can show it: what the words mean is judged
    when the form is read.
    """
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise Invalid(f"定义的格式不对：{error}。", {"definition": "格式不对"}) from error
    for name in ("field", "signer", "layout"):
        _require_tables(table, name)
    for field in table.get("field", []):
        _require_tables(field, "column")
    effects = table.get("effects", {})
    for name, inner in (
        *((name, table.get(name, {})) for name in ("filing", "number", "effects")),
        (
            "effects.customer_facts",
            effects.get("customer_facts", {}) if isinstance(effects, dict) else {},
        ),
    ):
        if not isinstance(inner, dict):
            raise Invalid(f"定义里的 {name} 应是一个表（[{name}]）。", {"definition": name})
    return table


def _require_tables(table: Mapping[str, Any], name: str) -> None:
    found = table.get(name, [])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise Invalid(f"定义里的 {name} 应逐个写成 [[{name}]]。", {"definition": name})


def parse_sample(text: str) -> dict[str, Any]:
    """Return the values of a sample; raise Invalid when it is no JSON object."""
    try:
        values = json.loads(text or "{}")
    except (json.JSONDecodeError, RecursionError) as error:
        place = f"第 {error.lineno} 行" if isinstance(error, json.JSONDecodeError) else "嵌套太深"
        raise Invalid(f"样例不是合法的 JSON：{place}。", {"sample": "格式不对"}) from error
    if not isinstance(values, dict):
        raise Invalid("样例应是一组“栏目: 值”。", {"sample": "格式不对"})
    return values


def sample_text(values: Mapping[str, Any]) -> str:
    """Return a sample as it is kept."""
    return json.dumps(values, ensure_ascii=False, indent=2) + "\n"
