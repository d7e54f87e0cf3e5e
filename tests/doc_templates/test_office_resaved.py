"""A template may be opened and saved in an office: its tags are found and filled as before."""

import re
import shutil
import subprocess
from dataclasses import replace

import pytest

from doc_templates import list_forms, render_word, sample_values
from doc_templates.inspection import inspect_template
from doc_templates.package import document_text

pytestmark = [
    pytest.mark.slow,
    pytest.mark.office,
    pytest.mark.skipif(shutil.which("soffice") is None, reason="没有 LibreOffice"),
]
PAGES = re.compile(r"第\s*\d+\s*页\s*共\s*\d+\s*页")  # counted anew by whoever saves


@pytest.fixture(scope="module")
def resaved(tmp_path_factory):
    """Every shipped template, saved again by LibreOffice; by code."""
    folder = tmp_path_factory.mktemp("resaved")
    sources = []
    for form in list_forms():
        sources.append(folder / f"{form.code}.docx")
        sources[-1].write_bytes(form.read_template())
    command = ["soffice", f"-env:UserInstallation=file://{folder}/profile", "--headless"]
    command += ["--convert-to", "docx:MS Word 2007 XML", "--outdir", str(folder / "out")]
    subprocess.run([*command, *map(str, sources)], check=True, capture_output=True, timeout=120)
    return {source.stem: (folder / "out" / source.name).read_bytes() for source in sources}


@pytest.mark.parametrize("form", list_forms(), ids=lambda form: form.code)
def test_tags_survive_being_saved_by_an_office(form, resaved):
    again = resaved[form.code]
    assert again != form.read_template()
    assert set(inspect_template(again).tags) == set(inspect_template(form.read_template()).tags)
    values = sample_values(form.code)
    before = document_text(render_word(form, values))
    after = document_text(render_word(replace(form, template=again), values))
    assert PAGES.sub("", after) == PAGES.sub("", before)
