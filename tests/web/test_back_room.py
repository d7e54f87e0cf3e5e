"""What changes something is handed on to the back room as it came, and answered as if in front."""

import http.client
import json
import os
import socket
import threading
from contextlib import closing

import pytest
from flask import Flask, Response, jsonify, request

from archive.cli.processes import _believes
from archive.core.errors import ArchiveError
from archive.web.back_room import PEER, SEATS, FrontDesk, Place
from tests.served_here import ServedHere

WAIT = threading.Event()


def echoing(name: str) -> Flask:
    """An application that tells what reached it."""
    app = Flask(name)

    @app.route("/<path:rest>", methods=["GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE"])
    def told(rest: str) -> Response:
        if rest == "wait":
            WAIT.wait(20)
        if rest == "stream":
            return Response(iter([b"one,", b"two"]), 201, {"X-Own": "yes"})
        answer = jsonify(
            room=name,
            method=request.method,
            path=rest,
            query=request.query_string.decode(),
            body=request.get_data(as_text=True),
            address=request.remote_addr,
            is_secure=request.is_secure,
            host=request.host,
            headers=dict(request.headers),
        )
        answer.set_cookie("a", "1")
        answer.set_cookie("b", "2")
        return answer

    @app.errorhandler(ArchiveError)
    def refused(error: ArchiveError) -> tuple[str, int]:
        return error.message, 503

    return app


@pytest.fixture
def place(tmp_path):
    folder = tmp_path / ("深" * 30) / ("深" * 30)  # longer than a socket's path may be
    folder.mkdir(parents=True)
    made = Place(folder)
    yield made
    made.listening.close()


@pytest.fixture
def front(place):
    served = ServedHere(FrontDesk(echoing("front"), place), threads=SEATS + 20)
    yield served.port
    served.close()


@pytest.fixture
def back(place):
    settings = {"sockets": [place.listening], "threads": SEATS, **_believes(PEER)}
    served = ServedHere(echoing("back"), clear_untrusted_proxy_headers=True, **settings)
    yield
    served.close()


def ask(port, method, path, body=None, **headers):
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        return answer.status, answer.read(), answer


def told_by(port, method, path, body=None, **headers):
    status, content, _ = ask(port, method, path, body, **headers)
    assert status == 200, content
    return json.loads(content)


@pytest.mark.parametrize(
    ("method", "room"),
    [("GET", "front"), ("OPTIONS", "front"), ("POST", "back"), ("PUT", "back"), ("DELETE", "back")],
)
def test_only_what_changes_something_is_handed_on(front, back, method, room):
    assert told_by(front, method, "/thing")["room"] == room


def test_it_arrives_as_it_came(front, back):
    said = told_by(
        front, "POST", "/a%2Fb/%E5%90%88?x=1&y=%20%E5%90%8C", "正文".encode() * 9,
        Content_Type="text/plain; charset=utf-8", Cookie="s=1; t=2", Authorization="Bearer x",
        X_Forwarded_For="203.0.113.9", X_Forwarded_Proto="https", Host="dang.example:81",
    )  # fmt: skip
    assert said["room"] == "back"
    assert (said["path"], said["query"]) == ("a/b/合", "x=1&y=%20%E5%90%8C")
    assert said["body"] == "正文" * 9
    assert said["address"] == "127.0.0.1", "whom a caller claims to be is not believed"
    assert not said["is_secure"]
    assert said["host"] == "dang.example:81"
    assert said["headers"]["Cookie"] == "s=1; t=2"
    assert said["headers"]["Authorization"] == "Bearer x"


def test_an_answer_comes_back_whole(front, back):
    status, content, answer = ask(front, "POST", "/stream")
    assert (status, content, answer.getheader("X-Own")) == (201, b"one,two", "yes")
    _, _, answer = ask(front, "POST", "/thing")
    assert answer.headers.get_all("Set-Cookie") == ["a=1; Path=/", "b=2; Path=/"]
    assert len(answer.headers.get_all("Date")) == 1


def test_a_large_body_and_one_in_pieces_arrive(front, back):
    large = os.urandom(1_500_000).hex()
    assert told_by(front, "POST", "/large", large)["body"] == large
    with closing(http.client.HTTPConnection("127.0.0.1", front, timeout=30)) as connection:
        connection.request("POST", "/pieces", iter([b"one ", b"two"]), encode_chunked=True)
        assert b'"body":"one two"' in connection.getresponse().read()


@pytest.mark.parametrize(
    "line", [b"POST /\xe5\x90\x88 HTTP/1.1", b"POST /a\x01b HTTP/1.1", b"POST /a?\xff HTTP/1.1"]
)
def test_what_cannot_be_said_again_is_answered_in_front(front, back, line):
    with socket.create_connection(("127.0.0.1", front), 30) as raw:
        raw.sendall(line + b"\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")
        answer = b"".join(iter(lambda: raw.recv(65536), b""))
    assert answer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 400"))
    assert b'"room":"back"' not in answer


def test_with_nobody_in_the_back_room_it_is_done_in_front(front, place):
    place.listening.close()
    assert told_by(front, "POST", "/thing", "body")["room"] == "front"


def test_many_acts_that_wait_keep_nobody_from_looking(front, back):
    WAIT.clear()
    threads = [
        threading.Thread(target=ask, args=(front, "POST", "/wait")) for _ in range(SEATS + 10)
    ]
    for one in threads:
        one.start()
    try:
        assert told_by(front, "GET", "/thing")["room"] == "front"
        assert any(one.is_alive() for one in threads)
    finally:
        WAIT.set()
        for one in threads:
            one.join(30)


def test_an_act_that_breaks_off_is_told_in_words(front, place):
    def hang_up():
        taken, _ = place.listening.accept()
        taken.recv(100)
        taken.close()

    threading.Thread(target=hang_up, daemon=True).start()
    status, content, _ = ask(front, "POST", "/thing")
    assert status == 503
    assert "在办理中被中断" in content.decode()


def test_the_socket_is_the_servers_alone_and_a_dead_one_is_no_hindrance(tmp_path):
    first = Place(tmp_path)
    assert (tmp_path / "back-room").stat().st_mode & 0o777 == 0o600
    first.listening.close()
    with pytest.raises(OSError, match="refused"):
        first.connect()
    second = Place(tmp_path)
    second.connect().close()
    second.listening.close()
