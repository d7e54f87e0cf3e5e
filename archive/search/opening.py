"""Finds which PDF of an item, and which page of it, says what was searched for.

Page texts are not kept: the PDF is read at the click, in the child process with limits.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from archive.core.clock import local_day
from archive.core.resources import Resources
from archive.filing import service as filing
from archive.filing.views import FileView
from archive.people.rights import Actor
from archive.search import synonyms
from indexer import ExtractError, SearchRequest, extract_pages, find_page
from storage.errors import StorageError

PDF = "application/pdf"
MOST_FILES = 4
_TIMEOUT = 8.0


@dataclass(frozen=True)
class Place:
    """A file of an item and a page in it, from 1."""

    file_id: int
    page: int


def find_place(resources: Resources, actor: Actor, item_id: int, text: str) -> Place | None:
    """Return the first PDF and page on which the text stands, the first PDF's beginning without.

    None for an item without a PDF. Raises NotFound for an item the actor may not read. Looks
    into four PDFs at most; one that cannot be read in time is passed over.
    """
    with resources.reading() as uow:
        item = filing.get_item(uow, actor, item_id)
        request = SearchRequest(
            text, frozenset(), today=local_day(uow.now()), synonyms=synonyms.groups(uow)
        )
    files = [one for one in item.files if one.media_type == PDF]
    for file in files[:MOST_FILES]:
        page = find_page(request, _page_texts(resources, file))
        if page:
            return Place(file.id, page)
    return Place(files[0].id, 1) if files else None


def _page_texts(resources: Resources, file: FileView) -> tuple[str, ...]:
    try:
        content = resources.blobs.read(file.sha256)
        with tempfile.TemporaryDirectory(prefix="archive-pages-") as folder:
            path = Path(folder) / "file.pdf"
            path.write_bytes(content)
            return extract_pages(path, timeout=_TIMEOUT)
    except (ExtractError, StorageError):
        return ()
