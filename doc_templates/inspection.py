"""Looking at a stranger's template before anything is done with it.

`inspect_template` reads and judges it here; `inspect_apart` does the same in a child process
with limits of memory and time and without a network, which is what uploads must use. Neither
knows a form: which tags have a field is check.py's business.
"""

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

from doc_templates.errors import BadTemplate
from doc_templates.package_xml import parse_part
from doc_templates.word import Compiled
from indexer.children import reader, running
from indexer.confined import Bounds

MAX_BYTES = 20 * 1024 * 1024
MOST_TAGS = 2_000
MOST_OUTPUT = 4 * 1024 * 1024
STRAY = re.compile(r"\{\{|\}\}|\{%|%\}|｛｛|｝｝|｛%|%｝")
SINGLE = re.compile(r"(?<!\{)\{\s*([\u3400-\u9fff][\w.]{0,30})\s*\}(?!\})")
WHOLE_TAG = re.compile(
    r"\{\{(?:(?!\{\{).)*?\}\}|\{%(?:(?!\{%).)*?%\}|\{#(?:(?!\{#).)*?#\}", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class TemplateLimits:
    """What an inspection may cost: bytes of the file, bytes of memory, seconds in all."""

    max_bytes: int = MAX_BYTES
    memory: int = 1 << 30
    seconds: float = 20.0


@dataclass(frozen=True, slots=True)
class TemplateReport:
    """What stands in a usable template.

    `tags` in the order of the paper, columns as `表.栏`; `tables` are those walked row by row;
    `fallback` says why docxtpl itself must fill it in (slow), empty if it need not; `findings`
    are remarks in Chinese that do not keep the template from being used.
    """

    tags: tuple[str, ...]
    tables: tuple[str, ...]
    fallback: str
    findings: tuple[str, ...]


DEFAULT_LIMITS = TemplateLimits()


def inspect_template(data: bytes, limits: TemplateLimits = DEFAULT_LIMITS) -> TemplateReport:
    """Read and judge a template in this process; raise BadTemplate naming what is wrong."""
    if len(data) > limits.max_bytes:
        raise BadTemplate(f"模板文件太大，最多 {limits.max_bytes // (1024 * 1024)} MB")
    compiled = Compiled(data)
    if len(compiled.tags) > MOST_TAGS:
        raise BadTemplate(f"模板里有 {len(compiled.tags)} 个标签，最多 {MOST_TAGS} 个")
    findings = tuple(_findings(compiled))
    return TemplateReport(compiled.tags, compiled.tables, compiled.fallback, findings)


def inspect_apart(data: bytes, limits: TemplateLimits = DEFAULT_LIMITS) -> TemplateReport:
    """Inspect a template in a child process that is killed when it goes over the limits.

    Raises BadTemplate with a plain sentence for whatever cannot be used; never hangs.
    """
    if len(data) > limits.max_bytes:
        raise BadTemplate(f"模板文件太大，最多 {limits.max_bytes // (1024 * 1024)} MB")
    command = reader("doc_templates.inspection_child", limits.max_bytes)
    bounds = Bounds(limits.memory, int(limits.seconds) + 1, output=0)
    with running(command, bounds, stdin=subprocess.PIPE) as child:
        try:
            output, complaint = child.communicate(data, timeout=limits.seconds)
        except subprocess.TimeoutExpired as error:
            raise BadTemplate(_too_slow(limits)) from error
    if child.returncode != 0 or len(output) > MOST_OUTPUT:
        raise BadTemplate(_why_died(child.returncode, complaint, limits))
    return _report(output)


def _report(output: bytes) -> TemplateReport:
    try:
        answer = json.loads(output)
    except ValueError as error:
        raise BadTemplate("检查模板的程序意外停止，文件可能已损坏") from error
    if "error" in answer:
        raise BadTemplate(str(answer["error"]))
    return TemplateReport(
        tuple(answer["tags"]),
        tuple(answer["tables"]),
        str(answer["fallback"]),
        tuple(answer["findings"]),
    )


def _why_died(code: int, complaint: bytes, limits: TemplateLimits) -> str:
    if code in (-signal.SIGXCPU, -signal.SIGKILL):
        return _too_slow(limits)
    if b"MemoryError" in complaint:
        return "检查这个模板要用的内存太多，已停止；请简化模板"
    return "检查模板的程序意外停止，文件可能已损坏"


def _too_slow(limits: TemplateLimits) -> str:
    return f"检查这个模板超过 {limits.seconds:g} 秒，已停止；请删去多余的内容后再试"


def _findings(compiled: Compiled) -> Iterator[str]:
    if compiled.fallback:
        yield f"模板用了{compiled.fallback}，填写时走慢的一路（约慢三十倍）"
    if not compiled.tags:
        yield "模板里没有一个标签，每一份打印出来都一样；标签的写法是 {{ 客户名称 }}"
    for part in compiled.stories:
        yield from _part_findings(part, compiled.parts[part])


def _part_findings(part: str, content: bytes) -> Iterator[str]:
    root = parse_part(part, content)
    if next(root.iter("{*}ins", "{*}del"), None) is not None:
        yield f"{part} 里有没有接受的修订，请先在 Word 里接受全部修订"
    for paragraph in root.iter("{*}p"):
        text = "".join(node.text or "" for node in paragraph.iter("{*}t"))
        rest = WHOLE_TAG.sub("", text)
        if STRAY.search(rest):
            yield f"“{text[:40]}”里有不成对的或全角的花括号，会照样打印出来"
        elif single := SINGLE.search(rest):
            yield f"“{single[0]}”只有一层花括号，会照样打印；标签要写成 {{{{ {single[1]} }}}}"
