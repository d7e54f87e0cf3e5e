"""What a call is sent is taken as it is described: no key besides, no value of another type.

The bodies are those of the contract (openapi.json). Where an object takes keys of any name, or a
body cannot say what is in it, it stands below with the reason.
"""

import copy
import re

import pytest

from archive.people.rights import can, needs_thing
from tests.bodies import Bodies, put

EXTRA = "is_admin"
# Objects whose keys are the names of a form's fields and the like: checked by the service.
NAMED_ELSEWHERE = {
    "post /api/v1/items/import rows.0": "columns of a sheet",
    "put /api/v1/items/{item_id}/description elements": "the form's fields",
    "post /api/v1/records values": "the form's fields",
    "put /api/v1/records/{record_id} values": "the form's fields",
    "post /api/v1/records/{record_id}/sign entries": "the signer's fields",
    "post /api/v1/records/{record_id}/submit chosen": "the form's signers",
    "post /api/v1/search/saved filters": "the filters of a search",
}
# Bodies that are files: beside them only these options are looked at.
FILES = {
    "post /api/v1/forms/{code}/import multipart/form-data": "a sheet and how to read it",
    "post /api/v1/imports multipart/form-data": "a package or a list",
    "post /api/v1/intake-batches/{batch_id}/files multipart/form-data": "scans",
    "post /api/v1/records/{record_id}/scan application/pdf": "the bytes of one file",
    "post /api/v1/records/{record_id}/scan image/jpeg": "the bytes of one file",
    "post /api/v1/records/{record_id}/scan image/png": "the bytes of one file",
    "post /api/v1/stocktakes/{take_id}/list multipart/form-data": "a list of barcodes",
}
# 86400: the second of January 1970, as a computer counts seconds; no way to write a day.
WRONG = ("true", "86400", 0, 1, 86400, 1.5, True, [], {}, None)


@pytest.fixture
def bodies(app):
    return Bodies(app.test_client().get("/api/v1/openapi.json").get_json())


@pytest.fixture
def send(app, bodies, company, api_for):
    """Return a sender of bodies to a call, as somebody whose office it is."""

    def post(method, path, body):
        url = re.sub(r"{(\w+)}", lambda found: _word(bodies, path, method, found[1]), path)
        rule, _ = app.url_map.bind("localhost").match(url, method=method.upper())
        act = app.view_functions[rule].__guard__
        if act not in clients:
            clients[act] = api_for(_whose(company, act))
        return clients[act].open(url, method=method.upper(), json=body)

    clients = {}
    return post


def _word(bodies, path, method, name):
    """Return what stands for an argument of an address."""
    call = bodies.paths[path][method]
    schema = next(one["schema"] for one in call["parameters"] if one["name"] == name)
    words = {"integer": "1", "string": "E01"}
    return schema["enum"][0] if "enum" in schema else words[schema["type"]]


def _whose(company, act):
    """Return one of the company whose office an act is; with papers, a keeper of the archive."""
    people = (company.archive_head, company.archivist, company.admin, company.leader)
    return next(one for one in people if needs_thing(act) or can(one, act))


def of_json(bodies):
    """Yield method, path and schema of every JSON body."""
    for method, path, content in bodies.calls():
        if "application/json" in content:
            yield method, path, content["application/json"]["schema"]


def test_every_object_of_every_body_is_closed(bodies):
    open_still = {
        f"{method} {path} {'.'.join(map(str, way))}"
        for method, path, schema in of_json(bodies)
        for way, kind in bodies.objects(schema)
        if kind.get("additionalProperties") is not False
    }
    assert open_still == NAMED_ELSEWHERE.keys()


def test_what_is_no_json_is_a_file(bodies):
    others = {
        f"{method} {path} {kind}"
        for method, path, content in bodies.calls()
        for kind in content
        if kind != "application/json"
    }
    assert others == FILES.keys()


@pytest.mark.slow
def test_no_body_takes_a_key_it_does_not_name(bodies, send):
    wrong, asked = [], 0
    for method, path, schema in of_json(bodies):
        whole = bodies.fitting(schema, is_whole=True)
        for way, kind in bodies.objects(schema):
            if kind.get("additionalProperties") is not False:
                continue
            body = copy.deepcopy(whole)
            put(body, (*way, EXTRA), True)
            answer, asked = send(method, path, body), asked + 1
            if answer.status_code not in (400, 422) or EXTRA not in str(answer.json):
                wrong.append(f"{method} {path} {way}: {answer.status_code} {answer.json}")
    assert not wrong, "\n".join(wrong)
    assert asked > 100


@pytest.mark.slow
def test_no_field_takes_a_value_of_another_type(bodies, send):
    """Neither "true" for true nor 1 for it, no number for a text, nothing for what must be."""
    wrong, asked = [], 0
    for method, path, schema in of_json(bodies):
        whole = bodies.fitting(schema, is_whole=True)
        for way, field in bodies.fields(schema):
            for value in WRONG:
                if bodies.takes(field, value):
                    continue
                body = copy.deepcopy(whole)
                put(body, way, value)
                answer, asked = send(method, path, body), asked + 1
                told = answer.status_code in (400, 422) and str(way[-1]) in str(
                    answer.json["error"]["fields"]
                )
                if not told:
                    wrong.append(f"{method} {path} {way} {value!r}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)
    assert asked > 1000
