"""合约 = 合同: the list is kept by the archive, and every way to search reads it."""

import io

import openpyxl
import pytest

from archive.core.errors import Conflict, Forbidden, Invalid, NotFound
from archive.search import synonyms
from archive.search.answers import cli_search
from indexer import Entry, Index, SearchRequest


def titles(found):
    return ["".join(piece for piece, _ in hit.title) for hit in found.items]


@pytest.fixture
def keep(resources, company):
    """The archivist's hand at the list."""

    def add(text, actor=None):
        with resources.work() as uow:
            group_id = synonyms.add_group(uow, actor or company.archivist, text)
            uow.commit()
        return group_id

    return add


def test_word_finds_papers_that_say_it_otherwise(find, take_in, drain, keep, api_for, company):
    take_in("与长虹的合约", text="彩电供货", department="销售部")
    take_in("与海信的合同", text="电视机供货", department="销售部")
    drain()
    assert titles(find("合约")) == ["与长虹的合约"]
    keep("合同 = 合约、契约")
    assert sorted(titles(find("合约"))) == ["与海信的合同", "与长虹的合约"]
    assert titles(find("契约 海信")) == ["与海信的合同"]
    assert titles(find("海信合约")) == ["与海信的合同"]
    assert titles(find('"合约"')) == ["与长虹的合约"], "in quotes only as written"
    assert titles(find("供货 -契约")) == []
    answer = api_for(company.sales_clerk).get("/api/v1/search?q=契约").json
    assert answer["total"] == 2


def test_command_reads_the_list_and_marks_what_it_found(resources, take_in, drain, keep):
    take_in("与海信的合同", department="销售部")
    drain()
    keep("合同 = 合约")
    hit = cli_search(resources, None, "合約")["hits"][0]
    assert (hit["title"], hit["title_marks"]) == ("与海信的合同", [(4, 6)])


def test_change_is_read_by_the_next_search_and_stale_ones_are_refused(
    find, resources, company, take_in, drain, keep
):
    take_in("与海信的合同", department="销售部")
    drain()
    group_id = keep("合约 = 协议书")
    assert find("合约").total == 0
    with resources.work() as uow:
        synonyms.change_group(uow, company.archivist, group_id, 1, "合约 = 合同")
        uow.commit()
    assert find("合约").total == 1
    with pytest.raises(Conflict, match="合约 = 合同"), resources.work() as uow:
        synonyms.change_group(uow, company.archivist, group_id, 1, "合约 = 契约")
    with resources.work() as uow:
        synonyms.remove_group(uow, company.admin, group_id)
        uow.commit()
    assert find("合约").total == 0
    with pytest.raises(NotFound), resources.work() as uow:
        synonyms.remove_group(uow, company.admin, group_id)


@pytest.mark.parametrize(
    "text",
    ["", "合同", "合同 = 合同", "合同 合同", "＝＝", "合同 = ＊", "合同 = " + "长" * 21,
     "合同 = <b>", " ".join(f"词{n}" for n in range(13)), "合同 = \x00"],
)  # fmt: skip
def test_what_is_no_group_is_refused(keep, text):
    with pytest.raises(Invalid):
        keep(text)


def test_word_stands_in_one_group_only(keep):
    keep("合同 = 合约")
    with pytest.raises(Invalid, match="合同 = 合约"):
        keep("契约 = 合約")


def test_clerk_does_not_keep_the_list(keep, company):
    with pytest.raises(Forbidden):
        keep("合同 = 合约", company.sales_clerk)


def test_page_adds_changes_removes_and_gives_the_list_as_excel(client_for, company):
    client = client_for(company.archivist)
    assert "还没有同义词" in client.get("/search/synonyms").get_data(as_text=True)
    assert client.post("/search/synonyms", data={"words": "合同、合约"}).status_code == 302
    wrong = client.post("/search/synonyms", data={"words": "只有一个<词"})
    assert wrong.status_code == 422
    assert "只有一个&lt;词" in wrong.get_data(as_text=True)
    assert client.post("/search/synonyms/1", data={"words": "x", "version": 1}).status_code == 422
    stale = client.post("/search/synonyms/1", data={"words": "合同=契约", "version": "七"})
    assert stale.status_code == 409
    assert "合同=契约" in stale.get_data(as_text=True)
    changed = client.post("/search/synonyms/1", data={"words": "合同=契约", "version": 1})
    assert changed.status_code == 302
    sheet = openpyxl.load_workbook(io.BytesIO(client.get("/search/synonyms?as=xlsx").data)).active
    assert [cell.value for cell in sheet[2]][:2] == ["合同 = 契约", 2]
    assert client.post("/search/synonyms/1/remove").status_code == 302
    assert client.post("/search/synonyms/1/remove").status_code == 404


def test_words_within_other_words_are_left_alone(tmp_path):
    entry = Entry("1", "集体合同样本", readers=frozenset({"all"}))
    index = Index.open(tmp_path, lambda ids: {"1": entry})
    index.apply([entry])

    def total(text, *groups):
        asked = SearchRequest(text, frozenset({"all"}), synonyms=groups)
        return index.search(asked).total

    assert total("协议", ("协议", "合同"), ("合同",), ("", "  ")) == 1
    assert total("共同体协议", ("同体", "样本")) == 0
