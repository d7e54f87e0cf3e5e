"""Checks a form as a whole: its definition, its template against it, its sample.

Yields findings, prints nothing. Called by the command `archive form check` and the tests.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from doc_templates.catalogue import load_folder, load_form
from doc_templates.definition import Form
from doc_templates.errors import FormError, FormNotFound
from doc_templates.package import document_text
from doc_templates.values import check_values, describe_path
from doc_templates.word import PrintContext, compile_form, render_word

BUILT_IN = frozenset({"编号", "档号", "版本", "核验码"})
BY_ROLE = ("签名", "签名人", "签日")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to be put right; `serious` keeps the form from being used."""

    form: str
    message: str
    serious: bool = True

    def __str__(self) -> str:
        return f"{self.form}：{self.message}"


def check_form(form: Form | str | Path) -> list[Finding]:
    """Return every finding on a form, given as such, by its code, or by its folder."""
    name = form.code if isinstance(form, Form) else str(form)
    try:
        form = form if isinstance(form, Form) else _find(form)
        findings = list(_check_tags(form))
        if not any(finding.serious for finding in findings):
            findings.extend(_check_sample(form))
        return findings
    except FormError as error:
        return [Finding(name, error.message)]


def sample_values(code: str) -> dict[str, object]:
    """Return the made-up sample of a form; raise FormNotFound if it has none."""
    return _sample(load_form(code))


def golden_text(form: Form) -> str:
    """Return the text of the form's sample as Word prints it, for comparison."""
    context = PrintContext(number=f"{form.code}-0001", ref_code="", version="1")
    return document_text(render_word(form, _sample(form), context))


def _find(wanted: str | Path) -> Form:
    folder = Path(wanted)
    if isinstance(wanted, Path) or (folder / "form.toml").exists():
        return load_folder(folder)
    return load_form(wanted)


def _sample(form: Form) -> dict[str, object]:
    try:
        sample = json.loads((form.folder / "sample.json").read_text("utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise FormNotFound(f"表单 {form.code} 没有可用的样例 sample.json") from error
    if not isinstance(sample, dict):
        raise FormNotFound(f"表单 {form.code} 的样例 sample.json 应是一组 栏目: 值")
    return sample


def _check_tags(form: Form) -> Iterator[Finding]:
    compiled = compile_form(form)
    tags: frozenset[str] = frozenset().union(*compiled.names.values())
    known = _known_tags(form)
    for tag in sorted(tags - known):
        yield Finding(form.code, f"模板里的标签“{tag}”在 form.toml 里没有这一栏")
    for tag in sorted(_wanted_tags(form) - tags):
        yield Finding(form.code, f"栏目“{tag}”在模板里没有标签，打印时会缺这一栏")
    for signer in form.chain:
        if f"签名.{signer.role}" not in tags:
            yield Finding(form.code, f"模板里没有“{signer.role}”的签名位置（签名.{signer.role}）")
    if compiled.fallback:
        message = f"模板用了“{compiled.fallback}”，填写时走慢的一路（约慢三十倍）"
        yield Finding(form.code, message, serious=False)


def _known_tags(form: Form) -> set[str]:
    known = set(BUILT_IN) | _columns(form, printed_only=False)
    known |= {entry.key for entry in form.fields}
    for entry in form.fields:
        if entry.result == "capital":
            places = ("千万", "百万", "十万", "万", "千", "百", "十", "元", "角", "分")
            known |= {f"{entry.key}格", *(f"{entry.key}格.{place}" for place in places)}
    return known | {f"{group}.{signer.role}" for group in BY_ROLE for signer in form.signers}


def _wanted_tags(form: Form) -> set[str]:
    return {entry.key for entry in form.fields if entry.printed} | _columns(form, printed_only=True)


def _columns(form: Form, *, printed_only: bool) -> set[str]:
    return {
        f"{entry.key}.{column.key}"
        for entry in form.fields
        for column in entry.columns
        if column.printed or not printed_only
    }


def _check_sample(form: Form) -> Iterator[Finding]:
    sample = _sample(form)
    checked = check_values(form, sample)
    for path, why in checked.errors.items():
        yield Finding(form.code, f"样例的“{describe_path(form, path)}”：{why}")
    if checked.errors:
        return
    text = golden_text(form)
    expected = form.folder / "expected.txt"
    if not expected.exists():
        yield Finding(form.code, "缺少 expected.txt（样例应印出的文字）")
    elif expected.read_text("utf-8") != text:
        yield Finding(form.code, "样例印出的文字与 expected.txt 不同，请核对后更新")
    render_word(form, {}, draft=True)
