"""What makes two versions the same, and what differs between them. Pure: plain values."""

import hashlib
from collections.abc import Iterator

from archive.forms.wording import kind_label
from doc_templates import Field, Form


def bytes_digest(content: bytes) -> str:
    """Return the SHA-256 of bytes, in hex."""
    return hashlib.sha256(content).hexdigest()


def bundle_digest(definition: str, template: bytes, sample: str) -> str:
    """Return one SHA-256 over the three parts of a version, in hex."""
    whole = hashlib.sha256()
    for part in (definition.encode(), template, sample.encode()):
        whole.update(f"{len(part)}:".encode() + part)
    return whole.hexdigest()


def changes_between(old: Form, new: Form) -> tuple[str, ...]:
    """Return in sentences what the new version adds, drops and changes."""
    found = [*_field_changes(old, new), *_signer_changes(old, new), *_setting_changes(old, new)]
    if old.read_template() != new.read_template():
        found.append("Word 模板换了新的")
    return tuple(found)


def _field_changes(old: Form, new: Form) -> Iterator[str]:
    before, after = dict(_flat(old)), dict(_flat(new))
    for path, entry in after.items():
        if path not in before:
            must = "，必填" if entry.required else ""
            yield f"增加栏目“{path}”（{kind_label(entry.kind)}{must}）"
    for path in before:
        if path not in after:
            yield f"去掉栏目“{path}”（旧文件里填过的仍然保留，新文件不再有这一栏）"
    for path, entry in after.items():
        if path in before:
            yield from _differences(path, before[path], entry)


def _flat(form: Form) -> Iterator[tuple[str, Field]]:
    for entry in form.fields:
        yield entry.key, entry
        for column in entry.columns:
            yield f"{entry.key}.{column.key}", column


def _differences(path: str, old: Field, new: Field) -> Iterator[str]:
    if old.kind != new.kind:
        yield f"栏目“{path}”由{kind_label(old.kind)}改为{kind_label(new.kind)}"
    if old.required != new.required:
        yield f"栏目“{path}”改为{'必填' if new.required else '可以不填'}"
    if old.label != new.label:
        yield f"栏目“{path}”的名称由“{old.label}”改为“{new.label}”"
    if old.choices != new.choices:
        yield f"栏目“{path}”的选项改为：{'、'.join(new.choices) or '无'}"
    if old.formula != new.formula:
        yield f"栏目“{path}”的算式改为 {new.formula or '无'}"
    if old.signer != new.signer:
        yield f"栏目“{path}”改由{new.signer or '填表人'}填写"


def _signer_changes(old: Form, new: Form) -> Iterator[str]:
    before = [(one.role, one.candidate) for one in old.signers]
    after = [(one.role, one.candidate) for one in new.signers]
    if before != after:
        roles = "、".join(role for role, _ in after) or "无人签字"
        yield f"签核顺序改为：{roles}"


def _setting_changes(old: Form, new: Form) -> Iterator[str]:
    settings = {
        "名称": (old.title, new.title),
        "分组": (old.pack, new.pack),
        "题名": (old.title_rule, new.title_rule),
        "编号": (old.number.pattern, new.number.pattern),
        "归档类目": (old.filing.item_class, new.filing.item_class),
        "保管期限": (old.filing.retention, new.filing.retention),
        "密级": (old.filing.secrecy, new.filing.secrecy),
    }
    for name, (before, after) in settings.items():
        if before != after:
            yield f"{name}由“{before}”改为“{after}”"
