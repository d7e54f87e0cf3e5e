"""The 用印登记 as the chain keeps it: asked with the run, done with the step, undone with a return.

Rows only; who may do it was checked by the caller. Called by the signing services.
"""

from collections.abc import Mapping

from sqlalchemy import select

from archive.people import service as people
from archive.people.rights import Actor
from archive.signing.seals.models import CompanySeal, SealUse
from archive.signing.seals.views import SealAsked, SealUseView
from storage.blobs import BlobRef
from storage.work import UnitOfWork

CANDIDATE = "seal:"  # what stands in a step's candidate before its keeper's number


def open_use(
    uow: UnitOfWork, actor: Actor, run_id: int, record_id: int, title: str, asked: SealAsked
) -> None:
    """Enter what was asked for at submission."""
    uow.session.add(
        SealUse(
            seal_id=asked.seal_id,
            record_id=record_id,
            run_id=run_id,
            title=title[:200],
            why=asked.why,
            asked_by_id=actor.id,
            asked_at=uow.now(),
            copies_approved=asked.copies,
            across=asked.across,
            width_mm=asked.width_mm,
            height_mm=asked.height_mm,
            state="asked",
            done_by_id=None,
            done_at=None,
            image_sha256=None,
            pdf_sha256=None,
        )
    )
    uow.session.flush()


def close_use(
    uow: UnitOfWork,
    actor: Actor,
    run_id: int,
    copies: int,
    note: str,
    files: tuple[BlobRef, BlobRef, int],
) -> None:
    """Enter that the seal was put on: by whom, on how many copies, picture, PDF and its pages."""
    row = _present(uow, run_id)
    if row is None:
        return
    image, pdf, pages = files
    row.state, row.done_by_id, row.done_at = "done", actor.id, uow.now()
    row.copies_stamped, row.note, row.pages = copies, note, pages
    row.image_sha256, row.pdf_sha256 = uow.keep(image), pdf.sha256
    uow.session.flush()


def end_uses(uow: UnitOfWork, run_id: int) -> None:
    """Enter that a run is over: what was not sealed will not be, what was is void."""
    row = _present(uow, run_id)
    if row is not None:
        row.state = "ended" if row.state == "asked" else "void"


def reopen_use(uow: UnitOfWork, run_id: int) -> None:
    """Enter that the seal must be put on anew: the signature under it was undone."""
    row = _present(uow, run_id)
    if row is None or row.state != "done":
        return
    row.state = "void"
    uow.session.add(
        SealUse(
            seal_id=row.seal_id,
            record_id=row.record_id,
            run_id=run_id,
            title=row.title,
            why=row.why,
            asked_by_id=row.asked_by_id,
            asked_at=row.asked_at,
            copies_approved=row.copies_approved,
            across=row.across,
            width_mm=row.width_mm,
            height_mm=row.height_mm,
            state="asked",
            done_by_id=None,
            done_at=None,
            image_sha256=None,
            pdf_sha256=None,
        )
    )
    uow.session.flush()


def use_of(uow: UnitOfWork, run_id: int) -> SealUseView | None:
    """Return the seal a run asks for or bears, or None."""
    row = _present(uow, run_id)
    return None if row is None else views_of(uow, [row])[0]


def views_of(uow: UnitOfWork, rows: list[SealUse]) -> tuple[SealUseView, ...]:
    """Return rows as people see them."""
    names = people.names_of(uow, {one for row in rows for one in (row.asked_by_id, row.done_by_id)})
    seals = _seal_names(uow, {row.seal_id for row in rows})
    return tuple(_view(row, names, seals) for row in rows)


def _view(row: SealUse, names: Mapping[int, str], seals: Mapping[int, str]) -> SealUseView:
    return SealUseView(
        id=row.id,
        seal_id=row.seal_id,
        seal_name=seals[row.seal_id],
        record_id=row.record_id,
        title=row.title,
        why=row.why,
        approved_by=row.approved_by,
        asked_by_name=names[row.asked_by_id],
        asked_at=row.asked_at,
        copies_approved=row.copies_approved,
        copies_stamped=row.copies_stamped,
        across=row.across,
        pages=row.pages,
        width_mm=row.width_mm,
        height_mm=row.height_mm,
        state=row.state,
        done_by_id=row.done_by_id,
        done_by_name=names.get(row.done_by_id or 0, ""),
        done_at=row.done_at,
        note=row.note,
        image_sha256=row.image_sha256 or "",
    )


def _present(uow: UnitOfWork, run_id: int) -> SealUse | None:
    return uow.session.scalar(
        select(SealUse)
        .where(SealUse.run_id == run_id, SealUse.state.in_(("asked", "done")))
        .order_by(SealUse.id.desc())
        .limit(1)
    )


def _seal_names(uow: UnitOfWork, ids: set[int]) -> dict[int, str]:
    rows = uow.session.execute(
        select(CompanySeal.id, CompanySeal.name).where(CompanySeal.id.in_(ids))
    )
    return {row.id: row.name for row in rows}
