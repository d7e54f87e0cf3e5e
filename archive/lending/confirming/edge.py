"""The borrower signs at the desk: check what they gave, slowly, before the act in one unit of work.

Page and API call share this; it is the edge, so it commits: a wrong password counts.
"""

from collections.abc import Callable
from dataclasses import dataclass

from archive.core.errors import Invalid
from archive.core.resources import Resources
from archive.lending import matrix
from archive.lending.confirming import service
from archive.lending.confirming.rules import ON_PAPER, Confirmed, Way, check_accepted, is_pin
from archive.people import access
from archive.people.rights import Actor
from archive.people.signin.edge import confirm_own
from archive.signing.appearance import compose
from storage.work import UnitOfWork

FindSigner = Callable[[UnitOfWork], Actor]


@dataclass(frozen=True)
class Given:
    """What the borrower gave at the desk: one of them, or nothing (signed on paper)."""

    password: str = ""
    pin: str = ""
    drawn_png: bytes | None = None

    @classmethod
    def typed(cls, secret: str, drawn_png: bytes | None) -> "Given":
        """Return what one box for both says: a PIN is never as long as a password."""
        if is_pin(secret.strip()):
            return cls(pin=secret.strip(), drawn_png=drawn_png)
        return cls(password=secret, drawn_png=drawn_png)

    @property
    def way(self) -> Way:
        """In which way it is signed; raise Invalid for two at once."""
        ways = [
            way
            for way, given in (
                (Way.PASSWORD, self.password),
                (Way.PIN, self.pin),
                (Way.DRAWN, self.drawn_png),
            )
            if given
        ]
        if len(ways) > 1:
            raise Invalid(
                "密码（口令）和手写签名只要一种，请留下一种。", {"secret": "只要一种确认"}
            )
        return ways[0] if ways else Way.PAPER


def confirm(resources: Resources, given: Given, find_signer: FindSigner, address: str) -> Confirmed:
    """Return the borrower's signature; ``find_signer`` names them from what is scanned.

    Raises Invalid for a wrong password or PIN, a picture that is no signature, or a way that is
    not accepted; Throttled after too many wrong ones; and whatever ``find_signer`` refuses.
    """
    way = given.way
    check_accepted(way, matrix.policy().confirmations)
    if way == Way.PAPER:
        return ON_PAPER
    with resources.reading() as uow:
        signer = find_signer(uow)
        if way == Way.PIN:
            check = service.check_pin(uow, signer, given.pin, address)
    if way == Way.PASSWORD:
        check = confirm_own(resources, signer, given.password, address)
    if way == Way.DRAWN:
        picture = compose(given.drawn_png, signer.name, "")
        return Confirmed(way, signer.id, resources.blobs.put(picture, "image/png"))
    with resources.work() as uow:
        known = access.note_password(uow, check)
        uow.commit()
    if known != signer.id:
        raise Invalid(_wrong(way, signer), {"secret": "不对，请重新输入"})
    return Confirmed(way, signer.id)


def _wrong(way: Way, signer: Actor) -> str:
    what = "借阅口令" if way == Way.PIN else "密码"
    hint = "（口令在“借阅口令”页自己设）" if way == Way.PIN else ""
    return f"{signer.name}的{what}不对{hint}，请本人重新输入，或改用手写签名。"
