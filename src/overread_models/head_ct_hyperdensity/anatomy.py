"""Where things are in this head: the midline plane, fluid, ventricles, calcium."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from overread_models.head_ct_hyperdensity.baseline import expect_hu
from overread_models.head_ct_hyperdensity.grid import Field, Grid, Mask, make_disc, smooth
from overread_models.head_ct_hyperdensity.midline import find_midline
from overread_models.head_ct_hyperdensity.skull import Brain

_CALCIUM_HU = 105.0
_CALCIUM_HALO_MM = 3.2
_FLUID_BELOW_TISSUE_HU = 13.0
_DEEP_MM = 20.0
_Kind = TypeVar("_Kind", np.float32, np.bool_)


@dataclass(frozen=True, slots=True)
class Anatomy:
    """Arrays on the working grid.

    Attributes:
        fine, calm: the brain's HU with less noise (Gaussian of 0.9 and 1.6 mm, brain alone).
        expected: HU that brain is expected to have at each place.
        tissue_hu: the brain's most frequent HU, between grey and white.
        noise_hu: robust spread of `fine` about its neighbourhood.
        offset_mm: signed distance in the plane to the midline, positive to the patient's left.
        back_mm: signed distance along it to the middle of the brain's length, positive to the back.
        mirrored: where each voxel's mirror image lies in its slice (`Midline.reflect`).
        fluid: cerebrospinal fluid.
        ventricles: fluid deep in the head, with its mirror image and a rim.
        calcium: calcified spots and their halo.
    """

    fine: Field
    calm: Field
    expected: Field
    tissue_hu: float
    noise_hu: float
    offset_mm: Field
    back_mm: Field
    mirrored: NDArray[np.int64]
    fluid: Mask
    ventricles: Mask
    calcium: Mask


def survey(grid: Grid, brain: Brain) -> Anatomy:
    """Measure the head."""
    clipped = np.clip(grid.hu, -20, 120)
    # The pixel at the bone holds bone: it does not enter the means.
    clean = brain.mask & (brain.depth_mm > 1.2) & ~((brain.depth_mm < 2.6) & (grid.hu > 90))
    fine = smooth(clipped, clean, grid, 0.9)
    calm = smooth(clipped, clean, grid, 1.6)
    well_inside = brain.mask & (brain.depth_mm > 6) & ~brain.roof
    tissue = _find_mode(calm[well_inside])
    noise = _measure_noise(grid.hu - fine, well_inside)
    midline = find_midline(brain, grid)
    offset, back = midline.measure(grid)
    mirrored = midline.reflect(grid)
    fluid = brain.mask & (calm < tissue - _FLUID_BELOW_TISSUE_HU) & (calm > -15)
    solid = clean & (calm > tissue - 8)
    expected = expect_hu(calm, solid, brain.depth_mm, offset, tissue)
    return Anatomy(
        fine=fine,
        calm=calm,
        expected=expected,
        tissue_hu=tissue,
        noise_hu=noise,
        offset_mm=offset,
        back_mm=back - np.float32(np.median(back[brain.mask])),
        mirrored=mirrored,
        fluid=fluid,
        ventricles=_find_ventricles(fluid, mirrored, offset, brain, grid),
        calcium=_find_calcium(grid, brain),
    )


def mirror(values: NDArray[_Kind], mirrored: NDArray[np.int64]) -> NDArray[_Kind]:
    """The other side of the head, brought to this one; `mirrored` as in `Anatomy`."""
    flat = values.reshape(len(values), -1)
    return np.take_along_axis(flat, mirrored.reshape(len(values), -1), axis=1).reshape(values.shape)


def _find_mode(values: Field) -> float:
    counts, edges = np.histogram(values, bins=np.arange(5, 75, 0.5))
    counts = ndimage.gaussian_filter1d(counts.astype(float), 3)
    return float(edges[int(np.argmax(counts))] + 0.25)


def _measure_noise(detail: Field, inside: Mask) -> float:
    values = detail[inside]
    return float(1.4826 * np.median(np.abs(values - np.median(values))))


def _find_calcium(grid: Grid, brain: Brain) -> Mask:
    core = brain.mask & (grid.hu > _CALCIUM_HU) & (brain.depth_mm > 4)
    halo = ndimage.binary_dilation(core, make_disc(_CALCIUM_HALO_MM / grid.row_mm))
    return np.asarray(halo & brain.mask, dtype=np.bool_)


def _find_ventricles(
    fluid: Mask, mirrored: NDArray[np.int64], offset: Field, brain: Brain, grid: Grid
) -> Mask:
    deep = fluid & (brain.depth_mm > _DEEP_MM) & (np.abs(offset) < 38)
    labels, count = ndimage.label(deep, np.ones((3, 3, 3)))
    if count == 0:
        return np.zeros_like(fluid)
    weights = np.broadcast_to(grid.voxel_ml[:, None, None], labels.shape)
    sizes = ndimage.sum_labels(weights, labels, range(1, count + 1))
    kept = np.isin(labels, 1 + np.flatnonzero(sizes > 1.0))
    both = kept | mirror(kept, mirrored)
    closed = ndimage.binary_closing(both, make_disc(5.0 / grid.row_mm))
    rim = ndimage.binary_dilation(closed, make_disc(2.0 / grid.row_mm))
    return np.asarray(rim & brain.mask, dtype=np.bool_)
