"""How passwords are kept: slow to guess, refused when too easy."""

import re

import pytest

from archive.core.errors import Invalid
from archive.people import access


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
