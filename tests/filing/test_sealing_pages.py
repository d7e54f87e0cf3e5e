"""Sealing and moving in the browser and over the API: passwords, refusals, papers to print."""

import pytest

from archive.filing import service as filing
from archive.forms.store import list_forms
from archive.records import service as records
from doc_templates import FormNotFound

PASSWORD = "档案台-测试-2026"


@pytest.fixture
def item(resources, company, signed_record):
    with resources.work() as uow:
        made = filing.file_record(uow, company.archivist, signed_record().id)
        uow.commit()
    return made


def state_of(resources, company, volume_id):
    with resources.reading() as uow:
        return filing.get_volume(uow, company.archivist, volume_id)[0].state


def seal_of(resources, company, volume_id):
    with resources.reading() as uow:
        return filing.get_seal(uow, company.archivist, volume_id)


def test_a_volume_is_sealed_in_the_browser_by_two(resources, company, client_for, item):
    address = f"/volumes/{item.volume_id}"
    first, second = client_for(company.archivist), client_for(company.archive_head)
    assert "提出封卷" in first.get(address).text
    answer = first.post(f"{address}/seal", data={"note": "第 1 件有水渍。", "password": PASSWORD})
    assert answer.status_code == 302
    page = first.get(address).text
    assert "要由另一位档案员核对确认" in page and "核对无误" not in page
    assert "核对无误，封卷" in second.get(address).text
    digest = seal_of(resources, company, item.volume_id).digest
    entries = {"digest": digest, "password": PASSWORD}
    assert first.post(f"{address}/seal/confirm", data=entries).status_code == 403
    assert second.post(f"{address}/seal/confirm", data=entries).status_code == 302
    page = second.get(address).text
    assert "已封卷" in page and "Z109-KH·2026-D30-XSB-0001" in page
    assert "提出封卷" not in page and "撤回" not in page
    assert second.post(f"{address}/seal/confirm", data=entries).status_code == 409
    shown = client_for(company.sales_clerk).get(address).text
    assert "第 1 件有水渍" not in shown and "papers" not in shown
    assert "Z109-KH·2026-D30-XSB-0001" in first.get(f"/items/{item.id}").text


def test_a_wrong_password_seals_nothing_and_loses_nothing(resources, company, client_for, item):
    address = f"/volumes/{item.volume_id}"
    browser = client_for(company.archivist)
    answer = browser.post(f"{address}/seal", data={"note": "写了很多说明", "password": "错"})
    assert answer.status_code == 422
    assert "密码不对，没有封卷" in answer.text and "写了很多说明" in answer.text
    assert state_of(resources, company, item.volume_id) == "open"


def test_too_many_wrong_passwords_are_slowed_down(resources, company, client_for, item):
    address = f"/volumes/{item.volume_id}/seal"
    browser = client_for(company.archivist)
    answers = [browser.post(address, data={"password": "错"}).status_code for _ in range(15)]
    assert answers[0] == 422 and answers[-1] == 429


def test_a_proposal_is_withdrawn_with_a_reason(resources, company, client_for, item):
    address = f"/volumes/{item.volume_id}/seal"
    browser = client_for(company.archivist)
    browser.post(address, data={"password": PASSWORD})
    assert browser.post(f"{address}/withdraw", data={"reason": " "}).status_code == 422
    assert browser.post(f"{address}/withdraw", data={"reason": "少一页"}).status_code == 302
    assert state_of(resources, company, item.volume_id) == "open"


def test_the_whole_way_over_the_api(resources, company, api_for, item):
    address = f"/api/v1/volumes/{item.volume_id}/seal"
    first, second = api_for(company.archivist), api_for(company.archive_head)
    assert first.get(address).status_code == 404
    made = first.post(address, json={"password": PASSWORD, "note": "齐全"})
    assert made.status_code == 200 and made.json["items"] == 1
    digest = second.get(address).json["digest"]
    bad = [{}, {"password": 1}, {"password": PASSWORD, "digest": None}, [], "x"]
    for body in bad:
        assert second.post(f"{address}/confirm", json=body).status_code == 422
    stale = {"password": PASSWORD, "digest": "0" * 64}
    assert second.post(f"{address}/confirm", json=stale).status_code == 409
    done = second.post(f"{address}/confirm", json={"password": PASSWORD, "digest": digest})
    assert done.json["last_code"] == "Z109-KH·2026-D30-XSB-0001"
    assert second.post(f"{address}/withdraw", json={"reason": "晚了"}).status_code == 409


def test_an_item_is_moved_in_the_browser(resources, company, client_for, item):
    browser = client_for(company.archivist)
    assert f"/items/{item.id}/move" in browser.get(f"/items/{item.id}").text
    entries = {
        "item_class": "合同",
        "category": "HT",
        "year": "2025",
        "retention": "D10",
        "unit": "XSB",
        "secrecy": "内部",
        "reason": "原来是合同",
        "version": str(item.version),
    }
    answer = browser.post(f"/items/{item.id}/move", data=entries)
    assert answer.status_code == 422
    assert "最少保管30年" in answer.text and 'value="原来是合同"' in answer.text
    entries["retention"] = "D30"
    assert browser.post(f"/items/{item.id}/move", data=entries).status_code == 302
    page = browser.get(f"/items/{item.id}").text
    assert "Z109-HT·2025-D30-XSB-L0001" in page and "原来是合同" in page
    assert browser.post(f"/items/{item.id}/move", data=entries).status_code == 409


@pytest.mark.parametrize(
    "entries", [{}, {"version": "x"}, {"year": "去年", "secrecy": "内部"}, {"secrecy": "绝密"}]
)
def test_a_broken_move_is_refused(company, client_for, item, entries):
    answer = client_for(company.archivist).post(f"/items/{item.id}/move", data=entries)
    assert answer.status_code == 422


@pytest.mark.parametrize("code", ["A04", "A05", "A06", "A10"])
def test_papers_are_handed_out_as_word_and_pdf(company, client_for, item, code):
    browser = client_for(company.archivist)
    word = browser.get(f"/volumes/{item.volume_id}/papers/{code}.docx")
    assert word.data.startswith(b"PK")
    assert "nosniff" in word.headers["X-Content-Type-Options"]
    pdf = browser.get(f"/volumes/{item.volume_id}/papers/{code}.pdf")
    assert pdf.data.startswith(b"%PDF")


@pytest.mark.parametrize(
    "path", ["A07.docx", "A04.xlsx", "A04.docx?part=0", "A04.docx?part=2", "A04.docx?part=-9"]
)
def test_a_paper_that_is_not_there(company, client_for, item, path):
    answer = client_for(company.archivist).get(f"/volumes/{item.volume_id}/papers/{path}")
    assert answer.status_code == 404


def test_the_plan_shows_every_class_with_its_minimum_and_basis(company, client_for):
    page = client_for(company.archivist).get("/filing/plan").text
    assert "信用担保" in page and "诉讼时效" in page and "30年" in page


def test_clerks_never_meet_the_archive_papers(resources, company, client_for, api_for):
    with resources.reading() as uow:
        assert not {"A04", "A05", "A06", "A10"} & {form.code for form in list_forms(uow)}
    assert "案卷封面" not in client_for(company.sales_clerk).get("/records/new").text
    told = api_for(company.sales_clerk).get("/api/v1/forms").json["items"]
    assert "E01" in {one["code"] for one in told} and "A05" not in {one["code"] for one in told}
    with resources.work() as uow, pytest.raises(FormNotFound, match="系统"):
        records.create_draft(uow, company.sales_clerk, "A05", {})


def test_the_administrator_finds_them_to_change_their_templates(company, client_for):
    assert "案卷封面" in client_for(company.admin).get("/forms").text
