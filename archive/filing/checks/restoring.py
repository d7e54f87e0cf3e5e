"""Bringing the right bytes back to an item in quarantine, as a whole act.

Only bytes whose digest is the registered one are taken; then every file of the item is checked
anew, and it is let go only if nothing that put it aside is left.
"""

from archive.core.resources import Resources
from archive.filing.checks import gathering, quarantine, runs
from archive.filing.checks.judging import Report, judge
from archive.filing.checks.reading import read_bytes, see
from archive.people.rights import Actor

STAGE = "sample"


def restore_file(resources: Resources, actor: Actor, item_id: int, content: bytes) -> Report:
    """Put the right bytes in the place of damaged ones and check the item again.

    Returns the new check; the item is free when ``is_free(report)``. Raises NotFound, Forbidden,
    and Invalid for bytes that are not those of any of the item's files.
    """
    with resources.reading() as uow:
        found = quarantine.find_damaged(uow, actor, item_id, content)
    was = read_bytes(resources.blobs, [found.sha256])[found.sha256].sha256
    if was != found.sha256:
        with resources.work() as uow:
            quarantine.note_restored(uow, actor, item_id, found.sha256, was)
            uow.commit()
        resources.blobs.put_again(content, found.media_type)
    return check_again(resources, actor, item_id)


def check_again(resources: Resources, actor: Actor, item_id: int) -> Report:
    """Check an item in quarantine anew, and let it go if what put it there is gone."""
    with resources.reading() as uow:
        quarantine.require_aside(uow, actor, item_id)
        papers = gathering.papers_of(uow, [item_id])
    report = judge(see(resources, papers, anew=True), STAGE)
    with resources.work() as uow:
        kept = runs.keep_run(uow, actor.id, report, why="隔离中重新检测")
        if is_free(kept):
            quarantine.release_restored(uow, actor, item_id, kept.run_id)
        uow.commit()
    return kept


def is_free(report: Report) -> bool:
    """Say whether nothing is left of what puts an item aside."""
    return not any(one.faults for one in report.results if one.item.quarantine)
