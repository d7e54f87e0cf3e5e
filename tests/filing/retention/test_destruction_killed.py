"""A destruction is killed at its worst moments: what is done stays done, the rest is done later."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import func, select

from archive.filing.models import Item, ItemFile
from archive.filing.retention.models import DisposalList
from archive.jobs import drain_all
from archive.trust.checking import verify_instance
from storage.files import StoredFile
from storage.journal import JournalEntry

pytestmark = [pytest.mark.slow]

SCRIPT = """
import os, signal, sys
from pathlib import Path
from archive.config import Settings
from archive.core.resources import open_resources
sys.path.insert(0, {tests!r})
from conftest import FrozenClock, QuickConverter
folder = Path({folder!r})
clock = FrozenClock()
clock.advance(days=365 * 31 + 93)
resources = open_resources(
    Settings(data=folder, database_url=f"sqlite:///{{folder / 'archive.db'}}"),
    QuickConverter(), clock,
)
calls = []
def die(*_args, **_kwargs):
    os.kill(os.getpid(), signal.SIGKILL)
from archive import jobs
from archive.filing.retention import destroying, erasing
{moment}
jobs.drain_all(resources)
"""
SECOND = """
erase = destroying.erase_item
def second(*args):
    if calls:
        die()
    calls.append(1)
    return erase(*args)
destroying.erase_item = second
"""
MOMENTS = {
    "before the first commit": "erasing.forget_digests = die",
    "between two items": SECOND,
    "between rows and bytes": "jobs.HANDLERS[erasing.SHRED] = die",
    "in the middle of the bytes": (
        "remove = resources.blobs.delete\n"
        "resources.blobs.delete = lambda digest: (remove(digest), die())"
    ),
    "before the end is noted": "destroying._finish = die",
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_kill_in_the_middle_of_destroying_costs_nothing(world, moment):
    world.execute(world.witnessed())
    script = SCRIPT.format(
        tests=str(Path(__file__).parents[2]),
        folder=str(world.resources.settings.data),
        moment=MOMENTS[moment],
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        timeout=120,
        check=False,
        env=os.environ,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    for item, files in _items(world):
        assert (item == "destroyed") == (files == 0), "never half of it"
    world.clock.advance(minutes=5)
    drain_all(world.resources)
    assert [state for state, _ in _items(world)] == ["destroyed", "destroyed"]
    with world.resources.reading() as uow:
        assert uow.session.scalar(select(DisposalList.state)) == "done"
        named = set(uow.session.scalars(select(StoredFile.sha256)))
        told = select(func.count()).where(JournalEntry.action == "item.destroyed")
        assert uow.session.scalar(told) == 2, "each once"
    assert set(world.resources.blobs.digests()) == named
    assert list(verify_instance(world.resources)) == []
    assert world.found("青岛海信") == []


def _items(world):
    count = select(func.count()).where(ItemFile.item_id == Item.id).scalar_subquery()
    query = select(Item.state, count).order_by(Item.id)
    return world.read(lambda uow: uow.session.execute(query).all())
