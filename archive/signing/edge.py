"""Submit and sign as whole acts: plan, freeze, record, each with its own unit of work.

Page, API call and command share these; they are the edge, so they commit.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from archive.core.errors import ArchiveError, Conflict, Invalid, Unauthenticated
from archive.core.resources import Resources
from archive.documents import service as documents
from archive.people import access
from archive.people.rights import Actor
from archive.people.signin.edge import confirm_own
from archive.records.views import RecordView
from archive.signing import audience, entries, own_keys, service, submission
from archive.signing.acts import Asked, find_act
from archive.signing.freeze import freeze_signature, freeze_submission
from archive.signing.marks import find_mark
from archive.signing.planning import Chosen
from archive.signing.rules import clean_opinion
from archive.signing.seals.rules import SealRequest
from archive.signing.views import RunView, TaskView
from doc_templates import Form
from storage.work import UnitOfWork

TRIES = 5  # of signing again on a colleague's signature given at the same moment


@dataclass(frozen=True)
class Signed:
    """What came of one paper among many: signed, or why not."""

    record_id: int
    done: bool
    why: str = ""


@dataclass(frozen=True)
class _Given:
    """What a signer gave with the signature."""

    drawn_png: bytes | None
    opinion: str
    circled: bool = False
    filled: Mapping[str, object] = field(default_factory=dict)
    own_password: str = ""


@dataclass(frozen=True)
class _Asked:
    """What somebody is to sign, as it was at one moment; ``before``: the digest of its PDF."""

    record: RecordView
    run: RunView
    task: TaskView
    before: str
    images: Mapping[int, str]
    form: Form


def submit(
    resources: Resources,
    actor: Actor,
    record_id: int,
    version: int,
    *,
    chosen: Chosen | None = None,
    copies: Sequence[int] = (),
    with_outside: bool = False,
    seal: SealRequest | None = None,
) -> RunView:
    """Freeze a record and start its signing run.

    ``chosen``: the people the submitter picks, by role; ``copies``: who gets it to read;
    ``with_outside``: the other party is to sign by a link; ``seal``: the company's is put on.
    """
    with resources.reading() as uow:  # the write lock is for writing: whoever reads lets others by
        asked = submission.check_seal(uow, actor, record_id, seal)
        record, plan = submission.plan_submission(
            uow, actor, record_id, version, chosen, with_outside=with_outside, seal=asked
        )
    with resources.work() as uow:
        record = submission.number_paper(uow, record)
        uow.commit()
    frozen = freeze_submission(resources, record, plan.fields, asked)
    with resources.work() as uow:
        run = submission.record_submission(uow, actor, record, plan, frozen, copies, asked)
        uow.commit()
    return run


def sign(
    resources: Resources,
    actor: Actor,
    record_id: int,
    *,
    password: str,
    drawn_png: bytes | None,
    opinion: str = "",
    address: str = "-",
    circled: bool = False,
    filled: Mapping[str, object] | None = None,
    own_password: str = "",
    with_mark: bool = False,
) -> RunView:
    """Put the actor's signature on a record, after asking for their password again.

    ``filled``: what the form asks of this signer (批示, 意见); ``circled``: 圈阅;
    ``own_password`` opens the actor's own certificate, where one is registered; ``with_mark``:
    the actor's name seal (名章) is shown where nothing is drawn.
    """
    clean_opinion(opinion, required=False)
    with resources.reading() as uow:
        asked = _look(uow, actor, record_id)
        mark = find_mark(uow, actor.id) if with_mark and drawn_png is None else None
    if with_mark and drawn_png is None:
        if mark is None:
            raise Invalid("您还没有存名章，请手写签名，或先到“我的签名”里存一枚。")
        drawn_png = resources.blobs.read(mark)
    confirm(resources, actor, password, address)
    given = _Given(drawn_png, opinion, circled, dict(filled or {}), own_password)
    with _counting(resources, actor, own_password, address):
        for _ in range(TRIES - 1):
            try:
                return _sign(resources, actor, asked, given)
            except service.PaperMoved:
                with resources.reading() as uow:
                    asked = _look(uow, actor, record_id)
        return _sign(resources, actor, asked, given)


def sign_many(
    resources: Resources,
    actor: Actor,
    record_ids: Sequence[int],
    *,
    password: str,
    opinion: str = "",
    address: str = "-",
) -> tuple[Signed, ...]:
    """Sign several papers with one password; each goes its whole way, and fails alone.

    Each shows the actor's name seal, or without one the name.
    """
    clean_opinion(opinion, required=False)
    confirm(resources, actor, password, address)
    with resources.reading() as uow:
        mark = find_mark(uow, actor.id)
    drawn = None if mark is None else resources.blobs.read(mark)
    outcomes = []
    for record_id in dict.fromkeys(record_ids):
        try:
            with resources.reading() as uow:
                asked = _look(uow, actor, record_id)
            _sign(resources, actor, asked, _Given(drawn, opinion))
            outcomes.append(Signed(record_id, done=True))
        except ArchiveError as refusal:
            outcomes.append(Signed(record_id, done=False, why=refusal.message))
    return tuple(outcomes)


def act(
    resources: Resources,
    actor: Actor,
    record_id: int,
    name: str,
    asked: Asked,
    *,
    password: str = "",
    address: str = "-",
) -> str:
    """Do any other act on a paper under way; return what to tell. Raises what the act raises."""
    rule = find_act(name)
    if rule.needs_password:
        confirm(resources, actor, password, address, "没有办成")
    with resources.work() as uow:
        rule.do(uow, actor, record_id, asked)
        uow.commit()
    return rule.done


def resolve_people(
    resources: Resources, chosen: Mapping[str, Sequence[str]], copies: Sequence[str]
) -> tuple[dict[str, list[int]], tuple[int, ...]]:
    """Return the people meant by names and numbers at submission; raise Invalid."""
    with resources.reading() as uow:
        by_role = {
            role: [one.id for one in audience.people_named(uow, texts)]
            for role, texts in chosen.items()
        }
        return by_role, tuple(one.id for one in audience.people_named(uow, copies))


def confirm(
    resources: Resources,
    actor: Actor,
    password: str,
    address: str,
    in_vain: str = "签字没有生效",
) -> None:
    """Ask for the actor's own password again; raise Unauthenticated or Throttled.

    ``in_vain``: what did not come about, as the refusal says it.
    """
    check = confirm_own(resources, actor, password, address)
    if check.user_id is not None:
        return
    with resources.work() as uow:
        access.note_password(uow, check)
        uow.commit()
    raise Unauthenticated(f"密码不对，{in_vain}，请重新输入密码。", {"password": "密码不对"})


@contextmanager
def _counting(
    resources: Resources, actor: Actor, own_password: str, address: str
) -> Iterator[None]:
    """Count wrong passwords of the signer's own certificate; raise Throttled after too many."""
    if own_password:
        with resources.reading() as uow:
            own_keys.check_tries(uow, actor.id)
    try:
        yield
    except own_keys.WrongOwnPassword:
        with resources.work() as uow:
            own_keys.note_wrong(uow, actor.id, address)
            uow.commit()
        raise


def _look(uow: UnitOfWork, actor: Actor, record_id: int) -> _Asked:
    """Return what the actor is to sign; raise Conflict where it is nothing."""
    record, run, task = service.plan_signature(uow, actor, record_id)
    latest = documents.latest_document(uow, record_id, "pdf")
    return _Asked(
        record,
        run,
        task,
        before="" if latest is None else latest.sha256,
        images=service.signature_images(uow, record_id),
        form=entries.form_for(uow, record),
    )


def _sign(resources: Resources, actor: Actor, asked: _Asked, given: _Given) -> RunView:
    record, task = asked.record, asked.task
    if task.is_seal:
        raise Conflict("这一步是用印，请打开文件核对后按“用印”办理。")
    with resources.reading() as uow:
        service.check_words(uow, task, given.opinion, circled=given.circled)
    entered = entries.check_entries(asked.form, record.content, task.role, given.filled)
    if entered:
        whole = entries.with_entries(asked.form, record.content, entered)
        record = replace(record, content=whole)
    signed = freeze_signature(
        resources,
        actor,
        record,
        asked.run,
        task,
        given.drawn_png,
        asked.before,
        asked.images,
        given.own_password,
        entered,
    )
    with resources.work() as uow:
        result = service.record_signature(
            uow,
            actor,
            task,
            signed,
            given.opinion,
            outcome="circle" if given.circled else "approve",
            filled=entered,
        )
        uow.commit()
    return result
