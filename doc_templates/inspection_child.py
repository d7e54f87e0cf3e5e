"""The child process that inspects one stranger's template, read from stdin.

`python -m doc_templates.inspection_child MAX_BYTES` confines itself first,
then prints one JSON value: the report, or an error in Chinese. Started by inspection.py.
"""

import dataclasses
import json
import sys

from doc_templates.errors import FormError
from doc_templates.inspection import TemplateLimits, inspect_template
from indexer.confined import confine

TOO_DEEP = "模板的内部嵌套太深，不能使用"
TOO_MUCH = "检查这个模板要用的内存太多，已停止；请简化模板"


def main(arguments: list[str]) -> int:
    """Print the answer and return 0, also for a refusal."""
    confine()
    sys.stdout.write(json.dumps(_answer(int(arguments[0]))))
    return 0


def _answer(max_bytes: int) -> dict[str, object]:
    try:
        data = sys.stdin.buffer.read(max_bytes + 1)
        return dataclasses.asdict(inspect_template(data, TemplateLimits(max_bytes)))
    except FormError as error:
        return {"error": error.message}
    except MemoryError:
        return {"error": TOO_MUCH}
    except RecursionError:
        return {"error": TOO_DEEP}
    except Exception as error:  # noqa: BLE001 - parsers of strangers' files raise anything
        return {"error": f"模板已损坏或格式有误，不能使用（{type(error).__name__}）"}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
