"""What a person may not see does not exist for them: count, facet, passage, suggestion, note."""

from dataclasses import replace

import pytest
from sqlalchemy import update

from archive.core.errors import Forbidden, Unauthenticated
from archive.customers import service as customers
from archive.filing import service as filing
from archive.filing.models import Item
from archive.people.readers import write_readers
from archive.people.rights import CONFIDENTIAL, SECRET
from archive.search.service import search, suggest
from archive.search.store import OPERATOR


def is_silent(resources, person, text, secrets):
    """Say whether nothing of the secrets shows in anything search tells the person."""
    found = search(resources, person, text)
    told = [found.items, found.facets, found.notes, suggest(resources, person, text)]
    return found.total == 0 and not any(word in repr(told) for word in secrets)


@pytest.fixture
def papers(take_in, drain):
    """One paper of the sales department in each secrecy, all about one project."""
    labels = ("公开", "内部", "秘密", "机密")
    made = {
        label: take_in(
            f"凤凰项目{label}纪要",
            text=f"凤凰项目的{label}内容",
            department="销售部",
            secrecy=label,
            form="E05",
            year=2020 + at,
            status=f"状态{label}",
        )
        for at, label in enumerate(labels)
    }
    drain()
    return made


@pytest.mark.parametrize(
    ("who", "may_see"),
    [
        ("sales_clerk", {"公开", "内部"}),
        ("sales_clerk2", {"公开", "内部"}),
        ("sales_head", {"公开", "内部", "秘密"}),
        ("leader", {"公开", "内部", "秘密", "机密"}),
        ("archivist", {"公开", "内部", "秘密"}),
        ("archive_head", {"公开", "内部", "秘密", "机密"}),
        ("other_clerk", {"公开"}),
        ("other_head", {"公开"}),
        ("finance_clerk", {"公开"}),
    ],
)
def test_everyone_finds_what_they_may_read_and_counts_say_no_more(
    resources, company, papers, who, may_see
):
    person = getattr(company, who)
    found = search(resources, person, "凤凰项目")
    assert found.total == len(may_see)
    assert {hit.secrecy for hit in found.items} == may_see
    facets = {one.field: {v.value: v.count for v in one.values} for one in found.facets}
    assert sum(facets["year"].values()) == len(may_see)
    assert set(facets["status"]) == {f"状态{label}" for label in may_see}
    titles = {one.text for one in suggest(resources, person, "凤凰")}
    assert titles == {f"凤凰项目{label}纪要" for label in may_see}
    assert search(resources, person, "").total == len(may_see)


def test_filters_and_excluding_words_do_not_reach_around_rights(resources, company, papers):
    clerk = company.other_clerk
    for text in ("", "-公开", "NOT 公开", "密级:机密", "状态:状态机密", '"凤凰项目的机密内容"'):
        assert all(hit.secrecy == "公开" for hit in search(resources, clerk, text).items), text
    assert search(resources, clerk, "凤凰", {"status": ["状态机密"]}).total == 0
    assert search(resources, clerk, "-公开").total == 0


def test_draft_is_its_authors_alone(resources, company, draft, drain):
    draft("E01", 客户名称="宁波东海轴承有限公司")
    drain()
    assert search(resources, company.sales_clerk, "东海").total == 1
    others = company.everyone().keys() - {"sales_clerk", "admin"}
    for who in sorted(others):
        assert is_silent(resources, getattr(company, who), "东海", ("轴承",)), who


def test_administrator_and_nobody_may_not_search(resources, company):
    for person, refusal in ((company.admin, Forbidden), (None, Unauthenticated)):
        with pytest.raises(refusal):
            search(resources, person, "合同")
        with pytest.raises(refusal):
            suggest(resources, person, "合同")


def test_no_person_holds_the_operators_token(company):
    from archive.people.rights import actor_tokens

    assert all(OPERATOR not in actor_tokens(one) for one in company.everyone().values())


def raise_secrecy(resources, item_id, secrecy):
    with resources.work() as uow:
        uow.session.execute(update(Item).where(Item.id == item_id).values(secrecy=secrecy))
        uow.session.expire_all()
        write_readers(uow, "item", item_id, filing.thing_of_item(uow, item_id))
        uow.outbox("index", f"item:{item_id}")
        uow.commit()


def test_raised_secrecy_hides_the_paper_at_once_and_its_counts_after_the_drain(
    resources, company, papers, drain
):
    clerk = company.sales_clerk
    raise_secrecy(resources, papers["内部"], SECRET)
    before = search(resources, clerk, "凤凰项目")
    assert [hit.secrecy for hit in before.items] == ["公开"]  # even before the index followed
    drain()
    after = search(resources, clerk, "凤凰项目")
    assert after.total == 1
    assert "内部" not in repr((after.items, after.facets))
    assert search(resources, company.sales_head, "凤凰项目").total == 3


def test_lowered_secrecy_shows_the_paper_to_all(resources, company, papers, drain):
    raise_secrecy(resources, papers["机密"], CONFIDENTIAL - 3)
    drain()
    assert search(resources, company.other_clerk, "凤凰项目").total == 2


def test_customer_that_moves_takes_its_papers_along(resources, company, take_in, drain):
    take_in("白塔水泥供货合同", customer="白塔水泥厂", text="供货期限", department="销售部")
    drain()
    assert search(resources, company.other_clerk, "白塔").total == 0
    with resources.work() as uow:
        known = customers.find_by_name(uow, "白塔水泥厂")
        moved = replace(
            customers.fields_of(known),
            owner_id=company.other_clerk.id,
            department_id=company.service_id,
        )
        customers.edit_customer(uow, company.archivist, known.id, moved, known.version)
        uow.commit()
    drain()
    assert search(resources, company.other_clerk, "白塔").total == 1
    with resources.work() as uow:
        known = customers.find_by_name(uow, "白塔水泥厂")
        back = replace(customers.fields_of(known), owner_id=None, department_id=None)
        customers.edit_customer(uow, company.archivist, known.id, back, known.version)
        uow.commit()
    drain()
    assert is_silent(resources, company.other_clerk, "白塔", ("供货",))


def test_api_and_page_tell_no_more_than_the_search(client_for, api_for, company, papers):
    page = client_for(company.other_clerk).get("/search?q=凤凰").get_data(as_text=True)
    assert "凤凰项目公开纪要".replace("凤凰", "") in page.replace("<mark>凤凰</mark>", "")
    assert "机密" not in page
    assert "状态内部" not in page
    answer = api_for(company.other_clerk).get("/api/v1/search?q=凤凰").get_json()
    assert answer["total"] == 1
    assert "内部" not in repr(answer)
    assert api_for(None).get("/api/v1/search?q=凤凰").status_code == 401
    assert client_for(None).get("/search?q=凤凰").status_code in (302, 401)
    assert client_for(company.admin).get("/search?q=凤凰").status_code == 403
    assert api_for(company.admin).get("/api/v1/search/suggest?q=凤凰").status_code == 403
