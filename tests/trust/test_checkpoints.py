"""Checkpoints of the journal: once a day, signed; a rewritten journal does not bear them out."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select, text

from archive.core.errors import Conflict, Invalid, NotFound
from archive.jobs import do_chores
from archive.trust import check_proof, checkpoints
from archive.trust.checking import verify_instance
from storage.checkpoints import JournalCheckpoint
from storage.journal import JournalEntry, entry_hash


def add_entries(resources, count=5):
    for number in range(count):
        with resources.work() as uow:
            uow.journal(None, "test.act", "thing", number, {"字": "内容"})
            uow.commit()


def findings(resources):
    found = verify_instance(resources, with_index=False)
    return [one.message for one in found if one.kind == "checkpoint"]


def checked(folder, proof, *root):
    """Check a proof as an outsider does: with Python alone, away from here."""
    script, file = folder / "check_proof.py", folder / "proof.json"
    script.write_bytes(Path(check_proof.__file__).read_bytes())
    file.write_bytes(proof)
    command = [sys.executable, "-I", "-S", script.name, file.name, *root]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def proof_of(resources, person, seq):
    with resources.reading() as uow:
        return checkpoints.proof_of(uow, person, seq)


def test_one_a_day_and_only_when_something_was_added(resources, company, clock):
    assert checkpoints.note_checkpoint(resources)
    assert not checkpoints.note_checkpoint(resources), "today has one"
    clock.advance(days=1)
    do_chores(resources)
    add_entries(resources)
    assert not checkpoints.note_checkpoint(resources)
    assert checkpoints.note_checkpoint(resources, daily=False)
    with resources.reading() as uow:
        days = [one.day for one in checkpoints.list_checkpoints(uow, company.leader)]
    assert days == ["2026-11-24", "2026-11-24", "2026-11-23"]
    assert findings(resources) == []


def test_proof_of_every_entry_holds_without_us(resources, company, tmp_path):
    add_entries(resources)
    checkpoints.note_checkpoint(resources)
    with resources.reading() as uow:
        kept = uow.session.scalar(select(JournalCheckpoint))
        size, root = kept.tree_size, kept.root
    for seq in (1, size // 2, size):
        told = checked(tmp_path, proof_of(resources, company.leader, seq), root)
        assert told.returncode == 0, told.stdout
        assert f"成立：第 {seq} 条" in told.stdout and "单位签名有效" in told.stdout


@pytest.mark.parametrize(
    "change",
    [
        lambda proof: proof["entry"].update(detail="{}"),
        lambda proof: proof["entry"].update(seq=proof["entry"]["seq"] + 1),
        lambda proof: proof["path"].reverse(),
        lambda proof: proof["path"].pop(),
        lambda proof: proof.update(root="00" * 32),
        lambda proof: proof.update(tree_size=proof["tree_size"] + 1),
        lambda proof: proof.update(signed_text=proof["signed_text"].replace("2026", "2025")),
        lambda proof: proof.update(path="不是列表"),
        lambda proof: proof.pop("entry"),
    ],
)
def test_changed_proof_does_not_hold(resources, company, tmp_path, change):
    add_entries(resources)
    checkpoints.note_checkpoint(resources)
    proof = json.loads(proof_of(resources, company.leader, 3))
    change(proof)
    told = checked(tmp_path, json.dumps(proof, ensure_ascii=False).encode())
    assert told.returncode == 1 and told.stdout.startswith("不成立")
    assert "Traceback" not in told.stderr


def test_another_root_on_paper_is_told(resources, company, tmp_path):
    checkpoints.note_checkpoint(resources)
    told = checked(tmp_path, proof_of(resources, company.leader, 1), "ab" * 32)
    assert told.returncode == 1 and "与您给的不同" in told.stdout


def test_no_proof_before_a_checkpoint_or_of_nothing(resources, company):
    add_entries(resources)
    with pytest.raises(Conflict, match="检查点"):
        proof_of(resources, company.leader, 1)
    with pytest.raises(NotFound):
        proof_of(resources, company.leader, 10_000)
    with resources.reading() as uow, pytest.raises(Invalid):
        checkpoints.list_checkpoints(uow, company.leader, "2026")


def test_journal_rewritten_with_a_perfect_chain_is_found_out(resources, company, clock):
    add_entries(resources)
    checkpoints.note_checkpoint(resources)
    rewrite_from(resources, 3)
    assert findings(resources) == [
        f"日志前 {size_of(resources)} 条与 2026-11-23 的检查点不符，其中有条目被改写"
    ]


def test_journal_cut_off_below_a_checkpoint_is_found_out(resources, company):
    add_entries(resources)
    checkpoints.note_checkpoint(resources)
    size = size_of(resources)
    with resources.database.writer.begin() as raw:
        raw.execute(text("DELETE FROM journal_entry WHERE seq > :last"), {"last": size - 2})
    assert findings(resources) == [f"2026-11-23 的检查点记有 {size} 条日志，现在只有 {size - 2} 条"]


def size_of(resources):
    with resources.reading() as uow:
        return uow.session.scalar(select(JournalCheckpoint.tree_size))


def rewrite_from(resources, seq):
    """Change an entry and every hash after it, as a clever administrator would."""
    with resources.reading() as uow:
        entries = list(uow.session.scalars(select(JournalEntry).order_by(JournalEntry.seq)))
        uow.session.expunge_all()
    previous = entries[seq - 2].hash
    with resources.database.writer.begin() as raw:
        for entry in entries[seq - 1 :]:
            entry.object_id = "别的" if entry.seq == seq else entry.object_id
            entry.previous_hash = previous
            previous = entry_hash(entry)
            raw.execute(
                text(
                    "UPDATE journal_entry SET object_id = :thing, previous_hash = :before,"
                    " hash = :hash WHERE seq = :seq"
                ),
                {
                    "thing": entry.object_id,
                    "before": entry.previous_hash,
                    "hash": previous,
                    "seq": entry.seq,
                },
            )


def test_pages_show_hand_out_and_make(company, client_for):
    auditor, admin = client_for(company.leader), client_for(company.archive_head)
    assert admin.post("/admin/checkpoints").status_code == 302
    page = auditor.get("/admin/checkpoints?month=2026-11").get_data(as_text=True)
    assert "2026-11-23" in page and "核对脚本" in page
    assert auditor.get("/admin/checkpoints?as=xlsx").data[:2] == b"PK"
    assert auditor.get("/admin/checkpoints?month=abc").status_code == 422
    assert json.loads(auditor.get("/admin/journal/1/proof.json").data)["entry"]["seq"] == 1
    assert b"stands alone" in auditor.get("/admin/journal/check_proof.py").data
    assert auditor.post("/admin/checkpoints").status_code == 403
    for address in ("/admin/checkpoints", "/admin/journal/1/proof.json"):
        assert client_for(company.sales_clerk).get(address).status_code == 403
