"""The demo company's customers: forty in the register, and some that are only being won yet.

Every name, address and number is invented and can be seen to be: the streets are 示例路, no
local telephone number begins with 0000, and no credit code has the district 990000.
"""

from dataclasses import dataclass

from archive.customers.rules import CODE_ALPHABET, CODE_WEIGHTS

_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_BUREAU = "91"  # 市场监管，企业
_DISTRICT = "990000"


@dataclass(frozen=True)
class Firm:
    """A customer or one to be; ``trade`` is a key of ``wording.GOODS``, no keeper is 公海."""

    serial: int
    short: str
    name: str
    region: str
    place: str
    area_code: str
    trade: str
    contact: str
    keeper: str
    status: str = "正常"

    @property
    def address(self) -> str:
        """Where its office is."""
        return f"{self.place}示例路 {self.serial * 7 % 200 + 1} 号"

    @property
    def factory_address(self) -> str:
        """Where its works are."""
        return f"{self.place}示例工业园 {self.serial % 9 + 1} 区 {self.serial % 30 + 1} 号"

    @property
    def phone(self) -> str:
        """Its telephone: no exchange gives out numbers that begin with 0000."""
        return f"{self.area_code}-0000{1000 + self.serial}"

    @property
    def factory_phone(self) -> str:
        """The telephone of its works."""
        return f"{self.area_code}-0000{3000 + self.serial}"

    @property
    def credit_code(self) -> str:
        """A credit code whose check digits are right, in a district that does not exist."""
        return credit_code(self.serial)


def credit_code(serial: int) -> str:
    """Return an invented 统一社会信用代码 with the right check digits (GB 32100, GB 11714)."""
    digits = f"{serial * 137 % 100_000_000:08d}"
    pairs = zip(digits, _ORGANISATION_WEIGHTS, strict=True)
    check = 11 - sum(int(digit) * weight for digit, weight in pairs) % 11
    body = f"{_BUREAU}{_DISTRICT}{digits}{ {10: 'X', 11: '0'}.get(check, str(check)) }"
    total = sum(
        CODE_ALPHABET.index(char) * weight for char, weight in zip(body, CODE_WEIGHTS, strict=True)
    )
    return body + CODE_ALPHABET[-total % 31]


def _firms(first: int, table: str) -> tuple[Firm, ...]:
    rows = (line.split() for line in table.strip().splitlines())
    return tuple(_firm(serial, row) for serial, row in enumerate(rows, start=first))


def _firm(serial: int, row: list[str]) -> Firm:
    short, name, region, place, area_code, trade, contact, keeper, status = row
    owner = "" if keeper == "公海" else keeper
    return Firm(serial, short, name, region, place, area_code, trade, contact, owner, status)


# Won by a filed 新开发客户报告表: filing the report enters them in the register.
WON = _firms(
    1,
    """
云渡机械 杭州云渡精密机械有限公司 华东 浙江省杭州市余杭区 0571 轴承 韩经理 linxiaoyu 正常
青禾仪表 苏州青禾仪器仪表有限公司 华东 江苏省苏州市虎丘区 0512 仪表 邵工 hezihan 正常
北岸泵阀 宁波北岸泵阀制造有限公司 华东 浙江省宁波市鄞州区 0574 密封 罗厂长 tangyifan 正常
松间包装 无锡松间包装材料有限公司 华东 江苏省无锡市锡山区 0510 包装 戴女士 linxiaoyu 正常
朗月电子 常州朗月电子科技有限公司 华东 江苏省常州市武进区 0519 电气 于经理 hezihan 正常
望楼自动化 合肥望楼自动化设备有限公司 华东 安徽省合肥市蜀山区 0551 气动 廖工 tangyifan 暂停往来
海棠湾食品机械 青岛海棠湾食品机械有限公司 华东 山东省青岛市城阳区 0532 传动 曲经理 linxiaoyu 正常
泉畔环保 济南泉畔环保工程有限公司 华东 山东省济南市历城区 0531 仪表 宋主任 hezihan 正常
江汀医械 武汉江汀医疗器械有限公司 华中 湖北省武汉市洪山区 027 密封 彭女士 tangyifan 正常
橘洲头新能源 长沙橘洲头新能源有限公司 华中 湖南省长沙市岳麓区 0731 电气 谭经理 linxiaoyu 正常
锦里汇装备 成都锦里汇智能装备有限公司 西南 四川省成都市双流区 028 气动 蒲工 hezihan 正常
两江源汽配 重庆两江源汽车配件有限公司 西南 重庆市渝北区 023 轴承 冉厂长 linxiaoyu 正常
鹭汀纺织 厦门鹭汀纺织有限公司 华南 福建省厦门市集美区 0592 传动 庄先生 tangyifan 正常
启澜陶机 佛山启澜陶瓷机械有限公司 华南 广东省佛山市禅城区 0757 轴承 关经理 hezihan 正常
星垣模具 东莞星垣模具有限公司 华南 广东省东莞市长安镇 0769 工具 麦师傅 linxiaoyu 正常
中原渡物流 郑州中原渡物流设备有限公司 华中 河南省郑州市中牟县 0371 传动 乔经理 tangyifan 正常
""",
)

# Entered in the register by hand.
REGISTERED = _firms(
    17,
    """
汀兰印务 上海汀兰印务有限公司 华东 上海市嘉定区 021 包装 顾女士 linxiaoyu 正常
拾光照明 中山拾光照明有限公司 华南 广东省中山市古镇镇 0760 电气 欧经理 hezihan 正常
百川水务 珠海百川汇水务设备有限公司 华南 广东省珠海市斗门区 0756 密封 容工 suxiaomin 正常
岭上茶业 福州岭上春茶业有限公司 华南 福建省福州市晋安区 0591 包装 林厂长 tangyifan 正常
远帆船舶 大连远帆舶配有限公司 东北 辽宁省大连市甘井子区 0411 密封 曹经理 linxiaoyu 正常
雪松木业 哈尔滨雪松岭木业有限公司 东北 黑龙江省哈尔滨市松北区 0451 工具 佟先生 hezihan 正常
大青山乳业 呼和浩特大青山下乳业有限公司 华北 内蒙古呼和浩特市赛罕区 0471 仪表 云女士 suxiaomin 正常
燕归园林 北京燕归园林工程有限公司 华北 北京市通州区 010 工具 祁经理 tangyifan 正常
津沽电梯 天津津沽渡电梯配件有限公司 华北 天津市西青区 022 传动 靳工 linxiaoyu 正常
太行石材 石家庄太行雾石材有限公司 华北 河北省石家庄市鹿泉区 0311 工具 郝厂长 hezihan 正常
汾畔铸造 太原汾畔铸造有限公司 华北 山西省太原市清徐县 0351 轴承 武经理 tangyifan 正常
渭水制药 西安渭水谣制药设备有限公司 西北 陕西省西安市高陵区 029 仪表 雒女士 suxiaomin 正常
祁连风电 兰州祁连风电工程有限公司 西北 甘肃省兰州市皋兰县 0931 电气 马经理 linxiaoyu 正常
洱海花卉 昆明洱海月花卉物流有限公司 西南 云南省昆明市呈贡区 0871 包装 杨女士 hezihan 正常
苗岭食品 贵阳苗岭香食品有限公司 西南 贵州省贵阳市花溪区 0851 包装 龙先生 tangyifan 潜在
漓江竹器 桂林漓江竹语工艺有限公司 华南 广西壮族自治区桂林市临桂区 0773 工具 秦女士 linxiaoyu 潜在
椰风橡胶 海口椰风橡胶制品有限公司 华南 海南省海口市秀英区 0898 密封 符经理 hezihan 正常
赣江铜业 南昌赣江湾铜业有限公司 华中 江西省南昌市新建区 0791 电气 熊厂长 tangyifan 暂停往来
黄山油墨 黄山云脚油墨有限公司 华东 安徽省黄山市徽州区 0559 包装 程先生 公海 潜在
舟山渔具 舟山潮信渔具有限公司 华东 浙江省舟山市普陀区 0580 工具 钱女士 公海 潜在
连云港饲料 连云港花果山下饲料有限公司 华东 江苏省连云港市赣榆区 0518 传动 仲经理 公海 停止交易
长白参业 长春长白雪参业有限公司 东北 吉林省长春市双阳区 0431 包装 金女士 公海 停止交易
沈水重工 沈阳沈水湾重工有限公司 东北 辽宁省沈阳市于洪区 024 轴承 关工 linxiaoyu 正常
浦江水泵 上海浦江潮水泵有限公司 华东 上海市奉贤区 021 密封 陆女士 tangyifan 正常
""",
)

# Only met so far: their reports are not filed, so the register does not know them.
PROSPECTS = _firms(
    41,
    """
春潮阀门 温州春潮阀门有限公司 华东 浙江省温州市龙湾区 0577 密封 叶经理 linxiaoyu 潜在
云岫光学 嘉兴云岫光学仪器有限公司 华东 浙江省嘉兴市南湖区 0573 仪表 褚工 hezihan 潜在
石塘铝业 清远石塘铝业有限公司 华南 广东省清远市清城区 0763 传动 朱厂长 tangyifan 潜在
白鹭洲医药 厦门白鹭洲医药包装有限公司 华南 福建省厦门市同安区 0592 包装 纪女士 linxiaoyu 潜在
南湾机器人 深圳南湾里机器人有限公司 华南 广东省深圳市坪山区 0755 气动 赖工 hezihan 潜在
湘水重机 湘潭湘水重机有限公司 华中 湖南省湘潭市岳塘区 0731 轴承 易经理 tangyifan 潜在
蜀道轨道 成都蜀道行轨道配件有限公司 西南 四川省成都市金牛区 028 轴承 文工 linxiaoyu 潜在
汉江米业 襄阳汉江米业有限公司 华中 湖北省襄阳市樊城区 0710 包装 柳先生 hezihan 潜在
运河文具 扬州运河文具有限公司 华东 江苏省扬州市邗江区 0514 工具 卞女士 tangyifan 潜在
天目竹业 湖州天目竹业有限公司 华东 浙江省湖州市安吉县 0572 工具 章经理 linxiaoyu 潜在
滨海化纤 盐城滨海渡化纤有限公司 华东 江苏省盐城市大丰区 0515 传动 成厂长 hezihan 潜在
""",
)

CUSTOMERS = WON + REGISTERED
BY_SHORT = {firm.short: firm for firm in CUSTOMERS + PROSPECTS}
