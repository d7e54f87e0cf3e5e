"""Names of downloaded files, on plain values.

Called by the pages and calls that hand out files, here and in later stations.
"""

import re

STEM_LIMIT = 80
# Of scans and of what is made for a paper, by media type.
SUFFIXES = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png", "image/tiff": "tif"}
_UNFIT = re.compile(
    '[\x00-\x1f\x7f-\x9f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff<>:"/\\\\|?*;%]'
)


def file_name(suffix: str, *parts: str) -> str:
    """Return a file name such as ``E01-新开发客户报告表-海信.docx`` from its parts.

    What no file system or header may carry is left out; empty parts are skipped.
    """
    clean = (" ".join(_UNFIT.sub(" ", part).split()).strip(". ") for part in parts)
    stem = "-".join(part for part in clean if part)[:STEM_LIMIT].strip(". -")
    return f"{stem or '文件'}.{suffix}"
