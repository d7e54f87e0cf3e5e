"""The random code in the footer of a paper (核验码), by which anybody may ask what it is worth.

A code says nothing about the paper and cannot be guessed: twelve letters and digits, none of
which look alike. Called when a paper is frozen, and by the verdicts.
"""

import secrets

from sqlalchemy import select

from archive.signing.proof_models import VerifyCode
from storage.work import UnitOfWork

LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 12


def find_code(uow: UnitOfWork, record_id: int, round: int) -> str | None:
    """Return the code of a record's paper in a signing round, or None where none was made yet."""
    return uow.session.scalar(
        select(VerifyCode.code).where(VerifyCode.record_id == record_id, VerifyCode.round == round)
    )


def code_for(uow: UnitOfWork, record_id: int, round: int) -> str:
    """Return the code of a record's paper in a signing round, made on first use."""
    code = find_code(uow, record_id, round)
    if code is None:
        code = "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
        row = VerifyCode(code=code, record_id=record_id, round=round, created_at=uow.now())
        uow.session.add(row)
        uow.session.flush()
    return code


def find_coded(uow: UnitOfWork, typed: str) -> tuple[int, int] | None:
    """Return record and round of a code as somebody typed it, or None."""
    code = clean_code(typed)
    row = uow.session.get(VerifyCode, code) if code else None
    return None if row is None else (row.record_id, row.round)


def clean_code(typed: str) -> str:
    """Return a code without blanks and dashes, in capitals; empty where it can be none."""
    code = "".join(char for char in typed.upper() if char not in " -－\t\r\n")
    return code if len(code) == LENGTH and all(char in LETTERS for char in code) else ""


def shown_code(code: str) -> str:
    """Return a code as it prints: in groups of four."""
    return "-".join(code[start : start + 4] for start in range(0, len(code), 4))
