"""A task's file as an answer, sent piece by piece. For routes and api."""

from flask import Response, send_file

from archive.core.file_names import content_disposition
from archive.core.resources import Resources
from archive.tasks.service import TaskFileView


def file_answer(parts: Resources, found: TaskFileView) -> Response:
    """Return the file as a download under its (Chinese) name."""
    answer = send_file(parts.blobs.open(found.sha256), mimetype=found.media_type)
    answer.headers["Content-Length"] = str(found.size)
    answer.headers["Content-Disposition"] = content_disposition(found.name)
    return answer
