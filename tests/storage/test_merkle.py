"""Merkle trees as RFC 6962 has them: roots, paths, growing by one; nothing forged passes."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.merkle import (
    EMPTY,
    Frontier,
    inclusion_path,
    is_included,
    leaf_hash,
    node_hash,
    root_of,
)


def leaves(count):
    return [leaf_hash(str(number).encode()) for number in range(count)]


def root_by_definition(hashes):
    """The definition of RFC 6962, 2.1, word for word."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return node_hash(root_by_definition(hashes[:split]), root_by_definition(hashes[split:]))


@pytest.mark.parametrize("count", range(40))
def test_root_is_that_of_the_definition(count):
    assert root_of(leaves(count)) == root_by_definition(leaves(count))
    assert root_of([]) == EMPTY


@pytest.mark.parametrize("count", [1, 2, 3, 7, 8, 9, 31, 33])
def test_every_entry_has_a_path_and_no_other_entry_fits_it(count):
    every = leaves(count)
    root = root_of(every)
    for index, leaf in enumerate(every):
        path = inclusion_path(every, index)
        assert is_included(leaf, index, count, path, root)
        assert not is_included(leaf_hash(b"other"), index, count, path, root)
        assert not is_included(leaf, index, count, [*path, leaf], root)
        assert not is_included(leaf, (index + 1) % count, count, path, root) or count == 1
        assert not is_included(leaf, index, count, path[:-1], root) or count == 1


@given(st.integers(1, 200), st.integers(0, 199), st.data())
def test_one_changed_hash_on_the_way_breaks_the_proof(count, index, data):
    every, index = leaves(count), index % count
    path, root = inclusion_path(every, index), root_of(every)
    assert is_included(every[index], index, count, path, root)
    if path:
        at = data.draw(st.integers(0, len(path) - 1))
        forged = [*path[:at], leaf_hash(path[at]), *path[at + 1 :]]
        assert not is_included(every[index], index, count, forged, root)


def test_a_tree_taken_up_again_grows_to_the_same_root():
    first = Frontier()
    for leaf in leaves(13):
        first.add(leaf)
    again = Frontier(first.size, list(first.peaks))
    for leaf in leaves(29)[13:]:
        again.add(leaf)
    assert again.root() == root_of(leaves(29))


def test_no_leaf_no_path():
    for index in (-1, 3):
        with pytest.raises(IndexError):
            inclusion_path(leaves(3), index)
        assert not is_included(leaves(3)[0], index, 3, [], root_of(leaves(3)))
