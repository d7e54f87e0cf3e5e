"""Old Word, PowerPoint and WPS files, opened by LibreOffice and saved as new ones.

A LibreOffice of its own for each, with a profile that is thrown away, killed when it takes too
long. Called by extraction.
"""

import shutil
import subprocess
from pathlib import Path

from indexer.children import Room, read_made, running
from indexer.confined import Bounds
from indexer.errors import ExtractError

_NEW = {"doc": "docx", "ppt": "pdf"}
_MOST_OUTPUT = 500 << 20
_SOCKETS = ("/tmp",)  # noqa: S108 - LibreOffice's own place for its pipes


def save_as_new(path: Path, kind: str, folder: Path, seconds: float) -> Path:
    """Return the file saved as .docx or .pdf in `folder`; raises ExtractError."""
    program = shutil.which("soffice")
    if program is None:
        raise ExtractError(
            "这是旧版 Office 文件，服务器没有装 LibreOffice，读不了；"
            "请另存为 .docx 或 .xlsx 后再上传。"
        )
    place = folder / "office"
    place.mkdir()
    source = place / f"old.{kind}"
    shutil.copyfile(path, source, follow_symlinks=False)
    command = [
        program, "--headless", "--norestore", "--nolockcheck", "--nodefault",
        f"-env:UserInstallation={(place / 'profile').as_uri()}",
        "--convert-to", _NEW[kind], "--outdir", str(place / "new"), str(source),
    ]  # fmt: skip
    try:
        bounds = Bounds(None, int(seconds) + 1, output=_MOST_OUTPUT, sockets=_SOCKETS)
        with running(command, bounds, Room(place)) as child:
            child.communicate(timeout=max(seconds, 1))
    except subprocess.TimeoutExpired as error:
        raise ExtractError("用 LibreOffice 打开旧版 Office 文件超时，已停止。") from error
    made = folder / f"new.{_NEW[kind]}"
    try:
        made.write_bytes(read_made(place / "new" / f"old.{_NEW[kind]}", _MOST_OUTPUT))
    except OSError as error:
        raise ExtractError("LibreOffice 打不开这个旧版 Office 文件，可能已损坏。") from error
    return made
