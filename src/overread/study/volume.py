"""A series as one array, each slice where it really lies: tilt and uneven gaps are kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overread.study.study import ImageRef
from overread.vocabulary.geometry import PlaneGeometry
from overread.vocabulary.uid import Uid


@dataclass(frozen=True, slots=True)
class Volume:
    """Slices of one series, ordered by ascending position along their common normal.

    Attributes:
        voxels: float32 (slices, rows, columns), modality values (HU for CT) after rescale.
        planes: one per slice; parallel, but origins may step obliquely (gantry tilt) and
            unevenly.
        images: one per slice.
        modality, patient_age: what models may know of the source; no identity.
    """

    voxels: NDArray[np.float32]
    planes: tuple[PlaneGeometry, ...]
    images: tuple[ImageRef, ...]
    series_instance_uid: Uid
    frame_of_reference_uid: Uid | None
    modality: str
    patient_age: str = ""
