"""What can go wrong while indexing and reading files, each with a plain Chinese sentence.

Not here: a wrongly typed query, which is never an error but a remark beside the results.
"""

import zipfile
import zlib

BROKEN_ZIP = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    UnicodeDecodeError,  # a name in front of its entry that is no text
)
"""What a ZIP that is damaged or has a password makes Python raise when an entry is read."""


TOO_DEEP = "文件里的表格或内容一层套一层太深（超过 256 层），没有读；请把里层的移到外面再另存。"


def is_too_deep(error: Exception) -> bool:
    """Say whether an XML reader stopped at its bound of nesting: such a file is not damaged."""
    return isinstance(error, RecursionError) or "Excessive depth" in str(error)


class IndexerError(Exception):
    """The root of the package's errors; `.message` may be shown to the user."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class IndexBusy(IndexerError):
    """Another writer kept the index longer than we were ready to wait."""


class IndexDamaged(IndexerError):
    """The index on disk cannot be read; rebuild it from the records.

    `segment` is the one that is damaged, where only one is known to be: the others may serve on.
    """

    def __init__(self, message: str, segment: str = "") -> None:
        super().__init__(message)
        self.segment = segment


class ExtractError(IndexerError):
    """A file whose text cannot be read: broken, encrypted, too large, of an unknown kind."""
