"""What the child tells of a file: its text in parts, some of which are still to be made out.

A part is text; or a ``Scan``, a page without characters that is to be recognised; or an
``OldOffice``, a file that LibreOffice has to open first. Plain values that go through JSON.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

SCAN, OFFICE = "scan", "office"


@dataclass(frozen=True)
class Scan:
    """A page (from 0) of a picture or PDF that holds no characters."""

    path: str
    page: int


@dataclass(frozen=True)
class OldOffice:
    """A file of an old office program, and what it is to be opened as: doc or ppt."""

    path: str
    kind: str


Part = str | Scan | OldOffice


@dataclass
class Reading:
    """A file as far as the child got: parts in order, pages or sheets, how, and what is amiss."""

    parts: list[Part]
    pages: int = 0
    method: str = ""
    warnings: list[str] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        """Return it as JSON holds it; ``from_told`` is the inverse."""
        return {
            "parts": [_told(part) for part in self.parts],
            "pages": self.pages,
            "method": self.method,
            "warnings": self.warnings,
        }

    @classmethod
    def from_told(cls, told: dict[str, Any]) -> "Reading":
        """Return what a child told."""
        return cls(
            [_part(one) for one in told["parts"]],
            int(told["pages"]),
            str(told["method"]),
            [str(one) for one in told["warnings"]],
        )

    def cut(self, most_characters: int) -> None:
        """Keep so many characters at most, and say so."""
        left = most_characters
        for place, part in enumerate(self.parts):
            if not isinstance(part, str):
                continue
            if len(part) > left:
                self.parts[place:] = [part[:left]]
                self.warnings.append(f"文字太多，只取了前 {most_characters:,} 个字。")
                return
            left -= len(part)


def joined(parts: Iterable[str]) -> str:
    """Return parts as one text, a line between them; one alone stays as it is."""
    parts = list(parts)
    if len(parts) == 1:
        return parts[0]
    return "\n".join(part for part in parts if part.strip()).strip()


def _told(part: Part) -> Any:
    if isinstance(part, Scan):
        return [SCAN, part.path, part.page]
    if isinstance(part, OldOffice):
        return [OFFICE, part.path, part.kind]
    return part


def _part(told: Any) -> Part:
    if isinstance(told, str):
        return told
    what, path, more = told
    return Scan(str(path), int(more)) if what == SCAN else OldOffice(str(path), str(more))
