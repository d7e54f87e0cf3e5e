"""Writes an item as an XML package after DA/T 48: description, acts, files in Base64, signature.

The files go through in pieces, so a large one costs no memory. What the elements mean and which
of them are the standard's is told in ``xml_form``.
"""

import base64
import copy
import hashlib
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from archive.core.clock import local
from archive.core.errors import Conflict, Invalid
from archive.filing.codes import find_reference
from archive.filing.packages import xml_form as form
from archive.filing.packages.bag import HAS_SM3
from archive.filing.packages.xml_form import named
from archive.filing.views import FileView, ItemView
from archive.signing.authority import SigningKey
from storage.blobs import BlobStore

LINE = 57  # bytes in a line of 76 letters (RFC 2045)
CHUNK = LINE << 14
NOT_WHOLE = "在库里的内容与登记的摘要不符，没有封装；请先做完整性检查。"
_SPACES: Any = {None: form.NAMESPACE}
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MARK = "编码数据在此"


@dataclass(frozen=True)
class Maker:
    """Who makes a package and when: the company, its fonds, its signing key."""

    company: str
    fonds: str
    made_at: datetime
    key: SigningKey


def write_xml(
    target: Path, item: ItemView, described: Mapping[str, Any], maker: Maker, blobs: BlobStore
) -> None:
    """Write the item's package to a file; raise Invalid where a kept file is not whole."""
    mark = f"{_MARK}{secrets.token_hex(16)}:"
    root = _package(item, described, maker, blobs, mark)
    form.check_form(_without_data(root))
    signed = etree.tostring(root.find(named(form.SIGNED)), encoding="unicode")
    pieces = signed.split(mark)
    digest = hashlib.sha256()
    with target.open("wb") as out:
        out.write(_opening())
        for piece in _streamed(pieces, item.files, blobs):
            digest.update(piece)
            out.write(piece)
        out.write(_signature(digest.digest(), maker))
        out.write(f"</{form.ROOT}>\n".encode())


def _streamed(
    pieces: Sequence[str], files: Sequence[FileView], blobs: BlobStore
) -> Iterator[bytes]:
    """Yield the signed object, each file's bytes where its mark stood."""
    yield pieces[0].encode()
    for file, rest in zip(files, pieces[1:], strict=True):
        with blobs.open(file.sha256) as stream:
            yield from _encoded(stream, file)
        yield rest.encode()


def _encoded(stream: BinaryIO, file: FileView) -> Iterator[bytes]:
    digest = hashlib.sha256()
    while chunk := stream.read(CHUNK):
        digest.update(chunk)
        yield base64.encodebytes(chunk)
    if digest.hexdigest() != file.sha256:
        raise Invalid(f"“{file.name}”{NOT_WHOLE}")


def _opening() -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<{form.ROOT} xmlns="{form.NAMESPACE}">'
        f"<封装包格式描述>{form.FORMAT}</封装包格式描述><版本>{form.VERSION}</版本>"
    ).encode()


def _package(
    item: ItemView, described: Mapping[str, Any], maker: Maker, blobs: BlobStore, mark: str
) -> Any:
    """Return the package's tree without a signature, a mark in place of each file's data."""
    root = etree.Element(named(form.ROOT), nsmap=_SPACES)
    _leaf(root, "封装包格式描述", form.FORMAT)
    _leaf(root, "版本", form.VERSION)
    signed = etree.SubElement(root, named(form.SIGNED), {"eep版本": form.VERSION})
    _leaf(signed, "封装包类型", "原始型")
    _leaf(signed, "封装包类型描述", form.ORIGINAL)
    _leaf(signed, "封装包创建时间", local(maker.made_at).isoformat(timespec="seconds"))
    _leaf(signed, "封装包创建单位", maker.company)
    content = _branch(signed, "封装内容")
    entity = _branch(_branch(content, "文件实体块"), "文件实体")
    _describe(entity, described, maker)
    holder = _branch(entity, "文件数据")
    for number, file in enumerate(item.files, start=1):
        _file(holder, number, file, blobs, mark)
    _acts(content, described, maker)
    return root


def _describe(entity: Any, told: Mapping[str, Any], maker: Maker) -> None:
    """Write the item's core description in the order of the standard."""
    _leaf(entity, "聚合层次", "文件")
    source = _branch(entity, "来源")
    _leaf(source, "全宗名称", maker.company)
    _leaf(source, "立档单位名称", maker.company)
    _leaf(entity, "电子文件号", told["档号"] or told["归档号"])
    _code(entity, told, maker)
    content = _branch(entity, "内容描述")
    _leaf(content, "题名", told["题名"])
    _leaf(content, "分类号", told["类目"])
    _leaf(content, "文件编号", told["文号"])
    _leaf(content, "责任者", told["责任者"])
    _leaf(content, "日期", told["日期"])
    _leaf(content, "密级", told["密级"])
    features = _branch(entity, "形式特征")
    _leaf(features, "文件组合类型", "单件" if len(told["文件"]) == 1 else "组合文件")
    _leaf(features, "页数", told["页数"])
    _leaf(features, "语种", "汉语")
    _leaf(_branch(entity, "存储位置"), "脱机载体编号", "")
    _branch(entity, "权限管理")
    _leaf(entity, "信息系统描述", "档案台")
    if told["附注"]:
        _leaf(entity, "附注", told["附注"])
    remarks = {name: told[name] for name in form.REMARKS}
    remarks |= {f"{form.OTHER}{name}": value for name, value in told["其他"].items()}
    for name, value in remarks.items():
        if value:
            _leaf(entity, "附注", value, 项目=_printable(name))


def _code(entity: Any, told: Mapping[str, Any], maker: Maker) -> None:
    """Write the 档号: whole as the text, then its parts; before sealing only these."""
    code = _branch(entity, "档号")
    code.text = _printable(told["档号"])
    parts = find_reference(told["档号"])
    _leaf(code, "全宗号", parts.fonds if parts else maker.fonds)
    _leaf(code, "年度", f"{told['年度']:04d}")
    _leaf(code, "保管期限", told["保管期限"])
    if told["机构"]:
        _leaf(code, "机构或问题", told["机构"])
    if parts:
        _leaf(code, "室编件号", parts.serial)


def _file(holder: Any, number: int, file: FileView, blobs: BlobStore, mark: str) -> None:
    document = f"修改0-文档{number}"
    data, code = f"{document}-文档数据1", f"{document}-文档数据1-编码1"
    paper = _branch(holder, "文档")
    _leaf(paper, "文档标识符", document)
    _leaf(paper, "文档序号", number)
    _leaf(paper, "文档主从声明", "主文档" if file.role == "master" else "附属文档")
    _leaf(paper, "题名", file.role_label)
    encoding = _branch(_branch(paper, "文档数据", 文档数据ID=data), "编码", 编码ID=code)
    nature = _branch(encoding, "电子属性")
    _leaf(nature, "格式信息", file.media_type)
    _leaf(nature, "计算机文件名", file.name)
    _leaf(nature, "计算机文件大小", file.size)
    _leaf(nature, "数字摘要", file.sha256, 算法="SHA-256")
    if HAS_SM3:
        _leaf(nature, "数字摘要", _sm3(file, blobs), 算法="SM3")
    _leaf(encoding, "编码描述", form.ENCODED)
    _leaf(encoding, "反编码关键字", f"base64-{Path(file.name).suffix[1:].lower()}")
    _leaf(encoding, form.DATA, mark, 编码数据ID=f"{code}编码数据")


def _sm3(file: FileView, blobs: BlobStore) -> str:
    digest = hashlib.new("sm3")
    with blobs.open(file.sha256) as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _acts(content: Any, told: Mapping[str, Any], maker: Maker) -> None:
    """Write every act on the item (业务实体) and who did them (机构人员实体)."""
    acts = [
        (f"步骤{number}", one["办理人"], one["步骤"], one["时间"], one["说明"])
        for number, one in enumerate(told["归档步骤"], start=1)
    ]
    acts += [
        (f"日志{one['序号']}", one["何人"], one["做了什么"], one["时间"], f"日志摘要 {one['摘要']}")
        for one in told["过程"]
    ]
    people = {name: f"人员{n}" for n, name in enumerate(dict.fromkeys(act[1] for act in acts), 1)}
    block = _branch(content, "业务实体块")
    for mark, who, what, when, note in acts:
        act = _branch(block, "业务实体")
        _leaf(act, "业务标识符", mark)
        _leaf(act, "机构人员标识符", people[who])
        _leaf(act, "文件标识符", told["档号"] or told["归档号"])
        _leaf(act, "业务状态", "历史行为")
        _leaf(act, "业务行为", what)
        _leaf(act, "行为时间", when)
        if note:
            _leaf(act, "行为描述", note)
    agents = _branch(content, "机构人员实体块")
    for name, mark, kind in [
        (maker.company, "单位1", "单位"),
        *((name, mark, "个人") for name, mark in people.items()),
    ]:
        agent = _branch(agents, "机构人员实体")
        _leaf(agent, "机构人员标识符", mark)
        _leaf(agent, "机构人员类型", kind)
        _leaf(agent, "机构人员名称", name)


def _signature(digest: bytes, maker: Maker) -> bytes:
    """Return 电子签名块: the company's signature, its certificate and the chain above it."""
    private = maker.key.private_key
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise Conflict("单位的签名密钥不是椭圆曲线密钥，不能签封装包。")
    value = private.sign(digest, ec.ECDSA(Prehashed(hashes.SHA256())))
    block = etree.Element(named("电子签名块"), nsmap=_SPACES)
    signature = _branch(block, "电子签名")
    _leaf(signature, "签名标识符", "修改0-签名1")
    _leaf(signature, "签名规则", form.RULE)
    _leaf(signature, "签名时间", local(maker.made_at).isoformat(timespec="seconds"))
    _leaf(signature, "签名人", maker.company)
    _leaf(signature, "签名结果", base64.b64encode(value).decode())
    chain = _branch(signature, "证书块")
    for one in (maker.key.certificate, *maker.key.chain):
        _leaf(chain, "证书", base64.b64encode(one.public_bytes(Encoding.DER)).decode())
    _leaf(signature, "签名算法标识", form.ALGORITHM)
    return etree.tostring(block, encoding="unicode").encode()


def _without_data(root: Any) -> Any:
    copied = copy.deepcopy(root)
    for one in copied.iter(named(form.DATA)):
        one.text = None
    return copied


def _branch(parent: Any, name: str, **attributes: str) -> Any:
    return etree.SubElement(parent, named(name), attributes)


def _leaf(parent: Any, name: str, value: object, **attributes: str) -> None:
    _branch(parent, name, **attributes).text = _printable(str(value))


def _printable(text: str) -> str:
    """Return the text without what XML cannot carry."""
    return _NOT_XML.sub("\ufffd", text)
