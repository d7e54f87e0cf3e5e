"""Filling a Word form: ours against docxtpl and the libraries for Node, on the same paper.

All sides get the same printed values; ours once more with checking and printing them. The
libraries for Node are installed into bench/node_modules from bench/package-lock.json.
"""

import io
import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from docxtpl import DocxTemplate
from jinja2 import StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from bench.timing import in_turn
from bench.word_dialects import Names, in_dialect, plain_data
from doc_templates import Form, check_values, load_form, render_word, sample_values
from doc_templates.catalogue import read_form
from doc_templates.package import document_text
from doc_templates.scaffold import scaffold
from doc_templates.word import compile_form, print_tags

LIBRARIES = ("easy-template-x", "carbone", "docxtemplater")
ROUNDS, BATCH = 100, 10
LARGE_HEAD = """
code = "X40"
title = "四十栏表"
pack = "bench"
version = 1
title_rule = "{栏目0}"
[number]
pattern = "X40-{年}-{序号}"
[filing]
category = "KH"
item_class = "合同"
[[signer]]
role = "经理"
candidate = "head"
"""
BENCH = Path(__file__).parent


@dataclass(frozen=True)
class Case:
    """A form, values for it, and the printed tags of these values."""

    name: str
    form: Form
    values: dict[str, object]
    tags: dict[str, object]


def run() -> str:
    """Return the table."""
    cases = [_case("E01", load_form("E01"), sample_values("E01")), _case("40+15×7", *_large())]
    ours = {case.name: _ours(case) for case in cases}
    theirs, missing = _peers(cases)
    head = ["form", "ours", "of it fill", "docxtpl", *LIBRARIES]
    lines = ["## Word fill (ms CPU a document, median, warm)", "", _row(head)]
    lines.append(_row(["---"] * len(head)))
    for case in cases:
        figures = ours[case.name]
        whole, fill, slow = (figures[side][0] for side in ("whole", "fill", "docxtpl"))
        peers = [_told(theirs.get(case.name, {}).get(one), whole) for one in LIBRARIES]
        lines.append(_row([case.name, f"{whole:.2f}", f"{fill:.2f}", _told([slow], whole), *peers]))
    lines += [
        "",
        "In brackets: how many times ours. Ours checks the values and prints dates, money",
    ]
    lines += ["and ticks in the same call; the others are handed the printed words."]
    return "\n".join([*lines, *missing])


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _told(figure: object, ours: float) -> str:
    if not isinstance(figure, list):
        return str(figure or "–")
    return f"{figure[0]:.1f} ({figure[0] / ours:.0f}×)"


def _case(name: str, form: Form, values: dict[str, object]) -> Case:
    return Case(name, form, values, print_tags(form, check_values(form, values).values))


def large_form() -> tuple[str, dict[str, object]]:
    """Return a made-up definition: 40 entries, a table of 7 columns; and values, 15 rows."""
    kinds = ("text", "date", "money", "integer", "longtext", "phone", "text", "percent")
    samples = (
        "甲公司<&>",
        "2026-11-23",
        "123456.50",
        "42",
        "一\n二",
        "0757-86681234",
        "乙",
        "12.5",
    )
    entries = [
        f'[[field]]\nkey = "栏目{n}"\nlabel = "栏目{n}"\nkind = "{kinds[n % 8]}"' for n in range(40)
    ]
    columns = [
        f'[[field.column]]\nkey = "列{n}"\nlabel = "列{n}"\nkind = "{kinds[n]}"' for n in range(7)
    ]
    table = '[[field]]\nkey = "明细"\nlabel = "明细"\nkind = "rows"'
    row = {f"列{n}": samples[n] for n in range(7)}
    values = {f"栏目{n}": samples[n % 8] for n in range(40)}
    definition = "\n".join([LARGE_HEAD, *entries, table, *columns])
    return definition, values | {"明细": [dict(row)] * 15}


def _large() -> tuple[Form, dict[str, object]]:
    definition, values = large_form()
    form = read_form(definition, b"", "")
    return replace(form, template=scaffold(form)), values


def _ours(case: Case) -> dict[str, tuple[float, float]]:
    template, compiled = case.form.read_template(), compile_form(case.form)
    made = _with_docxtpl(template, case.tags)
    if document_text(compiled.render(case.tags)) != document_text(made):
        raise AssertionError(f"{case.name}: docxtpl made another document")
    return in_turn(
        {
            "whole": lambda: render_word(case.form, case.values),
            "fill": lambda: compiled.render(case.tags),
            "docxtpl": lambda: _with_docxtpl(template, case.tags),
        },
        rounds=ROUNDS // BATCH,
        batch=BATCH,
    )


def _with_docxtpl(template: bytes, tags: dict[str, object]) -> bytes:
    document = DocxTemplate(io.BytesIO(template))
    environment = SandboxedEnvironment(autoescape=True, undefined=StrictUndefined)
    document.render(tags, jinja_env=environment, autoescape=True)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _peers(cases: list[Case]) -> tuple[dict[str, dict[str, object]], list[str]]:
    """Return the figures of the libraries for Node, and remarks on what could not be measured."""
    if not shutil.which("node") or not _installed():
        return {}, ["", "The libraries for Node were not measured: no node, or no registry."]
    with tempfile.TemporaryDirectory() as folder:
        for case in cases:
            names = Names()
            data = json.dumps(plain_data(case.tags, names), ensure_ascii=False)
            (Path(folder) / f"{case.name}.json").write_text(data, "utf-8")
            for library in LIBRARIES:
                made = in_dialect(case.form.read_template(), library, names)
                (Path(folder) / f"{case.name}.{library}.docx").write_bytes(made)
        command = ["node", str(BENCH / "word_peers.mjs"), folder, str(ROUNDS)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=BENCH)
        figures = json.loads(done.stdout.splitlines()[-1])
        return figures, [
            f"\n{library} on {case.name}: {why}"
            for case in cases
            for library in LIBRARIES
            if (why := _fault(Path(folder), case, library))
        ]


def _fault(folder: Path, case: Case, library: str) -> str:
    """Say what of the values is missing from what a library made."""
    path = folder / f"{case.name}.{library}.out.docx"
    if not path.exists():
        return "made nothing"
    text = document_text(path.read_bytes()).replace("\n", "")
    wanted = [str(value) for value in case.tags.values() if isinstance(value, str)]
    lines = [cell for value in case.tags.values() if isinstance(value, list) for cell in value]
    wanted += [str(cell) for line in lines for cell in line.values()]
    missing = [one for one in wanted if one.replace("\n", "") not in text]
    return f"{len(missing)} of {len(wanted)} values are missing" if missing else ""


def _installed() -> bool:
    """Whether the libraries lie in bench/node_modules; installs them once."""
    if (BENCH / "node_modules" / "carbone").exists():
        return True
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    return subprocess.run(command, cwd=BENCH, capture_output=True, check=False).returncode == 0
