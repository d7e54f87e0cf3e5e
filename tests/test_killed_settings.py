"""Forms, customers, people, signing in, grants, searches: killed at every kind of point.

How a flow is killed and what is asked of what is left stands in ``killing``; papers on their
shelves are in ``test_killed_shelves``.
"""

import io
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pyotp
import pytest
from argon2 import PasswordHasher
from docx import Document

from archive.customers import service as customers
from archive.customers.views import CustomerFields
from archive.filing import service as filing
from archive.filing.import_rows import batch_of
from archive.forms import service as forms
from archive.forms.inspection import inspect_upload
from archive.jobs import drain_all
from archive.lending import feeds
from archive.lending.confirming import service as confirming
from archive.people import access, separation
from archive.people import service as people
from archive.people.grants.service import GrantFields
from archive.people.models import User
from archive.people.service import UserFields
from archive.people.signin import edge as door
from archive.people.signin import entries, factors, locks, sessions, tokens
from archive.people.signin.edge import Caller
from archive.people.signin.sealing import Sealer
from archive.search import saved, synonyms
from archive.search.saved_news import look_for_news
from archive.trust.access import service as circle
from doc_templates import load_form
from tests.conftest import DATABASE, PASSWORD, PASSWORD_HASH
from tests.forms.conftest import put_in_use
from tests.killing import World, do, kill_everywhere, opened

pytestmark = [pytest.mark.slow]

HERE = Caller("192.0.2.7", "Firefox")
WHY = "续签合同前核对资质"
WRONG = "不是这个密码-2025"
ANOTHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("档案台-新密码-2027")
LAST = date(2026, 12, 31)
HAISEN = CustomerFields("青岛海信电器股份有限公司", phone="0532-83889999", status="正常")
NEWCOMER = UserFields("hexiaolan", "0101", "何小兰", 0, frozenset({"clerk"}), 1, "he@example.com")


@pytest.fixture(scope="module")
def start(settled, tmp_path_factory):
    database, c = settled
    folder = tmp_path_factory.mktemp("start")
    shutil.copyfile(database, folder / DATABASE)
    resources, ids = opened(folder), {}
    haisen = replace(HAISEN, owner_id=c.sales_clerk.id, department_id=c.sales_id)
    ids["customer"] = do(resources, customers.create_customer, c.sales_head, haisen).id
    papers = [{"title": f"海信合同{n}", "customer": HAISEN.name} for n in range(2)]
    made = do(resources, filing.import_batch, c.archivist, batch_of(papers)).imported
    drain_all(resources)
    ids |= with_forms(resources, c) | with_sign_ins(resources, c) | with_searches(resources, c)
    ids["granted"] = made[0]
    ids["grant"] = let_in(resources, c, made[1], "item")
    drain_all(resources)
    resources.database.dispose()
    return World(folder, c, ids)


def let_in(r, c, thing_id, kind):
    fields = GrantFields(kind, thing_id, LAST, WHY)
    return do(r, circle.let_in, c.archive_head, c.other_clerk.username, fields)[0].id


def with_forms(r, c):
    """A template looked at; a draft of another form; a version withdrawn."""
    template = inspect_upload(edited_word("E01", "传真：{{传真}}"))
    other = inspect_upload(edited_word("E04", "本表一式两份。"))
    made = do(r, forms.draft_from_template, c.admin, "E04", other)
    old = do(r, forms.retire_version, c.admin, "E05", 1, 1)
    draft = (made.id, made.row_version)
    return {"template": template, "draft": draft, "retired": old.row_version}


def edited_word(code, text):
    document, out = Document(io.BytesIO(load_form(code).read_template())), io.BytesIO()
    document.add_paragraph(text)
    document.save(out)
    return out.getvalue()


def with_sign_ins(r, c):
    """A clerk with a second factor at its last step, and all else a leaver could come in with."""
    sealer, now, ids = Sealer.of(r.settings), int(r.clock().timestamp()), {}
    for key, person in (("clerk", c.sales_clerk2), ("head", c.sales_head)):
        do(r, factors.start, person, sealer)
        with r.reading() as uow:
            setup = factors.setup_of(uow, person, sealer, "")
        ids[f"{key}_codes"] = pyotp.TOTP(setup.key.replace(" ", ""))
    do(r, factors.confirm, c.sales_clerk2, sealer, ids["clerk_codes"].at(now))
    ids["step"] = door.sign_in(r, c.sales_clerk2.username, PASSWORD, HERE).step
    fields = UserFields("system", "0100", "郑系统", c.archive_id, frozenset({"system_admin"}), 0)
    system = do(r, people.add_user, c.admin, fields, PASSWORD_HASH)
    ids["system"] = do(r, people.get_actor, system)
    do(r, access.reset_password, ids["system"], c.other_head.id, PASSWORD_HASH)
    for person, times in (
        (c.archive_head, access.TRIES_PER_NAME - 1),
        (c.finance_clerk, access.TRIES_PER_NAME),
    ):
        for _ in range(times):
            door.sign_in(r, person.username, WRONG, HERE)
    for _ in range(2):
        do(r, access.open_session, c.sales_clerk2.id, HERE.address, HERE.agent)
    do(r, tokens.make_token, c.sales_clerk2, "报表", "read", 30)
    do(r, feeds.open_feed, c.sales_clerk2)
    do(r, confirming.set_pin, c.sales_clerk2, PASSWORD_HASH)
    with r.reading() as uow:
        ids["session"] = sessions.list_sessions(uow, c.sales_clerk2.id, access.SESSION_LIFE)[0].id
        (token,) = tokens.list_tokens(uow, c.sales_clerk2.id)
    return ids | {"token": token.id}


def with_searches(r, c):
    """A search that something new fits, one without news; a group of synonyms."""
    for text in ("长虹", "海信"):
        told = (text, text, {}, "relevance", frozenset())
        search = do(r, saved.save, c.sales_clerk, *told)
    do(r, lambda uow: setattr(uow.session.get(User, c.sales_clerk.id), "email", "c@example.com"))
    return {"search": search.id, "group": do(r, synonyms.add_group, c.archivist, "合同 = 合约")}


# ---------------------------------------------------------------- forms


def draft_a_version(r, c, ids):
    do(r, forms.draft_from_template, c.admin, "E01", ids["template"])


def draft_as_before(r, c, ids):
    do(r, forms.draft_from_version, c.admin, "E01", 1)


def publish(r, c, ids):
    put_in_use(r, c, ids["draft"][0])


def discard(r, c, ids):
    do(r, forms.discard_draft, c.admin, *ids["draft"])


def withdraw_form(r, c, ids):
    do(r, forms.retire_version, c.admin, "E01", 1, 1)


def bring_form_back(r, c, ids):
    do(r, forms.restore_version, c.admin, "E05", 1, ids["retired"])


# ---------------------------------------------------------------- customers and grants


def add_customer(r, c, ids):
    fields = replace(HAISEN, name="四川长虹电器股份有限公司", phone="0816-2418436")
    do(r, customers.create_customer, c.sales_clerk, fields)


def edit_customer(r, c, ids, **changes):
    with r.reading() as uow:
        view = customers.get_customer(uow, c.sales_head, ids["customer"])
    fields = replace(customers.fields_of(view), **changes)
    do(r, customers.edit_customer, c.sales_head, view.id, fields, view.version)


def rename_customer(r, c, ids):
    edit_customer(r, c, ids, name="海信视像科技股份有限公司", address="青岛市东海西路17号")


def give_customer(r, c, ids):
    edit_customer(r, c, ids, owner_id=c.sales_clerk2.id)


def grant_item(r, c, ids):
    let_in(r, c, ids["granted"], "item")


def grant_customer(r, c, ids):
    let_in(r, c, ids["customer"], "customer")


def end_grant(r, c, ids):
    do(r, circle.let_out, c.archive_head, ids["grant"], "已办完")


# ---------------------------------------------------------------- people


def add_person(r, c, ids):
    fields = replace(NEWCOMER, department_id=c.sales_id)
    do(r, people.add_user, c.admin, fields, PASSWORD_HASH)


def change_rights(r, c, ids):
    with r.reading() as uow:
        view = people.get_user(uow, c.admin, c.other_clerk.id)
    fields = UserFields(view.username, view.staff_no, view.name, c.finance_id,
                        frozenset({"finance", "head"}), 2, "z@example.com", "会计")  # fmt: skip
    do(r, people.edit_user, c.admin, view.id, fields, 1)


def leave(r, c, ids):
    do(r, access.mark_left, c.admin, c.sales_clerk2.id)


def reset(r, c, ids):
    do(r, access.reset_password, ids["system"], c.sales_clerk2.id, PASSWORD_HASH)


def release(r, c, ids):
    do(r, separation.release, c.admin, c.other_head.id)


# ---------------------------------------------------------------- signing in


def sign_in(r, c, ids):
    assert door.sign_in(r, c.leader.username, PASSWORD, HERE).session
    with r.reading() as uow:
        opened_now = sessions.list_sessions(uow, c.leader.id, access.SESSION_LIFE)
        assert len(opened_now) == entries.list_own(uow, c.leader).total, "each stands in the log"


def give_code(r, c, ids):
    later = ids["clerk_codes"].at(int(r.clock().timestamp()) + factors.STEP_SECONDS)
    assert door.give_code(r, ids["step"], later, HERE).session


def guess(r, c, ids):
    assert door.sign_in(r, c.archive_head.username, WRONG, HERE).refusal


def unlock(r, c, ids):
    do(r, locks.unlock, c.admin, c.finance_clerk.id)


def change_password(r, c, ids):
    door.check_own(r, access.SignedIn(c.leader, 0, None), PASSWORD, HERE.address)
    with r.work() as uow:
        access.change_password(uow, c.leader.id, ANOTHER)
        access.open_session(uow, c.leader.id, HERE.address, HERE.agent)
        uow.commit()


def begin_factor(r, c, ids):
    do(r, factors.start, c.leader, Sealer.of(r.settings))


def confirm_factor(r, c, ids):
    code = ids["head_codes"].at(int(r.clock().timestamp()))
    do(r, factors.confirm, c.sales_head, Sealer.of(r.settings), code)


def renew_codes(r, c, ids):
    with r.reading() as uow:
        left = factors.view_factor(uow, c.sales_clerk2.id).codes_left
    assert left == factors.RECOVERY_CODES, "nobody is ever without"
    do(r, factors.renew_codes, c.sales_clerk2, Sealer.of(r.settings))


def drop_factor(r, c, ids):
    do(r, factors.drop, c.sales_clerk2)


def lose_telephone(r, c, ids):
    do(r, factors.drop_for, c.admin, c.sales_clerk2.id)


def end_session(r, c, ids):
    me = c.sales_clerk2.id
    do(r, sessions.end_session, me, ids["session"], me)


def end_sessions(r, c, ids):
    do(r, sessions.end_sessions, c.sales_clerk2.id, c.admin.id)


def make_token(r, c, ids):
    do(r, tokens.make_token, c.leader, "月报", "write", 90)


def end_token(r, c, ids):
    do(r, tokens.end_token, c.sales_clerk2, ids["token"])


# ---------------------------------------------------------------- searches


def save_search(r, c, ids):
    do(r, saved.save, c.sales_clerk, "底价", "底价", {}, "relevance", frozenset())


def rename_search(r, c, ids):
    do(r, saved.rename, c.sales_clerk, ids["search"], "海信的文件")


def remove_search(r, c, ids):
    do(r, saved.remove, c.sales_clerk, ids["search"])


def tell_of_news(r, c, ids):
    look_for_news(r)
    with r.reading() as uow:
        assert len(saved.get_saved(uow, c.sales_clerk, ids["search"]).fresh) == 2


def add_synonyms(r, c, ids):
    do(r, synonyms.add_group, c.archivist, "发票 = 票据")


def change_synonyms(r, c, ids):
    do(r, synonyms.change_group, c.archivist, ids["group"], 1, "合同 = 合约 = 协议")


def remove_synonyms(r, c, ids):
    do(r, synonyms.remove_group, c.archivist, ids["group"])


FLOWS: dict[str, Callable] = {
    "draft a new version": draft_a_version,
    "draft from an earlier one": draft_as_before,
    "publish a form": publish,
    "throw a draft away": discard,
    "withdraw a form": withdraw_form,
    "bring a form back": bring_form_back,
    "add a customer": add_customer,
    "rename a customer": rename_customer,
    "give a customer to another": give_customer,
    "grant an item": grant_item,
    "grant a customer's papers": grant_customer,
    "end a grant": end_grant,
    "add a person": add_person,
    "change a person's rights": change_rights,
    "a person leaves": leave,
    "reset a password": reset,
    "release a person": release,
    "sign in": sign_in,
    "give the code": give_code,
    "guess once too often": guess,
    "unlock": unlock,
    "change one's password": change_password,
    "begin a second factor": begin_factor,
    "confirm it": confirm_factor,
    "renew the recovery codes": renew_codes,
    "drop it": drop_factor,
    "take it from another": lose_telephone,
    "end a session": end_session,
    "end all sessions": end_sessions,
    "make a token": make_token,
    "end a token": end_token,
    "save a search": save_search,
    "rename a search": rename_search,
    "remove a search": remove_search,
    "tell of what is new": tell_of_news,
    "add synonyms": add_synonyms,
    "change synonyms": change_synonyms,
    "remove synonyms": remove_synonyms,
}
# Who comes in again is signed in again. What was shown once and not seen is made anew. Another
# guess finds the door shut, and the password that was asked for has been changed: both are noted.
AGAIN = {
    "sign in": {"login_session", "login", "sign_in_entry"},
    "reset a password": {"password.reset", "account_notice"},
    "renew the recovery codes": {"factor.codes", "account_notice"},
    "guess once too often": {"sign_in_entry"},
    "change one's password": {"login.refused", "password_try"},
}


@pytest.mark.parametrize("name", FLOWS)
def test_a_kill_anywhere_in_the_settings_leaves_all_or_nothing(start, tmp_path, name):
    kill_everywhere(start, tmp_path, FLOWS[name], AGAIN.get(name, frozenset()))
