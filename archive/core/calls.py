"""What the models of the API stand on: what a call takes, and what an answer is made from."""

import re
from datetime import date, datetime
from typing import Annotated

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
)

from archive.core.described import Answer

_UNKEEPABLE = re.compile("[\0\ud800-\udfff]")


def _as_written(sent: object) -> object:
    """Let only text be read that begins as a day does: a number is none, not even in text."""
    if isinstance(sent, str) and sent[4:5] == "-":
        return sent
    raise ValueError("要填日期，如 2026-11-23")


Day = Annotated[date, Field(strict=False), BeforeValidator(_as_written)]
"""A day in a body, as JSON carries it: as text."""

Moment = Annotated[datetime, Field(strict=False), BeforeValidator(_as_written)]
"""An instant in a body, as text."""

ZonedMoment = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_as_written)]
"""The same, with its zone."""


class Closed(BaseModel):
    """What a call takes and nothing unasked; a number may come as text, as addresses carry it.

    No text holds the sign of number 0 or half a character: not every database can keep them.
    """

    model_config = ConfigDict(extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _can_be_kept(cls, sent: object) -> object:
        for text in sent if isinstance(sent, list) else (sent,):
            if isinstance(text, str) and _UNKEEPABLE.search(text):
                raise ValueError("不能有空字符（U+0000）和半个字符")
        return sent


class Asked(Closed):
    """What is asked for: nothing of it is kept, so that what cannot be kept is only left out."""

    @field_validator("*", mode="before")
    @classmethod
    def _can_be_kept(cls, sent: object) -> object:
        return _UNKEEPABLE.sub("", sent) if isinstance(sent, str) else sent


class Strict(Closed):
    """What a call takes as JSON: besides, each value of its own type ("true" is no truth)."""

    model_config = ConfigDict(strict=True)


class FromView(BaseModel):
    """An answer made from a station's view, field by field; what is not named stays inside."""

    model_config = ConfigDict(from_attributes=True)


class ViewAnswer(FromView, Answer):
    """The same, described as it is written: with what is worked out on the way."""
