"""What ties a borrower to a paper, and whether the reference given names the tie. Pure.

Gathered in ``lending.facts``, looked at in ``lending.rules``.
"""

import unicodedata
from dataclasses import dataclass


@dataclass(frozen=True)
class Links:
    """What ties the borrower to the paper, and the words by which they may cite the tie.

    ``customer_names`` are the customer's names and number when the borrower or their department
    keeps that customer; ``record_numbers`` the signed papers of their department about it.
    """

    own_department: bool = False
    office: bool = False
    took_part: bool = False
    customer_names: tuple[str, ...] = ()
    record_numbers: tuple[str, ...] = ()
    paper_numbers: tuple[str, ...] = ()

    @property
    def is_connected(self) -> bool:
        """Whether department, customer, office or own part links the borrower to the paper."""
        return bool(
            self.own_department
            or self.office
            or self.took_part
            or self.customer_names
            or self.record_numbers
        )


def cites_a_link(reference: str, links: Links, shortest: int) -> bool:
    """Say whether the reference names something that links the borrower to the paper.

    The own department and an office are links in themselves; the reference is still to be given
    (for audit and legal it is the case). Others must name their customer or their paper.
    """
    folded = fold(reference)
    if len(folded) < shortest:
        return False
    if links.own_department or links.office:
        return True
    words = links.customer_names + links.record_numbers
    if links.took_part:
        words += links.paper_numbers
    return any(fold(word) in folded for word in words if len(fold(word)) > 1)


def fold(text: str) -> str:
    """Return the text for comparing: width and case folded, blanks and invisible marks out."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(char for char in plain if unicodedata.category(char)[0] not in "ZC")
