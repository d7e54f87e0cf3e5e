"""The passphrase of a backup, read from a file so that no list of processes shows it."""

from pathlib import Path

from archive.core.errors import Invalid
from storage.sealed import LONGEST, Passphrase


def read_passphrase(path: Path | None) -> Passphrase | None:
    """Return the passphrase in a file (its first line), or None where no file is named.

    Raises Invalid for a file that is not there, empty, too large or of more than one line.
    """
    if path is None:
        return None
    try:
        with path.open("rb") as stream:
            content = stream.read(LONGEST + 3)
    except OSError as error:
        raise Invalid(f"口令文件 {path} 读不出来（{error.strerror}）。") from error
    line = content.removesuffix(b"\n").removesuffix(b"\r")
    if not line or len(line) > LONGEST or b"\n" in line:
        raise Invalid(f"口令文件 {path} 应只有一行，8 到 {LONGEST} 个字节。")
    return Passphrase(line)
