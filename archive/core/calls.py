"""What the models of the API stand on: what a call takes, and what an answer is made from."""

from pydantic import BaseModel, ConfigDict

from archive.core.described import Answer


class Closed(BaseModel):
    """What a call takes and nothing unasked; a number may come as text, as addresses carry it."""

    model_config = ConfigDict(extra="forbid")


class Strict(Closed):
    """What a call takes as JSON: besides, each value of its own type ("true" is no truth)."""

    model_config = ConfigDict(strict=True)


class FromView(BaseModel):
    """An answer made from a station's view, field by field; what is not named stays inside."""

    model_config = ConfigDict(from_attributes=True)


class ViewAnswer(FromView, Answer):
    """The same, described as it is written: with what is worked out on the way."""
