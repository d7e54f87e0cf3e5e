"""What else people write in a year: one of each, over what ``laid_out`` has laid out.

For tests that want a row in every table that holds words. Each act is the stations' own.
"""

from datetime import timedelta

from sqlalchemy import select, text

from archive.core.calendar import load_book
from archive.core.clock import local_day
from archive.filing import service as filing
from archive.filing.controlled import service as controlled
from archive.filing.controlled.models import ControlledVersion
from archive.filing.handover import edge as handover
from archive.filing.handover import service as handovers
from archive.filing.models import Item, ItemCopy
from archive.filing.places import service as places
from archive.filing.rules import Belonging
from archive.filing.stocktake import service as stocktake
from archive.filing.versions import service as versions
from archive.lending.offline import service as offline
from archive.lending.offline.rules import Act
from archive.lending.workdays import service as workdays
from archive.people import service as people
from archive.people.signin import entries, notices
from archive.records.models import Record
from archive.search import past
from archive.signing import opinions
from archive.signing.seals import outings
from archive.signing.seals.models import CompanySeal
from tests.strangers import others_own
from tests.web.laid_out import ARCHIVIST, CLERK, HEAD, KEEPER, Office, invite_other_party


def lay_out_more(resources, password_of) -> None:
    """Do what is done once in a while, each once."""
    invite_other_party(resources, password_of)
    with resources.reading() as uow:
        staff = {one.username: one for one in people.staff(uow, limit=100)}
    office = Office(resources, staff)
    others_own(office)
    _at_the_own_desk(office)
    _moved(office)
    _given_back(office, password_of)
    _of_the_controlled(office)
    _counted(office)
    _seal_outside(office)
    _day_changed(office)


def _at_the_own_desk(office):
    clerk = office.staff[CLERK]
    office.do(opinions.add_phrase, CLERK, "同意，请按期交货。")
    office.do(past.remember, CLERK, "海棠湾年度合同")
    with office.resources.work() as uow:
        entries.note(uow, clerk.id, "password", "127.0.0.1", "另一个浏览器")
        notices.tell(uow, clerk.id, "device", "有人用新的浏览器登录。")
        uow.commit()
    [(old,), *_] = office.ask(
        select(Record.id).where(Record.author_id == clerk.id, Record.state == "filed")
    )
    office.do(versions.correct_record, CLERK, old, "地址写错")


def _moved(office):
    """A paper put into another year's volume, another onto another shelf."""
    [(item_id, year), *_] = office.ask(
        text(
            "select item.id, item.year from item join volume on volume.id = item.volume_id"
            " where item.state = 'shelved' and volume.state = 'open' order by item.id desc"
        )
    )
    office.do(
        filing.move_item,
        ARCHIVIST,
        item_id,
        Belonging("KH", "客户开发", year, "Y", "XSB", 1),
        "期限定错",
    )
    [new] = office.do(places.make_places, ARCHIVIST, None, "room", ["库房九"], None)
    [(code,), *_] = office.ask(select(ItemCopy.barcode).where(ItemCopy.status == "in"))
    office.do(places.move_here, ARCHIVIST, new.barcode, [code], "腾地方")


def _given_back(office, password_of):
    """A list handed over and given back; a paper from outside that is not taken."""
    [(list_id,), *_] = office.ask(text("select id from handover_list where state = 'draft'"))
    with office.resources.reading() as uow:
        digest = handovers.get_list(uow, office.staff[HEAD], list_id).digest
    known = {"password": password_of(HEAD), "address": "-"}
    handover.hand_over(office.resources, office.staff[HEAD], list_id, digest, **known)
    office.do(handovers.give_back, ARCHIVIST, list_id, "页数写错")
    [(item_id,), *_] = office.ask(select(Item.id).where(Item.state == "offered"))
    office.do(filing.give_back, ARCHIVIST, item_id, "缺第二页")


def _of_the_controlled(office):
    [(document_id, version_id), *_] = office.ask(
        select(ControlledVersion.document_id, ControlledVersion.id)
    )
    office.do(controlled.withdraw, ARCHIVIST, document_id, version_id, "作废")
    [(item_id,), *_] = office.ask(
        select(Item.id).where(Item.state == "shelved").order_by(Item.id.desc())
    )
    office.do(controlled.refuse, ARCHIVIST, item_id, "看不清")


def _counted(office):
    [(take_id,), *_] = office.ask(text("select id from stocktake where state = 'open'"))
    with office.resources.reading() as uow:
        found = stocktake.get_take(uow, office.staff[ARCHIVIST], take_id).findings
    unknown = next(one for one in found if one.outcome == "unknown")
    told = (unknown.barcode, unknown.outcome, "noted", "是邮件的条码")
    office.do(stocktake.decide, ARCHIVIST, take_id, *told)
    act = Act("断网一", "back", "不认得的条码", office.resources.clock())
    office.do(offline.note_conflict, ARCHIVIST, act, "没有这个条码。")


def _seal_outside(office):
    by_id = {one.id: name for name, one in office.staff.items()}
    [(seal_id, keeper), *_] = office.ask(
        select(CompanySeal.id, CompanySeal.keeper_id).where(CompanySeal.state == "in_use")
    )
    taker = office.staff[CLERK]
    office.do(outings.take_out, by_id[keeper], seal_id, taker, "陆海平", "海棠湾", "当面签约")


def _day_changed(office):
    day = local_day(office.resources.clock()) + timedelta(days=20)
    with office.resources.reading() as uow:
        version = load_book(uow).version
    change = workdays.DaysChange(f"{day}", "", "closed", "厂庆")
    office.do(workdays.change_days, KEEPER, change, version)
