"""What a throw-away office lives in: its settings, its faces, its environment.

No macros, no links to outside; what the process may not do is in indexer.confined.
Called by pdf.py; knows nothing of documents.
"""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from xml.sax.saxutils import escape

from doc_templates.errors import ConverterMissing

FONTS = Path(__file__).with_name("fonts.conf")
INSTALL = (
    "sudo apt-get install --no-install-recommends libreoffice-writer-nogui python3-uno "
    "fonts-noto-cjk fonts-arphic-uming fonts-arphic-ukai fonts-arphic-gkai00mp fonts-liberation"
)
SETTINGS = (
    ("org.openoffice.Office.Common/Security/Scripting", "MacroSecurityLevel", "3"),
    ("org.openoffice.Office.Common/Security/Scripting", "DisableMacrosExecution", "true"),
    ("org.openoffice.Office.Common/Security/Scripting", "BlockUntrustedRefererLinks", "true"),
    ("org.openoffice.Office.Common/Security/Scripting", "HyperlinksWithCtrlClick", "true"),
    ("org.openoffice.Office.Common/Misc", "FirstRun", "false"),
    ("org.openoffice.Office.Common/Save/Document", "AutoSave", "false"),
    ("org.openoffice.Office.Writer/Content/Update", "Link", "0"),
    ("org.openoffice.Office.Recovery/RecoveryInfo", "Enabled", "false"),
    ("org.openoffice.Office.Java/VirtualMachine", "Enable", "false"),
)


def write_profile(folder: Path, font_folder: Path | None) -> None:
    """Write the settings and the font configuration of one office into its folder."""
    user = folder / "profile" / "user"
    user.mkdir(parents=True)
    items = "".join(
        f'<item oor:path="/{path}"><prop oor:name="{name}" oor:op="fuse"><value>{value}</value>'
        f"</prop></item>"
        for path, name, value in SETTINGS
    )
    (user / "registrymodifications.xcu").write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n<oor:items '
        f'xmlns:oor="http://openoffice.org/2001/registry">{items}</oor:items>',
        "utf-8",
    )
    shutil.copy(FONTS, folder / "faces.conf")
    if font_folder is not None and font_folder.is_dir():  # of the instance, closed to the office
        shutil.copytree(font_folder, folder / "fonts")
    own = f"<dir>{escape(str(folder / 'fonts'))}</dir>"
    (folder / "fonts.conf").write_text(
        '<?xml version="1.0"?>\n<!DOCTYPE fontconfig SYSTEM "fonts.dtd">\n'
        f"<fontconfig>{own}<include>{escape(str(folder / 'faces.conf'))}</include></fontconfig>\n",
        "utf-8",
    )


def profile_url(folder: Path) -> str:
    """Return the office's profile as LibreOffice wants it named."""
    return (folder / "profile").as_uri()


def single_office_pipe(folder: Path) -> str:
    """Return the name of the socket by which LibreOffice finds itself; a killed one leaves it."""
    digest = hashlib.md5(profile_url(folder).encode("utf-16-le"), usedforsecurity=False).digest()
    return "SingleOfficeIPC_" + "".join(f"{byte:x}" for byte in digest)


def environment(folder: Path) -> Mapping[str, str]:
    """Return the whole environment of the office: nothing inherited but the path."""
    return {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "LANG": "C.UTF-8",
        "FONTCONFIG_FILE": str(folder / "fonts.conf"),
        "SAL_USE_VCLPLUGIN": "svp",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def find_office(soffice: str, python: str) -> tuple[str, str]:
    """Return where soffice and a Python with the bridge are; raise ConverterMissing."""
    office = shutil.which(soffice)
    if office is None:
        raise ConverterMissing(f"没有安装 LibreOffice，不能生成 PDF；请运行：{INSTALL}")
    interpreter = shutil.which(python)
    if interpreter is None or not _has_bridge(interpreter):
        raise ConverterMissing(f"LibreOffice 缺少 Python 接口，不能生成 PDF；请运行：{INSTALL}")
    return office, interpreter


@lru_cache(maxsize=8)
def _has_bridge(interpreter: str) -> bool:
    return _succeeds(interpreter, "-c", "import uno")


def _succeeds(*command: str) -> bool:
    try:
        done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
