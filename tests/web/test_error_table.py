"""Every error becomes the right status, in Chinese, as JSON under /api/ and as a page elsewhere."""

import logging
from collections.abc import Callable

import pytest
from apiflask import APIFlask
from flask import request
from flask.testing import FlaskClient
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from archive.core import errors as office
from archive.web.errors import refusal_for, register
from archive.web.wording import in_chinese
from doc_templates import errors as forms
from indexer import errors as index
from storage import errors as storage


class Line(BaseModel):
    """One made line of input."""

    model_config = ConfigDict(strict=True, extra="forbid")
    count: int = Field(ge=1)


class Order(BaseModel):
    """Made input with every common kind of entry."""

    model_config = ConfigDict(strict=True, extra="forbid")
    name: str = Field(min_length=2, max_length=5)
    count: int = Field(ge=1, le=9)
    price: float = 1.0
    agreed: bool = False
    lines: list[Line] = []


TABLE = [
    (office.Unauthenticated("请先登录。"), 401, "unauthenticated"),
    (office.Forbidden("不可以。"), 403, "forbidden"),
    (office.NotFound("没有。"), 404, "not_found"),
    (office.Conflict("变了。"), 409, "conflict"),
    (office.TooLarge("太大。"), 413, "too_large"),
    (office.Invalid("不对。", {"name": "必填"}), 422, "invalid"),
    (office.Throttled("太快。"), 429, "throttled"),
    (office.Unavailable("不在。"), 503, "unavailable"),
    (forms.FormNotFound("没有这种表。"), 404, "not_found"),
    (forms.InvalidValues("表", {"日期": "必填"}), 422, "invalid"),
    (forms.ConverterMissing("没有装 LibreOffice。"), 503, "unavailable"),
    (forms.UnsafeDocument("有宏。"), 422, "invalid"),
    (index.ExtractError("读不了。"), 422, "invalid"),
    (index.IndexBusy("忙。"), 503, "unavailable"),
    (storage.BlobMissing("文件不见了。"), 503, "unavailable"),
    (StaleDataError(), 409, "conflict"),
    (IntegrityError("insert into customer", {}, Exception("UNIQUE")), 409, "conflict"),
    (DataError("insert into customer", {}, Exception("integer out of range")), 422, "invalid"),
    (OverflowError(), 422, "invalid"),
    (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "half"), 422, "invalid"),
    (RecursionError(), 400, "bad_request"),
    (ValueError("secret detail"), 500, "internal"),
]


@pytest.fixture
def client() -> FlaskClient:
    """A small app that raises whatever the test asks for."""
    app = APIFlask("errors_test")
    app.config["SECRET_KEY"] = "only a test"
    app.config["MAX_CONTENT_LENGTH"] = 1000
    register(app)

    @app.get("/api/raise/<int:n>")
    def raise_it(n: int) -> str:
        raise TABLE[n][0]

    @app.post("/api/order")
    @app.input(Order, location="json")
    def order(json_data: Order) -> str:
        return json_data.name

    @app.post("/api/file")
    def file() -> str:
        return str(len(request.get_data()))

    return app.test_client()


@pytest.mark.parametrize("n", range(len(TABLE)))
def test_each_error_has_its_status_code_and_a_chinese_sentence(
    client: FlaskClient, n: int, caplog: pytest.LogCaptureFixture
) -> None:
    _, status, code = TABLE[n]
    with caplog.at_level(logging.CRITICAL):
        answer = client.get(f"/api/raise/{n}")
    error = answer.get_json()["error"]
    assert (answer.status_code, error["code"]) == (status, code)
    assert any("\u4e00" <= char <= "\u9fff" for char in error["message"])
    assert set(error) == {"code", "message", "fields"}


def test_every_error_of_ours_is_in_the_table() -> None:
    trees = (office.ArchiveError, forms.FormError, storage.StorageError, index.IndexerError)
    ours = [kind for tree in trees for kind in _below(tree)[1:]]
    inner = {"BadDefinition", "BadFormula", "NotWritable"}  # faults of ours: 500 is right
    missing = {kind.__name__ for kind in ours if refusal_for(kind.__new__(kind)).code == "internal"}
    assert missing <= inner


def test_an_unknown_error_is_logged_and_tells_nothing(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    answer = client.get(f"/api/raise/{len(TABLE) - 1}")
    assert "secret detail" not in answer.text
    assert "secret detail" in caplog.text


def test_a_wrong_entry_is_named_in_chinese(client: FlaskClient) -> None:
    answer = client.post("/api/order", json={"count": 0, "agreed": "true", "more": 1})
    assert answer.status_code == 422
    assert answer.get_json()["error"]["fields"] == {
        "name": "必填",
        "count": "不能小于 1",
        "agreed": "要填是（true）或否（false）",
        "more": "没有这一项",
    }


def test_a_wrong_entry_in_a_line_is_named_with_its_place(client: FlaskClient) -> None:
    body = {"name": "海信", "count": 1, "lines": [{"count": 1}, {"count": "2"}]}
    answer = client.post("/api/order", json=body)
    assert answer.get_json()["error"]["fields"] == {"lines.1.count": "要填整数"}


@pytest.mark.parametrize(
    "body",
    ["[]", "null", "3", '"x"', "{", "", "[" * 100_000, '{"name": "\\ud800", "count": 1}', "\x00"],
)
def test_any_body_is_refused_without_a_fault_of_ours(client: FlaskClient, body: str) -> None:
    client.application.config["MAX_CONTENT_LENGTH"] = None
    answer = client.post("/api/order", data=body, content_type="application/json")
    assert answer.status_code in (400, 422)
    assert answer.get_json()["error"]["message"]


@pytest.mark.parametrize(
    ("act", "status", "code"),
    [
        (lambda c: c.get("/api/nothing"), 404, "not_found"),
        (lambda c: c.delete("/api/order"), 405, "method_not_allowed"),
        (lambda c: c.post("/api/file", data=b"x" * 2000), 413, "too_large"),
    ],
)
def test_refusals_of_the_web_layer_are_json_too(
    client: FlaskClient, act: Callable[[FlaskClient], object], status: int, code: str
) -> None:
    answer = act(client)
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (status, code)  # type: ignore[attr-defined]


def test_a_wrong_method_says_which_are_right(client: FlaskClient) -> None:
    assert "POST" in client.delete("/api/order").headers["Allow"]


@pytest.mark.parametrize(
    ("message", "chinese"),
    [
        ("Field required", "必填"),
        ("String should have at least 2 characters", "至少 2 个字"),
        ("List should have at most 3 items after validation, not 4", "最多 3 项"),
        ("Input should be greater than 0", "要大于 0"),
        ("Input should be less than or equal to 100", "不能大于 100"),
        ("Input should be 'a' or 'b'", "只能是 'a' 或 'b'"),
        ("Input should be a valid integer", "要填整数"),
        ("Input should be a valid dictionary or instance of Order", "要填一个对象"),
        ("Value error, 日期不对", "日期不对"),
        ("已是中文", "已是中文"),
        ("something never heard of", "填写的内容不对"),
    ],
)
def test_schema_messages_are_said_in_chinese(message: str, chinese: str) -> None:
    assert in_chinese(message) == chinese


def _below(kind: type[Exception]) -> list[type[Exception]]:
    return [kind, *(deeper for child in kind.__subclasses__() for deeper in _below(child))]
