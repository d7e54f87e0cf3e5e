"""The XML package's form after DA/T 48—2009: its words, its schema, how its signature is made.

What could be confirmed in public documents and schemas that follow the standard: the namespace,
the elements from 电子文件封装包 down to 编码数据 with their order, the values 原始型, 主文档 and
附属文档, 历史行为, 机构人员类型, the spelling of the ids (修改0-文档1-文档数据1-编码1) and of
反编码关键字 (base64-pdf), the sentences of 封装包格式描述 and 编码描述. What could not: the
standard's own order of bytes under its signature. So 签名规则 says ours in full: ECDSA with
SHA-256 over the bytes from ``<被签名对象`` to ``</被签名对象>`` as they stand in the file.
Ours alone, and told in the schema: 数字摘要 (each file's digests), 附注's attribute 项目 (what
the standard has no element for). The schema ``eep.xsd`` is written here, not the standard's.
"""

from functools import cache
from pathlib import Path
from typing import Any

from lxml import etree

from archive.core.errors import Invalid

NAMESPACE = "http://www.saac.gov.cn/standards/ERM/encapsulation"
ROOT, SIGNED, DATA = "电子文件封装包", "被签名对象", "编码数据"
VERSION = "2009"
FORMAT = "本EEP根据中华人民共和国档案行业标准DA/T 48-2009《基于XML的电子文件封装规范》生成"
ORIGINAL = "本封装包包含电子文件数据及其元数据，原始封装，未经修改"
ENCODED = (
    "本封装包中“编码数据”元素存储的是计算机文件二进制流的Base64编码，有关Base64编码规则参见IETF "
    "RFC 2045多用途邮件扩展（MIME）第一部分：互联网信息体格式。当提取和显现封装在编码数据元素中的"
    "计算机文件时，应对Base64编码进行反编码，并依据封装包中“反编码关键字”元素中记录的值还原"
    "计算机文件的扩展名"
)
RULE = "对文件中从“<被签名对象”到“</被签名对象>”的全部字节（UTF-8，含首尾标签）按签名算法签名"
ALGORITHM = "ECDSA-SHA256"
# What the standard has no element for, as 附注 with the attribute 项目.
REMARKS = ("归档号", "门类", "类目", "部门", "客户", "表单", "来源编号")
OTHER = "其他·"  # before the name of a further element (DA/T 46) of the item
NOT_READ = 100  # longest part of a wrong value shown


def named(name: str) -> str:
    """Return an element's name with the standard's namespace."""
    return f"{{{NAMESPACE}}}{name}"


def check_form(root: Any) -> None:
    """Raise Invalid unless a package's tree (its data left out) is of the schema's form."""
    schema = _schema()
    if schema.validate(root):
        return
    fault = schema.error_log[0]
    told = fault.message.replace(f"{{{NAMESPACE}}}", "")[:300]
    raise Invalid(f"XML 封装包的结构不合 DA/T 48（第 {fault.line} 行）：{told}。没有导入。")


@cache
def _schema() -> Any:
    return etree.XMLSchema(etree.parse(Path(__file__).with_name("eep.xsd")))
