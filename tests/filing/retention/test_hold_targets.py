"""What a legal hold is put over, typed as people type it: ends, parts, nothing guessed."""

import json
import re
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from archive.core.errors import Conflict, Forbidden, Invalid, NotFound
from archive.filing import service as filing
from archive.filing.models import Item, Volume
from archive.filing.retention import holds
from archive.filing.retention.models import LegalHold
from archive.filing.retention.rules import digest_of
from archive.people.readers import write_readers
from storage.journal import JournalEntry

pytestmark = [pytest.mark.slow]


def hold(world, target, scope="item", reason="诉讼保全", actor=None, **days):
    actor = actor or world.company.archive_head
    return world.do(holds.set_hold, actor, scope, target, reason, **days)


def count(world):
    return world.read(lambda uow: uow.session.scalar(select(func.count(LegalHold.id))))


def twin(world, **changed):
    """Put a second paper beside the first: the same end of its 档号 in another year."""
    first = world.item()
    told = {
        "title": "另一年的同号档案", "year": 2027, "serial": first.serial, "form_code": "E01",
        "category": first.category, "retention": first.retention, "unit": first.unit,
        "item_class": first.item_class, "department_id": first.department_id, "secrecy": 1,
        "reference_code": first.reference_code.replace("·2026-", "·2027-"), "state": "shelved",
        "document_number": "E01-2027-0001", **changed,
    }  # fmt: skip

    def add(uow):
        row = Item(**told, created_at=uow.now())
        uow.session.add(row)
        uow.session.flush()
        write_readers(uow, "item", row.id, filing.thing_of_item(uow, row.id))
        return row.id

    return world.do(add)


@pytest.mark.parametrize(
    "spell", ["{u}-{n:04d}", "{u} {n}", "２０２６ {n}", "{u}－{n}", "D30 xsb {n}"]
)
def test_a_hold_is_put_on_the_end_of_a_code_in_every_spelling(world, spell):
    item = world.item()
    unit, number = item.reference_code.split("-")[-2:]
    held = hold(world, spell.format(u=unit.lower(), n=int(number)))
    assert held.target == str(item.id)
    assert held.target_title == f"{item.reference_code}《{item.title}》"


def test_an_end_of_several_names_them_and_freezes_none(world):
    other = twin(world)
    unit, number = world.item().reference_code.split("-")[-2:]
    with pytest.raises(Invalid) as refused:
        hold(world, f"{unit}-{number}")
    assert refused.value.fields == {"target": "不止一件，请写全档号"}
    for code in (world.item().reference_code, "·2027-", "另一年的同号档案"):
        assert code in refused.value.message
    assert count(world) == 0
    assert hold(world, f"2027 {number}").target == str(other)


def test_a_paper_one_may_not_read_is_neither_held_nor_named(world):
    hidden = twin(world, secrecy=3, title="机密的同号档案")
    code = world.read(filing.load_item, hidden).reference_code
    unit, number = code.split("-")[-2:]
    shy = replace(world.company.archive_head, clearance=1)
    assert hold(world, f"{unit}-{number}", actor=shy).target == "1"
    for named in (code, f"2027 {number}", str(hidden)):
        with pytest.raises(NotFound) as refused:
            hold(world, named, actor=shy)
        assert "机密的同号档案" not in refused.value.message


@pytest.mark.parametrize("scope", ["item", "volume", "customer", "class"])
@pytest.mark.parametrize(
    "target",
    ["", "   ", "没有的", "XSB-9999", "0001", "9" * 40, "X" * 100_000, "a\x00b", "%", "_", "1\n2",
     "' OR 1=1 --", "<script>", "\u202e1000-BSX"],
)  # fmt: skip
def test_what_names_nothing_freezes_nothing(world, scope, target):
    with pytest.raises((Invalid, NotFound)) as refused:
        hold(world, target, scope)
    assert set(refused.value.fields) == {"target"}
    assert count(world) == 0


def test_a_volume_is_found_by_a_part_of_its_title_and_by_its_class(world):
    volume = world.item().volume_id
    lowest = world.item().reference_code.rsplit("-", 1)[0]
    assert hold(world, "2026年度", "volume").target == str(volume)
    assert hold(world, lowest.lower().replace("-", " "), "volume", "又一案").target == str(volume)

    def another(uow):
        whole = uow.session.get(Volume, volume)
        kept = {key: getattr(whole, key) for key in ("fonds", "category", "retention", "unit")}
        told = kept | {"item_class": whole.item_class, "title": f"{whole.title} 续", "year": 2027}
        uow.session.add(Volume(**told, state="open", created_at=uow.now()))

    world.do(another)
    with pytest.raises(Invalid, match=r"不止一个.*续") as refused:
        hold(world, "2026年度", "volume", "第三案")
    assert refused.value.fields["target"]


def test_a_customer_is_found_by_a_part_of_the_name_if_only_one_has_it(world):
    assert hold(world, "海信", "customer").target_title == "青岛海信电器股份有限公司"
    with pytest.raises(Invalid, match=r"海信.*澳柯玛|澳柯玛.*海信"):
        hold(world, "青岛", "customer")


def test_the_same_hold_twice_is_one_and_another_case_is_another(world):
    first = hold(world, world.item().reference_code)
    with pytest.raises(Conflict, match="已经有了"):
        hold(world, world.item().reference_code)
    second = hold(world, world.item().reference_code, reason="另一案")
    world.do(holds.lift_hold, world.company.archive_head, first.id, "了结")
    with pytest.raises(Conflict, match="已经解除"):
        world.do(holds.lift_hold, world.company.archive_head, first.id, "了结")
    held = world.read(lambda uow: holds.holds_of(uow, [uow.session.get(Item, 1)]))
    assert [one.id for one in held[1]] == [second.id]
    noted = world.read(
        lambda uow: uow.session.execute(
            select(JournalEntry.action, JournalEntry.detail)
            .where(JournalEntry.action.startswith("hold."))
            .order_by(JournalEntry.seq)
        ).all()
    )
    assert [act for act, _ in noted] == ["hold.set", "hold.set", "hold.lift"]
    told = {"scope": "item", "target": first.target}
    assert json.loads(noted[0].detail) == told | {"until": "", "reason": digest_of(first.reason)}
    assert json.loads(noted[2].detail) == told | {"reason": digest_of("了结")}


def test_only_the_archive_head_or_legal_sets_and_lifts(world):
    held = hold(world, "XSB 1")
    for person in (world.company.archivist, world.company.sales_clerk, world.company.leader):
        with pytest.raises((Forbidden, NotFound)):
            hold(world, "XSB-0002", actor=person)
        with pytest.raises((Forbidden, NotFound)):
            world.do(holds.lift_hold, person, held.id, "了结")


def test_the_page_keeps_what_was_typed_and_says_where_it_is_wrong(world, client_for):
    twin(world)
    head = client_for(world.company.archive_head)
    unit, number = world.item().reference_code.split("-")[-2:]
    typed = {"scope": "item", "reason": "青岛中院查封", "from_day": "2057-12-01"}
    for target, words in (
        (f"{unit}-{number}", "2027-"),
        ("0001", "看不出是哪一件"),
        ("1", "看不出"),
    ):
        page = head.post("/retention/holds", data=typed | {"target": target})
        assert page.status_code == 422 and words in page.text
        for kept in (target, "青岛中院查封", "2057-12-01"):
            assert f'value="{kept}"' in page.text
        assert 'id="target-error"' in page.text
    done = head.post("/retention/holds", data=typed | {"target": f"2026 {number}"})
    assert done.status_code == 302
    assert world.item().title in head.get("/retention/holds").text
    refused = head.post("/retention/holds/1/lift", data={"reason": "很" * 501})
    assert refused.status_code == 422 and "最多 500 个字" in refused.text
    lifting = re.search(r"<details open>.*?</details>", refused.text, re.S)[0]
    assert "很" * 501 in lifting and refused.text.count("很" * 501) == 1
    assert head.get("/items/1").text.count("target=Z") == 1


def test_why_it_is_held_is_not_told_to_every_reader(world, client_for):
    hold(world, world.item().reference_code, reason="诉某某股东案")
    for person, is_told in ((world.company.archivist, True), (world.company.sales_clerk, False)):
        page = client_for(person).get("/items/1").text
        assert "这件档案被冻结，不能销毁、移交" in page and ("诉某某股东案" in page) is is_told
