"""What the models of the API stand on: what a call takes, and what an answer is made from."""

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """What a call takes: each value of its own type ("true" is no truth), and nothing unasked."""

    model_config = ConfigDict(strict=True, extra="forbid")


class FromView(BaseModel):
    """An answer made from a station's view, field by field; what is not named stays inside."""

    model_config = ConfigDict(from_attributes=True)
