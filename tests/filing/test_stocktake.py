"""A stocktake: what should stand there against what was seen; every difference decided; signed."""

import io
import threading
from datetime import timedelta

import openpyxl
import pytest
from sqlalchemy import select, update

from archive.core.errors import Conflict, Forbidden, Invalid, NotFound, TooLarge, Unauthenticated
from archive.filing import service as filing
from archive.filing.models import CopyStatus, Item, ItemCopy
from archive.filing.places import service as places
from archive.filing.places.models import CopyMove, StoragePlace
from archive.filing.rules import Place
from archive.filing.stocktake import edge, service
from archive.filing.stocktake.lists import read_list, read_pasted
from archive.filing.stocktake.papers import take_paper
from archive.filing.stocktake.scans import Scan
from archive.filing.stocktake.service import Scope
from archive.lending.models import Loan
from archive.people.rights import CONFIDENTIAL
from doc_templates import document_text

PASSWORD = "档案台-测试-2026"
FORMULA = '=HYPERLINK("http://x","A0000000017")'


def do(resources, act, *args, **kwargs):
    with resources.work() as uow:
        made = act(uow, *args, **kwargs)
        uow.commit()
    return made


@pytest.fixture
def room(resources, company, signed_record):
    """库房一 with four papers, two to a shelf: their barcodes and the shelves' barcodes."""
    codes = []
    for n, shelf in enumerate(("01", "01", "02", "02")):
        record = signed_record(pdf=f"%PDF-1.7 {n}".encode())
        place = Place("库房一", "01", "01", shelf)
        item = do(resources, filing.file_record, company.archivist, record.id, place=place)
        codes.append(item.copies[0].barcode)
    with resources.reading() as uow:
        shelves = dict(uow.session.execute(select(StoragePlace.path, StoragePlace.barcode)).all())
    return codes, shelves


@pytest.fixture
def take(resources, company, room):
    return do(resources, service.open_take, company.archivist, Scope("place", 1), "年度盘点")


def scans(*pairs, prefix="x"):
    return [Scan(f"{prefix}{n}", code, place) for n, (code, place) in enumerate(pairs)]


def set_status(resources, who, code, status):
    with resources.reading() as uow:
        copy_id = uow.session.scalar(select(ItemCopy.id).where(ItemCopy.barcode == code))
    do(resources, filing.set_copy_status, who, copy_id, status)


def status_of(resources, code):
    with resources.reading() as uow:
        return uow.session.scalar(select(ItemCopy.status).where(ItemCopy.barcode == code))


def outcomes(resources, who, take):
    with resources.reading() as uow:
        found = service.get_take(uow, who, take.id)
    return {one.barcode: (str(one.outcome), one.decision) for one in found.findings}


def test_every_kind_of_difference_is_told_decided_and_signed(resources, company, room, take, clock):
    who = company.archivist
    (right, wandered, gone, lent), shelves = room
    low, high = shelves["库房一-01-01-01"], shelves["库房一-01-01-02"]
    assert (take.expected, take.counts["missing"]) == (4, 4) and take.journal_seq > 0
    set_status(resources, who, lent, CopyStatus.OUT)
    clock.advance(minutes=5)
    sent = scans((right, low), (right, low), (wandered, high), (lent, high), (FORMULA, low))
    taken = do(resources, service.add_scans, who, take.id, sent)
    assert (taken.new, taken.known) == (5, 0)
    assert outcomes(resources, who, take) == {
        gone: ("missing", ""),
        wandered: ("misplaced", ""),
        lent: ("out_seen", ""),
        FORMULA: ("unknown", ""),
    }
    steps = [
        (gone, "missing", "missing", ""),
        (wandered, "misplaced", "move_here", ""),
        (lent, "out_seen", "desk", ""),
        (FORMULA, "unknown", "noted", "是一张广告"),
    ]
    with pytest.raises(Conflict, match="还有 4 处差异没有处理"):
        edge.close(resources, who, take.id, take.digest, "", password=PASSWORD, address="-")
    for step in steps:
        done = do(resources, service.decide, who, take.id, *step)
    assert status_of(resources, gone) == CopyStatus.MISSING
    assert status_of(resources, lent) == CopyStatus.OUT  # the desk closes the loan, not we
    with resources.reading() as uow:
        home = uow.session.scalar(select(ItemCopy.location).where(ItemCopy.barcode == wandered))
        reason = uow.session.scalar(select(CopyMove.reason))
    assert home == "库房一-01-01-02" and take.number in reason
    with pytest.raises(Unauthenticated):
        edge.close(resources, who, take.id, done.digest, "", password="错", address="-")
    with pytest.raises(Conflict, match="刚有变化"):
        edge.close(resources, who, take.id, take.digest, "", password=PASSWORD, address="-")
    closed = edge.close(resources, who, take.id, done.digest, "完", password=PASSWORD, address="-")
    assert (closed.state, closed.counts["present"], closed.undecided) == ("closed", 1, 0)
    for again in (
        lambda uow: service.add_scans(uow, who, take.id, scans((right, low), prefix="y")),
        lambda uow: service.decide(uow, who, take.id, *steps[0]),
        lambda uow: service.discard_take(uow, who, take.id, "不要了"),
    ):
        with pytest.raises(Conflict, match="已结束"):
            do(resources, again)
    with resources.reading() as uow:
        text = document_text(take_paper(uow, who, take.id).word())
    for word in (take.number, "标记待查", "改存在见到的位置", FORMULA, closed.digest, who.name):
        assert word in text


def test_what_was_marked_missing_and_is_seen_after_all_is_put_in_again(
    resources, company, room, take
):
    who, (codes, _shelves) = company.archivist, room
    do(resources, service.decide, who, take.id, codes[0], "missing", "missing", "")
    do(resources, service.add_scans, who, take.id, scans((codes[0], "库房一-01-01-01")))
    assert outcomes(resources, who, take)[codes[0]] == ("found", "")
    do(resources, service.decide, who, take.id, codes[0], "found", "found", "")
    assert status_of(resources, codes[0]) == CopyStatus.IN


def test_a_stale_or_unfit_decision_changes_nothing(resources, company, room, take):
    who, (codes, _shelves) = company.archivist, room
    for decision, note in (("move_here", ""), ("found", ""), ("x", "")):
        with pytest.raises(Invalid):
            do(resources, service.decide, who, take.id, codes[0], "missing", decision, note)
    with pytest.raises(NotFound):
        do(resources, service.decide, who, take.id, "没扫过", "unknown", "noted", "x")
    do(resources, service.decide, who, take.id, codes[1], "missing", "missing", "")
    with pytest.raises(Conflict, match="已经处理过"):
        do(resources, service.decide, who, take.id, codes[1], "missing", "found", "其实在")
    do(resources, service.add_scans, who, take.id, scans((codes[0], "库房一-01-01-01")))
    with pytest.raises(Conflict, match="在架"):
        do(resources, service.decide, who, take.id, codes[0], "missing", "missing", "")
    assert status_of(resources, codes[0]) == CopyStatus.IN


def test_seen_from_the_room_or_in_the_box_on_the_shelf_is_at_its_place(
    resources, company, room, take
):
    who, (codes, shelves) = company.archivist, room
    box = do(resources, places.make_places, who, 4, "box", ["9"])[0]
    sent = scans((codes[0], shelves["库房一"]), (codes[1], box.barcode), (codes[2], "没有的地方"))
    taken = do(resources, service.add_scans, who, take.id, sent)
    assert taken.unknown_places == ("没有的地方",)
    assert set(outcomes(resources, who, take)) == {codes[3]}


def test_two_open_stocktakes_never_count_the_same_copy(resources, company, room, take):
    who = company.archivist
    with pytest.raises(Conflict, match=take.number):
        do(resources, service.open_take, company.archive_head, Scope("place", 4))
    with pytest.raises(Conflict, match=take.number):
        do(resources, service.open_take, who, Scope("class", name="客户开发"))
    do(resources, service.discard_take, who, take.id, "范围选错")
    other = do(resources, service.open_take, who, Scope("volume", 1))
    assert other.expected == 4 and other.number != take.number


@pytest.mark.parametrize(
    "scope",
    [Scope(""), Scope("place"), Scope("place", 999), Scope("volume", 2**70), Scope("class")],
)
def test_a_scope_that_is_none_is_refused(resources, company, room, scope):
    with pytest.raises((Invalid, NotFound)):
        do(resources, service.open_take, company.archivist, scope)
    with pytest.raises(Forbidden):
        do(resources, service.open_take, company.sales_clerk, scope)


def test_who_may_not_read_all_of_it_neither_counts_nor_sees_it(resources, company, room):
    with resources.work() as uow:
        uow.session.execute(update(Item).where(Item.id == 1).values(secrecy=CONFIDENTIAL))
        item = uow.session.get_one(Item, 1)
        from archive.filing.intake import settle_readers

        settle_readers(uow, item)
        uow.commit()
    with pytest.raises(Forbidden, match="涉密权限"):
        do(resources, service.open_take, company.archivist, Scope("place", 1))
    made = do(resources, service.open_take, company.archive_head, Scope("place", 1))
    with resources.reading() as uow:
        assert service.list_takes(uow, company.archivist).total == 0
        with pytest.raises(NotFound):
            service.get_take(uow, company.archivist, made.id)


def test_two_people_scan_at_once_and_what_is_sent_twice_counts_once(resources, company, room, take):
    codes, _shelves = room
    sent = {
        company.archivist: scans(*((code, "库房一") for code in codes[:3]), prefix="a"),
        company.archive_head: scans(*((code, "库房一") for code in codes[1:]), prefix="b"),
    }
    threads = [
        threading.Thread(target=do, args=(resources, service.add_scans, who, take.id, some))
        for who, some in [*sent.items(), *sent.items()]
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    with resources.reading() as uow:
        found = service.get_take(uow, company.archivist, take.id)
    assert (found.scans, found.counts["present"], found.findings) == (6, 4, ())
    assert found.scanners == ("何守正", "孙文静")


def test_the_senders_clock_is_taken_as_far_as_it_can_be(resources, company, room, take, clock):
    who, (codes, shelves) = company.archivist, room
    early, late = clock.now - timedelta(days=3), clock.now + timedelta(days=3)
    low, high = shelves["库房一-01-01-01"], shelves["库房一-01-01-02"]
    clock.advance(minutes=10)
    sent = [Scan("1", codes[0], low, late), Scan("2", codes[0], high, early)]
    do(resources, service.add_scans, who, take.id, sent)
    assert codes[0] not in outcomes(resources, who, take)  # the last sighting is on its shelf


def test_a_stocktake_takes_as_many_statements_however_much_was_seen(
    resources, company, room, take, count_statements
):
    who, (codes, _shelves) = company.archivist, room
    do(resources, service.add_scans, who, take.id, scans((codes[0], "库房一")))
    with resources.reading() as uow, count_statements() as few:
        service.get_take(uow, who, take.id)
        service.scanning(uow, who, take.id)
    more = [(code, "库房一") for code in codes] + [(f"不明{n}", "") for n in range(20)]
    do(resources, service.add_scans, who, take.id, scans(*more, prefix="more"))
    with resources.reading() as uow, count_statements() as many:
        service.get_take(uow, who, take.id)
        service.scanning(uow, who, take.id)
    assert len(many) <= len(few)


def test_a_copys_state_follows_from_its_loans_and_its_home_from_its_moves(
    resources, company, room, take
):
    who, (codes, shelves) = company.archivist, room
    for target in ("库房一-01-01-02", "库房一", "库房一-01-01-02"):
        do(resources, places.move_here, who, shelves[target], codes[:2])
    do(resources, service.decide, who, take.id, codes[2], "missing", "missing", "")
    with resources.reading() as uow:
        for copy in uow.session.scalars(select(ItemCopy)):
            moves = list(
                uow.session.scalars(
                    select(CopyMove).where(CopyMove.copy_id == copy.id).order_by(CopyMove.id)
                )
            )
            chain = [move.from_id for move in moves[1:]]
            assert chain == [move.to_id for move in moves[:-1]]
            assert not moves or moves[-1].to_id == copy.place_id
            assert copy.location == uow.session.get_one(StoragePlace, copy.place_id).path
            out = uow.session.scalar(
                select(Loan.id).where(Loan.copy_id == copy.id, Loan.returned_at.is_(None))
            )
            assert (copy.status == CopyStatus.OUT) == (out is not None)


def test_a_list_is_read_in_every_shape_people_send():
    text = "条码,位置,时间\r\nA0000000017,库房一-01,2026-11-23 09:30\r\n,,\r\nA0000000025,,\r\n"
    shapes = [text.encode(), text.encode("utf-8-sig"), text.encode("gbk"), text.encode("utf-16")]
    book = openpyxl.Workbook()
    for line in text.split("\r\n"):
        book.active.append([cell or None for cell in line.split(",")])
    out = io.BytesIO()
    book.save(out)
    read = [read_list(shape) for shape in shapes] + [read_list(out.getvalue())]
    for one in read:
        assert [(scan.barcode, scan.place) for scan in one] == [
            ("A0000000017", "库房一-01"),
            ("A0000000025", ""),
        ]
        assert one[0].seen_at.isoformat() == "2026-11-23T01:30:00+00:00"
    assert len({one[0].client_id for one in read}) == 1
    walked = read_pasted("P0000000014\nA0000000017\nA0000000025\tP0000000022\n")
    assert [scan.place for scan in walked] == ["P0000000014", "P0000000022"]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", Invalid),
        (b"\n\n,,\n", Invalid),
        (b"\x89PNG\r\n\x1a\n\x00\x00", Invalid),
        (b"PK\x03\x04 not a book", Invalid),
        (b"A0000000017\n" * 1_000_000, TooLarge),
        (b"A0000000017\n" * 30_000, TooLarge),
        (b"x" * (6 << 20), TooLarge),
        (b"A" * 5000, Invalid),
        (b"A0000000017,\xe5\xba\x93,yesterday", Invalid),
        ("条码,位置\n,库房一".encode(), Invalid),
    ],
)
def test_a_list_that_is_none_is_refused_in_words(content, fault):
    with pytest.raises(fault) as told:
        read_list(content)
    assert told.value.message.endswith("。")


def test_what_looks_like_a_formula_stays_text(resources, company, room, take):
    who = company.archivist
    taken = do(resources, service.add_scans, who, take.id, read_pasted("=1+1\n@SUM(A1)\n-2"))
    assert taken.new == 3
    assert {"=1+1", "@SUM(A1)", "-2"} <= set(outcomes(resources, who, take))
    for wrong in ([], [Scan("", "A", "")], [Scan("1", "x" * 41, "")], [Scan("1", "a\nb", "")]):
        with pytest.raises(Invalid):
            do(resources, service.add_scans, who, take.id, wrong)
