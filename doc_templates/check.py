"""Checks a form as a whole: its definition, its template against it, its sample.

Yields findings, prints nothing. Called by the command `archive form check` and the tests.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from doc_templates.catalogue import load_folder, load_form
from doc_templates.definition import Field, Form
from doc_templates.errors import FormError, FormNotFound
from doc_templates.package import document_text
from doc_templates.print_context import BUILT_IN_TAGS, ROLE_TAGS, SEAL_TAG
from doc_templates.printing import BLANK_GRID, GRID
from doc_templates.toml_table import near
from doc_templates.values import check_values, describe_path
from doc_templates.word import PrintContext, compile_form, render_word


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


def filling_way(form: Form) -> str:
    """Return how the template is filled: compiled, or by docxtpl and why; raise BadTemplate."""
    fallback = compile_form(form).fallback
    return f"docxtpl（{fallback}）" if fallback else "预编译"


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
        sample = json.loads(form.read_sample())
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise FormNotFound(f"表单 {form.code} 没有可用的样例 sample.json") from error
    if not isinstance(sample, dict):
        raise FormNotFound(f"表单 {form.code} 的样例 sample.json 应是一组 栏目: 值")
    return sample


def _check_tags(form: Form) -> Iterator[Finding]:
    compiled = compile_form(form)
    tags = frozenset(compiled.tags)
    known = _known_tags(form)
    for tag in sorted(tags - known):
        hint = near(tag, sorted(known - tags))
        yield Finding(form.code, f"模板里的标签“{tag}”在 form.toml 里没有这一栏{hint}")
    for spellings in _wanted_tags(form):
        if tags.isdisjoint(spellings):
            yield Finding(form.code, f"栏目“{spellings[0]}”在模板里没有标签，打印时会缺这一栏")
    for signer in form.chain:
        if f"签名.{signer.role}" not in tags:
            yield Finding(form.code, f"模板里没有“{signer.role}”的签名位置（签名.{signer.role}）")
    if form.seal and SEAL_TAG not in tags:
        yield Finding(form.code, f"form.toml 写了 [seal]，模板里却没有盖章的位置（{SEAL_TAG}）")
    if compiled.fallback:
        message = f"模板用了“{compiled.fallback}”，填写时走慢的一路（约慢三十倍）"
        yield Finding(form.code, message, serious=False)


def _known_tags(form: Form) -> set[str]:
    known = set(BUILT_IN_TAGS)
    known |= {f"{group}.{signer.role}" for group in ROLE_TAGS for signer in form.signers}
    for entry in form.fields:
        known |= {entry.key, *_derived(entry, entry.key)}
        for column in entry.columns:
            path = f"{entry.key}.{column.key}"
            known |= {path, *_derived(column, path)}
    return known


def _derived(entry: Field, path: str) -> Iterator[str]:
    """Yield the tags that an entry has beside its own: the places of an amount, ticks."""
    if entry.result == "capital" and "." not in path:
        yield f"{path}{GRID}"
        yield from (f"{path}{GRID}.{place}" for place in BLANK_GRID)
    if entry.tick and "." in path:
        yield f"{path}{GRID}"


def _wanted_tags(form: Form) -> Iterator[tuple[str, ...]]:
    """Yield the spellings of every tag that has to stand in the template; one is enough."""
    for entry in form.fields:
        if not entry.printed:
            continue
        yield (entry.key, f"{entry.key}{GRID}")
        for column in entry.columns:
            if column.printed:
                yield (f"{entry.key}.{column.key}", f"{entry.key}.{column.key}{GRID}")


def _check_sample(form: Form) -> Iterator[Finding]:
    sample = _sample(form)
    checked = check_values(form, sample)
    for path, why in checked.errors.items():
        yield Finding(form.code, f"样例的“{describe_path(form, path)}”：{why}")
    if checked.errors:
        return
    text = golden_text(form)
    if not form.template:
        yield from _check_expected(form, text)
    render_word(form, {}, draft=True)


def _check_expected(form: Form, text: str) -> Iterator[Finding]:
    """Compare with the text kept in the form's folder; name the first line that differs."""
    try:
        expected = (form.folder / "expected.txt").read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        yield Finding(form.code, "缺少 expected.txt（样例应印出的文字）")
        return
    if expected == text:
        return
    lines = zip_longest(expected.splitlines(), text.splitlines(), fillvalue="（没有这一行）")
    at, (wanted, got) = next(
        ((at, pair) for at, pair in enumerate(lines, 1) if pair[0] != pair[1]), (0, ("", ""))
    )
    where = f"，第 {at} 行应是“{wanted[:40]}”，现在是“{got[:40]}”" if at else ""
    yield Finding(form.code, f"样例印出的文字与 expected.txt 不同{where}；请核对后更新")
