"""Places as a tree, and copies and boxes put elsewhere by scanning; every move on record."""

import pytest
from sqlalchemy import select

from archive.core.errors import Conflict, Forbidden, Invalid, NotFound
from archive.filing import service as filing
from archive.filing.models import CopyStatus, ItemCopy
from archive.filing.places import service as places
from archive.filing.places.models import CopyMove, StoragePlace
from archive.filing.places.rules import clean_place_barcode, read_layout, steps_of_text
from archive.filing.rules import Place
from storage.journal import JournalEntry


def do(resources, act, *args, **kwargs):
    with resources.work() as uow:
        made = act(uow, *args, **kwargs)
        uow.commit()
    return made


@pytest.fixture
def shelved(resources, company, signed_record):
    """Return a maker of papers on a shelf; what it returns is the copy's barcode."""

    def make(place: Place) -> str:
        record = signed_record(pdf=f"%PDF-1.7 {place.text} {id(place)}".encode())
        item = do(resources, filing.file_record, company.archivist, record.id, place=place)
        return item.copies[0].barcode

    return make


def standing(resources, barcode):
    with resources.reading() as uow:
        copy = uow.session.scalar(select(ItemCopy).where(ItemCopy.barcode == barcode))
        place = uow.session.get(StoragePlace, copy.place_id) if copy.place_id else None
        return copy.location, place.path if place else None


def code_of(resources, path):
    with resources.reading() as uow:
        return uow.session.scalar(select(StoragePlace.barcode).where(StoragePlace.path == path))


@pytest.mark.parametrize(
    ("text", "places_made"),
    [
        ("库房一 3列 × 6节 × 5层", 1 + 3 + 18 + 90),
        ("库房一 2排x4柜*3层", 1 + 2 + 8 + 24),
        ("库房一 3列", 4),
    ],
)
def test_a_whole_room_is_one_line(text, places_made):
    assert read_layout(text).places == places_made


@pytest.mark.parametrize(
    "text",
    [
        "",
        "库房一",
        "库房一 0列",
        "库-房 3列",
        "库房一 3列 × 5层",
        "库房一 999列 × 999节",
        "=1 3列" * 9,
    ],
)
def test_a_layout_that_makes_no_sense_is_refused(text):
    with pytest.raises(Invalid):
        read_layout(text)


@pytest.mark.parametrize(
    ("text", "depth"),
    [
        ("库房一", 1),
        ("库房一-02-03-04 盒12", 5),
        ("库房一 盒12", 2),
        ("盒12", 0),
        ("二楼 靠窗的柜子", 0),
        ("库房一--04", 0),
        ("库房一-1-2-3-4", 0),
        ("", 0),
    ],
)
def test_a_free_text_is_read_as_a_place_only_where_it_plainly_is_one(text, depth):
    assert len(steps_of_text(text)) == depth


def test_a_room_is_laid_out_and_made_larger(resources, company):
    who = company.archivist
    room, made = do(resources, places.lay_out, who, "库房一 2列 × 2节 × 3层", 40)
    assert made == 1 + 2 + 4 + 12
    _, more = do(resources, places.lay_out, who, "库房一 3列 × 2节 × 3层", 40)
    assert more == 1 + 2 + 6
    with pytest.raises(Conflict, match="都已经有了"):
        do(resources, places.lay_out, who, "库房一 1列")
    with resources.reading() as uow:
        plan = places.standing(uow, who, room.id)
        codes = list(uow.session.scalars(select(StoragePlace.barcode)))
    assert [row.place.path for row in plan.children] == ["库房一-01", "库房一-02", "库房一-03"]
    shelf = plan.children[1].children[0].children[2]
    assert (shelf.place.path, shelf.place.capacity) == ("库房一-02-01-03", 40)
    assert all(clean_place_barcode(code) == code for code in codes)
    assert len(set(codes)) == len(codes) == 28


def test_places_are_made_only_where_they_fit(resources, company):
    who = company.archivist
    room = do(resources, places.make_places, who, None, "room", ["库房二"])[0]
    for kind, names in (("shelf", ["1"]), ("row", ["有 空格"]), ("row", []), ("cellar", ["1"])):
        with pytest.raises(Invalid):
            do(resources, places.make_places, who, room.id, kind, names)
    with pytest.raises(Conflict, match="已经有了"):
        do(resources, places.make_places, who, room.id, "row", ["01", "01"])
    with pytest.raises(NotFound):
        do(resources, places.make_places, who, 999, "row", ["01"])
    with pytest.raises(Forbidden):
        do(resources, places.make_places, company.sales_clerk, None, "room", ["库房三"])


def test_a_paper_put_on_a_shelf_stands_in_the_tree(resources, company, shelved):
    code = shelved(Place("库房一", "02", "03", "04", "12"))
    assert standing(resources, code) == ("库房一-02-03-04 盒12",) * 2
    loose = shelved(Place(box="7"))
    assert standing(resources, loose) == ("盒7", None)
    with resources.reading() as uow:
        found, unplaced = places.rooms(uow, company.archivist)
    assert [(one.place.path, one.held) for one in found] == [("库房一", 1)]
    assert unplaced == 1


def test_copies_and_boxes_are_moved_by_scanning_and_every_move_is_told(
    resources, company, shelved, clock
):
    who = company.archivist
    do(resources, places.lay_out, who, "库房一 2列 × 1节 × 2层")
    code = shelved(Place("库房一", "01", "01", "01"))
    boxed = shelved(Place("库房一", "01", "01", "01", "5"))
    target, box = code_of(resources, "库房一-02-01-02"), code_of(resources, "库房一-01-01-01 盒5")
    done = do(resources, places.move_here, who, target, [code, box, code], "整理库房")
    assert (done.moved, done.there) == ((code, "库房一-02-01-02 盒5"), ())
    assert standing(resources, code) == ("库房一-02-01-02",) * 2
    assert standing(resources, boxed) == ("库房一-02-01-02 盒5",) * 2
    again = do(resources, places.move_here, who, target, [code, box], "")
    assert again.moved == () and len(again.there) == 2
    with resources.reading() as uow:
        moves = [
            (bool(one.copy_id), one.from_text, one.to_text, one.reason)
            for one in uow.session.scalars(select(CopyMove).order_by(CopyMove.id))
        ]
        told = list(
            uow.session.scalars(
                select(JournalEntry.action).where(
                    JournalEntry.action.in_(["copy.move", "box.move"])
                )
            )
        )
        history = places.moves_of_copy(uow, who, boxed)
    assert moves == [
        (True, "库房一-01-01-01", "库房一-02-01-02", "整理库房"),
        (False, "库房一-01-01-01 盒5", "库房一-02-01-02 盒5", "整理库房"),
    ]
    assert sorted(told) == ["box.move", "copy.move"]
    assert [(one.what, one.by_name) for one in history] == [("整盒", who.name)]


def test_a_move_that_cannot_be_is_refused_whole(resources, company, shelved):
    who = company.archivist
    first = shelved(Place("库房一", "01"))
    box = code_of(resources, "库房一")
    do(resources, places.make_places, who, None, "room", ["库房二"])
    target = code_of(resources, "库房二")
    for place, codes, fault in (
        (target, [first, "A9999999999"], NotFound),
        (target, [first, "=cmd|' /C calc'!A0"], NotFound),
        (target, [first, box], Invalid),
        (target, [], Invalid),
        ("P0000000000", [first], NotFound),
        (first, [first], NotFound),
    ):
        with pytest.raises(fault):
            do(resources, places.move_here, who, place, codes)
    assert standing(resources, first) == ("库房一-01",) * 2
    with pytest.raises(Forbidden):
        do(resources, places.move_here, company.leader, target, [first])


def test_a_copy_that_is_out_keeps_its_home_and_one_missing_is_found_again(
    resources, company, shelved
):
    who = company.archivist
    code = shelved(Place("库房一", "01"))
    do(resources, places.make_places, who, None, "room", ["库房二"])
    target = code_of(resources, "库房二")
    with resources.reading() as uow:
        copy_id = places.get_copy(uow, who, code).id
    for status, words in ((CopyStatus.OUT, "借出在外"), (CopyStatus.MISSING, "待查")):
        do(resources, filing.set_copy_status, who, copy_id, status)
        with pytest.raises(Conflict, match=words):
            do(resources, places.move_here, who, target, [code])
        assert standing(resources, code)[0] == "库房一-01"
    with pytest.raises(Invalid):
        do(resources, places.mark_found, who, code, " ")
    do(resources, places.mark_found, who, code, "夹在隔壁盒里")
    with pytest.raises(Conflict):
        do(resources, places.mark_found, who, code, "又找到一次")
    do(resources, places.move_here, who, target, [code])


def test_renaming_calls_everything_in_it_anew_and_a_stale_page_is_refused(
    resources, company, shelved
):
    who = company.archivist
    code = shelved(Place("库房一", "01", "01", "01", "3"))
    with resources.reading() as uow:
        room = places.rooms(uow, who)[0][0].place
    named = do(resources, places.change_place, who, room.id, "东库", 900, room.version)
    assert named.path == "东库"
    assert standing(resources, code) == ("东库-01-01-01 盒3",) * 2
    with pytest.raises(Conflict, match="刚被别人改过"):
        do(resources, places.change_place, who, room.id, "西库", None, room.version)
    do(resources, places.make_places, who, None, "room", ["西库"])
    with pytest.raises(Conflict, match="已经有了"):
        do(resources, places.change_place, who, room.id, "西库", None, named.version)


def test_only_an_empty_place_is_closed_and_nothing_is_put_there_then(resources, company, shelved):
    who = company.archivist
    code = shelved(Place("库房一", "01"))
    with resources.reading() as uow:
        room = places.rooms(uow, who)[0][0].place
    with pytest.raises(Conflict, match="还有 1 件"):
        do(resources, places.close_place, who, room.id, room.version)
    other = do(resources, places.make_places, who, None, "room", ["库房二"])[0]
    do(resources, places.move_here, who, other.barcode, [code])
    closed = do(resources, places.close_place, who, room.id, room.version)
    assert closed.is_closed
    with pytest.raises(Conflict, match="已停用"):
        do(resources, places.move_here, who, room.barcode, [code])
    with pytest.raises(Conflict, match="已停用"):
        shelved(Place("库房一", "01"))
    do(resources, places.reopen_place, who, room.id, closed.version)


def test_the_plan_takes_as_many_statements_whatever_stands_there(
    resources, company, shelved, count_statements
):
    who = company.archivist
    shelved(Place("库房一", "01", "01", "01"))
    with resources.reading() as uow, count_statements() as few:
        places.rooms(uow, who)
        places.standing(uow, who, 1)
        places.list_copies(uow, who, places.CopyFilter(place_id=1))
    do(resources, places.lay_out, who, "库房一 3列 × 3节 × 3层")
    for shelf in ("01", "02", "03"):
        shelved(Place("库房一", "02", "01", shelf))
    with resources.reading() as uow, count_statements() as many:
        places.rooms(uow, who)
        plan = places.standing(uow, who, 1)
        places.list_copies(uow, who, places.CopyFilter(place_id=1))
    assert plan.held == 4
    assert len(many) == len(few)
