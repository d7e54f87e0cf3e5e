"""A volume's paper as an answer: Word or PDF, made outside any unit of work. For pages and API."""

from flask import Response

from archive.core.answers import named_answer
from archive.core.resources import Resources
from archive.documents.service import PDF, file_name, make_draft_pdf
from archive.filing.papers import Paper


def paper_response(parts: Resources, paper: Paper, kind: str, media_type: str) -> Response:
    """Return the paper as a download; raise Unavailable when the PDF service cannot make it."""
    word = paper.word()
    content = make_draft_pdf(parts.converter, word) if kind == PDF else word
    name = file_name(kind, paper.form.code, paper.form.title, paper.title)
    response = named_answer(content, media_type, name)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-store"
    return response
