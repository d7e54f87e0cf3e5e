"""Finds text: the only door of the package.

Here: the names other packages may use. Not here: any work but saying how numpy is to sort. The
names are looked up on first use, so that the small child process that reads strangers' files does
not load the search engine.
Called by archive.search, archive.jobs and archive.cli.
"""

import importlib
from typing import TYPE_CHECKING, Any

from indexer.processor import choose_sorting

if TYPE_CHECKING:
    from indexer.errors import ExtractError, IndexBusy, IndexDamaged, IndexerError
    from indexer.extraction import Extracted, extract, extract_pages
    from indexer.folding import fold
    from indexer.index import Index
    from indexer.posting_cache import limit_cache
    from indexer.results import Hidden, Hit, Marked, SearchRequest, SearchResults, Suggestion
    from indexer.schema import SCHEMA_VERSION, Entry, entry_stamp
    from indexer.search import find_page

__all__ = [
    "SCHEMA_VERSION",
    "Entry",
    "ExtractError",
    "Extracted",
    "Hidden",
    "Hit",
    "Index",
    "IndexBusy",
    "IndexDamaged",
    "IndexerError",
    "Marked",
    "SearchRequest",
    "SearchResults",
    "Suggestion",
    "entry_stamp",
    "extract",
    "extract_pages",
    "find_page",
    "fold",
    "limit_cache",
]

_HOMES = {
    "SCHEMA_VERSION": "schema",
    "Entry": "schema",
    "ExtractError": "errors",
    "Extracted": "extraction",
    "Hidden": "results",
    "Hit": "results",
    "Index": "index",
    "IndexBusy": "errors",
    "IndexDamaged": "errors",
    "IndexerError": "errors",
    "Marked": "results",
    "SearchRequest": "results",
    "SearchResults": "results",
    "Suggestion": "results",
    "entry_stamp": "schema",
    "extract": "extraction",
    "extract_pages": "extraction",
    "find_page": "search",
    "fold": "folding",
    "limit_cache": "posting_cache",
}

choose_sorting()


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'indexer' has no attribute {name!r}")
    found = getattr(importlib.import_module(f"indexer.{home}"), name)
    globals()[name] = found
    return found
