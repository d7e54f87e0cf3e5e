"""The journal's last number and hash, kept in a file outside the database.

With it a journal whose end was cut off, or that was rewritten whole, is found out.
"""

from archive.core.resources import Resources
from storage import journal


def note_head(resources: Resources) -> None:
    """Write the journal's present head beside the database."""
    with resources.reading() as uow:
        seq, head = journal.last_entry(uow.session)
    path = resources.settings.data / "journal.head"
    part = path.with_suffix(".part")
    part.write_text(f"{seq} {head}\n", encoding="ascii")
    part.replace(path)


def read_head(resources: Resources) -> tuple[int, str]:
    """Return the head noted last; (0, "") when none was."""
    path = resources.settings.data / "journal.head"
    if not path.exists():
        return 0, ""
    seq, _, head = path.read_text(encoding="ascii").strip().partition(" ")
    return int(seq), head
