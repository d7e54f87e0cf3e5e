"""How passwords are kept: slow to guess, refused when too easy."""

import re

import pytest
from sqlalchemy import select

from archive.core.errors import Invalid
from archive.people import access
from archive.people.hashing import is_outdated, is_secret_of
from archive.people.models import User
from archive.people.signin import edge

PASSWORD = "档案台-测试-2026"


def test_password_is_kept_as_a_slow_hash_that_differs_each_time():
    first, second = (access.hash_password("一个足够长的好口令吧") for _ in range(2))
    assert first != second
    found = re.match(r"\$argon2id\$v=19\$m=(\d+),t=(\d+),p=\d+\$", first)
    memory_kib, rounds = int(found[1]), int(found[2])
    assert memory_kib >= 19_456 and rounds >= 2, "no weaker than OWASP's least"


@pytest.mark.parametrize("password", ["", "太短了", "aaaaaaaaaaaa", "x" * 201])
def test_password_that_is_too_easy_or_too_long_is_refused_with_a_word(password):
    with pytest.raises(Invalid) as refusal:
        access.hash_password(password)
    assert "password" in refusal.value.fields


def test_a_hash_of_another_strength_is_renewed_when_its_owner_signs_in(resources, company):
    """What an earlier release hashed goes on opening, and is kept as new ones are."""
    username, caller = company.sales_clerk.username, edge.Caller("10.0.0.1", "Firefox")

    def kept():
        with resources.reading() as uow:
            named = User.username == username
            return uow.session.scalar(select(User.password_hash).where(named))

    older = kept()
    assert is_outdated(older)
    assert edge.sign_in(resources, username, "不是这个口令-1234", caller).refusal == "password"
    assert kept() == older
    assert edge.sign_in(resources, username, PASSWORD, caller).session
    renewed = kept()
    assert not is_outdated(renewed) and is_secret_of(renewed, PASSWORD)
    assert edge.sign_in(resources, username, PASSWORD, caller).session
    assert kept() == renewed
