"""A signed paper is corrected by a new one that cites it; the signed one stays as it is."""

import pytest

from archive.core.errors import Conflict, Invalid, NotFound
from archive.documents import service as documents
from archive.filing import service as filing
from archive.filing.versions import service
from archive.jobs import drain_all
from archive.records import service as records
from archive.signing import edge
from doc_templates import document_text, sample_values

PASSWORD = "档案台-测试-2026"


def do(resources, act, *args, **kwargs):
    with resources.work() as uow:
        made = act(uow, *args, **kwargs)
        uow.commit()
    return made


def sign(resources, company, record):
    edge.submit(resources, company.sales_clerk, record.id, record.version)
    for person in (company.sales_clerk, company.sales_head, company.leader):
        edge.sign(resources, person, record.id, password=PASSWORD, drawn_png=None)
    with resources.reading() as uow:
        return records.load_record(uow, record.id)


@pytest.fixture
def filed(resources, company):
    """A signed paper of the sales department in the archive."""
    draft = do(resources, records.create_draft, company.sales_clerk, "E01", sample_values("E01"))
    done = sign(resources, company, draft)
    do(resources, filing.file_record, company.archivist, done.id)
    return done


def correct(resources, actor, record_id, reason="地址写错"):
    return do(resources, service.correct_record, actor, record_id, reason)


def sides(resources, actor, record_id):
    with resources.reading() as uow:
        return records.corrects(uow, actor, record_id), records.corrected_by(uow, actor, record_id)


def test_both_papers_name_each_other_once_the_new_one_is_signed(
    resources, company, filed, client_for, api_for
):
    clerk = company.sales_clerk
    new = correct(resources, clerk, filed.id)
    assert (new.state, new.form_code) == ("draft", "E01")
    assert correct(resources, clerk, filed.id).id == new.id
    _, coming = sides(resources, clerk, filed.id)
    assert coming is not None and not coming.counts
    assert sides(resources, company.archivist, filed.id)[1] is None
    with pytest.raises(Conflict, match="已有人在更正"):
        correct(resources, company.sales_head, filed.id)
    with resources.work() as uow:
        values = sample_values("E01") | {"备注": "更正后的内容"}
        new = records.save_draft(uow, clerk, new.id, values, new.version)
        uow.commit()
    signed = sign(resources, company, new)
    old, _ = sides(resources, company.archivist, new.id)
    _, by = sides(resources, company.archivist, filed.id)
    assert old.counts and old.number == filed.number and old.code.startswith("Z")
    assert by.counts and by.number == signed.number and by.reason == "地址写错"
    footer = f"更正：原件编号 {filed.number}，档号 {old.code}"
    with resources.reading() as uow:
        word = documents.latest_document(uow, new.id, "docx")
    assert footer in document_text(resources.blobs.read(word.sha256))
    with resources.reading() as uow:
        assert records.load_record(uow, filed.id).digest == filed.digest
        told = records.citation_of(uow, [filed.id, new.id])
        item_id = filing.find_item_of_record(uow, filed.id)
    assert told == {filed.id: f"已由 {signed.number} 更正", new.id: f"更正 {filed.number}"}
    page = client_for(clerk)
    assert f"已由 {signed.number} 更正" in page.get(f"/records/{filed.id}").text
    assert filed.number in page.get(f"/records/{new.id}").text
    assert signed.number in client_for(company.archivist).get(f"/items/{item_id}").text
    drain_all(resources)
    found = api_for(clerk).get("/api/v1/search?q=E01").json["hits"]
    cited = {(hit["kind"], hit["ref"]): hit["citation"] for hit in found}
    assert cited["item", item_id] == f"已由 {signed.number} 更正"
    assert cited["record", new.id] == f"更正 {filed.number}"
    body = api_for(clerk).get(f"/api/v1/records/{filed.id}/corrections").json
    assert body["corrects"] is None and body["corrected_by"]["number"] == signed.number
    with pytest.raises(Conflict, match="请更正最新的一份"):
        correct(resources, clerk, filed.id)
    third = correct(resources, clerk, new.id, "电话也错")
    assert sides(resources, clerk, third.id)[0].number == signed.number


def test_a_draft_cannot_be_corrected_and_strangers_cannot_correct(resources, company, filed):
    draft = do(resources, records.create_draft, company.sales_clerk, "E01", sample_values("E01"))
    with pytest.raises(Conflict, match="可以直接修改"):
        correct(resources, company.sales_clerk, draft.id)
    with pytest.raises(NotFound):
        correct(resources, company.other_clerk, filed.id)
    with pytest.raises(NotFound):
        correct(resources, company.sales_clerk, 999)
    for reason in ("", " \n", "字" * 501):
        with pytest.raises(Invalid):
            correct(resources, company.sales_clerk, filed.id, reason)
    assert sides(resources, company.sales_clerk, filed.id) == (None, None)


@pytest.mark.slow
def test_a_correction_given_up_frees_the_old_paper(resources, company, filed, client_for, api_for):
    new = correct(resources, company.sales_clerk, filed.id)
    with pytest.raises(NotFound):
        do(resources, records.drop_correction, company.sales_head, new.id)
    page = client_for(company.sales_clerk)
    assert page.post(f"/records/{new.id}/uncorrect").status_code == 302
    assert (
        api_for(company.sales_clerk).delete(f"/api/v1/records/{new.id}/corrections").status_code
        == 404
    )
    answer = api_for(company.sales_clerk).post(
        f"/api/v1/records/{filed.id}/corrections", json={"reason": "再来一次"}
    )
    assert answer.status_code == 201 and answer.json["id"] != new.id
    assert page.post(f"/records/{filed.id}/correct", data={"reason": ""}).status_code == 302


@pytest.mark.slow
def test_a_rejected_correction_frees_the_old_paper(resources, company, filed):
    new = correct(resources, company.sales_clerk, filed.id)
    edge.submit(resources, company.sales_clerk, new.id, new.version)
    do(resources, records.mark_rejected, company.sales_head, new.id, "不用更正")
    again = correct(resources, company.sales_clerk, filed.id)
    assert again.id != new.id
