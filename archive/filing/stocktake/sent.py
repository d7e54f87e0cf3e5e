"""Scans as they are sent, by the offline page and through the API; checked before anything."""

from pydantic import Field, ValidationError

from archive.core.calls import Moment, Strict
from archive.core.errors import Invalid
from archive.filing.stocktake.rules import LONGEST_CODE, MOST_AT_ONCE
from archive.filing.stocktake.scans import Scan


class ScanIn(Strict):
    """A barcode that was seen; ``client_id`` is the sender's, ``seen_at`` with its zone."""

    client_id: str = Field(min_length=1, max_length=64)
    barcode: str = Field(min_length=1, max_length=LONGEST_CODE)
    place: str = Field(default="", max_length=80)
    seen_at: Moment | None = None


class ScansIn(Strict):
    """Scans in the order they were made; the same client id counts once however often sent."""

    scans: list[ScanIn] = Field(min_length=1, max_length=MOST_AT_ONCE)

    def read(self) -> list[Scan]:
        """Return the scans; raise Invalid for a time without its zone."""
        if any(one.seen_at is not None and one.seen_at.tzinfo is None for one in self.scans):
            raise Invalid(
                "扫描时间要带时区，例如 2026-11-23T09:30:00+08:00。", {"seen_at": "缺时区"}
            )
        return [Scan(one.client_id, one.barcode, one.place, one.seen_at) for one in self.scans]


def read_sent(body: object) -> list[Scan]:
    """Return the scans of a JSON body; raise Invalid."""
    try:
        return ScansIn.model_validate(body).read()
    except ValidationError as wrong:
        raise Invalid("送来的扫描记录看不懂，一条也没有收；请导出清单后上传。") from wrong
