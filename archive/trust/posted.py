"""What the journal is narrowed to, as an address says it. For page and call alike."""

from collections.abc import Mapping

from archive.trust.reading import LONGEST, JournalFilter

_NAMES = {"object_type": "type", "object_id": "object"}
_PARTS = ("person", "action", "object_type", "object_id", "since", "until", "text")


def read_journal_filter(args: Mapping[str, str]) -> JournalFilter:
    """Return the filter of a query string; unknown names are left aside."""
    found = {part: args.get(_NAMES.get(part, part), "")[:LONGEST] for part in _PARTS}
    return JournalFilter(**found)
