"""About sixty made records of a made company, an index over them, and a short way to search it."""

import random
from collections.abc import Callable, Iterable, Sequence

import pytest

from indexer import Entry, Index, SearchRequest, SearchResults

SALES = frozenset({"dept:sales"})
FINANCE = frozenset({"dept:finance"})
BOTH = SALES | FINANCE

CUSTOMERS = {
    "海信": "青岛海信电子技术有限公司",
    "长虹": "四川长虹电器股份有限公司",
    "重庆": "重庆银行机械设备厂",
    "绿源": "绿源食品（上海）有限公司",
    "阿里木": "阿里木·买买提贸易行",
    "田": "𠮷田株式会社",
}


def _named() -> list[Entry]:
    def record(number: str, title: str, body: str, who: str = "", **more: object) -> Entry:
        values: dict[str, object] = {
            "id": number,
            "title": title,
            "body": body,
            "customer": CUSTOMERS.get(who, ""),
            "form": "E05",
            "form_title": "买卖合同",
            "year": 2024,
            "department": "销售部",
            "date": "2024-03-15",
            "status": "已归档",
            "readers": BOTH,
        } | more
        return Entry(**values)  # type: ignore[arg-type]

    return [
        record(
            "hisense-contract",
            "海信电子元件买卖合同",
            "甲方：青岛海信电子技术有限公司\n合同编号HT-2024-0017，电话13800138000。\n"
            "总价12,500.00元，人民币壹万贰仟伍佰元整。联系人张三丰，身份证310101199003071234。",
            "海信",
            numbers=("HT-2024-0017", "Z109-KH·2024-D30-BGS-0001", "A0000017"),
            people=("张三丰", "王小明"),
        ),
        record(
            "hisense-report",
            "新开发客户报告表",
            "客户海信，開拓經過：電子檔案系統的介紹。",
            "海信",
            form="E01",
            form_title="新开发客户报告表",
            year=2023,
            date="2023-06-01",
            numbers=("E01-2023-0008",),
            maker="李四",
        ),
        record(
            "changhong-contract",
            "长虹电视机买卖合同",
            "交货地点：成都。保证责任由乙方承担。合约书编号 HT-2024-0018。",
            "长虹",
            numbers=("HT-2024-0018", "Z109-KH·2024-D30-BGS-0002"),
            status="审批中",
            department="市场部",
        ),
        record(
            "bank-loan",
            "银行借款担保书",
            "中国银行重庆分行，行长赵六，银行账户 6222020200112233445。",
            "重庆",
            form="E03",
            form_title="担保书",
            year=2022,
            date="2022-11-11",
            status="作废",
        ),
        record(
            "food",
            "绿源食品月份业绩报告",
            "本月营业额 1,200 元；ＡＢＣ产品；Purchase Agreement signed。",
            "绿源",
            form="E10",
            form_title="月份业绩报告",
            date="2024-12-31",
        ),
        record(
            "uyghur",
            "干果采购",
            "联系人阿里木·买买提。货品 葡萄干。",
            "阿里木",
            department="市场部",
        ),
        record("rare", "𠮷田様の見積書", "🧧 红包 客户&合同 A<B & C {{7*7}} {% for %}", "田"),
        record(
            "finance-secret",
            "海信授信额度调查",
            "海信密档，内部评级丙等，编号CW-2024-0999。",
            "海信",
            numbers=("CW-2024-0999",),
            department="财务部",
            readers=FINANCE,
            form="K05",
            form_title="客户关系评估表",
        ),
        record(
            "finance-only-customer",
            "凤凰山项目",
            "凤凰山专项资金。",
            department="财务部",
            customer="凤凰山投资有限公司",
            readers=FINANCE,
            status="绝密流转",
            year=1999,
        ),
        record("orphan", "无人可见的记录", "海信 长虹 银行", readers=frozenset()),
    ]


def _others() -> list[Entry]:
    chance = random.Random(3)
    goods = ["螺丝", "轴承", "阀门", "电缆", "水泥", "钢材", "木板", "油漆", "玻璃", "地毯"]
    towns = ["大连", "宁波", "无锡", "洛阳", "桂林"]
    return [
        Entry(
            id=f"made-{number}",
            title=f"{chance.choice(towns)}{chance.choice(goods)}采购单第{number}号",
            body=f"货品{chance.choice(goods)}，数量{number}件，交货地{chance.choice(towns)}。备注：无。",
            customer=f"{towns[number % 5]}宏{goods[number % 10]}商行",
            form="E07",
            form_title="采购单",
            numbers=(f"CG-2021-{number:04d}",),
            year=2021,
            department="采购部",
            date=f"2021-{number % 12 + 1:02d}-10",
            status="已归档",
            readers=SALES if number % 2 else BOTH,
        )
        for number in range(50)
    ]


RECORDS = {entry.id: entry for entry in (*_named(), *_others())}

Ask = Callable[..., SearchResults]


class Database:
    """What the index loads its texts from; remembers what it was asked for."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.rows = {entry.id: entry for entry in entries}
        self.asked: list[str] = []

    def load(self, ids: Sequence[str]) -> dict[str, Entry]:
        self.asked += ids
        return {one: self.rows[one] for one in ids if one in self.rows}


@pytest.fixture(scope="session")
def records() -> dict[str, Entry]:
    return RECORDS


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Index:
    index = Index.open(tmp_path_factory.mktemp("index"), Database(RECORDS.values()).load)
    index.rebuild(RECORDS.values())
    return index


@pytest.fixture(scope="session")
def ask(filled: Index) -> Ask:
    def search(text: str, readers: frozenset[str] = BOTH, **more: object) -> SearchResults:
        more.setdefault("limit", 100)
        return filled.search(SearchRequest(text, readers, **more))  # type: ignore[arg-type]

    return search
