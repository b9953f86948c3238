"""The inside of the skull in any head CT, for placing simulated bleeds.

Slices that bone does not close (skull base, face) are left out: bleeds are placed above them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from overread.vocabulary.errors import Rejected
from overread.vocabulary.geometry import PlaneGeometry

_BONE_HU = 300
_FAT_HU = -15
_LEAST_AREA_MM2 = 2500.0


def find_cavity(hu: NDArray[np.int16], planes: tuple[PlaneGeometry, ...]) -> NDArray[np.bool_]:
    """Bool (slices, rows, columns): brain, fluid and dura inside a closed ring of bone.

    Raises:
        Rejected: no slice shows a closed skull.
    """
    pixel_mm = planes[0].spacing_between_rows_mm
    inside = np.zeros(hu.shape, dtype=np.bool_)
    disc = make_disc(2.0 / pixel_mm)
    small = make_disc(1.2 / pixel_mm)
    for index, image in enumerate(hu):
        bone = ndimage.binary_closing(image > _BONE_HU, disc)
        hollow = ndimage.binary_fill_holes(bone) & ~bone
        hollow = ndimage.binary_opening(hollow, disc)
        labels, count = ndimage.label(hollow)
        if not count:
            continue
        sizes = ndimage.sum_labels(hollow, labels, range(1, count + 1)) * pixel_mm**2
        largest = labels == 1 + int(np.argmax(sizes))
        values = image[largest]
        soft = float(np.mean((values > -20) & (values < 110)))
        if sizes.max() < _LEAST_AREA_MM2 or soft < 0.95:
            continue
        inside[index] = ndimage.binary_dilation(largest, small) & (image < _BONE_HU)
        inside[index] &= ndimage.gaussian_filter(image.astype(np.float32), 1.5) > _FAT_HU
    if not inside.any():
        raise Rejected("No closed skull was found in this series: a bleed can't be placed.")
    return inside


def make_disc(radius_pixels: float) -> NDArray[np.bool_]:
    """A round structuring element."""
    reach = int(np.ceil(radius_pixels))
    y, x = np.ogrid[-reach : reach + 1, -reach : reach + 1]
    return np.asarray(x * x + y * y <= radius_pixels**2 + 0.5, dtype=np.bool_)
