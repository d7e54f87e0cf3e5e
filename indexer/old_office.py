"""Old Word, PowerPoint and WPS files, opened by LibreOffice and saved as new ones.

A LibreOffice of its own for each, with a profile that is thrown away, killed when it takes too
long. Called by extraction.
"""

import shutil
import subprocess
from pathlib import Path

from indexer.children import running
from indexer.errors import ExtractError

_NEW = {"doc": "docx", "ppt": "pdf"}


def save_as_new(path: Path, kind: str, folder: Path, seconds: float) -> Path:
    """Return the file saved as .docx or .pdf in `folder`; raises ExtractError."""
    program = shutil.which("soffice")
    if program is None:
        raise ExtractError(
            "这是旧版 Office 文件，服务器没有装 LibreOffice，读不了；"
            "请另存为 .docx 或 .xlsx 后再上传。"
        )
    source = folder / f"old.{kind}"
    shutil.copyfile(path, source)
    command = [
        program, "--headless", "--norestore", "--nolockcheck", "--nodefault",
        f"-env:UserInstallation={(folder / 'profile').as_uri()}",
        "--convert-to", _NEW[kind], "--outdir", str(folder / "new"), str(source),
    ]  # fmt: skip
    try:
        with running(command, HOME=str(folder), TMPDIR=str(folder)) as child:
            child.communicate(timeout=max(seconds, 1))
    except subprocess.TimeoutExpired as error:
        raise ExtractError("用 LibreOffice 打开旧版 Office 文件超时，已停止。") from error
    made = folder / "new" / f"old.{_NEW[kind]}"
    if not made.is_file() or not made.stat().st_size:
        raise ExtractError("LibreOffice 打不开这个旧版 Office 文件，可能已损坏。")
    return made
