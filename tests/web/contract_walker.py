"""Asks the calls of the contract (openapi.json) rightly, twice, and bent, and keeps what is wrong.

Used by ``test_contract_walk``; what is asked, by whom and in which order stands in ``story/``. The
contract is read here for ``test_contract`` too. Before a right call changes anything, its body is
sent with each property bent in every way of ``bent``; what was written by that is taken back, so
that the story goes on as if nobody had.
"""

import copy
import io
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import schemathesis
from schemathesis import checks
from schemathesis.core.failures import Failure
from schemathesis.specs.openapi import checks as contract_checks

from archive.people import access
from archive.people.rights import ROLES
from archive.people.service import UserFields, add_user
from tests.bodies import Bodies
from tests.conftest import DATABASE

CHECKS = [
    checks.not_a_server_error,
    contract_checks.status_code_conformance,
    contract_checks.content_type_conformance,
    contract_checks.response_schema_conformance,
    contract_checks.response_headers_conformance,
]
MISSING = object()
HUGE = 10_000  # signs of a text, entries of a list
HUGE_NUMBER = 10**30  # past what any column and any float holds exactly
HOSTILE = {
    "markup": "<script>alert(1)</script>",
    "template": "{{7*7}}",
    "path": "../../etc/passwd",
    "nul": "半\x00个",
    "half": "半\ud800个",
    "reversed": "\u202e反着写",
}
NEVER_TAKEN = ("nul", "half")  # no database keeps them, whatever the contract says of the text
EMPTY = {"string": "", "array": [], "object": {}, "integer": 0, "number": 0, "boolean": False}
OTHER = dict.fromkeys(EMPTY, "七") | {"string": 7}


def contract_of(app) -> tuple[Any, dict[str, Any]]:
    """Return the contract as schemathesis reads it, and as it is written."""
    document = app.test_client().get("/api/v1/openapi.json").get_json()
    document.pop("security")  # the token is ours to send
    schema = schemathesis.openapi.from_dict(document)
    schema.app = app
    return schema, document


def tokens_of(resources, company) -> dict[str, str]:
    """Return a token for everybody of the company, and for one who has only a role, of each."""
    with resources.work() as uow:
        people = {who: person.id for who, person in company.everyone().items()}
        for number, role in enumerate(sorted(ROLES)):
            fields = UserFields(
                f"only_{role}", f"9{number:03d}", role, company.sales_id, frozenset({role})
            )
            people[f"only_{role}"] = add_user(uow, None, fields, "-", must_change_password=False)
        made = {who: access.issue_token(uow, user_id, 365) for who, user_id in people.items()}
        uow.commit()
    return made


def faults(case: Any, answer: Any, who: str, checked: list[Any] = CHECKS) -> list[str]:
    """Return how an answer differs from the contract."""
    try:
        case.validate_response(answer, checks=checked)
    except (Failure, BaseExceptionGroup) as refused:
        return [
            f"{who} {case.as_curl_command()}\n{one}\n{answer.text}"[:2000]
            for one in getattr(refused, "exceptions", [refused])
        ]
    return []


def bent(bodies: Bodies, schema: dict[str, Any], body: dict[str, Any]) -> Iterator[tuple]:
    """Yield property, how it is bent, the bent body and whether the contract refuses it."""
    [whole] = bodies.kinds(schema)
    for name, described in whole.get("properties", {}).items():
        kind = bodies.kinds(described)[0].get("type", "object")
        values = {"other": OTHER[kind], "null": None, "missing": MISSING, "empty": EMPTY[kind]}
        if kind == "string":
            values |= {"huge": "字" * HUGE, **HOSTILE}
        elif kind == "array":
            values["huge"] = (body.get(name) or ["字"]) * HUGE
        elif kind in ("integer", "number"):
            values["huge"] = HUGE_NUMBER
        for how, value in values.items():
            sent = {key: one for key, one in copy.deepcopy(body).items() if key != name}
            if value is not MISSING:
                sent[name] = value
            is_gone = value is MISSING and name in whole.get("required", ())
            is_other = value is not MISSING and not bodies.takes(described, value)
            yield name, how, sent, is_gone or is_other or how in NEVER_TAKEN


@dataclass(frozen=True)
class Sent:
    """A body that is no JSON: a form with files (name: bytes and file name), or plain bytes."""

    data: Any
    content_type: str | None = None

    def arguments(self) -> dict[str, Any]:
        data = self.data
        if isinstance(data, dict):
            data = {name: _opened(one) for name, one in data.items()}
        return {"data": data, "content_type": self.content_type}


def _opened(one: Any) -> Any:
    if isinstance(one, list):
        return [_opened(part) for part in one]
    return (io.BytesIO(one[0]), one[1]) if isinstance(one, tuple) else one


class Kept:
    """The rows of an instance at one moment, to go back to."""

    def __init__(self, file: Path) -> None:
        self.live = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        self.memory = sqlite3.connect(":memory:", check_same_thread=False)
        self.keep()

    def _at(self) -> int:
        with closing(self.live.execute("PRAGMA data_version")) as told:
            return told.fetchone()[0]

    def keep(self) -> None:
        self.live.backup(self.memory)
        self.version = self._at()

    def is_changed(self) -> bool:
        return self._at() != self.version

    def go_back(self) -> None:
        if self.is_changed():
            self.memory.backup(self.live)
            self.version = self._at()

    def close(self) -> None:
        self.live.close()
        self.memory.close()


class Walker:
    """Somebody who walks the contract; ``wrong`` and ``answered`` are what came of it."""

    def __init__(self, schema, document, resources, company) -> None:
        self.resources, self.company = resources, company
        self.app = schema.app
        self.operations = {one.ok().label: one.ok() for one in schema.get_all_operations()}
        self.bodies = Bodies(document)
        tokens = tokens_of(resources, company)
        self.clients = {who: self._client(token) for who, token in tokens.items()}
        self.kept = Kept(resources.settings.data / DATABASE)
        self.wrong: list[str] = []
        self.answered: set[str] = set()
        self.bent = 0

    def _client(self, token: str):
        client = self.app.test_client()
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        return client

    def get(self, who: str, path: str, query: dict | None = None, **ids: object) -> Any:
        """Read what is there: first as the one who may, then as everybody."""
        label = f"GET /api/v1{path}"
        answer = self._send(who, label, ids, query=query)
        told = self._right(who, label, answer)
        for other in self.clients:
            self._send(other, label, ids, query=query)
        self.kept.keep()
        return told

    def ask(self, who: str, call: str, body: Any = None, **ids: object) -> Any:
        """Do one thing; the first time its body was sent bent before, and is sent again after."""
        method, path = call.split()
        label = f"{method} /api/v1{path}"
        is_first = label not in self.answered
        if self.kept.is_changed():
            self.kept.keep()
        if is_first:
            self._send_bent(who, label, ids, body)
        answer = self._send(who, label, ids, body)
        told = self._right(who, label, answer)
        self.kept.keep()
        if is_first:
            self._send(who, label, ids, body)
            self.kept.go_back()
        return told

    def _right(self, who: str, label: str, answer: Any) -> Any:
        if 200 <= answer.status_code < 300:
            self.answered.add(label)
        else:
            self.wrong.append(f"{who} {label}: {answer.status_code} {answer.text[:600]}")
        return answer.get_json(silent=True) if answer.is_json else answer.data

    def _send_bent(self, who: str, label: str, ids: dict, body: Any) -> None:
        content = self.operations[label].definition.raw.get("requestBody", {}).get("content", {})
        if not isinstance(body, dict) or "application/json" not in content:
            return
        schema = content["application/json"]["schema"]
        for name, how, sent, is_refused in bent(self.bodies, schema, body):
            answer = self._send(who, label, ids, sent, f"{name} {how}")
            self.bent += 1
            if is_refused and answer.status_code < 300:
                self.wrong.append(f"{label} {name} {how}: taken, the contract refuses it")
            self.kept.go_back()

    def _send(self, who, label, ids, body=None, how="", *, query=None) -> Any:
        operation = self.operations[label]
        method, path = label.split()
        sent = {"json": body} if isinstance(body, dict | list) else body.arguments() if body else {}
        address = path.format(**ids)
        answer = self.clients[who].open(address, method=method, query_string=query, **sent)
        case = operation.Case(path_parameters=ids, query=query or {})
        self.wrong += faults(case, answer, f"{who} [{how}]")
        answer.get_data()
        answer.close()
        return answer
