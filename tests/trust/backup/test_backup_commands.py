"""``archive backup`` and ``restore`` at the door: JSON alone on stdout, exit codes, wrong use."""

import json

import pytest
from click.testing import CliRunner

from archive.cli.backing import backup, restore
from archive.trust.backup import record
from storage.errors import StorageError

pytestmark = [pytest.mark.slow]


@pytest.fixture
def at(kept, monkeypatch):
    monkeypatch.delenv("ARCHIVE_KEY", raising=False)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    kept.resources.database.dispose()

    def call(command, *words, data=None):
        env = {"ARCHIVE_DATA": str(data or kept.resources.settings.data)}
        return CliRunner().invoke(command, [str(word) for word in words], env=env)

    return call


def test_there_and_back_with_json(kept, at):
    made = at(backup, kept.place / "a.tar", "--json")
    assert made.exit_code == 0, made.output
    told = json.loads(made.stdout)
    assert told["blobs"] > 0 and told["missing"] == [] and told["encrypted"] is False
    assert "没有加密" in made.stderr
    back = at(restore, kept.place / "a.tar", "--json", data=kept.place / "新")
    assert back.exit_code == 0, back.output
    assert json.loads(back.stdout)["ok"] is True
    again = at(restore, kept.place / "a.tar", "--json", data=kept.place / "新")
    assert "不是空的" in str(again.exception) and again.stdout == ""
    drilled = at(restore, kept.place / "a.tar", "--drill", "--json")
    assert drilled.exit_code == 0, drilled.output
    with kept.resources.reading() as uow:
        assert record.last(uow, record.BACKED_UP).detail["where"] == "file"
        assert record.last(uow, record.DRILLED).findings == 0


def test_a_finding_ends_with_one(kept, at):
    kept.resources.blobs.delete(next(kept.resources.blobs.digests()))
    made = at(backup, f"{kept.place}/仓/", "--keep", 2, "--json")
    assert made.exit_code == 1 and len(json.loads(made.stdout)["missing"]) == 1


def test_wrong_use(kept, at):
    assert at(backup, kept.place / "a.tar", "--keep", 2).exit_code == 2
    assert at(backup, f"{kept.place}/仓/", "--keep", 0).exit_code == 2
    assert at(backup).exit_code == 2
    nothing = at(backup, kept.place / "a.tar", data=kept.place / "没有")
    assert "没有数据文件夹" in str(nothing.exception)
    assert not (kept.place / "没有").exists()
    bad = at(restore, kept.place / "没有.tar", data=kept.place / "新")
    assert "没有备份文件" in str(bad.exception) and not (kept.place / "新").exists()
    short = kept.place / "口令"
    short.write_text("短")
    refused = at(backup, kept.place / "a.tar", "--passphrase-file", short)
    assert isinstance(refused.exception, StorageError) and not (kept.place / "a.tar").exists()
