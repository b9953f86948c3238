"""What a run was given, as one number."""

from __future__ import annotations

import hashlib
import struct

import numpy as np

from overread.study.volume import Volume


def input_digest(volume: Volume) -> str:
    """SHA-256 (hex) over the sorted SOP Instance UIDs (with frames), the decoded pixels and the
    geometry of a volume.

    A transcoded copy or a corrected patient name gives the same digest; another pixel, another
    place or another image does not.
    """
    digest = hashlib.sha256()
    has_planes = len(volume.planes) == len(volume.images)
    order = sorted(
        range(len(volume.images)),
        key=lambda index: (volume.images[index].sop_instance_uid, volume.images[index].frame),
    )
    digest.update(struct.pack("<3q", *volume.voxels.shape))
    digest.update((volume.frame_of_reference_uid or "").encode() + b"\0")
    for index in order:
        image = volume.images[index]
        digest.update(f"{image.sop_instance_uid}\0{image.frame}\0".encode())
        if has_planes:
            plane = volume.planes[index]
            digest.update(
                struct.pack(
                    "<11d",
                    *plane.position,
                    *plane.row_cosines,
                    *plane.column_cosines,
                    plane.spacing_between_rows_mm,
                    plane.spacing_between_columns_mm,
                )
            )
        digest.update(np.ascontiguousarray(volume.voxels[index], dtype="<f4").data)
    return digest.hexdigest()
