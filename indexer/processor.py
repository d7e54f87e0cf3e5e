"""Chooses how numpy sorts on AMD's Zen 4; must be asked before numpy is loaded.

There the compressing stores of which numpy's sorting with AVX-512 is made take over a hundred
cycles each: with AVX2 it sorts five times as fast (bench/RESULTS.md). Called by the package.
"""

import os
from pathlib import Path

SETTING = "NPY_DISABLE_CPU_FEATURES"
_FAMILY_19H = 25
"""Zen 3, which has no AVX-512, and Zen 4."""


def choose_sorting(processor: Path = Path("/proc/cpuinfo")) -> None:
    """Set for numpy what it is to leave unused here, where nobody has said otherwise."""
    if SETTING in os.environ or "NPY_ENABLE_CPU_FEATURES" in os.environ:
        return
    if is_zen_4(_first_core(processor)):
        os.environ[SETTING] = "X86_V4"


def is_zen_4(core: str) -> bool:
    """Tell by what /proc/cpuinfo says of a core."""
    lines = (line.partition(":") for line in core.splitlines())
    said = {name.strip(): value.strip() for name, _, value in lines}
    return (
        said.get("vendor_id") == "AuthenticAMD"
        and said.get("cpu family") == str(_FAMILY_19H)
        and "avx512f" in said.get("flags", "").split()
    )


def _first_core(processor: Path) -> str:
    try:
        return processor.read_text("utf-8", errors="replace").partition("\n\n")[0]
    except OSError:
        return ""
