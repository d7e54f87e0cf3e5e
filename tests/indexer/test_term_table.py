"""A stock Whoosh reader finds every key of the table we write, and no other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from whoosh.filedb.filestore import RamStorage
from whoosh.filedb.filetables import OrderedHashReader, OrderedHashWriter

from indexer.term_table import TermTable, _slots_of


def written(entries, steps):
    """A reader over a table written in so many steps."""
    storage = RamStorage()
    head = OrderedHashWriter(storage.create_file("terms"))
    table = TermTable(head.dbfile, {"fieldmap": {"words": 0}})
    keys = sorted(entries)
    size = max(1, -(-len(keys) // steps))
    for first in range(0, len(keys), size):
        chunk = keys[first : first + size]
        values = [entries[key] for key in chunk]
        table.add_all(
            chunk,
            np.frombuffer(b"".join(values), np.uint8),
            np.array([len(value) for value in values], np.intp),
        )
    table.close()
    return OrderedHashReader.open(storage, "terms")


@settings(deadline=None, max_examples=60)
@given(
    st.dictionaries(st.binary(min_size=1, max_size=12), st.binary(max_size=20), max_size=300),
    st.integers(1, 4),
)
def test_every_key_is_found_and_no_other(entries, steps):
    reader = written(entries, steps)
    assert {key: reader[key] for key in entries} == entries
    assert list(reader.keys_from(b"")) == sorted(entries)
    assert reader.get(b"\xff" * 13) is None
    assert reader.extras["fieldmap"] == {"words": 0}


@pytest.mark.parametrize(
    ("homes", "size"),
    [([0], 2), ([9] * 5, 10), ([9, 9, 8, 8, 0, 0, 1], 14), ([13, 13, 13, 0, 1, 2, 3], 14)],
)
def test_slots_are_found_by_looking_on_from_home(homes, size):
    several = np.array([*homes, *homes], np.int64)  # a second table beside changes nothing
    tables = np.repeat([0, 1], len(homes))
    for slots in _slots_of(several, np.array([size, size]), tables).reshape(2, -1).tolist():
        assert len(set(slots)) == len(slots)
        for home, slot in zip(homes, slots, strict=True):
            way = [(home + step) % size for step in range((slot - home) % size)]
            assert set(way) <= set(slots), "no empty slot on the way"
