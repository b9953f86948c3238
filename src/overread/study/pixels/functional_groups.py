"""Attributes of one frame of an enhanced multi-frame object (PS3.3 C.7.6.16).

A functional group stands in the frame's own item or in the shared one; classic objects keep the
same attributes at the top level.
"""

from __future__ import annotations

from pydicom import Dataset


def find_group(header: Dataset, frame: int, keyword: str) -> Dataset | None:
    """The item of functional group `keyword` that holds for a frame (1-based), or None."""
    per_frame = header.get("PerFrameFunctionalGroupsSequence") or ()
    if 1 <= frame <= len(per_frame):
        found = per_frame[frame - 1].get(keyword)
        if found:
            return found[0]  # type: ignore[no-any-return]  # pydicom items are Datasets
    shared = header.get("SharedFunctionalGroupsSequence") or ()
    if shared:
        found = shared[0].get(keyword)
        if found:
            return found[0]  # type: ignore[no-any-return]  # pydicom items are Datasets
    return None


def is_multi_frame_enhanced(header: Dataset) -> bool:
    """Whether frames are described by functional groups."""
    return (
        "PerFrameFunctionalGroupsSequence" in header or "SharedFunctionalGroupsSequence" in header
    )
