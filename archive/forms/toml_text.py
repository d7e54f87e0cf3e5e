"""Writes a parsed form.toml back as text: what is read from it again is the same.

Comments are not kept. Pure; called where a definition was changed in the browser.
"""

import re
from collections.abc import Iterator, Mapping

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPED = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_CONTROL = re.compile(r'[\\"\x00-\x1f\x7f]')
_CONTROL_IN_BLOCK = re.compile(r'\\|"""|"$|[\x00-\x08\x0b-\x1f\x7f]')


def toml_text(table: Mapping[str, object]) -> str:
    """Return the table as TOML; raise TypeError for a value TOML does not know."""
    return "\n".join(_table(table, "")).strip() + "\n"


def _table(table: Mapping[str, object], path: str) -> Iterator[str]:
    inner = {name: value for name, value in table.items() if _is_inner(value)}
    for name, value in table.items():
        if name not in inner:
            yield f"{_key(name)} = {_value(value)}"
    for name, value in inner.items():
        here = f"{path}.{_key(name)}" if path else _key(name)
        if isinstance(value, Mapping):
            yield f"\n[{here}]"
            yield from _table(value, here)
        elif isinstance(value, list):
            for one in value:
                yield f"\n[[{here}]]"
                yield from _table(one, here)


def _is_inner(value: object) -> bool:
    if isinstance(value, list):
        return bool(value) and all(isinstance(one, Mapping) for one in value)
    return isinstance(value, Mapping)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _quoted(name)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return _block(value) if "\n" in value else _quoted(value)
    if isinstance(value, list):
        return f"[{', '.join(_value(one) for one in value)}]"
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_key(name)} = {_value(one)}" for name, one in value.items())
        return f"{{{inside}}}"
    raise TypeError(f"no TOML for {type(value).__name__}")


def _quoted(text: str) -> str:
    return f'"{_CONTROL.sub(lambda found: _escape(found[0]), text)}"'


def _block(text: str) -> str:
    """Write a text of several lines so that a person can read it."""
    escaped = _CONTROL_IN_BLOCK.sub(
        lambda found: "".join(_escape(letter) for letter in found[0]), text
    )
    return f'"""\n{escaped}"""'


def _escape(letter: str) -> str:
    return _ESCAPED.get(letter) or f"\\u{ord(letter):04x}"
