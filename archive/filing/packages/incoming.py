"""Which kind of package came in, and what of it a person should be told."""

from collections.abc import Iterator
from pathlib import Path

from archive.core.errors import Invalid
from archive.core.resources import Resources
from archive.filing.import_rows import Batch
from archive.filing.packages.reading import read_package
from archive.filing.packages.taking import SIGNED_BY
from archive.filing.packages.xml_reading import OURS, is_xml_zip, read_xml, read_xml_zip
from archive.signing.keys import open_authority


def read_incoming(path: Path, resources: Resources) -> Iterator[Batch]:
    """Yield the items of a package of either kind; raise Invalid unless all of it is good."""
    issuers = open_authority(resources).chain
    if path.suffix.lower() == ".xml":
        return read_xml(path, resources.blobs, issuers)
    if path.suffix.lower() != ".zip":
        raise Invalid("封装包应是 .zip 或 .xml 文件。")
    if is_xml_zip(path):
        return read_xml_zip(path, resources.blobs, issuers)
    return read_package(path, resources.blobs)


def doubts_of(batch: Batch) -> list[str]:
    """Return what is to be said of the signatures of a batch's packages."""
    return [
        f"{row.title}：{verdict}"
        for row in batch.rows
        if (verdict := row.elements.get(SIGNED_BY, OURS)) != OURS
    ]
