"""What the worker does every ten minutes: one chore that fails holds up no other."""

from archive import jobs


def test_a_chore_that_fails_holds_up_no_other(resources, monkeypatch, caplog):
    done = []

    def broken(_):
        raise OSError("盘满了")

    monkeypatch.setattr(jobs, "CHORES", (broken, done.append))
    jobs.do_chores(resources)
    assert done == [resources]
    assert "chore failed: broken" in caplog.text
    assert "盘满了" in caplog.text
