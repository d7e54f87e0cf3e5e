"""No pattern of the product can be kept busy: 50,000 signs are read within a second of CPU.

``tests/long_runs.py`` finds the patterns and makes the texts, in a child with a limit of its own.
"""

import json
import subprocess
import sys
import time

import pytest

from indexer.marks import make_marker, mark_passage, mark_whole, readable
from indexer.query import parse
from tests.long_runs import PACKAGES, ROOT

BAD = r"""
import re
_ENDS = re.compile(r"\s+$")
_NESTED = re.compile(r"(?:[a-z]+,?)+")
_GOOD = re.compile(r"(?<!\s)\s+x")

def ends(text):
    return _ENDS.sub("", text), _GOOD.search(text), _NESTED.fullmatch(text)

def names(text, word):
    return re.search(rf"{word}+", text)
"""


def tried(folder, *packages):
    """Return what is wrong with the patterns of the packages, and how many were tried."""
    command = [sys.executable, "tests/long_runs.py", str(folder), *packages]
    done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-500:]
    *wrong, count = map(json.loads, done.stdout.splitlines())
    return wrong, count


def test_slow_patterns_are_seen(tmp_path):
    (tmp_path / "sample_of_patterns").mkdir()
    (tmp_path / "sample_of_patterns" / "bad.py").write_text(BAD)
    wrong, count = tried(tmp_path, "sample_of_patterns")
    assert count == 4
    places = [one.partition(": ")[0].rpartition(":")[2] for one in wrong]
    assert places == ["3", "4", "11"], wrong


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_no_pattern_can_be_kept_busy():
    wrong, count = tried(ROOT, *PACKAGES)
    assert not wrong, "\n".join(wrong)
    assert count > 200, "the patterns were not found"


@pytest.mark.parametrize(
    ("asked", "sign"),
    [('"→!→x"', "→"), ('"─!─!─x"', "─"), ('"海!信"', "海!"), ('"a b c"', "a "), ("1-1-1-x", "1-")],
)
def test_what_was_found_is_marked_in_time(asked, sign):
    """A text full of the signs that were looked for (they are units like words) holds nobody up."""
    marker = make_marker(parse(asked))
    ((text,), _) = readable([asked.strip('"') + sign * 50_000], [])
    started = time.process_time()
    assert any(is_hit for _, is_hit in mark_passage(text, marker))
    mark_whole(text, marker)
    assert time.process_time() - started < 2
