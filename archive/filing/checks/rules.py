"""How each item of the check is decided, on plain facts about one paper. Pure.

A rule returns nothing when the paper passes, else a sentence. What cannot be decided here is
said so: ``NotDone`` where it does not apply or nothing is there to do it with, ``Manual`` where
a person has to look. Nothing is passed over in silence. Source: archive.md 4, DA/T 70-2018.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum

from archive.core.clock import local_day
from archive.filing.checks.facts import FileFacts, PaperFacts
from archive.filing.codes import find_reference
from archive.filing.rules import STEPS
from archive.people.rights import SECRECY

_WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_HEADS = {
    "application/pdf": (b"%PDF-",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/tiff": (b"II*\x00", b"MM\x00*"),
    _WORD: (b"PK\x03\x04",),
    _EXCEL: (b"PK\x03\x04",),
    "application/ofd": (b"PK\x03\x04",),
    "text/xml": (),
    "text/plain": (),
}
_ACTIVE = {"/JavaScript": "脚本", "/Launch": "启动外部程序的动作"}
_SHORTEST_YEAR, _LATEST_YEAR = 1900, 2199
_LONGEST_TITLE = 300
MASTER = "master"
BESIDE = ("word",)


class Verdict(StrEnum):
    """What came of an item; ``label`` is shown."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    MANUAL = "manual"
    NOT_DONE = "na"

    @property
    def label(self) -> str:
        """Return the verdict as shown to people."""
        return {"pass": "合格", "fail": "不合格", "manual": "需人工确认", "na": "未检测"}[
            self.value
        ]


class NotDone(Exception):
    """The item does not apply or cannot be decided; ``why`` says so in the report."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Manual(Exception):
    """A person has to decide; ``why`` says what to look at."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


Rule = Callable[[PaperFacts], str]


def digest(paper: PaperFacts) -> str:
    """Every file is there and its bytes have the registered digest."""
    gone = [file.name for file in paper.files if not file.sha256]
    changed = [
        file.name for file in paper.files if file.sha256 and file.sha256 != file.registered_sha256
    ]
    words = [f"找不到 {name}" for name in gone] + [f"{name} 的内容被改动" for name in changed]
    return "；".join(words)


def signature(paper: PaperFacts) -> str:
    """The signed master carries our signatures and all of them hold."""
    if not paper.is_ours:
        raise NotDone("外来文件，没有本单位的电子签名")
    looked = [
        (file, file.signature)
        for file in paper.files
        if file.role == MASTER and file.signature is not None
    ]
    if not looked:
        raise NotDone("没有可以核验的正本")
    return "；".join(f"{file.name}：{told.why}" for file, told in looked if not told.trusted)


def size(paper: PaperFacts) -> str:
    """Every file has the registered number of bytes."""
    return "；".join(
        f"{file.name} 登记 {file.registered_size} 字节，现在 {file.size} 字节"
        for file in paper.files
        if file.sha256 and file.size != file.registered_size
    )


def metadata(paper: PaperFacts) -> str:
    """Length, type and range of what describes the paper; no control characters in it."""
    words = []
    if not _SHORTEST_YEAR <= paper.year <= _LATEST_YEAR:
        words.append(f"年度 {paper.year} 不对")
    if paper.pages < 0:
        words.append(f"页数 {paper.pages} 不对")
    if len(paper.title) > _LONGEST_TITLE:
        words.append(f"题名超过 {_LONGEST_TITLE} 字")
    if not 0 <= paper.secrecy < len(SECRECY):
        words.append(f"密级 {paper.secrecy} 不对")
    for name, text in (("题名", paper.title), ("文号", paper.number)):
        if any(unicodedata.category(char) in ("Cc", "Cs", "Cn") for char in text):
            words.append(f"{name}里有不可见的控制字符")
    return "；".join(words)


def required(paper: PaperFacts) -> str:
    """What every paper must be described by is there (DA/T 18)."""
    wanted = {"题名": paper.title, "归档号": paper.code, "日期": paper.has_date}
    if paper.is_ours:
        wanted |= {"责任者": paper.responsible, "页数": paper.pages}
    empty = [name for name, value in wanted.items() if not value]
    return f"没有填写{'、'.join(empty)}" if empty else ""


def code(paper: PaperFacts) -> str:
    """The code is well-formed, says where the paper belongs, and stands once in the volume."""
    found = find_reference(paper.code)
    if found is None:
        return f"归档号“{paper.code}”不合规范"
    if found.lowest_class != paper.lowest_class:
        return f"归档号 {paper.code} 与归属 {paper.lowest_class} 不一致"
    return f"归档号 {paper.code} 在卷内重复" if paper.codes.get(paper.code, 0) > 1 else ""


def gapless(paper: PaperFacts) -> str:
    """The final numbers of a sealed volume follow one another."""
    if not paper.is_final:
        raise NotDone("还没有封卷，件号在封卷时连续编定")
    found = find_reference(paper.code)
    if found is None:
        return f"档号“{paper.code}”不合规范"
    before = replace(found, serial=found.serial - 1)
    serials = [one.serial for text in paper.codes if (one := find_reference(text)) is not None]
    if found.serial == min(serials, default=found.serial) or str(before) in paper.codes:
        return ""
    return f"档号 {paper.code} 前面缺 {before.serial:04d} 号"


def match(paper: PaperFacts) -> str:
    """What the paper's own file says of it is what is registered: form, number, entries."""
    if not paper.files:
        raise NotDone("没有电子文件")
    if not paper.is_ours:
        raise Manual("外来文件没有内嵌数据，请对照文件看题名、日期是否相符")
    told = [file.content.data for file in paper.files if file.content and file.content.data]
    if not told:
        raise Manual("正本没有内嵌数据，请打开文件核对题名、文号、客户")
    words = []
    for key, label, registered in (
        ("number", "文号", paper.number),
        ("form", "表单", paper.form),
    ):
        inside = told[0].get(key, "")
        if inside != registered:
            words.append(f"正本里的{label}（{inside[:60]}）与登记的不同（{registered[:60]}）")
    if told[0].get("digest", "") not in paper.record.get("digests", "").split():
        words.append("正本里的填写内容与系统里的表单不同")
    for key, label, registered in (
        ("title", "题名", paper.title),
        ("customer", "客户", paper.customer),
    ):
        known = paper.record.get(key, registered)
        if known != registered:
            words.append(f"登记的{label}“{registered[:60]}”与原表单的“{known[:60]}”不同")
    return "；".join(words)


def listed(paper: PaperFacts) -> str:
    """The files are those on the hand-over list the paper came by, by count and digest."""
    if not paper.listed:
        raise NotDone("没有经过移交清单")
    here = {file.role: file.registered_sha256 for file in paper.files}
    missing = [role for role in paper.listed if role not in here]
    other = [role for role, sha256 in paper.listed.items() if here.get(role, sha256) != sha256]
    words = [f"清单有 {len(paper.listed)} 个文件，少了 {'、'.join(missing)}"] if missing else []
    words += [f"{role} 与清单上的摘要不同" for role in other]
    return "；".join(words)


def process(paper: PaperFacts) -> str:
    """All four steps of filing are recorded."""
    missing = [step for step in STEPS if step not in paper.steps]
    return f"没有“{'”“'.join(missing)}”的记录" if missing else ""


def master(paper: PaperFacts) -> str:
    """A paper made from a form has its signed master."""
    if not paper.is_ours:
        raise NotDone("外来文件，可以只有纸质原件")
    return "" if any(file.role == MASTER for file in paper.files) else "没有正本"


def attachments(paper: PaperFacts) -> str:
    """The Word file that belongs to a paper made here is there."""
    if not paper.is_ours:
        raise NotDone("外来文件，没有规定的附件")
    roles = {file.role for file in paper.files}
    missing = [role for role in BESIDE if role not in roles]
    return "没有 Word 稿" if missing else ""


def opens(paper: PaperFacts) -> str:
    """Every file opens with what it says it is."""
    whole = [file for file in paper.files if file.is_whole]
    if not whole:
        raise NotDone("没有可以打开的电子文件")
    return "；".join(
        f"{file.name} 打不开：{file.content.fault}"
        for file in whole
        if file.content and file.content.fault
    )


def format_known(paper: PaperFacts) -> str:
    """Every file is of an accepted format, and its bytes begin as that format does."""
    words = []
    for file in paper.files:
        heads = _HEADS.get(file.media_type)
        if heads is None:
            words.append(f"{file.name} 的格式 {file.media_type} 不在接收范围内")
        elif file.sha256 and heads and not file.head.startswith(heads):
            words.append(f"{file.name} 的内容不是 {file.media_type}")
    return "；".join(words)


def encryption(paper: PaperFacts) -> str:
    """No file is encrypted: PDF, Word and Excel with a password, zip parts."""
    return "；".join(f"{file.name} 加了密" for file in paper.files if _is_encrypted(file))


def active(paper: PaperFacts) -> str:
    """No file runs anything or fetches anything: scripts, macros, programs, outside links."""
    words = []
    for file in paper.files:
        found = {words for mark, words in _ACTIVE.items() if mark in file.marks}
        found |= set(file.content.active if file.content else ())
        words += [f"{file.name} 含有{each}" for each in sorted(found)]
    return "；".join(words)


def virus(paper: PaperFacts) -> str:
    """The scanner finds nothing; without a scanner the report says so."""
    scans = [(file, file.scan) for file in paper.files if file.scan is not None]
    found = [f"{file.name} 查出 {scan.found}" for file, scan in scans if scan.found]
    if found:
        return "；".join(found)
    away = sorted({scan.away for _, scan in scans if scan.away})
    if away:
        raise Manual(f"检测不了：{'；'.join(away)}")
    if not scans:
        raise NotDone("没有接入病毒扫描程序" if paper.files else "没有电子文件")
    return ""


def released(paper: PaperFacts) -> str:
    """The paper is not in quarantine."""
    return f"正在隔离：{paper.quarantine}" if paper.quarantine else ""


def backup(paper: PaperFacts) -> str:
    """All files are in a backup made since, of which a drill has shown that it restores."""
    if not paper.files:
        raise NotDone("没有电子文件")
    if paper.backed_up_at is None:
        raise NotDone("系统里没有备份记录，请另行核实备份")
    if paper.kept_at is not None and paper.backed_up_at < paper.kept_at:
        return f"最近一次备份是 {local_day(paper.backed_up_at)}，此后收进的文件还没有备份"
    if paper.drilled_at is None:
        raise NotDone("有备份，还没有做过恢复演练，不能算经过核验；请运行 archive restore --drill")
    return ""


def _is_encrypted(file: FileFacts) -> bool:
    return "/Encrypt" in file.marks or bool(file.content and file.content.encrypted)


RULES: Mapping[str, Rule] = {
    "digest": digest,
    "signature": signature,
    "size": size,
    "metadata": metadata,
    "required": required,
    "code": code,
    "gapless": gapless,
    "match": match,
    "listed": listed,
    "process": process,
    "master": master,
    "attachments": attachments,
    "opens": opens,
    "format": format_known,
    "encryption": encryption,
    "active": active,
    "virus": virus,
    "released": released,
    "backup": backup,
}
MARKS = {
    "/Encrypt": re.compile(rb"/Encrypt\s+\d+\s+\d+\s+R"),
    "/JavaScript": re.compile(rb"/S\s*/JavaScript"),
    "/Launch": re.compile(rb"/S\s*/Launch"),
}
