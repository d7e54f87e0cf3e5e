"""How a borrower signs for a copy at the desk, what is signed, what a desk PIN looks like. Pure.

Source: archive.md 6 ("Borrower and archivist both sign"). The archivist signs as whoever is signed
in at the desk; the borrower in one of the ways that the policy accepts.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from archive.core.errors import Conflict, Invalid
from storage.blobs import BlobRef

SHORTEST_PIN, LONGEST_PIN = 4, 8


class Way(StrEnum):
    """How the borrower signs; ``label`` is shown."""

    PASSWORD = "password"  # noqa: S105 - the name of a way
    PIN = "pin"
    DRAWN = "drawn"
    PAPER = "paper"

    @property
    def label(self) -> str:
        """Return the way as shown to people."""
        return {
            "password": "密码确认",
            "pin": "口令确认",
            "drawn": "手写签名",
            "paper": "纸面签字",
        }[self.value]


@dataclass(frozen=True)
class Confirmed:
    """That somebody has signed: in which way, who (None: on paper), the picture if drawn."""

    way: Way
    signer_id: int | None = None
    picture: BlobRef | None = None


ON_PAPER = Confirmed(Way.PAPER)


def check_accepted(way: Way, accepted: str) -> None:
    """Refuse a way that the policy does not accept; ``accepted`` has ``/`` between the ways."""
    ways = [Way(one) for one in accepted.split("/")]
    if way in ways:
        return
    names = "、".join(one.label for one in ways)
    if way == Way.PAPER:
        raise Invalid(f"还没有借阅人的确认，请借阅人确认（{names}）。", {"secret": "请借阅人确认"})
    raise Invalid(f"借阅台不接受{way.label}，请改用：{names}。", {"secret": "换一种方式"})


def check_signer(confirmed: Confirmed, borrower_id: int) -> None:
    """Refuse the signature of anybody but the borrower."""
    if confirmed.signer_id not in (None, borrower_id):
        raise Conflict("确认的不是这位借阅人，请重新扫描，由借阅人本人确认。")


def digest_of(statement: Mapping[str, object]) -> str:
    """Return the SHA-256 of what was signed, as canonical JSON; changed values change it."""
    text = json.dumps(statement, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def clean_pin(pin: str) -> str:
    """Return a good desk PIN; refuse letters, a wrong length and what anybody would guess."""
    cleaned = pin.strip()
    if not is_pin(cleaned):
        raise Invalid(
            f"借阅口令要用 {SHORTEST_PIN} 到 {LONGEST_PIN} 位数字。",
            {"pin": f"{SHORTEST_PIN} 到 {LONGEST_PIN} 位数字"},
        )
    steps = {(int(right) - int(left)) % 10 for left, right in pairwise(cleaned)}
    if steps in ({0}, {1}, {9}):
        raise Invalid("借阅口令太好猜（全是同一个数字或顺着数），请换一个。", {"pin": "请换一个"})
    return cleaned


def is_pin(text: str) -> bool:
    """Say whether a text can only be a PIN: passwords are longer."""
    return text.isascii() and text.isdigit() and SHORTEST_PIN <= len(text) <= LONGEST_PIN
