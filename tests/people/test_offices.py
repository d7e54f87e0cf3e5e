"""The three separated administrators: none does what is another's, none reads papers."""

import pytest
from sqlalchemy import select, text

from archive.core.errors import Conflict, Forbidden, Invalid
from archive.instance import MIGRATIONS, migrate
from archive.people import access, separation, service
from archive.people.models import RoleGrant
from archive.people.rights import OFFICES, ROLES, acts, can, needs_thing
from archive.people.signin import factors, outside
from archive.people.signin.known import Known, Verdict
from archive.people.signin.models import OutsideIdentity, SecondFactor
from archive.people.wording import ACT_WORDS, role_lines
from storage.database import open_database
from storage.journal import JournalEntry

# What each role may do without regard to a certain thing, beyond every member of staff; told here
# once more, so that a change of the rules is a change of this table too.
ARCHIVE = {
    "check.read", "check.confirm", "quarantine.release", "filing.list", "plan.edit",
    "filing.import", "item.package", "handover.receive", "handover.all", "controlled.register",
    "controlled.manage", "place.list", "place.edit", "place.move", "stocktake.list",
    "stocktake.work", "volume.seal", "loan.desk", "loan.register", "retention.list",
    "retention.dispose", "search.synonyms",
}  # fmt: skip
READS_REGISTERS = {
    "item.package", "check.read", "handover.all", "controlled.register", "place.list",
    "stocktake.list", "loan.register", "retention.list", "journal.read",
}  # fmt: skip
MORE = {
    "clerk": set(),
    "head": {"grant.list"},
    "archivist": ARCHIVE,
    "archive_head": ARCHIVE
    | {"item.lower", "quarantine.accept", "loan.incident", "loan.rules", "retention.appraise"}
    | {"retention.hold", "journal.read", "verify.run", "grant.list"},
    "leader": READS_REGISTERS | {"item.lower", "quarantine.release"},
    "finance": set(),
    "legal": {"retention.list", "retention.hold"},
    "quality": {"controlled.register"},
    "service": set(),
    "audit": READS_REGISTERS | {"verify.run"},
}
ALONE = {
    "system_admin": {
        "form.publish", "search.synonyms", "verify.run", "health.read", "people.list",
        "people.edit",
    },
    "security_admin": {
        "seal.edit", "retention.settings", "people.list", "people.rights", "task.reassign",
        "grant.list",
    },
    "audit_admin": {"journal.read", "verify.run", "people.list"},
}  # fmt: skip
EVERYONE = {"self", "seal.list", "retention.read"}


def actor_with(company, *roles):
    from dataclasses import replace

    return replace(company.sales_clerk, roles=frozenset(roles), clearance=3, headed=frozenset())


def test_every_role_may_do_exactly_what_the_table_says(company):
    assert MORE.keys() | ALONE.keys() == ROLES.keys()
    plain = {act for act in acts() if not needs_thing(act)}
    common = {act for act in plain if can(actor_with(company, "clerk"), act)}
    for role in ROLES:
        may = {act for act in plain if can(actor_with(company, role), act)}
        assert may == (ALONE[role] | EVERYONE if role in OFFICES else common | MORE[role]), role
    assert {act for act in plain if can(actor_with(company), act)} == EVERYONE
    assert plain == ACT_WORDS.keys()


def test_the_roles_page_says_what_can_says(company):
    lines = {line.key: line for line in role_lines({"leader": ("周志远",)})}
    assert lines["security_admin"].acts and "给角色、部门、密级" in lines["security_admin"].acts
    assert "看日志和登录情况" not in lines["security_admin"].acts
    assert lines["leader"].holders == ("周志远",)
    assert not lines["finance"].acts


@pytest.fixture
def three(resources, company):
    """The company's administrator separated: one person for each office."""
    with resources.work() as uow:
        made = {
            role: service.add_user(
                uow,
                None,
                service.UserFields(
                    role, f"80{n}", ROLES[role], company.archive_id, frozenset({role}), 0
                ),
                "-",
                must_change_password=False,
            )
            for n, role in enumerate(OFFICES)
        }
        actors = {role: service.get_actor(uow, user_id) for role, user_id in made.items()}
        uow.commit()
    return actors


def edit(resources, actor, person, **changes):
    from dataclasses import asdict, replace

    with resources.work() as uow:
        view = service.list_users(uow, actor)
        one = next(found for found in view if found.id == person.id)
        keys = service.UserFields.__dataclass_fields__
        fields = service.UserFields(**{key: asdict(one)[key] for key in keys})
        fields = replace(fields, roles=frozenset(one.roles))
        done = service.edit_user(uow, actor, person.id, replace(fields, **changes), one.version)
        uow.commit()
    return done


def test_each_changes_only_what_is_theirs(resources, company, three):
    system, security, auditor = (three[role] for role in OFFICES)
    clerk = company.sales_clerk
    assert edit(resources, system, clerk, email="chen@example.com").email == "chen@example.com"
    assert edit(resources, security, clerk, clearance=2).clearance == 2
    for actor, changes in (
        (system, {"roles": frozenset({"leader"})}),
        (system, {"clearance": 3}),
        (system, {"department_id": company.finance_id}),
        (system, {"position": "总监"}),
        (security, {"email": "x@example.com"}),
        (security, {"username": "chenxd"}),
        (auditor, {"clearance": 3}),
        (auditor, {}),
    ):
        with pytest.raises(Forbidden):
            edit(resources, actor, clerk, **changes)
    new = service.UserFields("new", "900", "新人", company.sales_id, frozenset({"leader"}))
    for actor in three.values():
        with resources.work() as uow, pytest.raises(Forbidden):
            service.add_user(uow, actor, new, "-")


def test_a_new_account_has_no_roles_until_security_gives_them(resources, company, three):
    system, security, _ = (three[role] for role in OFFICES)
    with resources.work() as uow:
        fields = service.UserFields("new", "900", "新人", company.sales_id, frozenset())
        user_id = service.add_user(uow, system, fields, "-")
        person = service.get_actor(uow, user_id)
        uow.commit()
    assert not person.handles_papers and not can(person, "record.create")
    edit(resources, system, person, department_id=company.finance_id)  # nothing hangs on it yet
    edit(resources, security, person, roles=frozenset({"clerk"}))
    with resources.reading() as uow:
        assert can(service.get_actor(uow, user_id), "record.create")


def test_nobody_changes_their_own_rights(resources, company, three):
    for actor in (company.admin, three["security_admin"]):
        for changes in (
            {"roles": frozenset({"security_admin", "leader"})},
            {"clearance": 3},
            {"department_id": company.sales_id},
        ):
            with pytest.raises(Invalid, match="自己"):
                edit(resources, actor, actor, **changes)


def test_who_is_audited_does_not_audit(resources, company, three):
    for office in ("system_admin", "security_admin"):
        with pytest.raises(Invalid, match="兼任"):
            both = frozenset({office, "audit_admin"})
            edit(resources, three["security_admin"], three["audit_admin"], roles=both)


def test_an_office_is_never_left_without_anybody(resources, company, three):
    system, security, _ = (three[role] for role in OFFICES)
    gone = edit(resources, security, company.admin, roles=frozenset({"clerk"}))
    assert gone.roles == ("clerk",)
    with pytest.raises(Invalid, match="唯一"):
        edit(resources, security, system, roles=frozenset())
    with resources.work() as uow, pytest.raises(Invalid, match="唯一"):
        access.mark_left(uow, system, security.id)


def test_who_left_leaves_once_and_the_day_stays(resources, company, three, clock):
    system, person = three["system_admin"], company.sales_clerk
    for is_first in (True, False):
        with resources.work() as uow:
            if is_first:
                access.mark_left(uow, system, person.id)
            else:
                with pytest.raises(Conflict, match="已在 2026-11-23 登记离职"):
                    access.mark_left(uow, system, person.id)
            uow.commit()
        clock.advance(days=1)


def test_a_password_from_the_system_administrator_opens_no_papers(resources, company, three):
    system, security, _ = (three[role] for role in OFFICES)
    with resources.work() as uow:
        access.reset_password(uow, system, company.leader.id, "-")
        leader = service.get_actor(uow, company.leader.id)
        uow.commit()
    assert leader.awaits_release and not leader.handles_papers
    for actor, refusal in ((system, Forbidden), (leader, Forbidden)):
        with resources.work() as uow, pytest.raises(refusal):
            separation.release(uow, actor, leader.id)
    with resources.work() as uow:
        separation.release(uow, security, leader.id)
        assert service.get_actor(uow, leader.id).handles_papers
        with pytest.raises(Conflict):
            separation.release(uow, security, leader.id)
        uow.commit()
    with resources.work() as uow:  # not separated: whoever gives roles needs no second
        access.reset_password(uow, company.admin, company.leader.id, "-")
        assert service.get_actor(uow, leader.id).handles_papers
        access.reset_password(uow, system, security.id, "-")
        with pytest.raises(Invalid, match="自己"):
            separation.release(uow, security, security.id)
        separation.release(uow, None, security.id)


@pytest.mark.parametrize("way", ["factor", "identity"])
def test_no_way_in_by_taking_a_lock_away(resources, company, three, way):
    system, leader = three["system_admin"], company.leader
    now = resources.clock()
    secret = SecondFactor(user_id=leader.id, sealed_secret=b"-", created_at=now, confirmed_at=now)
    known = OutsideIdentity(user_id=leader.id, provider="ldap", subject="u-1", bound_at=now)
    with resources.work() as uow:
        uow.session.add(secret if way == "factor" else known)
        uow.session.flush()
        (factors.drop_for if way == "factor" else outside.unbind)(uow, system, leader.id)
        uow.session.expire_all()
        now_resting = service.get_actor(uow, leader.id)
        assert now_resting.awaits_release and not now_resting.handles_papers
        separation.release(uow, three["security_admin"], leader.id)
        assert service.get_actor(uow, leader.id).handles_papers


def test_an_outside_identity_fits_nobody_by_a_name_given_for_it(resources, company, three):
    system, leader = three["system_admin"], company.leader
    edit(resources, system, leader, username="mallory")
    with resources.work() as uow:
        known = Known(Verdict.GOOD, "mallory", "u-9")
        found, refusal = outside.account_of(uow, "ldap", known, "username", "")
        assert (found, refusal) == (leader.id, "")
        assert service.get_actor(uow, leader.id).awaits_release
    edit(resources, three["security_admin"], company.sales_clerk, roles=frozenset({"head"}))
    with resources.work() as uow:  # whose names nobody touched comes in as before
        known = Known(Verdict.GOOD, company.sales_clerk.username, "u-8")
        found, _ = outside.account_of(uow, "ldap", known, "username", "")
        assert not service.get_actor(uow, found).awaits_release


def test_every_change_of_rights_is_in_the_journal(resources, company, three):
    edit(resources, three["security_admin"], company.sales_clerk, roles=frozenset({"head"}))
    with resources.reading() as uow:
        row = uow.session.scalars(
            select(JournalEntry).where(JournalEntry.action == "user.edit")
        ).one()
        assert '"gained":["head"]' in row.detail and '"lost":["clerk"]' in row.detail


def test_the_pages_show_each_what_is_theirs(resources, company, three, client_for):
    system, security, auditor = (client_for(three[role]) for role in OFFICES)
    clerk = f"/admin/users/{company.sales_clerk.id}"
    page = system.get(clerk).text
    assert 'name="username"' in page and 'name="roles"' not in page and ">重置密码<" in page
    page = security.get(clerk).text
    assert 'name="roles"' in page and 'name="username"' not in page and ">重置密码<" not in page
    page = auditor.get(clerk).text
    assert 'name="roles"' not in page and "保存" not in page
    assert auditor.post(clerk, data={"version": 1}).status_code == 403
    sent = {"version": 1, "department_id": company.sales_id, "position": "", "clearance": 1}
    answer = security.post(clerk, data=sent | {"roles": ["clerk", "quality"]})
    assert answer.status_code == 302
    with resources.reading() as uow:
        found = service.get_actor(uow, company.sales_clerk.id)
        assert found.roles == {"clerk", "quality"} and found.name == "陈晓东"
    answer = system.post(clerk, data={"version": 2, "roles": ["leader"], "clearance": 3, **USER})
    assert answer.status_code == 302  # what is not theirs is not even read
    with resources.reading() as uow:
        assert service.get_actor(uow, company.sales_clerk.id).roles == {"clerk", "quality"}
    both = security.post(
        clerk, data=sent | {"version": 3, "roles": ["audit_admin", "system_admin"]}
    )
    assert both.status_code == 422 and "兼任" not in both.text and "不能兼" in both.text
    answer = security.post(clerk, data=sent | {"version": 3, "roles": ["god"], "clearance": 9})
    assert answer.status_code == 422
    assert security.get("/admin/users/new").status_code == 403
    page = system.post("/admin/users/new", data=USER | NEW).text
    assert "初始密码" in page or "密码" in page
    roles = security.get("/admin/roles").text
    assert "三员分立" in roles and "管理员同时是系统管理员和安全管理员" in roles
    reset = system.post(f"{clerk}/reset")
    assert reset.status_code == 200
    mine = client_for(company.sales_clerk)
    assert "权限停用" in security.get(clerk).text
    assert mine.get("/records").status_code in (302, 403)
    assert security.post(f"{clerk}/release").status_code == 302


USER = {"username": "sales_clerk", "staff_no": "0001", "name": "陈晓东", "email": "c@example.com"}
NEW = {"username": "new", "staff_no": "900", "name": "新人", "department_id": 1}


def test_an_administrator_of_before_becomes_system_and_security(tmp_path):
    from alembic import command
    from alembic.config import Config

    database = open_database(f"sqlite:///{tmp_path / 'archive.db'}")
    migrate(database, "0021")
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with database.writer.connect() as connection:
        connection.execute(text("INSERT INTO department (code, name) VALUES ('ZJB', '总经办')"))
        for number in (1, 2):
            connection.execute(
                text(
                    "INSERT INTO user (username, staff_no, name, email, position, department_id,"
                    " password_hash, must_change_password, clearance, created_at, row_version)"
                    f" VALUES ('u{number}', '{number}', 'x', '', '', 1, '-', 0, 0, '2026-01-01', 1)"
                )
            )
        for user, role in ((1, "admin"), (1, "clerk"), (2, "audit")):
            connection.execute(
                text(f"INSERT INTO role_grant (user_id, role) VALUES ({user}, '{role}')")
            )
        connection.commit()

    def held():
        with database.engine.connect() as connection:
            rows = connection.execute(select(RoleGrant.user_id, RoleGrant.role)).all()
        return sorted((row.user_id, row.role) for row in rows)

    before = held()
    migrate(database)
    assert held() == [
        (1, "clerk"), (1, "security_admin"), (1, "system_admin"), (2, "audit"),
    ]  # fmt: skip
    with database.writer.connect() as connection:
        config.attributes["connection"] = connection
        connection.execute(
            text("INSERT INTO role_grant (user_id, role) VALUES (2, 'quality'), (2, 'audit_admin')")
        )
        connection.commit()
        command.downgrade(config, "0021")
    assert held() == [*before, (2, "clerk")]
    database.dispose()
