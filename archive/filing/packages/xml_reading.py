"""Takes XML packages (DA/T 48) in: one file, or a ZIP of them; whole or not at all.

Every package is judged before anything of any is kept: form, names, sizes, digests, signature.
What the signature is worth is told with the item: one that does not fit the bytes refuses the
whole; one by a company this house does not vouch for, or none at all, is taken with that said,
because packages come from other archives, and their digests still hold.
"""

import base64
import contextlib
import hashlib
import re
import unicodedata
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO, cast

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.x509.oid import NameOID

from archive.core.errors import Invalid
from archive.filing.import_rows import Batch, ImportedFile
from archive.filing.packages import doors
from archive.filing.packages import xml_form as form
from archive.filing.packages.taking import check_row, keep_file, role_of, row_of
from archive.filing.packages.xml_form import named
from archive.filing.packages.xml_parsing import Decoded, Parsed, parse_package
from storage.blobs import BlobStore

OURS = "签名完好，由本单位证书签发"
UNSIGNED = "没有签名，来源未经证实"
OTHER_RULE = "签名的规则或算法本系统不认识，没有核验"
MOST_FAULTS = 20
_OUR_WAY = (form.RULE, form.ALGORITHM)
_DAY = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})")

Opened = Callable[[], BinaryIO]


@dataclass(frozen=True)
class _Told:
    """One file as the package tells of it."""

    name: str
    label: str
    size: int
    digests: Mapping[str, str]
    borrowed: bool  # its data is said to be another's


def is_xml_zip(path: Path) -> bool:
    """Whether a ZIP holds XML packages and nothing else."""
    with doors.open_zip(path) as package:
        names = [one.filename for one in package.infolist() if not one.is_dir()]
    return bool(names) and all(name.lower().endswith(".xml") for name in names)


def read_xml(path: Path, blobs: BlobStore, issuers: Sequence[x509.Certificate]) -> Iterator[Batch]:
    """Yield a package's item as a batch of one; raise Invalid unless all of it is good."""
    if path.stat().st_size > doors.MOST_BYTES:
        raise Invalid(f"XML 封装包超过 {doors.MOST_BYTES >> 30} GB，没有导入。")
    yield from _all({path.name: lambda: path.open("rb")}, blobs, issuers)


def read_xml_zip(
    path: Path, blobs: BlobStore, issuers: Sequence[x509.Certificate]
) -> Iterator[Batch]:
    """Yield the items of a ZIP of packages; raise Invalid unless all of them are good."""
    with doors.open_zip(path) as package:
        entries = doors.judged_entries(package)
        opened = {name: _entry(package, info) for name, info in entries.items()}
        yield from _all(opened, blobs, issuers)


def _entry(package: zipfile.ZipFile, info: zipfile.ZipInfo) -> Opened:
    return lambda: cast(BinaryIO, package.open(info))


def _all(
    opened: Mapping[str, Opened], blobs: BlobStore, issuers: Sequence[x509.Certificate]
) -> Iterator[Batch]:
    verdicts: dict[str, str] = {}
    codes: set[str] = set()
    for name, opening in opened.items():
        with _placed(name):
            parsed = parse_package(opening)
            verdicts[name] = _judged(parsed, issuers)
            code = _identity(parsed.root)
            if code in codes:
                raise Invalid("与另一个封装包是同一份档案（单位和编号相同），没有导入。")
            codes.add(code)
    for name, opening in opened.items():
        with TemporaryDirectory(prefix="package-") as folder, _placed(name):
            batch = _item(opening, Path(folder), name, verdicts[name], blobs)
        yield batch


@contextlib.contextmanager
def _placed(name: str) -> Iterator[None]:
    """Name the package in whatever is found wrong with it."""
    try:
        yield
    except Invalid as wrong:
        raise Invalid(f"“{name[:80]}”：{wrong.message}") from wrong


def _judged(parsed: Parsed, issuers: Sequence[x509.Certificate]) -> str:
    """Return what the signature is worth; raise Invalid for what is wrong with the package."""
    form.check_form(parsed.root)
    files = _files(parsed.root)
    faults = _name_faults(files)
    verdict = _signature_verdict(parsed, issuers)
    for told, found in zip(files, parsed.files, strict=True):
        faults += _file_faults(told, found, is_signed=verdict not in (UNSIGNED, OTHER_RULE))
    if faults:
        raise Invalid(f"封装包不完好，没有导入：{'；'.join(faults[:MOST_FAULTS])}。")
    check_row(_described(parsed.root), _company(parsed.root))
    return verdict


def _name_faults(files: Sequence[_Told]) -> list[str]:
    faults, seen = [], set[str]()
    for one in files:
        folded = unicodedata.normalize("NFC", one.name).casefold()
        if not one.name.strip(" .") or len(one.name) > 255:
            faults.append(f"文件名“{one.name[:80]}”空缺或太长")
        elif any(char in "/\\:" or unicodedata.category(char)[0] == "C" for char in one.name):
            faults.append(f"文件名“{one.name[:80]}”的路径不规矩，或有不能用的字符")
        elif folded in seen:
            faults.append(f"文件名“{one.name[:80]}”重名")
        seen.add(folded)
    return faults


def _file_faults(told: _Told, found: Decoded, *, is_signed: bool) -> list[str]:
    name = told.name[:80]
    if told.borrowed:
        return [f"“{name}”只是指向别处数据的链接"]
    if not found.size:
        return [f"“{name}”的内容缺失"]
    if told.size != found.size:
        return [f"“{name}”有 {found.size} 字节，登记的是 {told.size} 字节"]
    known = {"SHA-256": found.sha256, "SM3": found.sm3}
    checked = {kind: value for kind, value in told.digests.items() if known.get(kind)}
    wrong = [kind for kind, value in checked.items() if value.lower() != known[kind]]
    if wrong:
        return [f"“{name}”的内容与登记的摘要（{wrong[0]}）不符"]
    if not checked and not is_signed:
        return [f"“{name}”既没有摘要，封装包也没有可核验的签名，无从核对"]
    return []


def _signature_verdict(parsed: Parsed, issuers: Sequence[x509.Certificate]) -> str:
    signatures = list(parsed.root.iter(named("电子签名")))
    if not signatures:
        return UNSIGNED
    return "；".join(dict.fromkeys(_verdict(one, parsed, issuers) for one in signatures))


def _verdict(signature: Any, parsed: Parsed, issuers: Sequence[x509.Certificate]) -> str:
    if (_text(signature, "签名规则"), _text(signature, "签名算法标识")) != _OUR_WAY:
        return OTHER_RULE
    try:
        value = base64.b64decode(_text(signature, "签名结果"))
        der = base64.b64decode(_text(signature, "证书块/证书"))
        certificate = x509.load_der_x509_certificate(der)
        key = certificate.public_key()
    except (ValueError, TypeError) as wrong:
        raise Invalid("封装包的签名或证书读不出来，没有导入。") from wrong
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return OTHER_RULE
    try:
        key.verify(value, parsed.signed_digest, ec.ECDSA(Prehashed(hashes.SHA256())))
    except InvalidSignature as wrong:
        raise Invalid("签名与内容不符：封装包在签名之后被改动过，没有导入。") from wrong
    if any(_issued_by(certificate, issuer) for issuer in issuers):
        return OURS
    names = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    who = str(names[0].value)[:60] if names else "未写单位"
    mark = hashlib.sha256(der).hexdigest()[:16]
    return f"签名完好，签名人“{who}”的证书（{mark}）不是本单位签发，身份未经证实"


def _issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _item(opened: Opened, folder: Path, name: str, verdict: str, blobs: BlobStore) -> Batch:
    parsed = parse_package(opened, folder)
    kept = [
        (role_of(told.label), _keep(told, found, blobs))
        for told, found in zip(_files(parsed.root), parsed.files, strict=True)
    ]
    row = row_of(_described(parsed.root), name, _company(parsed.root), kept, verdict)
    return Batch((row,), (), 1)


def _keep(told: _Told, found: Decoded, blobs: BlobStore) -> ImportedFile:
    assert found.path is not None  # noqa: S101  # read with a folder
    kept = keep_file(found.path, told.name, blobs)
    found.path.unlink()  # a package may hold gigabytes: not twice on the disk
    return kept


def _files(root: Any) -> list[_Told]:
    return [
        _Told(
            name=_text(code, "电子属性/计算机文件名"),
            label=_text(paper, "题名"),
            size=int(_text(code, "电子属性/计算机文件大小")),
            digests={one.get("算法"): one.text or "" for one in code.iter(named("数字摘要"))},
            borrowed=code.find(named(form.DATA)).get("引用编码数据ID") is not None,
        )
        for paper in root.iter(named("文档"))
        for code in paper.iter(named("编码"))
    ]


def _described(root: Any) -> dict[str, object]:
    """Return the package's description in the words of ``describing``."""
    entity = next(root.iter(named("文件实体")))
    content = entity.find(named("内容描述"))
    remarks = {
        one.get("项目"): one.text or "" for one in entity.findall(named("附注")) if one.get("项目")
    }
    day = _DAY.match(_text(content, "日期"))
    return {
        "档号": " ".join((entity.find(named("档号")).text or "").split()),
        "题名": _text(content, "题名"),
        "文号": _text(content, "文件编号"),
        "责任者": _text(content, "责任者"),
        "日期": "-".join(day.groups()) if day else "",
        "年度": _text(entity, "档号/年度"),
        "密级": _text(content, "密级"),
        "页数": _text(entity, "形式特征/页数").lstrip("0"),
        "其他": {
            name.removeprefix(form.OTHER): value
            for name, value in remarks.items()
            if name.startswith(form.OTHER)
        },
        **{name: remarks[name] for name in form.REMARKS if name in remarks},
    }


def _identity(root: Any) -> str:
    told = _described(root)
    return f"{_company(root)}/{told['档号'] or told.get('归档号') or id(root)}"


def _company(root: Any) -> str:
    return _text(root, f"{form.SIGNED}/封装包创建单位")


def _text(element: Any, path: str) -> str:
    found = element.find("/".join(named(part) for part in path.split("/")))
    return "" if found is None else " ".join((found.text or "").split())
