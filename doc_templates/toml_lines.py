"""In which line of a TOML text a table or a key stands, for error messages.

tomllib gives values without places, so the text is walked once more, line by line. What is
not found (an inline table) is told by the nearest thing around it. Called by reading.py.
"""

import re

Path = tuple[str | int, ...]
LONGEST_HEAD = 300

_HEADER = re.compile(r"\s*(\[\[?)([^\[\]]+)\]\]?\s*(?:#.*)?$")
_PART = re.compile(r""""([^"]*)"|'([^']*)'|([^\s."']+)""")
_MARK = re.compile(r'"""|' + r"'''" + r'|"(?:\\.|[^"\\])*"|' + r"'[^']*'" + r"|#.*|[\[\]{}]")


class TomlLines:
    """The lines of one text's tables and keys, by path: ("field", 2, "kind")."""

    def __init__(self, text: str) -> None:
        self._lines: dict[Path, int] = {}
        self._counts: dict[Path, int] = {}
        self._table: Path = ()
        self._quote, self._depth = "", 0
        for number, line in enumerate(text.splitlines(), 1):
            if not self._quote and self._depth <= 0:
                self._note(line, number)
            self._follow(line)

    def find(self, path: Path) -> int:
        """Return the line of a path, or of the nearest thing around it; 0 if there is none."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 0)

    def _note(self, line: str, number: int) -> None:
        header = _HEADER.match(line[:LONGEST_HEAD])
        if header:
            self._enter(_parts(header[2]), is_array=header[1] == "[[")
            self._lines[self._table] = number
            return
        key, equals, _ = line[:LONGEST_HEAD].partition("=")
        if equals:
            self._lines.setdefault((*self._table, *_parts(key)), number)

    def _enter(self, parts: tuple[str, ...], *, is_array: bool) -> None:
        path: Path = ()
        for at, part in enumerate(parts, 1):
            path = (*path, part)
            if at == len(parts) and is_array:
                self._counts[path] = self._counts.get(path, -1) + 1
            if path in self._counts:
                path = (*path, self._counts[path])
        self._table = path

    def _follow(self, line: str) -> None:
        """Keep track of texts and lists that run over several lines."""
        at = 0
        while at < len(line):
            if self._quote:
                end = line.find(self._quote, at)
                if end < 0:
                    return
                at, self._quote = end + 3, ""
                continue
            mark = _MARK.search(line, at)
            if mark is None:
                return
            at = mark.end()
            if mark[0] in ('"""', "'''"):
                self._quote = mark[0]
            elif mark[0] in "[{":
                self._depth += 1
            elif mark[0] in "]}":
                self._depth -= 1


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(one[0] or one[1] or one[2] for one in _PART.findall(dotted))
