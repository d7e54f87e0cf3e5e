"""批示 and 意见: filled in by the signer at his step, printed and then locked by him."""

import io

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader

from archive.core.errors import Conflict, Invalid
from archive.people.service import get_actor
from archive.records import service as records
from archive.signing import service
from doc_templates import document_text

PASSWORD = "档案台-测试-2026"
WORDS = "同意拜访；请在十日内答复。𠮷 A<B & C"


@pytest.fixture
def paper(desk, company):
    """A customer report (E06) that waits for the general manager, who writes 批示."""
    made = desk.submit(company.sales_clerk, code="E06")
    sign_until(desk, made, "总经理")
    return made


def test_what_the_signer_writes_is_in_record_word_and_pdf(desk, company, paper):
    assert not desk.content(paper).get("批示")
    desk.sign(company.leader, paper, filled={"批示": WORDS})
    assert desk.state(paper) == "signed"
    assert desk.content(paper)["批示"] == WORDS
    assert WORDS in document_text(desk.file(paper, "docx"))
    assert fields_of(desk.file(paper)) == {"entry1": WORDS}
    found = desk.verdict(paper)
    assert found.trusted, found.why
    with desk.resources.reading() as uow:
        reasons = [one.reason for one in records.list_versions(uow, company.leader, paper)]
    assert any("总经理签署时填写" in reason for reason in reasons)


def test_nobody_fills_in_what_is_not_theirs_or_not_yet(desk, company):
    made = desk.submit(company.sales_clerk, code="E06")
    with pytest.raises(Invalid) as refusal:
        desk.sign(company.sales_clerk, made, filled={"批示": "同意"})
    assert "批示" in refusal.value.fields
    with pytest.raises(Invalid):
        desk.sign(company.sales_clerk, made, filled={"没有这一栏": "x"})
    with pytest.raises(Conflict):
        desk.sign(company.leader, made, filled={"批示": "同意"})
    assert desk.waiting(made) == ["陈晓东"] and not desk.content(made).get("批示")


@pytest.mark.parametrize("words", ["字" * 10_000, "\x00", "\u202e倒", "🧧"])
def test_what_cannot_be_printed_is_refused_and_nothing_is_signed(desk, company, paper, words):
    with pytest.raises(Invalid):
        desk.sign(company.leader, paper, filled={"批示": words})
    assert desk.state(paper) == "in_signing" and not desk.content(paper).get("批示")


def test_a_return_past_the_signer_empties_the_entry_again(desk, company, steps):
    """法务 writes, 财会 returns to 营业部: what 法务 wrote is void with the signature."""
    desk.person("fawu", "郑法务", company.finance_id, "legal", clearance=2)
    made = desk.submit(company.sales_clerk, code="E04")
    sign_until(desk, made, "法务单位")
    sign_next(desk, made, filled={"法务单位意见": "产权清楚。"})
    assert desk.content(made)["法务单位意见"] == "产权清楚。"
    with desk.resources.reading() as uow:
        clerk = get_actor(uow, desk.run(made).open_task.assignee_id)
    desk.give_back(clerk, made, 2)
    assert not desk.content(made).get("法务单位意见")
    assert "法务单位意见" not in fields_of(desk.file(made))
    sign_until(desk, made, "法务单位")
    sign_next(desk, made, filled={"法务单位意见": "产权仍清楚。"})
    sign_until(desk, made, "")
    assert desk.verdict(made).trusted and desk.content(made)["法务单位意见"] == "产权仍清楚。"


def test_taking_back_takes_the_entry_back_too(desk, company):
    desk.person("fawu", "郑法务", company.finance_id, "legal", clearance=2)
    made = desk.submit(company.sales_clerk, code="E04")
    sign_until(desk, made, "法务单位")
    lawyer = sign_next(desk, made, filled={"法务单位意见": "产权清楚。"})
    desk.do(service.take_back, lawyer, made)
    assert not desk.content(made).get("法务单位意见")
    assert fields_of(desk.file(made)) == {}


def test_a_wrong_amount_is_refused_at_the_signers_step(desk, company):
    desk.person("fawu", "郑法务", company.finance_id, "legal", clearance=2)
    made = desk.submit(company.sales_clerk, code="E04")
    sign_until(desk, made, "法务单位")
    with desk.resources.reading() as uow:
        lawyer = get_actor(uow, desk.run(made).open_task.assignee_id)
    key = "不动产担保部分实际承认额"
    for wrong in ("九千", "999999999"):
        with pytest.raises(Invalid) as refusal:
            desk.sign(lawyer, made, filled={key: wrong})
        assert key in refusal.value.fields
    desk.sign(lawyer, made, filled={key: "300000", "法务单位意见": "产权清楚。"})
    assert desk.content(made)[key] == "300000.00"
    assert "300,000.00 元" in fields_of(desk.file(made)).values()
    assert desk.verdict(made).intact


def test_the_page_asks_the_signer_and_nobody_else(desk, company, client_for, paper):
    shown = client_for(company.leader).get(f"/signing/{paper}").get_data(as_text=True)
    assert 'name="entry:批示"' in shown
    assert 'data-phrase="拟同意，请领导审批。" data-phrase-target="entry-批示"' in shown
    shown = client_for(company.sales_clerk).get(f"/signing/{paper}").get_data(as_text=True)
    assert 'name="entry:批示"' not in shown
    form = {"password": PASSWORD, "entry:批示": WORDS}
    assert client_for(company.leader).post(f"/signing/{paper}/sign", data=form).status_code == 302
    assert desk.content(paper)["批示"] == WORDS


def sign_next(desk, record_id, **more):
    """The one whose turn it is signs; returns them."""
    with desk.resources.reading() as uow:
        person = get_actor(uow, desk.run(record_id).open_task.assignee_id)
    desk.sign(person, record_id, **more)
    return person


def sign_until(desk, record_id, role):
    """Everybody signs in turn until it is this role's; all of them for an empty role."""
    while (task := desk.run(record_id).open_task) is not None and task.role != role:
        sign_next(desk, record_id)


def fields_of(pdf):
    """Return the filled text fields of a PDF."""
    reader = PdfFileReader(io.BytesIO(pdf))
    fields = [one.get_object() for one in reader.root["/AcroForm"]["/Fields"]]
    return {str(one["/T"]): str(one["/V"]) for one in fields if one["/FT"] == "/Tx" and "/V" in one}
