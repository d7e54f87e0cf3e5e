"""Filling a Word form: our render against docxtpl itself, on the same template and values."""

import io

from docxtpl import DocxTemplate
from jinja2 import StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from bench.timing import in_turn
from doc_templates import check_values, load_form, render_word, sample_values
from doc_templates.values import printed_values
from doc_templates.word import NO_CONTEXT, _printed_context

CODES = ("E01", "E05", "E10")
ROUNDS = 30


def run() -> str:
    """Return the table."""
    lines = [
        "## Word fill (ms CPU a document, median)",
        "",
        "| form | docxtpl / ours | ours | docxtpl |",
        "|---|---|---|---|",
    ]
    for code in CODES:
        form, values = load_form(code), sample_values(code)
        template = form.template_path.read_bytes()
        told = printed_values(form, check_values(form, values).values)
        tags = told | _printed_context(form, NO_CONTEXT, False)
        figures = in_turn(
            {
                "ours": lambda form=form, values=values: render_word(form, values),
                "docxtpl": lambda template=template, tags=tags: _with_docxtpl(template, tags),
            },
            ROUNDS,
        )
        ours, theirs = figures["ours"][0], figures["docxtpl"][0]
        lines.append(f"| {code} | {theirs / ours:.1f} | {ours:.2f} | {theirs:.2f} |")
    lines += ["", "Ours checks the values and prints dates, money and ticks in the same call."]
    return "\n".join(lines)


def _with_docxtpl(template: bytes, tags: dict[str, object]) -> bytes:
    document = DocxTemplate(io.BytesIO(template))
    environment = SandboxedEnvironment(autoescape=True, undefined=StrictUndefined)
    document.render(tags, jinja_env=environment, autoescape=True)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()
