"""What the tests of the chain share: a form with any chain, and the acts as one-liners."""

import re

import pytest

from archive.documents import service as documents
from archive.forms.service import publish_form
from archive.people import service as people
from archive.people.service import UserFields
from archive.records import drafts
from archive.records import service as records
from archive.signing import chain, edge, pades, service
from archive.signing.keys import open_authority
from doc_templates import load_form, read_form, sample_values
from tests.conftest import PASSWORD, PASSWORD_HASH


class Desk:
    """A company's signing desk in a test: everything a person can do, in one line each."""

    def __init__(self, resources, company):
        self.resources, self.company, self.newcomers = resources, company, 0

    def publish(self, chain_toml, fields="", code="E01"):
        """Give a form another chain (its boxes keep their names); returns the form."""
        shipped = load_form(code)
        text = (shipped.folder / "form.toml").read_text("utf-8")
        start, end = text.index("[[signer]]"), text.index("[[field]]")
        text = text[:start] + chain_toml + "\n\n" + text[end:] + fields
        form = read_form(text, shipped.read_template(), shipped.read_sample())
        with self.resources.work() as uow:
            publish_form(uow, None, form, text, ())
            uow.commit()
        return form

    def person(self, key, name, department_id, *roles, clearance=1, position=""):
        """Add somebody to the company and return them as an actor."""
        self.newcomers += 1
        with self.resources.work() as uow:
            fields = UserFields(
                username=key,
                staff_no=f"9{self.newcomers:03d}",
                name=name,
                department_id=department_id,
                roles=frozenset(roles or {"clerk"}),
                clearance=clearance,
                position=position,
            )
            user_id = people.add_user(uow, None, fields, PASSWORD_HASH, must_change_password=False)
            actor = people.get_actor(uow, user_id)
            uow.commit()
        return actor

    def draft(self, author, code="E01", **changes):
        with self.resources.work() as uow:
            made = drafts.create_draft(uow, author, code, sample_values(code) | changes)
            uow.commit()
        return made

    def submit(self, author, chosen=None, copies=(), code="E01", **changes):
        made = self.draft(author, code, **changes)
        edge.submit(self.resources, author, made.id, made.version, chosen=chosen, copies=copies)
        return made.id

    def submit_contract(self, author):
        """Submit a contract that the other party is to sign by a link."""
        made = self.draft(author, "E05")
        edge.submit(self.resources, author, made.id, made.version, with_outside=True)
        return made.id

    def title(self, record_id):
        with self.resources.reading() as uow:
            return records.load_record(uow, record_id).title

    def resubmit(self, author, record_id):
        with self.resources.reading() as uow:
            version = records.load_record(uow, record_id).version
        return edge.submit(self.resources, author, record_id, version)

    def sign(self, person, record_id, **more):
        more = {"password": PASSWORD, "drawn_png": None} | more
        return edge.sign(self.resources, person, record_id, **more)

    def do(self, act, person, *given, **more):
        """Do an act of a service in its own unit of work."""
        with self.resources.work() as uow:
            done = act(uow, person, *given, **more)
            uow.commit()
        return done

    def give_back(self, person, record_id, to=None, **more):
        return self.do(service.return_record, person, record_id, "请再核对。", to, **more)

    def reject(self, person, record_id):
        return self.do(service.reject_record, person, record_id, "不同意，价格过低。")

    def run(self, record_id):
        with self.resources.reading() as uow:
            return chain.find_run(uow, record_id)

    def task_labels(self, record_id):
        """Return how each task of the present run is shown."""
        return [task.state_label for task in self.run(record_id).tasks]

    def waiting(self, record_id):
        """Return the names of those whose turn it is."""
        return [task.assignee_name for task in self.run(record_id).open_tasks]

    def state(self, record_id):
        with self.resources.reading() as uow:
            return records.load_record(uow, record_id).state

    def content(self, record_id):
        with self.resources.reading() as uow:
            return records.load_record(uow, record_id).content

    def file(self, record_id, kind="pdf"):
        with self.resources.reading() as uow:
            latest = documents.latest_document(uow, record_id, kind)
        return self.resources.blobs.read(latest.sha256)

    def verdict(self, record_id):
        roots = open_authority(self.resources).trust_roots
        return pades.verify(self.file(record_id), roots, now=self.resources.clock())

    def signed_by(self, record_id):
        """Return whose signatures the present PDF carries, and fail where one is not valid."""
        found = self.verdict(record_id)
        assert found.intact and all(one.valid for one in found.signatures), found.why
        return [one.signer_name for one in found.signatures if not one.is_company]

    def actions(self, record_id):
        return [act.action for act in self.run(record_id).acts]

    def task_of(self, record_id, person):
        return next(
            one
            for one in reversed(self.run(record_id).tasks)
            if one.assignee_id == person.id and one.state in ("open", "waiting")
        )


@pytest.fixture
def steps():
    """The maker of chains, for tests that take it as a fixture."""
    return chain_toml


@pytest.fixture
def desk(resources, company):
    return Desk(resources, company)


def chain_toml(*lines):
    """Return a chain as TOML: each line is ``角色; candidate; key = value; …``."""
    tables = []
    for line in lines:
        role, candidate, *rest = re.split(r"\s*;\s*", line)
        head = ["[[signer]]", f'role = "{role}"', f'candidate = "{candidate}"']
        tables.append("\n".join([*head, *rest]))
    return "\n\n".join(tables)
