"""Names of downloaded files, on plain values.

Called by the pages and calls that hand out files, here and in later stations.
"""

import re
from urllib.parse import quote

STEM_LIMIT = 80
# Of scans and of what is made for a paper, by media type.
SUFFIXES = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png", "image/tiff": "tif"}
_UNFIT = re.compile(
    '[\x00-\x1f\x7f-\x9f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff<>:"/\\\\|?*;%]'
)
_FALLBACK = re.compile(r"[^A-Za-z0-9._-]+")


def file_name(suffix: str, *parts: str) -> str:
    """Return a file name such as ``E01-新开发客户报告表-海信.docx`` from its parts.

    What no file system or header may carry is left out; empty parts are skipped.
    """
    clean = (" ".join(_UNFIT.sub(" ", part).split()).strip(". ") for part in parts)
    stem = "-".join(part for part in clean if part)[:STEM_LIMIT].strip(". -")
    return f"{stem or '文件'}.{suffix}"


def content_disposition(name: str, *, inline: bool = False) -> str:
    """Return the header value that gives a download its (Chinese) name, after RFC 6266."""
    ending = name.rpartition(".")[2]
    plain = _FALLBACK.sub("", name.rpartition(".")[0].split("-")[0]) or "document"
    way = "inline" if inline else "attachment"
    return f"{way}; filename=\"{plain}.{ending}\"; filename*=UTF-8''{quote(name, safe='')}"
