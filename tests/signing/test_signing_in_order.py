"""A record is signed in order, by the right people, with proof in the PDF; and what may not be."""

import io
import re
import zipfile

import pytest

from archive.core.errors import Conflict, Forbidden, Invalid, NotFound, Throttled, Unauthenticated
from archive.documents import service as documents
from archive.records import drafts
from archive.records import service as records
from archive.signing import edge, pades, service
from archive.signing.keys import open_authority
from doc_templates import sample_values

PASSWORD = "档案台-测试-2026"


def write_record(resources, author, code="E01", **changes):
    with resources.work() as uow:
        draft = drafts.create_draft(uow, author, code, sample_values(code) | changes)
        uow.commit()
    return draft


def submit(resources, author, code="E01"):
    draft = write_record(resources, author, code)
    edge.submit(resources, author, draft.id, draft.version)
    return draft.id


def sign(resources, person, record_id, drawn=None, password=PASSWORD, opinion=""):
    return edge.sign(
        resources, person, record_id, password=password, drawn_png=drawn, opinion=opinion
    )


def state_of(resources, record_id):
    with resources.reading() as uow:
        return records.load_record(uow, record_id).state


def verdict(resources, record_id):
    with resources.reading() as uow:
        latest = documents.latest_document(uow, record_id, "pdf")
    roots = open_authority(resources).trust_roots
    return pades.verify(resources.blobs.read(latest.sha256), roots, now=resources.clock())


@pytest.fixture
def signers(company):
    return (company.sales_clerk, company.sales_head, company.leader)


def test_three_people_sign_in_order_and_the_pdf_proves_it(
    resources, signers, drawn_signature, converter
):
    record_id = submit(resources, signers[0])
    for person in signers:
        assert state_of(resources, record_id) == "in_signing"
        sign(resources, person, record_id, drawn_signature, opinion="同意。")
    assert state_of(resources, record_id) == "signed"
    found = verdict(resources, record_id)
    assert found.trusted and not found.waiting
    people = [one for one in found.signatures if not one.is_company]
    assert [(one.role, one.signer_name) for one in people] == [
        ("报告人", "陈晓东"),
        ("主管", "王建国"),
        ("经理", "周志远"),
    ]


def test_the_word_file_shows_each_signature_as_a_picture(resources, signers, drawn_signature):
    record_id = submit(resources, signers[0])
    pictures = []
    for person in signers:
        sign(resources, person, record_id, drawn_signature)
        with resources.reading() as uow:
            word = documents.latest_document(uow, record_id, "docx")
        with zipfile.ZipFile(io.BytesIO(resources.blobs.read(word.sha256))) as package:
            pictures.append(package.read("word/document.xml").count(b"r:embed="))
    assert pictures == sorted(set(pictures)), "one more picture with every signature"


def test_one_flipped_byte_in_the_signed_pdf_is_seen(resources, signers, drawn_signature):
    record_id = submit(resources, signers[0])
    for person in signers:
        sign(resources, person, record_id, drawn_signature)
    with resources.reading() as uow:
        digest = documents.latest_document(uow, record_id, "pdf").sha256
    content = bytearray(resources.blobs.read(digest))
    content[len(content) // 5] ^= 1
    roots = open_authority(resources).trust_roots
    assert not pades.verify(bytes(content), roots, now=resources.clock()).intact


def test_nobody_signs_out_of_turn(resources, company, signers):
    record_id = submit(resources, signers[0])
    with pytest.raises(Conflict, match="前面的人还没签完"):
        sign(resources, company.leader, record_id)
    assert state_of(resources, record_id) == "in_signing"


def test_nobody_signs_twice(resources, company, signers):
    record_id = submit(resources, signers[0])
    sign(resources, signers[0], record_id)
    with pytest.raises(Conflict, match="已经签过"):
        sign(resources, signers[0], record_id)


def test_nobody_else_signs(resources, company, signers):
    record_id = submit(resources, signers[0])
    with pytest.raises(NotFound):
        sign(resources, company.sales_clerk2, record_id)
    with pytest.raises(NotFound):
        sign(resources, company.other_clerk, record_id)


def test_the_author_signs_only_as_the_one_who_reports(resources, company):
    record_id = submit(resources, company.sales_head)
    sign(resources, company.sales_head, record_id)
    with resources.reading() as uow:
        run = service.get_run(uow, company.sales_head, record_id)
    assert [task.assignee_id for task in run.tasks].count(company.sales_head.id) == 1


def test_a_wrong_password_signs_nothing_and_is_slowed_down(resources, signers):
    record_id = submit(resources, signers[0])
    for _ in range(8):
        with pytest.raises(Unauthenticated, match="密码不对"):
            sign(resources, signers[0], record_id, password="not-the-password")
    with pytest.raises(Throttled):
        sign(resources, signers[0], record_id)
    with resources.reading() as uow:
        assert service.get_run(uow, signers[0], record_id).open_task.seq == 1


@pytest.mark.parametrize("drawn", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 100])
def test_what_is_no_drawing_is_refused_and_nothing_is_signed(resources, signers, drawn):
    record_id = submit(resources, signers[0])
    with pytest.raises(Invalid):
        sign(resources, signers[0], record_id, drawn)
    with resources.reading() as uow:
        assert service.get_run(uow, signers[0], record_id).open_task.seq == 1


def test_an_incomplete_record_cannot_be_submitted_and_every_gap_is_named(resources, company):
    draft = write_record(resources, company.sales_clerk, 客户名称="", 日期="")
    with pytest.raises(Invalid) as refusal:
        edge.submit(resources, company.sales_clerk, draft.id, draft.version)
    assert {"客户名称", "日期"} <= refusal.value.fields.keys()
    assert state_of(resources, draft.id) == "draft"


def test_a_stale_submission_is_refused(resources, company):
    draft = write_record(resources, company.sales_clerk)
    with resources.work() as uow:
        drafts.save_draft(uow, company.sales_clerk, draft.id, sample_values("E01"), draft.version)
        uow.session.flush()
        uow.commit()
    with resources.reading() as uow:
        now = records.load_record(uow, draft.id)
    stale = now.version - 1
    with pytest.raises(Conflict):
        edge.submit(resources, company.sales_clerk, draft.id, stale)


def test_submitting_twice_makes_one_run(resources, company):
    draft = write_record(resources, company.sales_clerk)
    edge.submit(resources, company.sales_clerk, draft.id, draft.version)
    with pytest.raises(Conflict, match="已经提交过，现在是“签核中”"):
        edge.submit(resources, company.sales_clerk, draft.id, draft.version)


def test_a_second_submission_is_told_so_on_the_page_and_by_the_call(
    resources, company, client_for, api_for
):
    record_id = submit(resources, company.sales_clerk)
    author = client_for(company.sales_clerk)
    shown = author.post(f"/signing/{record_id}/submit", data={"version": "1"})
    assert shown.status_code == 409 and "已经提交过" in shown.text
    assert re.search(rf'href="/records/{record_id}"[^>]*>打开这份文件</a>', shown.text)
    assert "已经提交过" in author.get(f"/signing/{record_id}/submit").text
    call = api_for(company.sales_clerk)
    told = call.post(f"/api/v1/records/{record_id}/submit", json={"version": 1})
    assert told.status_code == 409
    assert "已经提交过，现在是“签核中”" in told.get_json()["error"]["message"]
    other = client_for(company.other_clerk)
    assert other.post(f"/signing/{record_id}/submit", data={"version": "1"}).status_code == 404
    head = client_for(company.sales_head)
    for person in (company.sales_clerk, company.sales_head, company.leader):
        sign(resources, person, record_id)
    assert "已签，待归档" in author.post(f"/signing/{record_id}/submit").text
    assert head.post(f"/signing/{record_id}/submit").status_code == 409


def test_what_is_done_twice_is_said_to_be_done(resources, signers):
    author, head, leader = signers
    record_id = submit(resources, author)
    sign(resources, author, record_id)
    with pytest.raises(Conflict, match="这一步您已经签过了"):
        sign(resources, author, record_id)
    once(resources, service.take_back, author, record_id)
    with pytest.raises(Conflict, match="签字已经收回"):
        once(resources, service.take_back, author, record_id)
    once(resources, service.withdraw_record, author, record_id)
    with pytest.raises(Conflict, match="不能撤回：这份表已经由提交人撤回"):
        once(resources, service.withdraw_record, author, record_id)
    with pytest.raises(Conflict, match="已经由提交人撤回"):
        sign(resources, author, record_id)
    record_id = submit(resources, author)
    for person in signers:
        sign(resources, person, record_id)
    with pytest.raises(Conflict, match="签核已经完成，您已经签过了"):
        sign(resources, leader, record_id)
    with pytest.raises(Conflict, match="已经签完"):
        once(resources, service.withdraw_record, author, record_id)
    record_id = submit(resources, author)
    sign(resources, author, record_id)
    once(resources, service.return_record, head, record_id, "请写明品名。")
    with pytest.raises(Conflict, match="已经退回提交人"):
        once(resources, service.return_record, head, record_id, "请写明品名。")


def once(resources, act, person, record_id, *words):
    with resources.work() as uow:
        act(uow, person, record_id, *words)
        uow.commit()


def test_a_return_voids_the_round_and_the_next_one_starts_afresh(resources, signers):
    author, head, leader = signers
    record_id = submit(resources, author)
    sign(resources, author, record_id)
    with resources.work() as uow:
        service.return_record(uow, head, record_id, "首回交易额请写明品名。")
        uow.commit()
    assert state_of(resources, record_id) == "returned"
    with resources.reading() as uow:
        again = records.load_record(uow, record_id)
    edge.submit(resources, author, record_id, again.version)
    for person in (author, head, leader):
        sign(resources, person, record_id)
    with resources.reading() as uow:
        run = service.get_run(uow, author, record_id)
    assert run.round == 2
    assert [act.action for act in run.acts] == [
        "submit", "approve", "return", "submit", "approve", "approve", "approve",
    ]  # fmt: skip
    assert len([one for one in verdict(resources, record_id).signatures if not one.is_company]) == 3


def test_a_refusal_needs_a_reason_and_ends_it(resources, signers):
    author, head, _ = signers
    record_id = submit(resources, author)
    sign(resources, author, record_id)
    with pytest.raises(Invalid, match="原因"), resources.work() as uow:
        service.reject_record(uow, head, record_id, "  ")
    with resources.work() as uow:
        service.reject_record(uow, head, record_id, "该客户已在黑名单。")
        uow.commit()
    assert state_of(resources, record_id) == "rejected"
    with pytest.raises(Conflict):
        sign(resources, head, record_id)


def test_only_the_author_withdraws(resources, signers):
    author, head, _ = signers
    record_id = submit(resources, author)
    with pytest.raises((Forbidden, NotFound)), resources.work() as uow:
        service.withdraw_record(uow, head, record_id)
    with resources.work() as uow:
        service.withdraw_record(uow, author, record_id)
        uow.commit()
    assert state_of(resources, record_id) == "draft"


def test_without_a_head_the_paper_goes_to_the_next_above(resources, company):
    record_id = submit(resources, company.finance_clerk)
    with resources.reading() as uow:
        run = service.get_run(uow, company.finance_clerk, record_id)
    assert run.tasks[1].assignee_id == company.leader.id


def test_two_signers_at_the_same_instant_count_once(resources, signers, drawn_signature):
    from concurrent.futures import ThreadPoolExecutor

    record_id = submit(resources, signers[0])

    def attempt(_: int) -> str:
        try:
            sign(resources, signers[0], record_id, drawn_signature)
        except Conflict:
            return "refused"
        return "signed"

    with ThreadPoolExecutor(2) as pool:
        outcomes = sorted(pool.map(attempt, range(2)))
    assert outcomes == ["refused", "signed"]
    people = [one for one in verdict(resources, record_id).signatures if not one.is_company]
    assert len(people) == 1


def test_the_inbox_follows_the_turn(resources, signers):
    author, head, _ = signers
    record_id = submit(resources, author)
    with resources.reading() as uow:
        assert service.waiting_count(uow, author) == 1
        assert service.waiting_count(uow, head) == 0
    sign(resources, author, record_id)
    with resources.reading() as uow:
        assert service.waiting_count(uow, author) == 0
        assert [entry.record_id for entry in service.inbox(uow, head).items] == [record_id]
        assert service.inbox(uow, author, done=True).total == 1
