"""How numpy sorts is chosen before it is loaded, and only on the one processor that needs it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from indexer.processor import SETTING, choose_sorting, is_zen_4


def core(vendor: str, family: int, flags: str) -> str:
    lines = ("processor\t: 0", f"vendor_id\t: {vendor}", f"cpu family\t: {family}")
    return "\n".join((*lines, f"flags\t\t: fpu {flags} avx2", ""))


ZEN_4 = core("AuthenticAMD", 25, "avx512f")
LOADS = """
import sys, archive
assert "numpy" not in sys.modules, "loaded before it was told how to sort"
import archive.app, numpy
print(numpy._core._multiarray_umath.__cpu_features__.get("X86_V4", False))
"""


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch):
    monkeypatch.setenv(SETTING, "")
    monkeypatch.delenv(SETTING)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (ZEN_4, True),
        (core("AuthenticAMD", 25, "avx"), False),  # Zen 3
        (core("AuthenticAMD", 26, "avx512f"), False),  # Zen 5
        (core("GenuineIntel", 25, "avx512f"), False),
        ("", False),
        ("\0:: :\n", False),
    ],
)
def test_only_zen_4_is_told(said, expected):
    assert is_zen_4(said) is expected


@pytest.mark.parametrize("name", [SETTING, "NPY_ENABLE_CPU_FEATURES"])
def test_what_somebody_set_stays(tmp_path, monkeypatch, name):
    (tmp_path / "cpuinfo").write_text(f"{ZEN_4}\n{ZEN_4}", "utf-8")
    monkeypatch.setenv(name, "FMA3")
    choose_sorting(tmp_path / "cpuinfo")
    assert os.environ.get(SETTING) in {None, "FMA3"}


def test_it_is_set_where_it_is_needed_and_a_missing_file_is_no_error(tmp_path):
    choose_sorting(tmp_path / "cpuinfo")
    assert SETTING not in os.environ
    (tmp_path / "cpuinfo").write_text(f"{ZEN_4}\n{ZEN_4}", "utf-8")
    choose_sorting(tmp_path / "cpuinfo")
    assert os.environ[SETTING] == "X86_V4"


def test_the_server_loads_numpy_as_it_was_told():
    found = subprocess.run(
        [sys.executable, "-W", "error::ImportWarning", "-c", LOADS],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert found.returncode == 0, found.stderr
    if is_zen_4(Path("/proc/cpuinfo").read_text("utf-8").partition("\n\n")[0]):
        assert found.stdout.strip() == "False"
