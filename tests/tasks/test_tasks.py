"""Long work: done in slices, stopped, taken up again, after a crash too; seen by its owner only."""

import pytest
from sqlalchemy import select

from archive.core.errors import Conflict, Invalid, NotFound, Unavailable
from archive.tasks import runner, service
from archive.tasks.models import Task, TaskFile
from archive.tasks.rules import KEEP_FOR
from archive.tasks.service import PART, RESULT, NewFile, Progress
from storage import outbox
from storage.files import StoredFile


class Counting:
    """Work that counts to ``total``, remembering where it was; it may break off on the way."""

    def __init__(self, total=10, breaks=()):
        self.total = total
        self.breaks = dict(breaks)
        self.counted = []

    def __call__(self, resources, task):
        for n in range(int(task.memory.get("n", 0)), self.total):
            if n in self.breaks:
                raise self.breaks.pop(n)
            self.counted.append(n)
            yield Progress(n + 1, self.total, f"数到 {n + 1}", memory={"n": n + 1})


@pytest.fixture
def start(resources, company):
    def make(kind="count", actor=None, params=None):
        with resources.work() as uow:
            task = service.start_task(uow, actor or company.sales_clerk, kind, "数数", params or {})
            uow.commit()
        return task.id

    return make


@pytest.fixture
def look(resources):
    def at(task_id):
        with resources.reading() as uow:
            return service.load_task(uow, task_id)

    return at


def turn(resources, kinds, owner="worker"):
    """One turn of the worker, as ``archive.jobs`` takes it; return how many jobs there were."""
    drain = runner.drain_tasks(kinds)
    with resources.work() as uow:
        items = [one for one in outbox.claim(uow.session, owner, uow.now()) if one.kind == "task"]
        uow.commit()
    try:
        drain(resources, items)
    except Exception:
        with resources.work() as uow:
            outbox.release(uow.session, items, "出错", uow.now())
            uow.commit()
        raise
    with resources.work() as uow:
        outbox.finish(uow.session, [item.id for item in items])
        uow.commit()
    return len(items)


def test_a_task_runs_to_its_end_and_says_how_far_it_is(resources, start, look):
    work, task_id = Counting(), start()
    assert look(task_id).state == "queued"
    turn(resources, {"count": work})
    task = look(task_id)
    assert (task.state, task.done, task.total, task.percent) == ("done", 10, 10, 100)
    assert work.counted == list(range(10))
    assert turn(resources, {"count": work}) == 0


def test_long_work_gives_others_a_turn_between_slices(resources, start, look, monkeypatch):
    monkeypatch.setattr(runner, "SLICE_SECONDS", 0)
    work, task_id = Counting(total=3), start()
    turn(resources, {"count": work})
    assert (look(task_id).state, look(task_id).done) == ("running", 1)
    while turn(resources, {"count": work}):
        pass
    assert look(task_id).state == "done"
    assert work.counted == [0, 1, 2]


def test_a_killed_workers_task_goes_on_where_it_was(resources, start, look, clock, monkeypatch):
    class Killed(BaseException):
        pass

    work, task_id = Counting(total=6, breaks={4: Killed()}), start()
    drain = runner.drain_tasks({"count": work})
    with resources.work() as uow:
        items = outbox.claim(uow.session, "dead", uow.now())
        uow.commit()
    with pytest.raises(Killed):
        drain(resources, items)
    assert look(task_id).state == "running"
    clock.advance(seconds=300)  # the lease runs out
    turn(resources, {"count": work}, "next")
    assert look(task_id).state == "done"
    assert work.counted == [0, 1, 2, 3, 4, 5]


def test_stopping_keeps_what_is_done_and_resuming_goes_on(
    resources, company, start, look, monkeypatch
):
    monkeypatch.setattr(runner, "SLICE_SECONDS", 0)
    work, task_id = Counting(total=5), start()
    turn(resources, {"count": work})
    with resources.work() as uow:
        assert service.stop_task(uow, company.sales_clerk, task_id).state == "stopping"
        uow.commit()
    turn(resources, {"count": work})
    assert (look(task_id).state, look(task_id).done) == ("stopped", 1)
    with resources.work() as uow:
        service.resume_task(uow, company.sales_clerk, task_id)
        uow.commit()
    while turn(resources, {"count": work}):
        pass
    assert (look(task_id).state, work.counted) == ("done", [0, 1, 2, 3, 4])


def test_a_waiting_task_stops_at_once_and_its_old_job_does_nothing(resources, company, start, look):
    work, task_id = Counting(), start()
    with resources.work() as uow:
        assert service.stop_task(uow, company.sales_clerk, task_id).state == "stopped"
        service.resume_task(uow, company.sales_clerk, task_id)
        uow.commit()
    assert turn(resources, {"count": work}) == 2  # the first job's ticket is void
    assert look(task_id).state == "done"
    assert work.counted == list(range(10))


def test_what_has_ended_is_neither_stopped_nor_resumed(resources, company, start):
    task_id = start()
    turn(resources, {"count": Counting()})
    with resources.work() as uow:
        with pytest.raises(Conflict):
            service.stop_task(uow, company.sales_clerk, task_id)
        with pytest.raises(Conflict):
            service.resume_task(uow, company.sales_clerk, task_id)


def test_a_refusal_ends_the_task_with_its_sentence(resources, start, look):
    task_id = start()
    turn(resources, {"count": Counting(breaks={3: Invalid("第 3 行不对。")})})
    task = look(task_id)
    assert (task.state, task.message, task.done) == ("failed", "第 3 行不对。", 3)


def test_a_part_away_for_a_moment_is_tried_again_by_itself(resources, start, look, clock):
    task_id = start()
    work = Counting(breaks={2: Unavailable("PDF 服务不在。")})
    with pytest.raises(Unavailable):
        turn(resources, {"count": work})
    assert look(task_id).state == "running"
    assert "自动再试" in look(task_id).message
    clock.advance(seconds=10)
    turn(resources, {"count": work})
    assert look(task_id).state == "done"


def test_what_always_breaks_is_given_up_with_a_word(resources, start, look, clock):
    task_id = start()

    def broken(_resources, _task):
        raise ValueError("程序的错")
        yield

    for _ in range(5):
        with pytest.raises(ValueError, match="程序的错"):
            turn(resources, {"count": broken})
        clock.advance(hours=1)
    task = look(task_id)
    assert task.state == "failed"
    assert "程序的错" not in task.message
    assert "继续" in task.message


def test_a_kind_nobody_knows_fails_instead_of_waiting_for_ever(resources, start, look):
    task_id = start("seance")
    turn(resources, {})
    assert look(task_id).state == "failed"


def test_nobody_sees_or_stops_anothers_task(resources, company, start, client_for, api_for):
    task_id = start()
    for person in (company.sales_clerk2, company.sales_head, company.admin):
        assert client_for(person).get(f"/tasks/{task_id}").status_code == 404
        assert client_for(person).post(f"/tasks/{task_id}/stop").status_code == 404
        assert api_for(person).get(f"/api/v1/tasks/{task_id}").status_code == 404
        assert api_for(person).post(f"/api/v1/tasks/{task_id}/resume").status_code == 404
    with resources.reading() as uow, pytest.raises(NotFound):
        service.get_task(uow, company.sales_clerk2, task_id)
    assert client_for(None).get(f"/tasks/{task_id}").status_code == 302
    assert api_for(None).get(f"/api/v1/tasks/{task_id}").status_code == 401
    for absurd in (0, 10**30):
        assert client_for(company.sales_clerk).get(f"/tasks/{absurd}").status_code == 404


def test_the_owner_sees_stops_and_resumes_it_on_the_page(company, start, client_for, app):
    task_id = start()
    client = client_for(company.sales_clerk)
    assert "数数" in client.get("/tasks").text
    page = client.get(f"/tasks/{task_id}").text
    assert "等待中" in page
    assert 'http-equiv="refresh"' in page  # without scripts the page renews itself
    assert client.get(f"/tasks/{task_id}/progress.json").json["percent"] == 0
    assert client.post(f"/tasks/{task_id}/stop").status_code == 302
    assert "已停下" in client.get(f"/tasks/{task_id}").text
    assert client.post(f"/tasks/{task_id}/stop").status_code == 409
    assert client.post(f"/tasks/{task_id}/resume").status_code == 302
    app.config["WTF_CSRF_ENABLED"] = True
    assert client.post(f"/tasks/{task_id}/stop").status_code == 400  # a forged post


def test_programs_read_stop_and_resume(company, start, api_for):
    task_id = start()
    call = api_for(company.sales_clerk)
    assert call.get("/api/v1/tasks").json["total"] == 1
    assert call.get("/api/v1/tasks?page=0").status_code == 422
    assert call.get(f"/api/v1/tasks/{task_id}").json["state"] == "queued"
    assert call.post(f"/api/v1/tasks/{task_id}/stop").json["state"] == "stopped"
    assert call.post(f"/api/v1/tasks/{task_id}/stop").status_code == 409
    assert call.post(f"/api/v1/tasks/{task_id}/resume").json["state"] == "queued"


def test_files_made_are_given_out_parts_are_not(resources, company, start, look, client_for):
    def work(parts, task):
        report = parts.blobs.put("结果".encode(), "text/plain")
        piece = parts.blobs.put("中间".encode(), "text/plain")
        yield Progress(
            1,
            1,
            files=(
                NewFile(RESULT, 0, '报告\u202e/..".txt', report),
                NewFile(PART, 0, "中间.txt", piece),
            ),
        )

    task_id = start("file")
    turn(resources, {"file": work})
    (made,) = look(task_id).files  # the parts are let go with the end of the work
    client = client_for(company.sales_clerk)
    answer = client.get(f"/tasks/{task_id}/files/{made.id}")
    assert answer.data.decode() == "结果"
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert "\n" not in answer.headers["Content-Disposition"]
    answer.close()
    assert client.get(f"/tasks/{task_id}/files/{made.id + 7}").status_code == 404
    assert client_for(company.leader).get(f"/tasks/{task_id}/files/{made.id}").status_code == 404


def test_old_tasks_and_their_bytes_are_let_go(resources, company, start, clock):
    ref = resources.blobs.put(b"x", "text/plain")

    def work(_parts, _task):
        yield Progress(1, 1, files=(NewFile(RESULT, 0, "结果.txt", ref),))

    start("file")
    turn(resources, {"file": work})
    clock.advance(days=KEEP_FOR.days - 1)
    with resources.work() as uow:
        assert service.forget_old(uow) == 0
    clock.advance(days=2)
    with resources.work() as uow:
        assert service.forget_old(uow) == 1
        uow.commit()
    with resources.reading() as uow:
        assert uow.session.scalars(select(Task)).all() == []
        assert uow.session.scalars(select(TaskFile)).all() == []
        assert uow.session.get(StoredFile, ref.sha256) is None
