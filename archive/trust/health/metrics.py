"""The server's measures as Prometheus reads them (text format 0.0.4); no personal data.

Written here rather than by a library: it is a page of text. Counters are of this process.
"""

from collections.abc import Iterator
from datetime import datetime

from archive.core.meters import Meters
from archive.trust.health.rules import Act, Measures

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def exposition(seen: Measures, meters: Meters) -> str:
    """Return all measures as text."""
    return "\n".join([*_gauges(seen), *_requests(meters), ""])


def _gauges(seen: Measures) -> Iterator[str]:
    values: dict[str, tuple[str, float]] = {
        "archive_outbox_pending": ("Jobs not done yet.", seen.jobs_waiting),
        "archive_outbox_given_up": ("Jobs given up after many tries.", seen.jobs_given_up),
        "archive_outbox_oldest_seconds": (
            "Wait of the oldest due job.",
            _age(seen, seen.oldest_job),
        ),
        "archive_journal_entries": ("Entries of the journal.", seen.entries),
        "archive_blobs": ("Files kept.", seen.blobs),
        "archive_blob_bytes": ("Bytes of the files kept.", seen.blob_bytes),
        "archive_database_bytes": ("Size of the database file.", seen.row_bytes),
        "archive_disk_free_bytes": ("Free room on the data disk.", seen.disk_free),
        "archive_disk_total_bytes": ("Size of the data disk.", seen.disk_total),
        "archive_office_up": ("Whether the PDF service answers.", seen.office_answers),
        "archive_index_sound": ("Whether the search index is sound.", not seen.index_trouble),
        "archive_verify_findings": ("Findings of the last check.", _findings(seen.checked)),
    }
    ages = {
        "archive_worker_beat_age_seconds": ("Since a worker was alive.", seen.worker_beat),
        "archive_backup_age_seconds": ("Since the last good backup.", _at(seen.backed_up)),
        "archive_verify_age_seconds": ("Since the last whole check.", _at(seen.checked)),
        "archive_drill_age_seconds": ("Since the last restore drill.", _at(seen.drilled)),
    }
    for name, (told, at) in ages.items():
        if at is not None:  # what never was has no age
            values[name] = (told, _age(seen, at))
    for name, (told, value) in values.items():
        yield f"# HELP {name} {told}"
        yield f"# TYPE {name} gauge"
        yield f"{name} {_number(value)}"
    yield "# HELP archive_build_info The release that runs."
    yield "# TYPE archive_build_info gauge"
    yield f'archive_build_info{{version="{_label(seen.versions.get("档案台", ""))}"}} 1'


def _requests(meters: Meters) -> Iterator[str]:
    name = "archive_request_seconds"
    yield f"# HELP {name} How long requests took, by route."
    yield f"# TYPE {name} histogram"
    for (method, route), times in sorted(meters.times().items()):
        labels = f'method="{method}",route="{_label(route)}"'
        count = 0
        for bound, count in times.cumulative():
            yield f'{name}_bucket{{{labels},le="{bound}"}} {count}'
        yield f"{name}_sum{{{labels}}} {times.total:.6f}"
        yield f"{name}_count{{{labels}}} {count}"
    name = "archive_requests_total"
    yield f"# HELP {name} Requests answered, by route and kind of status."
    yield f"# TYPE {name} counter"
    for (method, route, kind), count in sorted(meters.answers().items()):
        yield f'{name}{{method="{method}",route="{_label(route)}",status="{kind}"}} {count}'


def _at(act: Act | None) -> datetime | None:
    return act.at if act is not None else None


def _findings(act: Act | None) -> int:
    return act.findings if act is not None else 0


def _age(seen: Measures, at: datetime | None) -> float:
    return max(0.0, (seen.now - at).total_seconds()) if at is not None else 0.0


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:.3f}"


def _label(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
