"""Older versions out, and crowds of small segments into one: the parts of a commit.

Called by index within its commit. Not here: what is written new (writer), when (index).
"""

from collections.abc import Iterable

from indexer.segment import reading_index
from indexer.snapshot import LARGEST_MERGE, Snapshot, live_mask
from indexer.writer import SegmentBatch

_SEGMENTS_A_LEVEL = 6


def delete(batch: SegmentBatch, snapshot: Snapshot, ids: Iterable[str]) -> None:
    """Mark the entries of these ids as deleted, in whatever segment they stand."""
    segments = {segment.segment_id(): segment for segment in batch.segments}
    for entry_id in ids:
        for known in snapshot.segments:
            for doc in known.view.read("id", entry_id).docs.tolist():
                segment = segments[known.segment_id]
                if not segment.is_deleted(doc):
                    segment.delete_document(doc)


def merge_small(batch: SegmentBatch, snapshot: Snapshot) -> set[str]:
    """Take the segments of a crowded size into the batch; returns their ids."""
    views = {one.segment_id: one.view for one in snapshot.segments}
    levels: dict[int, list[str]] = {}
    counts = {
        one.segment_id(): one.doc_count()
        for one in batch.segments
        if views[one.segment_id()].has_own_keys  # others go with the rebuild
    }
    for name, count in counts.items():
        if 0 < count < LARGEST_MERGE:
            levels.setdefault((count.bit_length() + 1) // 2, []).append(name)
    merged: set[str] = set()
    for names in levels.values():
        if len(names) < _SEGMENTS_A_LEVEL:
            continue
        for segment in [one for one in batch.segments if one.segment_id() in names]:
            live = live_mask(segment)
            with reading_index():
                batch.add_segment(views[segment.segment_id()], live)
            merged.add(segment.segment_id())
    return merged
