"""How large a request may be: 413 (431 for its head) in Chinese, and the server goes on."""

import re
import socket

import pytest

from archive.people import access
from archive.web import sizes
from tests.served_here import ServedHere

pytestmark = pytest.mark.slow
HAN = re.compile(r"[\u4e00-\u9fff]{4}")
FORM = "application/x-www-form-urlencoded"
PARTS = 'multipart/form-data; boundary="="'


def is_told(answer, api=False) -> bool:
    """Say whether the answer is 413 with the words of the house, as page or as call."""
    if answer.status_code != 413:
        return False
    if api:
        return answer.json["error"]["code"] == "too_large" and bool(
            HAN.search(answer.json["error"]["message"])
        )
    return "内容太大" in answer.text and "请压缩或拆分后再提交" in answer.text


def in_parts(*fields) -> dict[str, object]:
    """A form of parts as a browser sends it."""
    parts = [
        b'--=\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), content)
        for name, content in fields
    ]
    return {"data": b"".join(parts) + b"--=--\r\n", "content_type": PARTS}


def test_pages_say_too_large_to_forms_and_uploads(client_for, company, monkeypatch):
    client = client_for(company.sales_clerk)
    assert is_told(client.post("/customers/new", data={"name": "海" * (3 << 20)}))
    long = in_parts(("name", b"a" * (9 << 20)))
    assert is_told(client.post("/customers/new", **long)), "one long field among parts"
    archivist = client_for(company.archivist)
    whole = in_parts(('file"; filename="a.pdf', b"x" * sizes.UPLOAD_LIMIT))
    assert is_told(archivist.post("/filing/offer", **whole))
    assert client.get("/customers").status_code == 200, "and goes on"


def test_a_form_of_too_many_fields_is_too_large(client_for, company):
    client = client_for(company.sales_clerk)
    for fields, status in ((sizes.MOST_FIELDS + 1, 413), (sizes.MOST_FIELDS, 422)):
        many = b"&".join(b"a%d=1" % number for number in range(fields))
        answer = client.post("/customers/new", data=many, content_type=FORM)
        assert answer.status_code == status
        assert status == 422 or ("50,000" in answer.text and "分几次" in answer.text)
    same = client.post("/customers/new", data=b"a=1&" * 60_000, content_type=FORM)
    assert same.status_code == 413, "one name many times counts, too"
    parts = in_parts(*((f"a{number}", b"1") for number in range(1100)))
    assert is_told(client.post("/customers/new", **parts))


def test_calls_say_too_large(api_for, company):
    program = api_for(company.sales_clerk)
    body = b'{"name":"' + b"a" * sizes.UPLOAD_LIMIT + b'"}'
    answer = program.post("/api/v1/customers", data=body, content_type="application/json")
    assert is_told(answer, api=True)


# ---------------------------------------------------------------- at the web server's own door


@pytest.fixture
def port(app):
    served = ServedHere(app, threads=2)
    yield served.port
    served.close()


def talk(port, *pieces) -> tuple[int, str, str]:
    """Send the bytes as they are; return status, head and body of what comes back."""
    heard = b""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as line:
        try:
            for piece in pieces:
                line.sendall(piece)
        except ConnectionError:
            pass  # it had heard enough
        try:
            while piece := line.recv(65536):
                heard += piece
        except ConnectionResetError:
            pass
    head, _, body = heard.decode().partition("\r\n\r\n")
    return int(head.split(" ", 2)[1]), head, body


def begin(path, *headers, method="POST") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: x", "Connection: close", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def chunks(size):
    piece = b"a" * (1 << 20)
    for _ in range(size >> 20):
        yield b"%x\r\n%s\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"


@pytest.mark.parametrize("path", ["/login", "/api/v1/customers"])
def test_a_body_in_chunks_without_a_length_is_measured(port, path, resources, company):
    """A little too much is answered by the app, with all its page; far too much is cut off."""
    with resources.work() as uow:
        token = access.issue_token(uow, company.sales_clerk.id, 1)
        uow.commit()
    kind, most = (
        ("application/json", sizes.UPLOAD_LIMIT)
        if path.startswith("/api")
        else (FORM, sizes.FORM_LIMIT)
    )
    bearer = f"Authorization: Bearer {token}"
    head = begin(path, f"Content-Type: {kind}", bearer, "Transfer-Encoding: chunked")
    status, _, body = talk(port, head, *chunks(most + (1 << 20)))
    assert status == 413 and HAN.search(body) and ("too_large" in body or "内容太大" in body)
    status, said, body = talk(port, head, *chunks(sizes.MOST_BODY + (1 << 20)))
    assert status == 413 and HAN.search(body)
    assert "nosniff" in said and "waitress" not in said + body
    assert ("application/json" in said) is path.startswith("/api")


def test_a_length_far_too_large_is_refused_before_a_byte_of_it_is_read(port):
    told = talk(port, begin("/verify", f"Content-Length: {sizes.MOST_BODY}"))
    assert told[0] == 413 and "提交的内容太大" in told[2]


def test_a_head_or_an_address_that_is_too_long(port):
    for wrong in (
        begin("/login", "X-Long: " + "a" * sizes.MOST_HEAD, method="GET"),
        begin("/search?q=" + "a" * sizes.MOST_HEAD, method="GET"),
        begin("/login", "Cookie: " + "; ".join(f"c{n}=1" for n in range(20_000)), method="GET"),
    ):
        status, _, body = talk(port, wrong)
        assert status == 431 and "请求的头部太大" in body
    long = talk(port, begin("/login?next=/" + "a" * 30_000, method="GET"))
    assert long[0] == 200 and HAN.search(long[2]), "long, but not too long"


def test_what_is_no_request_is_refused_in_words(port):
    status, _, body = talk(port, begin("/login", "Content-Length: viel"))
    assert status == 400 and HAN.search(body)
