"""What the demo company's papers say: values of the forms, worked out from tables.

The same paper always says the same, so that a demo broken off half way can be taken up again.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal

from archive.demo.firms import Firm
from archive.demo.staff import COMPANY
from archive.records.schema import sample_values
from doc_templates import Form

# Trade: article, its size, unit price, usual quantity, and two lesser articles.
GOODS: Mapping[str, tuple[tuple[str, str, str, int], ...]] = {
    "轴承": (
        ("深沟球轴承", "6204-2RS", "8.60", 4000),
        ("圆锥滚子轴承", "30206", "21.50", 800),
        ("锂基润滑脂", "2# 15kg 桶", "268.00", 20),
    ),
    "仪表": (
        ("压力变送器", "0–1.6 MPa 4–20 mA", "385.00", 160),
        ("双金属温度计", "WSS-411", "76.00", 240),
        ("仪表阀组", "三阀组 316", "142.00", 90),
    ),
    "密封": (
        ("机械密封", "104-35", "48.80", 1500),
        ("氟橡胶 O 形圈", "φ35×3.1", "1.65", 12000),
        ("四氟垫片", "DN80", "6.20", 2000),
    ),
    "包装": (
        ("五层瓦楞纸箱", "600×400×400", "7.90", 6000),
        ("拉伸缠绕膜", "50 cm×300 m", "32.00", 400),
        ("打包带", "PET 1608", "96.00", 120),
    ),
    "电气": (
        ("交流接触器", "CJX2-3210", "64.50", 900),
        ("控制电缆", "KVVP 7×1.5", "9.80", 5000),
        ("铜接线端子", "SC25-8", "1.90", 8000),
    ),
    "气动": (
        ("标准气缸", "SC63×200", "118.00", 300),
        ("二位五通电磁阀", "4V210-08", "46.00", 500),
        ("气源三联件", "AC3010-03", "88.00", 120),
    ),
    "传动": (
        ("窄 V 带", "SPB 2500", "36.40", 1200),
        ("滚子链条", "12A-1", "74.00", 300),
        ("梅花联轴器", "LM5", "92.00", 160),
    ),
    "工具": (
        ("硬质合金立铣刀", "φ10 四刃", "58.00", 600),
        ("切断片", "105×1.2", "2.40", 9000),
        ("内六角扳手组套", "9 件", "35.00", 200),
    ),
}
_MEETINGS = (
    "在{region}工业品采购会上与该公司{contact}相识，对方原有供应商交期常常拖后，有意另找一家。",
    "由老客户介绍与该公司{contact}通话，对方正为新产线备件询价，约定当面再谈。",
    "整理网上询价时发现该公司求购{goods}，当天回电{contact}，寄去目录与样品。",
    "途经{place}时登门拜访，见其仓库所用{goods}规格杂乱，提出统一规格、分批供货的办法。",
)
_TRIALS = (
    "携{goods}样品两套上门，对方留样试装，两周后回复合格。",
    "对方要求先供小样五十件上机试用，试用期间每周回访一次，未见异常。",
    "请{contact}来我司看仓库与检验记录，对方对批次追溯尤其满意。",
)
_HURDLES = (
    "对方希望单价再降百分之三，经请示主管，以首批不低于常用批量为条件同意。",
    "对方提出月结六十天，商谈后定为月结三十天，首批款到发货。",
    "另有一家同行报价略低，我方以备货和当日发货争取下来。",
    "对方起初只肯试单，后因原供应商缺货，改为首批足量。",
)
_REMARKS = (
    "建议首年信用额度按两个月用量核定。",
    "该公司十月起扩建厂房，明年用量可望增加。",
    "对方财务要求随货附检验报告，请仓库留意。",
    "",
)
_EFFORTS = (
    "一、新客户首批货款已全部到账。\n二、两家老客户恢复按月下单。",
    "一、走访客户九家，其中三家补签了年度供货意向。\n二、清理了上季度遗留的退换货。",
    "一、借展会新识客户五家，已寄样两家。\n二、应收账款较上月减少一成。",
)
_PROBLEMS = (
    "部分规格缺货，客户临时改用别家；请采购按周更新库存。",
    "原材料涨价，客户要求延后调价，毛利受压。",
    "同行以低价争单，须以当日发货和检验报告留住客户。",
)


def report_of_new_customer(firm: Firm, day: date, author: str) -> dict[str, object]:
    """Return a 新开发客户报告表 (E01)."""
    article, _, price, quantity = GOODS[firm.trade][0]
    amount = Decimal(price) * quantity
    words = {
        "region": firm.region,
        "contact": firm.contact,
        "goods": article,
        "place": firm.place,
    }
    turns = firm.serial
    story = (
        _MEETINGS[turns % len(_MEETINGS)],
        _TRIALS[turns % len(_TRIALS)],
        _HURDLES[turns // 2 % len(_HURDLES)],
        f"双方谈妥首批{{goods}} {quantity:,} 件，单价 {price} 元，"
        f"合计 {amount:,.2f} 元，货到三十日内付款。",
    )
    lines = (
        f"{number}、{line.format_map(words)}"
        for number, line in zip("一二三四", story, strict=True)
    )
    return {
        "日期": day.isoformat(),
        "客户名称": firm.name,
        "公司地址": firm.address,
        "公司电话": firm.phone,
        "工厂地址": firm.factory_address,
        "工厂电话": firm.factory_phone,
        "主办人员": author,
        "使用产品": article,
        "首回交易额及品名": f"{amount:,.2f} 元 {article}",
        "开拓经过": "\n".join(lines),
        "备注": _REMARKS[turns % len(_REMARKS)],
    }


def contract(firm: Firm, day: date, _author: str) -> dict[str, object]:
    """Return a 买卖合同 (E05) with two or three lines of goods."""
    goods = GOODS[firm.trade][: 2 + firm.serial % 2]
    return {
        "甲方": COMPANY,
        "甲方地址": "上海市闵行区示例大道 1 号",
        "乙方": firm.name,
        "乙方代表": firm.contact,
        "乙方地址": firm.address,
        "签订日期": day.isoformat(),
        "货品": [
            {"货品名称": name, "规格": size, "单价": price, "数量": str(quantity)}
            for name, size, price, quantity in goods
        ],
        "交货期限": (day + timedelta(days=30)).isoformat(),
        "交货地点": "上海市闵行区示例大道 1 号甲方仓库",
        "方式": "汽车运输，纸箱加托盘，随货附装箱单与检验报告",
        "运费": "由乙方负担",
        "验收地点": "甲方仓库，到货后七日内验收完毕",
        "保证责任": "乙方保证货品自验收合格之日起十二个月内不因材质或工艺发生缺陷；"
        "发生缺陷的，接到通知后三日内到场处理并负担更换费用。",
        "罚则": "任何一方迟延交货或付款的，每迟一日按迟延部分的千分之三支付违约金，"
        "至多不超过该部分的百分之十。",
        "其他": "本合同一式两份，双方各执一份，自双方签字盖章之日起生效。",
    }


def monthly_report(_firm: Firm, day: date, author: str) -> dict[str, object]:
    """Return a 月份业绩报告 (E10) on the month before ``day``."""
    month = day.replace(day=1) - timedelta(days=1)
    scale = 80 + sum(map(ord, author)) % 40 + month.month
    return {
        "日期": day.isoformat(),
        "月份": f"{month:%Y-%m}",
        "填报人": author,
        "业绩": [
            _achievement("营业额", scale * 9000, month),
            _achievement("毛利", scale * 1800, month),
            _achievement("收款", scale * 8400, month),
        ],
        "努力成果": _EFFORTS[scale % len(_EFFORTS)],
        "反省事项": "对账迟了几天，有两家的收款拖到月底；今后每月二十日以前先对好账。",
        "关键问题": _PROBLEMS[scale // 2 % len(_PROBLEMS)],
        "期望或其他": "请财务部按周提供逾期账款清单。",
        "下月营业额": str(scale * 9500),
        "下月毛利": str(scale * 1900),
        "下月收款": str(scale * 9000),
        "下月库存": str(scale * 3200),
        "下月事项": "一、拜访未成交客户六家。\n二、与两家老客户谈年度供货。",
    }


def _achievement(what: str, target: int, month: date) -> dict[str, str]:
    """Return one line of achievements; sums grow with the months, figures stay believable."""
    share = 92 + (target // 100 + month.month * 7) % 17
    return {
        "项目": what,
        "本月预定目标": str(target),
        "本月实际业绩": str(target * share // 100),
        "本月去年同期": str(target * 88 // 100),
        "累计预定目标": str(target * month.month),
        "累计实际业绩": str(target * month.month * (share + 100) // 200),
        "累计去年同期": str(target * month.month * 86 // 100),
    }


def sample_paper(form: Form, firm: Firm, day: date, author: str) -> dict[str, object]:
    """Return the sample of any other form, about one of our customers and as of ``day``."""
    values = dict(sample_values(form))
    own = {form.customer_field: firm.name, form.date_field: day.isoformat()}
    own |= {entry.key: author for entry in form.fields if entry.kind == "person"}
    return values | {key: value for key, value in own.items() if key in values}
