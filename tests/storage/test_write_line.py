"""Writers of one process stand in line before SQLite's write lock, and always leave it again."""

import gc
import threading

import pytest

from storage.database import open_database


@pytest.fixture
def database(tmp_path):
    opened = open_database(f"sqlite:///{tmp_path / 'archive.db'}")
    with opened.writer.begin() as connection:
        connection.exec_driver_sql("create table counted (n integer)")
        connection.exec_driver_sql("insert into counted values (0)")
    yield opened
    opened.dispose()


def count_up(database) -> None:
    with database.writer.begin() as connection:
        n = connection.exec_driver_sql("select n from counted").scalar()
        connection.exec_driver_sql(f"update counted set n = {n + 1}")


def value(database) -> int:
    with database.engine.connect() as connection:
        return connection.exec_driver_sql("select n from counted").scalar()


def test_many_writers_at_once_lose_nothing(database):
    threads = [
        threading.Thread(target=lambda: [count_up(database) for _ in range(5)]) for _ in range(8)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join(30)
    assert value(database) == 40


def test_whoever_fails_gives_up_or_is_forgotten_leaves_the_line(database, monkeypatch):
    monkeypatch.setattr("storage.database.BUSY_TIMEOUT_MS", 600_000)  # else the test would hang
    with pytest.raises(ZeroDivisionError), database.writer.begin():
        _ = 1 / 0
    kept = database.writer.connect()
    kept.begin().rollback()
    kept.begin().commit()
    kept.begin()
    kept.invalidate()
    kept.close()
    lost = database.writer.connect()
    lost.begin()
    lost.invalidate()
    del lost
    gc.collect()
    count_up(database)
    assert value(database) == 1


def test_readers_stand_in_no_line(database):
    with database.writer.begin() as connection:
        connection.exec_driver_sql("update counted set n = 7")
        assert value(database) == 0
    assert value(database) == 7
