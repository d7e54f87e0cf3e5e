"""Who may do what: one function ``can``, on plain values, for every page, call and command.

Reading is decided by tokens. A thing carries the tokens under which it may be read
(``reader_tokens``), a person holds tokens (``actor_tokens``); they may read it when the two
meet. The same tokens stand in SQL (``ReaderToken``) and in the search index, so lists, counts
and hits hide what ``can`` hides.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from archive.core.errors import Forbidden, NotFound, Unauthenticated

PUBLIC, INTERNAL, SECRET, CONFIDENTIAL = range(4)
SECRECY = ("公开", "内部", "秘密", "机密")
ROLES = {
    "clerk": "职员",
    "head": "部门负责人",
    "archivist": "档案员",
    "archive_head": "档案负责人",
    "leader": "公司领导",
    "finance": "财务",
    "legal": "法务",
    "quality": "质量",
    "service": "客服",
    "audit": "审计",
    "system_admin": "系统管理员",
    "security_admin": "安全管理员",
    "audit_admin": "审计管理员",
}
OFFICES = ("system_admin", "security_admin", "audit_admin")  # 三员：没有一员凭职务看文件


@dataclass(frozen=True)
class Actor:
    """The person who acts, as plain values.

    ``headed`` holds the departments this person heads, descendants included; ``grants`` the
    grants that hold for them now.
    """

    id: int
    name: str
    username: str
    staff_no: str
    department_id: int
    department_name: str
    roles: frozenset[str]
    clearance: int
    headed: frozenset[int] = frozenset()
    must_change_password: bool = False
    grants: frozenset[int] = frozenset()
    awaits_release: bool = False

    @property
    def handles_papers(self) -> bool:
        """Whether this person has more than an administrator's office (or nothing at all)."""
        return not self.roles <= _OFFICES


@dataclass(frozen=True)
class Thing:
    """What rights are asked about: whose it is, who takes part, how secret, in what state.

    ``grants`` are those given on it (on the paper, its volume or its customer), ended or not.
    """

    kind: str
    department_id: int | None = None
    owner_id: int | None = None
    participants: frozenset[int] = frozenset()
    customer_department_id: int | None = None
    customer_owner_id: int | None = None
    secrecy: int = INTERNAL
    state: str = ""
    assignee_ids: frozenset[int] = field(default_factory=frozenset)
    grants: frozenset[int] = frozenset()


def secrecy_rank(label: str) -> int:
    """Return the rank of 公开, 内部, 秘密 or 机密; raise ValueError for any other word."""
    return SECRECY.index(label)


TOKENS_VERSION = "1"
"""To be raised when a token comes to mean something else, or other things come to carry it.

An index of another version is not asked at all until it was built anew: its counts would tell
people of what they may not see.
"""


def reader_tokens(thing: Thing) -> frozenset[str]:
    """Return the tokens under which a record or item may be read.

    Those who wrote or signed it always, and nobody else while it is a draft; its department (and
    its customer's) while it is not secret, only their heads once it is; archivists, leaders and
    auditors within their clearance; once it is signed whoever was let in by a grant, within theirs.
    """
    if thing.kind == "record" and thing.state == "draft":
        return frozenset(f"u{person}" for person in {thing.owner_id, *thing.participants} - {None})
    people = {thing.owner_id, thing.customer_owner_id, *thing.participants} - {None}
    departments = {thing.department_id, thing.customer_department_id} - {None}
    tokens = {f"u{person}" for person in people}
    tokens |= {f"h{unit}.{thing.secrecy}" for unit in departments}
    tokens |= {f"{office}.{thing.secrecy}" for office in ("archive", "leader", "audit")}
    if thing.secrecy <= INTERNAL:
        tokens |= {f"d{unit}" for unit in departments}
    tokens |= {f"g{grant}.{thing.secrecy}" for grant in thing.grants}
    if thing.secrecy == PUBLIC:
        tokens.add("all")
    if thing.kind == "record" and thing.state not in ("signed", "filed", "destroyed"):
        tokens -= {f"{office}.{thing.secrecy}" for office in ("archive", "audit")}
        tokens -= {f"g{grant}.{thing.secrecy}" for grant in thing.grants}
        tokens -= {"all"} | {f"d{unit}" for unit in departments}
    return frozenset(tokens)


def actor_tokens(actor: Actor) -> frozenset[str]:
    """Return the tokens a person holds; none for who only holds an administrator's office."""
    if not actor.handles_papers:
        return frozenset()
    levels = range(min(actor.clearance, CONFIDENTIAL) + 1)
    tokens = {"all", f"u{actor.id}", f"d{actor.department_id}"}
    tokens |= {f"d{unit}" for unit in actor.headed}
    tokens |= {f"h{unit}.{level}" for unit in actor.headed for level in levels}
    tokens |= {f"g{grant}.{level}" for grant in actor.grants for level in levels}
    offices = {
        "archive": {"archivist", "archive_head"},
        "leader": {"leader"},
        "audit": {"audit", "legal"},
    }
    for office, roles in offices.items():
        if roles & actor.roles:
            tokens |= {f"{office}.{level}" for level in levels}
    return frozenset(tokens)


def personal_tokens(actor: Actor) -> frozenset[str]:
    """Return the tokens by which a person sees the personal numbers in what they may read.

    Those who wrote or signed the paper or keep its customer, the head of its department,
    archivists and leaders; not every colleague, nor auditors (个人信息保护法 art. 6: the least).
    """
    kinds = ("u", "h", "archive", "leader")
    return frozenset(token for token in actor_tokens(actor) if token.rstrip("0123456789.") in kinds)


def can(actor: Actor | None, act: str, thing: Thing | None = None) -> bool:
    """Say whether the actor may do the act (to the thing); an unknown act is a KeyError.

    What is done with papers is not for who only holds an administrator's office.
    """
    rule = _RULES[act]
    if actor is None or not (actor.handles_papers or act in _WITHOUT_PAPERS):
        return False
    return rule(actor, thing or Thing(kind=""))


def require(actor: Actor | None, act: str, thing: Thing | None = None) -> Actor:
    """Return the actor if they may; raise Unauthenticated, NotFound or Forbidden.

    A thing the actor may not even read does not exist for them (NotFound).
    """
    if actor is None:
        raise Unauthenticated("请先登录。")
    if can(actor, act, thing):
        return actor
    read = f"{thing.kind}.read" if thing else ""
    if thing is not None and read in _RULES and not can(actor, read, thing):
        raise NotFound("没有这份文件，或者您无权查看。")
    raise Forbidden("您没有权限做这件事；如确有需要，请联系部门负责人或安全管理员。")


def acts() -> frozenset[str]:
    """Return every act that ``can`` knows."""
    return frozenset(_RULES)


def needs_thing(act: str) -> bool:
    """Say whether the act is decided with the thing it is done to."""
    return _RULES[act] in _ABOUT_A_THING


_Rule = Callable[[Actor, Thing], bool]
_OFFICES = frozenset(OFFICES)


def _anyone(actor: Actor, thing: Thing) -> bool:
    return True


def _readable(actor: Actor, thing: Thing) -> bool:
    return bool(actor_tokens(actor) & reader_tokens(thing))


def _knows_personally(actor: Actor, thing: Thing) -> bool:
    return bool(personal_tokens(actor) & reader_tokens(thing))


def _role(*roles: str) -> _Rule:
    return lambda actor, thing: bool(actor.roles & set(roles))


def _reads_the_journal(actor: Actor, _thing: Thing) -> bool:
    """Who audits; and, as long as one person holds both other offices, that person too.

    A small firm begins with one administrator: until the offices are parted nobody else might
    ever look. Parted, neither of the two reads the log of their own acts.
    """
    if actor.roles & {"audit_admin", "audit", "leader", "archive_head"}:
        return True
    return actor.roles >= {"system_admin", "security_admin"}


def _author_of_draft(actor: Actor, thing: Thing) -> bool:
    return thing.owner_id == actor.id and thing.state in ("draft", "returned")


def _author(actor: Actor, thing: Thing) -> bool:
    return thing.owner_id == actor.id


def _assigned(actor: Actor, thing: Thing) -> bool:
    return actor.id in thing.assignee_ids


def _customer_keeper(actor: Actor, thing: Thing) -> bool:
    return (
        thing.owner_id in (actor.id, None)
        or thing.department_id in actor.headed
        or bool(actor.roles & {"archivist", "archive_head", "leader"})
    )


def _archivist_who_reads(actor: Actor, thing: Thing) -> bool:
    return bool(actor.roles & {"archivist", "archive_head"}) and _readable(actor, thing)


def _of_its_department(actor: Actor, thing: Thing) -> bool:
    """A member of the department, or the head of one above it."""
    return thing.department_id in {actor.department_id, *actor.headed}


def _of_its_department_or_office(actor: Actor, thing: Thing) -> bool:
    offices = {"archivist", "archive_head", "leader", "audit"}
    return bool(actor.roles & offices) or _of_its_department(actor, thing)


def _keeps_its_access(actor: Actor, thing: Thing) -> bool:
    """Who may see and widen the circle of its readers.

    The security administrator, who reads nothing; the head of its department and the archive's
    head, where they read it themselves.
    """
    if "security_admin" in actor.roles:
        return True
    heads = thing.department_id in actor.headed or "archive_head" in actor.roles
    return heads and can(actor, f"{thing.kind}.read", thing)


_RULES: dict[str, _Rule] = {
    "self": _anyone,
    "form.read": _anyone,
    "form.publish": _role("system_admin"),
    "customer.list": _anyone,
    "customer.read": _anyone,
    "customer.create": _anyone,
    "customer.edit": _customer_keeper,
    "record.list": _anyone,
    "record.create": _anyone,
    "record.read": _readable,
    "record.edit": _author_of_draft,
    "record.submit": _author_of_draft,
    "record.withdraw": _author,
    "record.sign": _assigned,
    "record.reject": _assigned,
    "item.list": _anyone,
    "item.read": _readable,
    "item.file": _archivist_who_reads,
    "item.lower": _role("archive_head", "leader"),
    "item.package": _role("archivist", "archive_head", "leader", "audit"),
    "check.read": _role("archivist", "archive_head", "leader", "audit"),
    "check.confirm": _role("archivist", "archive_head"),
    "quarantine.release": _role("archivist", "archive_head", "leader"),
    "quarantine.accept": _role("archive_head"),
    "filing.list": _role("archivist", "archive_head"),
    "plan.edit": _role("archivist", "archive_head"),
    "filing.import": _role("archivist", "archive_head"),
    "handover.list": _anyone,
    "handover.read": _of_its_department_or_office,
    "handover.make": _of_its_department,
    "handover.receive": _role("archivist", "archive_head"),
    "handover.all": _role("archivist", "archive_head", "leader", "audit"),
    "controlled.list": _anyone,
    "controlled.register": _role("archivist", "archive_head", "leader", "audit", "quality"),
    "controlled.manage": _role("archivist", "archive_head"),
    "place.list": _role("archivist", "archive_head", "leader", "audit"),
    "place.edit": _role("archivist", "archive_head"),
    "place.move": _role("archivist", "archive_head"),
    "stocktake.list": _role("archivist", "archive_head", "leader", "audit"),
    "stocktake.work": _role("archivist", "archive_head"),
    "volume.list": _anyone,
    "volume.seal": _role("archivist", "archive_head"),
    "seal.list": _anyone,
    "seal.edit": _role("security_admin"),
    "seal.register": _anyone,
    "loan.list": _anyone,
    "loan.request": _anyone,
    "loan.approve": _assigned,
    "loan.desk": _role("archivist", "archive_head"),
    "loan.incident": _role("archive_head"),
    "loan.rules": _role("archive_head"),
    "loan.register": _role("archivist", "archive_head", "leader", "audit"),
    "retention.list": _role("archivist", "archive_head", "leader", "audit", "legal"),
    "retention.read": _anyone,
    "retention.appraise": _role("archive_head"),
    "retention.hold": _role("archive_head", "legal"),
    "retention.dispose": _role("archivist", "archive_head"),
    "retention.sign": _anyone,
    "retention.settings": _role("security_admin"),
    "search": _anyone,
    "personal.read": _knows_personally,
    "search.synonyms": _role("archivist", "archive_head", "system_admin"),
    "journal.read": _reads_the_journal,
    "verify.run": _role("system_admin", "audit_admin", "audit", "archive_head"),
    "health.read": _role("system_admin"),
    "people.list": _role(*OFFICES),
    "people.edit": _role("system_admin"),
    "people.rights": _role("security_admin"),
    "task.reassign": _role("security_admin"),
    "access.read": _keeps_its_access,
    "access.grant": _keeps_its_access,
    "grant.list": _role("security_admin", "archive_head", "head"),
}
_WITHOUT_PAPERS = frozenset(
    {
        "self",
        "form.publish",
        "seal.list",
        "seal.edit",
        "retention.read",
        "retention.settings",
        "search.synonyms",
        "journal.read",
        "verify.run",
        "health.read",
        "people.list",
        "people.edit",
        "people.rights",
        "task.reassign",
        "access.read",
        "access.grant",
        "grant.list",
    }
)
_ABOUT_A_THING = (
    _readable,
    _knows_personally,
    _author_of_draft,
    _author,
    _assigned,
    _customer_keeper,
    _archivist_who_reads,
    _of_its_department,
    _of_its_department_or_office,
    _keeps_its_access,
)
