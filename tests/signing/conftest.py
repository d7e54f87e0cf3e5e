"""What the tests of signing share: a time-stamp authority on localhost, a desk for the chain."""

import importlib.util
from pathlib import Path

import pytest


def _load(name):
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


time_authority = _load("time_authority")
signing_desk = _load("signing_desk")
desk, steps = signing_desk.desk, signing_desk.steps


@pytest.fixture
def stamp_server():
    """Make a time-stamp authority whose clock stands at a given time."""
    servers = []

    def start(now, **options):
        servers.append(time_authority.TimeAuthorityServer(now, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.close()
