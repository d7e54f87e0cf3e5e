"""The catalogue of forms: folders with a form.toml, read into frozen `Form` objects.

Called by everybody who wants a form; opens no Word file. What a form.toml may say is the
business of reading.py.
"""

import functools
import re
from dataclasses import replace
from pathlib import Path

from doc_templates.definition import Form
from doc_templates.errors import BadDefinition, FormNotFound
from doc_templates.reading import read_text

SHIPPED = Path(__file__).parent / "forms"
MAX_BYTES = 2_000_000
CODE_LINE = re.compile(r'^[ \t]*code[ \t]*=[ \t]*"([A-Z0-9]{1,9})"', re.MULTILINE)


def load_form(code: str, version: int | None = None) -> Form:
    """Return the form with this code (the newest version unless one is asked for).

    Raises FormNotFound; BadDefinition if its form.toml is wrong.
    """
    for form in list_forms():
        if form.code == code and version in (None, form.version):
            return form
    which = f"第 {version} 版" if version is not None else ""
    raise FormNotFound(f"没有代号为“{code}”的表单{which}，可用 archive form list 查看全部表单")


def list_forms() -> tuple[Form, ...]:
    """Return the newest version of every shipped form, ordered by pack and code."""
    forms = [load_folder(path.parent) for path in sorted(SHIPPED.glob("*/*/form.toml"))]
    codes = [form.code for form in forms]
    for form in forms:
        if codes.count(form.code) > 1:
            raise BadDefinition(f"表单代号 {form.code} 用了不止一次")
    return tuple(sorted(forms, key=lambda form: (form.pack, form.code)))


def load_folder(folder: Path) -> Form:
    """Return the form defined in a folder; read again only when the file changed."""
    path = folder / "form.toml"
    try:
        stamp = path.stat()
    except OSError as error:
        raise FormNotFound(f"文件夹 {folder.name} 里没有 form.toml") from error
    if stamp.st_size > MAX_BYTES:
        raise BadDefinition(f"{folder.name}/form.toml 太大（最多 {MAX_BYTES // 1_000_000} MB）")
    return _read(path, stamp.st_mtime_ns, stamp.st_size)


@functools.lru_cache(maxsize=512)
def _read(path: Path, _changed: int, _size: int) -> Form:
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        place = f"{path.parent.name}/{path.name}"
        raise BadDefinition(f"{place} 不是 UTF-8 文字，请另存为 UTF-8") from error
    return read_text(text, path.parent)


def read_form(definition: str, template: bytes, sample: str, version: int | None = None) -> Form:
    """Return a form that lies in no folder, from its three texts; raise BadDefinition.

    ``version`` takes the place of the one written in the definition.
    """
    code = CODE_LINE.search(definition)
    form = read_text(definition, Path(code[1] if code else "form"))
    return replace(form, version=version or form.version, template=template, sample=sample)
