"""An index of an older schema serves while the new one is built: rights right, nothing made up.

`schema_4.zip` is the index that the program of schema 4 made of the records in conftest.
"""

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

import indexer.index
import indexer.writer
from indexer import Entry, Index, IndexDamaged, SearchRequest
from indexer.generations import Trouble
from indexer.matching import match
from indexer.nodes import asked_fields
from indexer.query import parse
from indexer.schema import ANALYSIS_VERSION, FIELD_KEYS, serves_meanwhile, whoosh_schema
from indexer.snapshot import read_snapshot

SALES = frozenset({"dept:sales"})
BOTH = SALES | {"dept:finance"}
GONE_LATER = ("class", "maker", "pinyin", "date")
QUERIES = (
    """
合同|海信 -合同|海xin|haixin|HT-2024-0017|1.25万元|金额>10000|2024年3月|"电子档案"|客户:海信
年度:2021|张|-采购|-haixin|档号:HT-2024-0018|姓名:张三丰|海信合约
表单:买卖合同 OR 银行|HT-*|状态:作废|凤凰山|丙等
""".replace("\n", "|")
    .strip("|")
    .split("|")
)


class Rows:
    def __init__(self, records: dict[str, Entry]) -> None:
        self.rows = dict(records)

    def load(self, ids):
        return {one: self.rows[one] for one in ids if one in self.rows}


def generation_of(folder: Path) -> Path:
    return folder / (folder / "CURRENT").read_text("utf-8")


def as_schema(folder: Path, number: str) -> None:
    meta = generation_of(folder) / "META.json"
    said = json.loads(meta.read_text("utf-8"))
    meta.write_text(json.dumps({**said, "schema": f"{number} {ANALYSIS_VERSION}"}), "utf-8")


@pytest.fixture
def rows(records) -> Rows:
    return Rows(records)


@pytest.fixture
def of_schema_4(tmp_path, rows) -> Index:
    with zipfile.ZipFile(Path(__file__).with_name("schema_4.zip")) as file:
        file.extractall(tmp_path)
    return Index.open(tmp_path, rows.load)


@pytest.fixture
def of_fewer_fields(tmp_path, rows, monkeypatch) -> Index:
    """Return one by an older definition: without some fields, the others numbered otherwise."""
    names = [name for name in FIELD_KEYS if name not in GONE_LATER]
    keys = {name: number.to_bytes(2, "big") for number, name in enumerate(reversed(names))}
    schema = whoosh_schema()
    for name in GONE_LATER:
        schema.remove(name)
    real = indexer.writer.entries_terms

    def older_terms(entries):
        terms = real(entries)
        for name in GONE_LATER:
            del terms.fields[name]
        return terms

    with monkeypatch.context() as older:
        older.setattr(indexer.writer, "FIELD_KEYS", keys)
        older.setattr(indexer.writer, "entries_terms", older_terms)
        older.setattr(indexer.index, "whoosh_schema", lambda: schema)
        index = Index.open(tmp_path, rows.load)
        index.rebuild(rows.rows.values())
    as_schema(tmp_path, "4")
    return Index.open(tmp_path, rows.load)


def ask(index: Index, text: str, readers=BOTH, **more):
    return index.search(SearchRequest(text, readers, limit=100, **more))


def without_notes(results):
    about = [note for note in results.notes if "检索索引" not in note]
    hits = [(hit.id, round(hit.score, 4)) for hit in results.hits]
    return results.total, hits, results.facets, results.did_you_mean, about


@pytest.mark.parametrize("readers", [BOTH, SALES], ids=["both", "sales"])
def test_schema_4_answers_as_the_new_one(of_schema_4, filled, readers):
    assert of_schema_4.needs_rebuild == Trouble.OUTDATED
    assert of_schema_4.is_outdated
    for text in QUERIES:
        old = ask(of_schema_4, text, readers)
        assert "升级" in old.notes[0]
        assert without_notes(old) == without_notes(ask(filled, text, readers)), text
    for text in ("hx", "海", "采购", "凤凰"):
        assert of_schema_4.suggest(text, readers) == filled.suggest(text, readers)
    assert set(of_schema_4.stamps()) == set(filled.stamps())


def test_schema_4_follows_changes_while_the_new_one_is_built(of_schema_4, rows):
    seen = []

    def entries():
        for number, one in enumerate(list(rows.rows.values())):
            if number == 30:
                rows.rows["new"] = replace(one, id="new", title="垂直起降机采购", readers=BOTH)
                hidden = replace(rows.rows["bank-loan"], readers=frozenset({"dept:finance"}))
                rows.rows["bank-loan"] = hidden
                del rows.rows["uyghur"]
                of_schema_4.apply([rows.rows["new"], hidden], ["uyghur"])
                seen.append(ask(of_schema_4, "垂直起降机").total)
                seen.append(ask(of_schema_4, "担保书", SALES).total)
                seen.append(ask(of_schema_4, "担保书", SALES).facets["status"])
                seen.append(ask(of_schema_4, "葡萄干").total)
            yield one

    of_schema_4.rebuild(entries())
    assert seen == [1, 0, (), 0]
    assert of_schema_4.needs_rebuild == ""
    assert ask(of_schema_4, "垂直起降机").notes == ()
    assert ask(of_schema_4, "葡萄干").total == ask(of_schema_4, "担保书", SALES).total == 0


def test_many_commits_to_an_older_index_stay_few_segments(of_schema_4, rows):
    made = [replace(rows.rows["food"], id=f"more-{number}") for number in range(30)]
    rows.rows |= {one.id: one for one in made}
    for one in made:
        of_schema_4.apply([one])
    assert ask(of_schema_4, "绿源食品").total == 31
    assert len(read_snapshot(generation_of(of_schema_4._generations.folder)).segments) <= 12


def test_what_the_older_schema_does_not_know_is_absent_and_never_wrong(of_fewer_fields, filled):
    assert of_fewer_fields.is_outdated
    old, new = ask(of_fewer_fields, "合同"), ask(filled, "合同")
    assert (old.total, {hit.id for hit in old.hits}) == (new.total, {hit.id for hit in new.hits})
    assert old.facets["status"] == new.facets["status"] != ()
    assert old.facets["maker"] == old.facets["date"] == ()
    assert ask(of_fewer_fields, "合同", filters={"maker": ("李四",)}).total == 0
    assert ask(of_fewer_fields, "合同", filters={"date": ("2024",)}).total == 0
    assert ask(of_fewer_fields, "合同 日期:2024-03").total == 0
    assert ask(filled, "采购 -日期:2021-02").total > 0
    assert ask(of_fewer_fields, "采购 -日期:2021-02").total == 0  # nothing is known of any date
    assert ask(of_fewer_fields, "合同 -状态:作废").total == ask(filled, "合同 -状态:作废").total
    for sort in ("relevance", "date", "number", "customer"):
        assert ask(of_fewer_fields, "采购", sort=sort).total == 51
    assert of_fewer_fields.suggest("青岛", BOTH) == filled.suggest("青岛", BOTH)
    assert len(list(of_fewer_fields.stamps())) == len(list(filled.stamps()))


def test_rights_of_the_older_schema_are_kept(of_fewer_fields, filled):
    for text in ("海信", "凤凰山", "采购", "-采购", "CW-2024-0999"):
        old, new = ask(of_fewer_fields, text, SALES), ask(filled, text, SALES)
        assert {hit.id for hit in old.hits} == {hit.id for hit in new.hits}
        assert old.facets["customer"] == new.facets["customer"]
    assert of_fewer_fields.suggest("凤凰", SALES) == []
    assert ask(of_fewer_fields, "海信", frozenset()).total == 0


def test_new_and_old_segments_side_by_side(of_fewer_fields, rows):
    for number in range(8):
        one = replace(rows.rows["food"], id=f"more-{number}", maker="王五", class_code="KH")
        rows.rows[one.id] = one
        of_fewer_fields.apply([one])
    found = ask(of_fewer_fields, "绿源食品")
    assert found.total == 9
    assert found.facets["maker"] == ()  # it would be counted in a part of them only
    assert ask(of_fewer_fields, "绿源食品", filters={"maker": ("王五",)}).total == 8
    assert ask(of_fewer_fields, "绿源食品 -日期:2024-11").total == 8
    of_fewer_fields.rebuild(rows.rows.values())
    assert ask(of_fewer_fields, "绿源食品").facets["maker"] == (("王五", 8),)
    assert ask(of_fewer_fields, "绿源食品 -日期:2024-11").total == 9


@pytest.mark.parametrize("text", QUERIES)
def test_what_is_looked_into_for_a_query_is_known_beforehand(filled, text, monkeypatch):
    folder = filled._generations.folder
    view = read_snapshot(generation_of(folder)).parts[0].view
    asked: set[str] = set()
    for name in ("postings", "mask_from", "values", "column"):
        real = getattr(type(view), name)

        def watched(self, field, *more, _real=real):
            asked.add(field)
            return _real(self, field, *more)

        monkeypatch.setattr(type(view), name, watched)
    node = parse(text).node
    assert node is not None
    match(node, view)
    assert asked <= asked_fields(node)


@pytest.mark.parametrize(
    ("version", "serves"),
    [
        (f"4 {ANALYSIS_VERSION}", True),
        ("4 units-1 rjieba-0.1.0", True),
        ("5 units-1 rjieba-9.9", True),
        ("4 units-0 rjieba-0.2.2", False),
        (f"3 {ANALYSIS_VERSION}", False),
        (f"99 {ANALYSIS_VERSION}", False),
        ("", False),
    ],
)
def test_which_versions_serve(version, serves):
    assert serves_meanwhile(version) is serves


def test_an_index_whose_tokens_mean_something_else_is_never_asked(tmp_path, rows):
    Index.open(tmp_path, rows.load, "1").rebuild(rows.rows.values())
    index = Index.open(tmp_path, rows.load, "2")
    assert index.needs_rebuild == Trouble.OLD
    assert not index.is_outdated
    found = ask(index, "合同")
    assert (found.total, found.facets, index.suggest("海", BOTH)) == (0, {}, [])
    with pytest.raises(IndexDamaged):
        index.apply([rows.rows["food"]])
    index.rebuild(rows.rows.values())
    assert ask(index, "合同").total > 0
    assert index.needs_rebuild == ""


def test_how_far_a_rebuild_is_can_be_asked_by_others(tmp_path, rows, monkeypatch):
    monkeypatch.setattr("indexer.index._PROGRESS_EVERY", 20)
    other = Index.open(tmp_path, rows.load)
    seen = []

    def entries():
        for one in rows.rows.values():
            seen.append(other.progress)
            yield one

    Index.open(tmp_path, rows.load).rebuild(entries(), total=60)
    assert seen[0] == (0, 60)
    assert seen[25] == (20, 60)
    assert seen[-1] == (40, 60)
    assert other.progress is None
    (tmp_path / "rebuild.json").write_text("[20, 60]")  # left by one that was killed
    assert other.progress is None
