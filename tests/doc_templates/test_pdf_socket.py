"""One converter for several processes: what goes over the socket, and what does not."""

import socket
import threading
import time
from multiprocessing.connection import Client

import pytest

from doc_templates.errors import (
    ConversionFailed,
    ConversionTimeout,
    ConverterUnavailable,
    UnsafeDocument,
)
from doc_templates.pdf_socket import SocketConverter, serve_converter

KEY = b"shared"


class EchoConverter:
    """Stands in for the office: gives back what it got, or refuses."""

    def __init__(self):
        self.pause = 0.0

    def to_pdf(self, docx):
        time.sleep(self.pause)
        if docx == b"bad":
            raise UnsafeDocument("文件里有宏")
        if docx == b"fail":
            raise ConversionFailed("打不开")
        return b"%PDF" + docx


@pytest.fixture
def echo():
    return EchoConverter()


@pytest.fixture(params=["unix", "tcp"])
def address(request, tmp_path):
    return str(tmp_path / "pdf.sock") if request.param == "unix" else ("127.0.0.1", 0)


def test_document_goes_and_pdf_comes(echo, address):
    with serve_converter(echo, address, KEY) as server:
        converter = SocketConverter(server.address, KEY)
        assert converter.to_pdf(b"one") == b"%PDFone"
        assert converter.to_pdf(b"x" * 3_000_000) == b"%PDF" + b"x" * 3_000_000


def test_refusals_come_back_as_they_were(echo, address):
    with serve_converter(echo, address, KEY) as server:
        converter = SocketConverter(server.address, KEY)
        with pytest.raises(UnsafeDocument, match="文件里有宏"):
            converter.to_pdf(b"bad")
        with pytest.raises(ConversionFailed, match="打不开"):
            converter.to_pdf(b"fail")


def test_wrong_key_and_absent_server_are_told(echo, address, tmp_path):
    with serve_converter(echo, address, KEY) as server:
        with pytest.raises(ConverterUnavailable, match="密钥"):
            SocketConverter(server.address, b"wrong").to_pdf(b"one")
        assert SocketConverter(server.address, KEY).to_pdf(b"one")
    with pytest.raises(ConverterUnavailable, match="没有运行"):
        SocketConverter(str(tmp_path / "none.sock"), KEY).to_pdf(b"one")


def test_client_does_not_wait_beyond_its_deadline(echo, address):
    echo.pause = 3.0
    with serve_converter(echo, address, KEY) as server, pytest.raises(ConversionTimeout):
        SocketConverter(server.address, KEY, deadline=0.2).to_pdf(b"one")


def test_server_that_comes_back_is_found_on_the_second_try(echo, tmp_path):
    address = str(tmp_path / "pdf.sock")
    servers = []
    starting = threading.Timer(0.3, lambda: servers.append(serve_converter(echo, address, KEY)))
    starting.start()
    assert SocketConverter(address, KEY).to_pdf(b"late") == b"%PDFlate"
    starting.join()
    servers[0].close()


def test_silent_and_rude_peers_do_not_stop_the_others(echo, tmp_path):
    address = str(tmp_path / "pdf.sock")
    with serve_converter(echo, address, KEY) as server:
        silent = socket.socket(socket.AF_UNIX)
        silent.connect(address)
        rude = Client(address)
        rude.send_bytes(b"x" * 5000)
        assert SocketConverter(server.address, KEY).to_pdf(b"one") == b"%PDFone"
        silent.close()
        rude.close()


def test_socket_file_is_for_its_owner_only(echo, tmp_path):
    path = tmp_path / "pdf.sock"
    with serve_converter(echo, str(path), KEY):
        assert path.stat().st_mode & 0o077 == 0
