"""What the brain's HU is expected to be at each place of this very scan.

Beam hardening and partial volume make the brain brighter towards the bone and towards the vertex,
by 10 HU and more. The expectation is therefore measured in the scan: for each slice and distance
to the bone, the median of either half of the head, of which the lower one counts, so that blood on
one side does not hide itself.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from overread_models.head_ct_hyperdensity.grid import Field, Mask

_DEPTHS_MM = np.array([1.0, 2.2, 3.5, 5.5, 8.5, 13.0, 20.0, 60.0])
_SECTORS = 3
_LEAST_VOXELS = 25
_MOST_ABOVE_HU = 22.0


def expect_hu(
    calm: Field, tissue: Mask, depth_mm: Field, offset_mm: Field, level_hu: float
) -> Field:
    """The expected HU of brain, float32 (slices, rows, columns).

    Args:
        calm: HU with little noise.
        tissue: brain without fluid.
        level_hu: the brain's most frequent HU.
    """
    middles = 0.5 * (_DEPTHS_MM[:-1] + np.minimum(_DEPTHS_MM[1:], 26.0))
    bins = np.digitize(depth_mm, _DEPTHS_MM) - 1
    expected = np.full_like(calm, level_hu)
    for index in range(calm.shape[0]):
        rows = np.flatnonzero(tissue[index].any(axis=1))
        if not rows.size:
            continue
        here = slice(max(0, index - 1), index + 2)
        edges = np.linspace(rows[0], rows[-1] + 1, _SECTORS + 1)
        table = np.full((_SECTORS, middles.size), np.nan)
        for sector in range(_SECTORS):
            part = (here, slice(int(edges[sector]), int(edges[sector + 1])))
            inside = tissue[part]
            values, place = calm[part][inside], bins[part][inside]
            is_left = offset_mm[part][inside] > 0
            for column in range(middles.size):
                table[sector, column] = _lower_median(values, place == column, is_left)
        filled = _fill(table, level_hu)
        by_sector = np.stack([np.interp(depth_mm[index], middles, line) for line in filled])
        expected[index] = _blend_rows(by_sector, edges)
    return np.clip(expected, level_hu, level_hu + _MOST_ABOVE_HU)


def _blend_rows(by_sector: Field, edges: NDArray[np.float64]) -> Field:
    """Join the sectors (front, middle, back), linear between their middles."""
    middles = 0.5 * (edges[:-1] + edges[1:])
    place = np.interp(np.arange(by_sector.shape[1]), middles, np.arange(len(middles)))
    low = np.minimum(place.astype(int), len(middles) - 2)
    share = (place - low)[:, None]
    rows = np.arange(by_sector.shape[1])
    return np.asarray(
        by_sector[low, rows] * (1 - share) + by_sector[low + 1, rows] * share, dtype=np.float32
    )


def _lower_median(values: Field, chosen: Mask, is_left: Mask) -> float:
    sides = [values[chosen & is_left], values[chosen & ~is_left]]
    medians = [float(np.median(side)) for side in sides if side.size >= _LEAST_VOXELS]
    return min(medians) if medians else np.nan


def _fill(table: Field, level_hu: float) -> Field:
    """Empty cells take the next deeper one of their slice, at last the brain's level."""
    filled = table.copy()
    for column in range(table.shape[1] - 2, -1, -1):
        empty = np.isnan(filled[:, column])
        filled[empty, column] = filled[empty, column + 1]
    for column in range(1, table.shape[1]):
        empty = np.isnan(filled[:, column])
        filled[empty, column] = filled[empty, column - 1]
    return np.where(np.isnan(filled), level_hu, filled)
