"""The words of the command line's library in Chinese: help, wrong options, a key pressed to stop.

click looks its words up by the English sentence (gettext) in each of its modules, and has no
Chinese catalogue; this is one for what our commands can say.
"""

import sys

WORDS = {
    "Usage:": "用法:",
    "Options": "选项",
    "Commands": "命令",
    "Positional arguments": "参数",
    "Show this message and exit.": "显示这段说明。",
    "Error: {message}": "错误：{message}",
    "Try '{command} {option}' for help.": "用法见 {command} {option}",
    "Aborted!": "已中止。",
    "Missing command.": "缺少命令。",
    "Missing argument": "缺少参数",
    "Missing option": "缺少选项",
    "Missing parameter": "缺少参数",
    "Missing parameter: {param_name}": "缺少参数：{param_name}",
    "No such option {name!r}.": "没有选项 {name!r}。",
    "No such command {name!r}.": "没有命令 {name!r}。",
    "Did you mean {possibility}?": "是不是 {possibility}？",
    "(Did you mean one of: {possibilities}?)": "（是不是其中一个：{possibilities}？）",
    "Invalid value: {message}": "值不对：{message}",
    "Invalid value for {param_hint}: {message}": "{param_hint} 的值不对：{message}",
    "Got unexpected extra argument ({args})": "多出参数（{args}）",
    "Got unexpected extra arguments ({args})": "多出参数（{args}）",
    "Takes {nargs} values but 1 was given.": "要 {nargs} 个值，只给了 1 个。",
    "Takes {nargs} values but {len} were given.": "要 {nargs} 个值，给了 {len} 个。",
    "Argument {name!r} takes {nargs} values.": "参数 {name!r} 要 {nargs} 个值。",
    "Option {name!r} does not take a value.": "选项 {name!r} 不带值。",
    "Option {name!r} requires an argument.": "选项 {name!r} 后面要给值。",
    "Option {name!r} requires {nargs} arguments.": "选项 {name!r} 后面要给 {nargs} 个值。",
    "{value!r} is not a valid {number_type}.": "{value!r} 不是数。",
    "{value} is not in the range {range}.": "{value} 不在 {range} 范围内。",
    "{value!r} is not one of {choice}.": "{value!r} 不在可选的 {choice} 之中。",
    "{value!r} is not one of {choices}.": "{value!r} 不在可选的 {choices} 之中。",
    "default: {default}": "默认 {default}",
    "required": "必填",
    "file": "文件",
    "directory": "文件夹",
    "path": "文件或文件夹",
    "{name} {filename!r} does not exist.": "{name} {filename!r} 不存在。",
    "{name} {filename!r} is a file.": "{name} {filename!r} 是一个文件。",
    "{name} {filename!r} is a directory.": "{name} {filename!r} 是一个文件夹。",
    "{name} {filename!r} is not readable.": "{name} {filename!r} 读不了。",
    "{name} {filename!r} is not writable.": "{name} {filename!r} 写不了。",
    "Could not open file {filename!r}: {message}": "打不开文件 {filename!r}：{message}",
}


def speak_chinese() -> None:
    """Give every module of click that was loaded our words."""
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] == "click":
            for word, ours in (("_", _one), ("ngettext", _one_or_many)):
                if hasattr(module, word):
                    setattr(module, word, ours)


def _one(message: str) -> str:
    return WORDS.get(message, message)


def _one_or_many(one: str, many: str, count: int) -> str:
    return _one(one if count == 1 else many)
