"""Jobs are leased, survive a killed worker, back off when they fail, and are given up at last."""

from sqlalchemy import select

from storage import outbox
from storage.outbox import LEASE, MAX_ATTEMPTS, OutboxRow


def leave(resources, *keys):
    with resources.work() as uow:
        for key in keys:
            uow.outbox("index", key)
        uow.commit()


def claim(resources, owner="worker-1"):
    with resources.work() as uow:
        items = outbox.claim(uow.session, owner, uow.now())
        uow.commit()
    return items


def test_a_leased_job_is_nobody_elses_until_the_lease_runs_out(resources, clock):
    leave(resources, "record:1")
    assert [item.key for item in claim(resources)] == ["record:1"]
    assert claim(resources, "worker-2") == []
    clock.advance(seconds=LEASE.total_seconds() + 1)
    again = claim(resources, "worker-2")
    assert [(item.key, item.attempts) for item in again] == [("record:1", 2)]


def test_a_dead_workers_jobs_are_freed_at_once(resources):
    leave(resources, "record:1", "record:2")
    claim(resources, "host:4711")
    with resources.work() as uow:
        assert outbox.free_leases(uow.session, "host:4711", uow.now()) == 2
        uow.commit()
    assert len(claim(resources)) == 2


def test_a_batch_holds_one_kind_in_order(resources):
    with resources.work() as uow:
        uow.outbox("index", "record:1")
        uow.outbox("extract", "item_file:1")
        uow.outbox("index", "record:2")
        uow.commit()
    assert [item.key for item in claim(resources)] == ["record:1", "record:2"]
    assert [item.key for item in claim(resources)] == ["item_file:1"]


def test_a_failing_job_waits_longer_and_is_given_up_in_the_end(resources, clock):
    leave(resources, "record:1")
    tries = 0
    while items := claim(resources):
        tries += 1
        with resources.work() as uow:
            outbox.release(uow.session, items, "坏文件", uow.now())
            uow.commit()
        assert claim(resources) == [], "it must wait before the next try"
        clock.advance(hours=2)
    assert tries == MAX_ATTEMPTS
    with resources.reading() as uow:
        row = uow.session.scalars(select(OutboxRow)).one()
        assert row.failed_at is not None
        assert row.last_error == "坏文件"


def test_a_done_job_is_gone(resources):
    leave(resources, "record:1")
    items = claim(resources)
    with resources.work() as uow:
        outbox.finish(uow.session, [item.id for item in items])
        uow.commit()
    with resources.reading() as uow:
        assert outbox.pending(uow.session) == 0
