"""The parts of Whoosh that are used, in one place: the only import of whoosh in the product.

Whoosh has no types, so they are Any here and typed where they are used. Some are internal to
Whoosh (its segment format); the version is pinned, and a test opens our index with stock Whoosh.
"""

from typing import Any

import whoosh.analysis
import whoosh.codec.whoosh3
import whoosh.fields
import whoosh.filedb.filestore
import whoosh.filedb.filetables
import whoosh.formats
import whoosh.index
import whoosh.reading
import whoosh.util.numeric
import whoosh.writing

Schema: Any = whoosh.fields.Schema
ID: Any = whoosh.fields.ID
TEXT: Any = whoosh.fields.TEXT
IDAnalyzer: Any = whoosh.analysis.IDAnalyzer
Existence: Any = whoosh.formats.Existence

FileStorage: Any = whoosh.filedb.filestore.FileStorage
FileIndex: Any = whoosh.index.FileIndex
TOC: Any = whoosh.index.TOC
EmptyIndexError = whoosh.index.EmptyIndexError
READ_ERRORS: tuple[type[Exception], ...] = (
    whoosh.index.IndexError,
    whoosh.filedb.filetables.FileFormatError,
    whoosh.filedb.filestore.StorageError,
)
LockError: Any = vars(whoosh.writing)["LockError"]

Codec: Any = whoosh.codec.whoosh3.W3Codec
TermInfo: Any = whoosh.codec.whoosh3.W3TermInfo
LENGTHS_COLUMN: Any = whoosh.codec.whoosh3.LENGTHS_COLUMN
BLOCK_MAGIC: bytes = whoosh.codec.whoosh3.WHOOSH3_HEADER_MAGIC
SegmentReader: Any = whoosh.reading.SegmentReader
TermNotFound = whoosh.reading.TermNotFound
SegmentWriter: Any = whoosh.writing.SegmentWriter

length_to_byte: Any = whoosh.util.numeric.length_to_byte
byte_to_length: Any = whoosh.util.numeric.byte_to_length
