"""How a route reaches the server's parts: the resources and units of work of this request."""

from typing import cast

from flask import current_app

from archive.core.resources import Resources
from storage.work import UnitOfWork


def resources() -> Resources:
    """Return the parts of the running server."""
    return cast(Resources, current_app.extensions["archive"])


def work() -> UnitOfWork:
    """Return a unit of work that the route commits."""
    return resources().work()


def reading() -> UnitOfWork:
    """Return a unit of work that only reads."""
    return resources().reading()
