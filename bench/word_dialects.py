"""One form in the tags of other libraries: the same paper, the same values, other braces."""

import io
import re
import zipfile
from collections.abc import Callable, Mapping

STORY = re.compile(r"word/(document|header\d*|footer\d*)\.xml")
LOOP = re.compile(
    r"<w:tr[ >](?:(?!<w:tr[ >]).)*?\{%tr for (\S+) in (\S+) %\}.*?</w:tr>(<w:tr[ >].*?</w:tr>)"
    r"<w:tr[ >](?:(?!<w:tr[ >]).)*?\{%tr endfor %\}.*?</w:tr>",
    re.DOTALL,
)
TAG = re.compile(r"\{\{\s*([^}]+?)\s*\}\}")
CHOICE = re.compile(r"\{%.*?%\}")

Row = Callable[[str, str], str]


class Names:
    """Plain names for Chinese ones, which not every library can read."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        return self._known.setdefault(name, f"f{len(self._known)}")


def plain_data(tags: Mapping[str, object], names: Names) -> dict[str, object]:
    """Return the tags by plain names: groups flattened, tables as lists."""
    data: dict[str, object] = {}
    for tag, value in tags.items():
        if isinstance(value, list):
            data[names[tag]] = [{names[key]: told for key, told in row.items()} for row in value]
        elif isinstance(value, Mapping):
            data.update({names[f"{tag}.{key}"]: told for key, told in value.items()})
        else:
            data[names[tag]] = value
    return data


def in_dialect(template: bytes, library: str, names: Names) -> bytes:
    """Return the template with the library's own tags; choices fall away, their text stays."""
    is_carbone = library == "carbone"
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(template)) as before, zipfile.ZipFile(stream, "w", 8) as after:
        for name in before.namelist():
            content = before.read(name)
            if STORY.fullmatch(name):
                content = _translated(content.decode("utf-8"), is_carbone, names).encode("utf-8")
            after.writestr(name, content)
    return stream.getvalue()


def _translated(xml: str, is_carbone: bool, names: Names) -> str:
    def loop(found: re.Match[str]) -> str:
        alias, table, row = found[1], names[found[2]], found[3]

        def cell(before: str) -> str:
            return re.sub(
                rf"\{{\{{\s*{alias}\.([^}}]+?)\s*\}}\}}",
                lambda tag: f"{{{before}{names[tag[1]]}}}",
                row,
            )

        if is_carbone:
            return cell(f"d.{table}[i].") + cell(f"d.{table}[i+1].")
        first, last = f"{{#{table}}}", f"{{/{table}}}"
        opened = re.sub(r"(<w:t(?: [^>]*)?>)", rf"\1{first}", cell(""), count=1)
        head, tail = opened.rsplit("</w:t>", 1)
        return f"{head}{last}</w:t>{tail}"

    xml = CHOICE.sub("", LOOP.sub(loop, xml))
    start = "d." if is_carbone else ""
    return TAG.sub(lambda tag: f"{{{start}{names[tag[1]]}}}", xml)
