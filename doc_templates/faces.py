"""Which Chinese letters the faces of a paper lack, as fontconfig tells it for one office.

Called by pdf.py when an office starts; rare_letters.py sets such letters apart.
"""

import re
import shutil
import subprocess
from pathlib import Path

FACES = ("宋体", "仿宋", "楷体", "黑体")
HAN = ((0x2E80, 0x2FDF), (0x3005, 0x3007), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF))
BEYOND = "\U00020000-\U0003ffff"
USUALLY_LACKING = f"\u3400-\u4dbf\u9fa6-\u9fff{BEYOND}"
EVERYDAY = frozenset(map(ord, "一中国人公司客户合同"))  # a face without these borrows them all
SECONDS = 30


def lacking_letters(fonts: str) -> re.Pattern[str]:
    """Return a pattern of one stretch of letters that some face lacks.

    ``fonts`` is the path of the office's fontconfig file. Where nobody can tell (no fc-match),
    the letters that faces usually lack.
    """
    covered = [_letters(face, fonts) for face in FACES]
    covered = [letters for letters in covered if letters.issuperset(EVERYDAY)]
    if not covered:
        return re.compile(f"([{USUALLY_LACKING}]+)")
    everywhere = frozenset.intersection(*covered)
    wanted = (code for first, last in HAN for code in range(first, last + 1))
    lacking = "".join(_spans([code for code in wanted if code not in everywhere]))
    return re.compile(f"([{lacking}{BEYOND}]+)")


def _letters(face: str, fonts: str) -> frozenset[int]:
    """Return the letters of the file that stands for a face; none if nobody can tell."""
    matcher = shutil.which("fc-match")
    if matcher is None:
        return frozenset()
    command = [matcher, "-f", "%{charset}", face]
    environment = {"FONTCONFIG_FILE": fonts, "HOME": str(Path(fonts).parent)}
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, timeout=SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return frozenset()
    spans = re.findall(rb"([0-9a-f]+)(?:-([0-9a-f]+))?", done.stdout)
    return frozenset(
        code
        for first, last in spans
        for code in range(int(first, 16), min(int(last or first, 16), 0x1FFFF) + 1)
    )


def _spans(codes: list[int]) -> list[str]:
    """Return sorted code points as the ranges of a regex class."""
    spans: list[list[int]] = []
    for code in codes:
        if spans and spans[-1][1] == code - 1:
            spans[-1][1] = code
        else:
            spans.append([code, code])
    return [f"{chr(first)}-{chr(last)}" for first, last in spans]
