"""Items and volumes over the API: list, read, download, import, and the four steps of filing."""

from datetime import date, datetime
from typing import Any

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, ConfigDict, Field

from archive.core.errors import Invalid
from archive.core.web import reading, work
from archive.filing import service
from archive.filing.rules import Belonging, Place
from archive.filing.routes import file_response
from archive.filing.views import CatalogueLine, ItemView, VolumeView
from archive.people.gate import actor, guard
from archive.people.rights import SECRECY

api = APIBlueprint("filing_api", __name__, url_prefix="/api/v1", tag="items")
