"""A form in several versions: old records keep theirs for ever, new ones take the newest."""

import io

import pytest
from docx import Document
from sqlalchemy import select

from archive.core.errors import Conflict, Forbidden, Invalid, NotFound
from archive.documents.service import make_word
from archive.forms import service, shipped
from archive.forms.inspection import inspect_upload
from archive.forms.models import FormState, FormVersion, PublishedIsFrozen
from archive.forms.store import get_form, list_forms
from archive.records import service as records
from doc_templates import FormNotFound, document_text, load_form, sample_values
from storage.journal import JournalEntry


def write(resources, author, code="E01", **changes):
    with resources.work() as uow:
        record = records.create_draft(uow, author, code, sample_values(code) | changes)
        uow.commit()
    return record


def printed(resources, record_id):
    with resources.reading() as uow:
        record = records.load_record(uow, record_id)
        form = get_form(uow, record.form_code, record.form_version)
    return document_text(make_word(form, record, {}, "http://localhost"))


def journal(resources, action):
    wanted = select(JournalEntry.object_id, JournalEntry.detail)
    with resources.reading() as uow:
        return uow.session.execute(wanted.where(JournalEntry.action == action)).all()


def test_every_shipped_form_is_there_as_its_first_version(resources):
    with resources.reading() as uow:
        found = list_forms(uow)
    assert {form.code for form in found} >= {"E01", "E05", "E10"}
    assert {form.version for form in found} == {1}


def test_an_old_record_prints_the_same_after_a_new_version(
    resources, company, e01_word, publish_word
):
    old = write(resources, company.sales_clerk)
    before = printed(resources, old.id)
    assert publish_word("E01", e01_word).version == 2
    new = write(resources, company.sales_clerk, 传真="0731-1")
    assert (old.form_version, new.form_version) == (1, 2)
    assert printed(resources, old.id) == before
    assert "传真" not in before
    assert "传真：0731-1" in printed(resources, new.id)


def test_a_draft_goes_on_with_the_version_it_was_begun_with(
    resources, company, e01_word, publish_word
):
    draft = write(resources, company.sales_clerk)
    publish_word("E01", e01_word)
    with resources.work() as uow:
        values = sample_values("E01") | {"备注": "改过"}
        saved = records.save_draft(uow, company.sales_clerk, draft.id, values, draft.version)
        uow.commit()
    assert saved.form_version == 1
    assert "传真" not in printed(resources, draft.id)


def test_a_copy_of_an_old_record_takes_the_newest_version(
    resources, company, e01_word, publish_word
):
    old = write(resources, company.sales_clerk)
    publish_word("E01", e01_word)
    with resources.work() as uow:
        copy = records.copy_record(uow, company.sales_clerk, old.id)
        uow.commit()
    assert copy.form_version == 2
    assert copy.content["客户名称"] == old.content["客户名称"]


def test_the_shipped_folder_may_change_without_changing_an_old_record(
    resources, company, monkeypatch, tmp_path
):
    old = write(resources, company.sales_clerk)
    before = printed(resources, old.id)
    moved(monkeypatch, tmp_path, title="新客户开发报告表")
    with resources.work() as uow:
        assert service.is_behind(uow)
        assert service.install_shipped(uow) == ("E01",)
        assert service.install_shipped(uow) == ()
        uow.commit()
    with resources.reading() as uow:
        assert not service.is_behind(uow)
        assert get_form(uow, "E01").version == 2
        assert get_form(uow, "E01").title == "新客户开发报告表"
        assert get_form(uow, "E01", 1).title == "新开发客户报告表"
        assert service.form_titles(uow)["E01"] == "新客户开发报告表"
    assert printed(resources, old.id) == before


def test_an_update_does_not_push_out_the_offices_own_version(
    resources, company, e01_word, publish_word, monkeypatch, tmp_path
):
    publish_word("E01", e01_word)
    moved(monkeypatch, tmp_path, title="新客户开发报告表")
    with resources.work() as uow:
        service.install_shipped(uow)
        uow.commit()
    with resources.reading() as uow:
        assert get_form(uow, "E01").version == 2
        drafts = service.get_history(uow, company.admin, "E01").drafts
    assert [draft.title for draft in drafts] == ["新客户开发报告表"]
    assert "核对后再发布" in drafts[0].note


def test_a_broken_shipped_folder_is_left_out_and_the_others_come(
    resources, monkeypatch, tmp_path, caplog
):
    moved(monkeypatch, tmp_path, title="新客户开发报告表")
    broken = tmp_path / "sales" / "E99"
    broken.mkdir()
    (broken / "form.toml").write_text('code = "E99"\n', "utf-8")
    (broken / "template.docx").write_bytes(b"PK")
    (broken / "sample.json").write_text("{}", "utf-8")
    (tmp_path / "sales" / "E98").mkdir()
    (tmp_path / "sales" / "E98" / "form.toml").write_text("", "utf-8")
    with resources.work() as uow:
        assert service.install_shipped(uow) == ("E01",)
    assert "E98" in caplog.text


def moved(monkeypatch, folder, title):
    """Make the program ship only E01, with another title."""
    home = folder / "sales" / "E01"
    home.mkdir(parents=True)
    form = load_form("E01")
    for name in shipped.FILES:
        (home / name).write_bytes((form.folder / name).read_bytes())
    text = (home / "form.toml").read_text("utf-8")
    (home / "form.toml").write_text(text.replace("新开发客户报告表", title), "utf-8")
    monkeypatch.setattr(shipped, "SHIPPED", folder)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("definition", 'code = "E01"'),
        ("template", b"PK other"),
        ("sample", "{}"),
        ("version", 7),
        ("title", "别的"),
        ("state", FormState.DRAFT),
    ],
)
def test_what_is_published_never_changes(resources, name, value):
    with resources.work() as uow:
        row = uow.session.query(FormVersion).filter_by(code="E01", version=1).one()
        setattr(row, name, value)
        with pytest.raises(PublishedIsFrozen):
            uow.session.flush()


def test_what_is_published_is_never_removed(resources):
    with resources.work() as uow:
        uow.session.delete(uow.session.query(FormVersion).filter_by(code="E01").one())
        with pytest.raises(PublishedIsFrozen):
            uow.session.flush()


def test_no_service_touches_a_published_version(resources, company, e01_word, publish_word):
    view = publish_word("E01", e01_word)
    with resources.work() as uow:
        acts = (
            lambda: service.discard_draft(uow, company.admin, view.id, view.row_version),
            lambda: service.write_draft(uow, company.admin, view.id, view.row_version, "", ""),
            lambda: service.rebase_draft(uow, company.admin, view.id, view.row_version),
        )
        for act in acts:
            with pytest.raises(Conflict, match="已经发布为第 2 版"):
                act()


def test_a_retired_version_makes_no_new_record_and_prints_on(
    resources, company, e01_word, publish_word
):
    publish_word("E01", e01_word)
    second = write(resources, company.sales_clerk, 传真="0731-2")
    before = printed(resources, second.id)
    switch(resources, company, service.retire_version, 2)
    assert write(resources, company.sales_clerk).form_version == 1
    assert printed(resources, second.id) == before
    assert [e.object_id for e in journal(resources, "form.retire")] == ["E01"]


def test_a_form_without_a_version_in_use_is_offered_to_nobody(resources, company, client_for):
    switch(resources, company, service.retire_version, 1)
    with resources.reading() as uow:
        assert "E01" not in {form.code for form in list_forms(uow)}
        assert "E01" in {form.code for form in list_forms(uow, with_retired=True)}
        with pytest.raises(FormNotFound, match="停用"):
            get_form(uow, "E01")
    with pytest.raises(FormNotFound):
        write(resources, company.sales_clerk)
    assert "E01" not in client_for(company.sales_clerk).get("/records/new").get_data(as_text=True)
    switch(resources, company, service.restore_version, 1)
    assert write(resources, company.sales_clerk).form_version == 1


def switch(resources, company, act, version):
    with resources.work() as uow:
        history = service.get_history(uow, company.admin, "E01")
        row = next(one for one in history.versions if one.version == version)
        act(uow, company.admin, "E01", version, row.row_version)
        uow.commit()


def test_retiring_twice_or_from_a_stale_page_is_a_conflict(resources, company):
    with resources.work() as uow:
        view = service.retire_version(uow, company.admin, "E01", 1, 1)
        for stale in (1, view.row_version):
            with pytest.raises(Conflict):
                service.retire_version(uow, company.admin, "E01", 1, stale)
        with pytest.raises(Conflict):
            service.restore_version(uow, company.admin, "E01", 1, 1)


@pytest.mark.parametrize("version", [0, -1, 9, 2**31, 2**80])
def test_a_version_that_is_not_there_is_not_found(resources, company, version):
    with resources.reading() as uow:
        with pytest.raises(FormNotFound):
            get_form(uow, "E01", version)
        with pytest.raises(NotFound):
            service.get_bundle(uow, company.admin, "E01", version)


@pytest.mark.parametrize("code", ["", "E99", "' OR 1=1 --", "../E01", "E01\x00", "客" * 5000])
def test_a_code_that_is_not_there_is_not_found(resources, code):
    with resources.reading() as uow, pytest.raises(FormNotFound):
        get_form(uow, code)


def test_only_the_administrator_may(resources, company, e01_word):
    inspected = inspect_upload(e01_word)
    for person in company.everyone().values():
        if person == company.admin:
            continue
        with resources.work() as uow:
            for act in (
                lambda uow=uow, who=person: service.list_lines(uow, who),
                lambda uow=uow, who=person: service.get_history(uow, who, "E01"),
                lambda uow=uow, who=person: service.get_bundle(uow, who, "E01", 1),
                lambda uow=uow, who=person: service.draft_from_version(uow, who, "E01", 1),
                lambda uow=uow, who=person: service.draft_from_template(uow, who, "E01", inspected),
                lambda uow=uow, who=person: service.draft_new_form(
                    uow, who, "E11", "新", "sales", inspected
                ),
                lambda uow=uow, who=person: service.retire_version(uow, who, "E01", 1, 1),
                lambda uow=uow, who=person: service.load_draft(uow, who, 1),
            ):
                with pytest.raises(Forbidden):
                    act()


def test_the_same_template_again_says_which_version_it_is(
    resources, company, e01_word, publish_word
):
    publish_word("E01", e01_word)
    with pytest.raises(Conflict, match="第 2 版的模板完全相同"):
        publish_word("E01", e01_word)
    with pytest.raises(Conflict, match="第 1 版的模板完全相同"):
        publish_word("E01", load_form("E01").read_template())


def test_nothing_to_publish_is_said(resources, company):
    with resources.work() as uow:
        draft = service.draft_from_version(uow, company.admin, "E01", 1)
        judged = service.judge_draft(service.load_draft(uow, company.admin, draft.id))
        with pytest.raises(Conflict, match="完全相同"):
            service.publish_draft(uow, company.admin, judged, draft.row_version)


def test_somebody_published_meanwhile(resources, company, e01_word, publish_word):
    with resources.work() as uow:
        draft = service.draft_from_version(uow, company.admin, "E01", 1)
        uow.commit()
    publish_word("E01", e01_word)
    with resources.work() as uow:
        judged = service.judge_draft(service.load_draft(uow, company.admin, draft.id))
        assert judged.is_stale and not judged.may_publish
        with pytest.raises(Conflict, match="管理员已发布了第 2 版"):
            service.publish_draft(uow, company.admin, judged, draft.row_version)
        fresh = service.rebase_draft(uow, company.admin, draft.id, draft.row_version)
        judged = service.judge_draft(service.load_draft(uow, company.admin, fresh.id))
    assert not judged.is_stale
    assert any("“传真”在模板里没有标签" in one for one in judged.findings)


def test_what_was_changed_after_it_was_judged_is_not_published(resources, company, e01_word):
    with resources.work() as uow:
        admin = company.admin
        draft = service.draft_from_template(uow, admin, "E01", inspect_upload(e01_word))
        judged = service.judge_draft(service.load_draft(uow, admin, draft.id))
        text = judged.definition.replace("传真", "电传")
        changed = service.write_draft(uow, admin, draft.id, draft.row_version, text, "{}")
        for version in (draft.row_version, changed.row_version):
            with pytest.raises(Conflict):
                service.publish_draft(uow, admin, judged, version)


def test_publishing_is_journalled_with_version_and_digest(resources, e01_word, publish_word):
    view = publish_word("E01", e01_word)
    (entry,) = journal(resources, "form.publish")
    assert entry.object_id == "E01"
    assert view.digest in entry.detail and '"version":2' in entry.detail.replace(" ", "")
    assert journal(resources, "form.install") != []


def test_a_definition_with_a_fault_is_not_published(resources, company, word_with):
    content = word_with("{{客户名称}} {{items}}")
    with resources.work() as uow:
        draft = service.draft_new_form(
            uow, company.admin, "E11", "走访", "sales", inspect_upload(content)
        )
        judged = service.judge_draft(service.load_draft(uow, company.admin, draft.id))
        assert judged.form is None and "items" in judged.findings[0]
        with pytest.raises(Invalid, match="items"):
            service.publish_draft(uow, company.admin, judged, draft.row_version)


def test_old_and_new_template_differ_in_what_they_print(resources, e01_word, publish_word):
    publish_word("E01", e01_word)
    with resources.reading() as uow:
        old, new = get_form(uow, "E01", 1), get_form(uow, "E01", 2)
    assert old.read_template() != new.read_template()
    assert Document(io.BytesIO(new.read_template())).paragraphs[-1].text == "传真：{{传真}}"
