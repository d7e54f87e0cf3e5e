"""What the worker does every ten minutes, one chore that fails holding up no other; its pauses."""

import pytest

from archive import jobs


@pytest.mark.parametrize(
    ("done", "seconds", "rest"),
    [
        (0, 0.0, jobs.POLL_SECONDS),  # nothing to do
        (1, 0.05, jobs.TOGETHER_SECONDS - 0.05),  # what comes meanwhile is done together
        (1, 5.0, 0.0),
        (jobs.MANY_AT_ONCE, 0.05, 0.0),  # a backlog is worked off without a pause
    ],
)
def test_jobs_that_come_one_by_one_are_gathered(done, seconds, rest):
    assert jobs.rest_after(done, seconds) == pytest.approx(rest)


def test_a_chore_that_fails_holds_up_no_other(resources, monkeypatch, caplog):
    done = []

    def broken(_):
        raise OSError("盘满了")

    monkeypatch.setattr(jobs, "CHORES", (broken, done.append))
    jobs.do_chores(resources)
    assert done == [resources]
    assert "chore failed: broken" in caplog.text
    assert "盘满了" in caplog.text
