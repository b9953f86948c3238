"""A stack as a regular, upright grid, for viewers and models that can't take it as it is.

A volume viewport places slices by index; a tilted or unevenly spaced series would be drawn
silently wrong. Here such a series is interpolated between its real slice planes. Nothing is
invented outside the first and last slice.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overread.study.volume import (
    Volume,
    describe_spacing,
    gaps_mm,
    is_evenly_spaced,
    is_upright,
    measure_shifts_pixels,
    slice_positions_mm,
)
from overread.vocabulary.errors import LimitExceeded, Rejected

MAX_GRID_VOXELS = 2**28
"""Largest grid made: 512 MiB of int16."""

_EDGE = 0.5 + 1e-6
"""A pixel reaches this far from its centre."""


@dataclass(frozen=True, slots=True)
class RegularGrid:
    """Voxels on a regular orthogonal lattice.

    Attributes:
        array: (z, y, x): z along `directions[2]`, y along `directions[1]` (as an image's rows
            follow each other), x along `directions[0]`; int16 where all source values are whole
            numbers that fit, else float32.
        origin: LPS mm of the CENTRE of voxel [0, 0, 0].
        directions: unit vectors of x, y and z, mutually perpendicular.
        spacing: mm along x, y and z.
        is_resampled: whether voxels are interpolated; if not, they are the series' own.
        note: words for the reader, "" where nothing was resampled.
    """

    array: NDArray[np.int16] | NDArray[np.float32]
    origin: tuple[float, float, float]
    directions: tuple[tuple[float, float, float], ...]
    spacing: tuple[float, float, float]
    is_resampled: bool
    note: str

    def to_affine(self) -> NDArray[np.float64]:
        """4×4 matrix from the index (z, y, x, 1) to LPS mm."""
        return make_affine(self.origin, self.directions, self.spacing)


def make_affine(
    origin: Sequence[float], directions: Sequence[Sequence[float]], spacing: Sequence[float]
) -> NDArray[np.float64]:
    """4×4 matrix from the index (z, y, x, 1) to LPS mm; directions and spacing are x, y, z."""
    matrix = np.eye(4)
    for column, axis in enumerate((2, 1, 0)):
        matrix[:3, column] = np.asarray(directions[axis]) * spacing[axis]
    matrix[:3, 3] = origin
    return matrix


def to_regular_grid(
    volume: Volume, spacing_mm: tuple[float, float, float] | None = None
) -> RegularGrid:
    """Put a stack on a regular orthogonal grid by linear interpolation between its slice planes.

    The grid's axes are those of the slices and their normal; it covers every pixel of every
    slice, from the first slice's plane to the last one's. Where no slice lies the value is the
    volume's smallest. An upright and evenly spaced series is passed through untouched unless
    another spacing is asked for. One slice is worked at a time: memory stays near the size of the
    result.

    Args:
        spacing_mm: along x, y and z; by default the pixel spacing, and half the lower quartile
            of the gaps (no finer than the pixels) along the normal.

    Raises:
        Rejected: a spacing that is not above zero.
        LimitExceeded: more than `MAX_GRID_VOXELS`.
    """
    plane = volume.planes[0]
    directions = (plane.row_cosines, plane.column_cosines, _to_triple(plane.normal))
    if spacing_mm is None and is_upright(volume) and is_evenly_spaced(volume):
        gaps = gaps_mm(volume)
        step = float(gaps.mean()) if gaps.size else 1.0
        spacing = (plane.spacing_between_columns_mm, plane.spacing_between_rows_mm, step)
        array = _narrow(volume.voxels)
        return RegularGrid(array, plane.position, directions, spacing, False, "")
    spacing = _choose_spacing(volume) if spacing_mm is None else spacing_mm
    if not all(math.isfinite(step) and step > 0 for step in spacing):
        raise Rejected(f"A grid needs three spacings above 0 mm; got {spacing}.")
    lattice = _lay_lattice(volume, spacing)
    array = _make_empty(lattice.shape, volume.voxels)
    _interpolate(volume, lattice, array)
    origin = (
        np.array(plane.position)
        + lattice.y[0] * np.array(plane.column_cosines) * plane.spacing_between_rows_mm
        + lattice.x[0] * np.array(plane.row_cosines) * plane.spacing_between_columns_mm
    )
    note = (
        f"Resampled for display: {describe_spacing(volume)}; shown every {spacing[2]:.2f} mm, "
        "interpolated between slices."
    )
    return RegularGrid(array, _to_triple(origin), directions, spacing, True, note)


def mask_to_grid(
    mask: NDArray[np.generic], volume: Volume, grid: RegularGrid
) -> NDArray[np.generic]:
    """Labels of a stack on a grid made of it: each voxel takes the slice whose extent holds it.

    Args:
        mask: (slices, rows, columns) on the volume's own grid, bool or integer labels.

    Returns:
        (z, y, x) as `grid.array`, dtype of `mask`; 0 where no slice lies.

    Raises:
        Rejected: a mask of another shape.
    """
    if mask.shape != volume.voxels.shape:
        raise Rejected(f"The mask is {mask.shape}, the volume {volume.voxels.shape}.")
    if not grid.is_resampled:
        return mask.copy()
    plane = volume.planes[0]
    offset = np.subtract(grid.origin, plane.position)
    z_count, y_count, x_count = grid.array.shape
    y = float(offset @ np.array(plane.column_cosines)) + np.arange(y_count) * grid.spacing[1]
    x = float(offset @ np.array(plane.row_cosines)) + np.arange(x_count) * grid.spacing[0]
    z = float(offset @ plane.normal) + np.arange(z_count) * grid.spacing[2]
    positions = slice_positions_mm(volume)
    positions = positions - positions[0]
    owner = np.searchsorted((positions[1:] + positions[:-1]) / 2, z, side="right")
    shifts = measure_shifts_pixels(volume)
    result = np.zeros(grid.array.shape, dtype=mask.dtype)
    for index, source in enumerate(owner):
        rows = _nearest(y / plane.spacing_between_rows_mm - shifts[source, 0], mask.shape[1])
        columns = _nearest(x / plane.spacing_between_columns_mm - shifts[source, 1], mask.shape[2])
        inside = np.ix_(rows >= 0, columns >= 0)
        result[index][inside] = mask[source][np.ix_(rows[rows >= 0], columns[columns >= 0])]
    return result


@dataclass(frozen=True, slots=True)
class _Lattice:
    """Where grid voxels lie: y and x in pixels of the first slice, z in mm from it."""

    z: NDArray[np.float64]
    y: NDArray[np.float64]
    x: NDArray[np.float64]

    @property
    def shape(self) -> tuple[int, int, int]:
        return (len(self.z), len(self.y), len(self.x))


def _lay_lattice(volume: Volume, spacing: tuple[float, float, float]) -> _Lattice:
    plane = volume.planes[0]
    shifts = measure_shifts_pixels(volume)
    positions = slice_positions_mm(volume)
    steps = (
        spacing[2],
        spacing[1] / plane.spacing_between_rows_mm,
        spacing[0] / plane.spacing_between_columns_mm,
    )
    starts = (0.0, float(shifts[:, 0].min()), float(shifts[:, 1].min()))
    ends = (
        float(positions[-1] - positions[0]),
        float(shifts[:, 0].max()) + plane.rows - 1,
        float(shifts[:, 1].max()) + plane.columns - 1,
    )
    counts = [
        math.floor((end - start) / step + 1e-6) + 1
        for start, end, step in zip(starts, ends, steps, strict=True)
    ]
    if math.prod(counts) > MAX_GRID_VOXELS:
        raise LimitExceeded(
            f"A grid of {counts[0]} × {counts[1]} × {counts[2]} voxels passes the bound of "
            f"{MAX_GRID_VOXELS}: ask for a coarser spacing."
        )
    z, y, x = (
        np.asarray(start + step * np.arange(count), dtype=np.float64)
        for start, step, count in zip(starts, steps, counts, strict=True)
    )
    return _Lattice(z, y, x)


def _choose_spacing(volume: Volume) -> tuple[float, float, float]:
    plane = volume.planes[0]
    x, y = plane.spacing_between_columns_mm, plane.spacing_between_rows_mm
    gaps = gaps_mm(volume)
    if not gaps.size:
        return (x, y, 1.0)
    z = max(float(np.quantile(gaps, 0.25)) / 2, x, y)
    # The shear widens the grid; a long thin-slice series is made coarser along the normal before
    # it is refused.
    reach_rows, reach_columns = np.ptp(measure_shifts_pixels(volume), axis=0)
    size = float((reach_rows + plane.rows) * (reach_columns + plane.columns))
    affordable = MAX_GRID_VOXELS * 0.95 / size
    return (x, y, max(z, float(gaps.sum()) / max(affordable - 1, 1)))


def _interpolate(
    volume: Volume, lattice: _Lattice, into: NDArray[np.int16] | NDArray[np.float32]
) -> None:
    positions = slice_positions_mm(volume)
    positions = positions - positions[0]
    shifts = measure_shifts_pixels(volume)
    fill = np.float32(volume.voxels.min())
    cache: dict[int, tuple[NDArray[np.float32], NDArray[np.bool_]]] = {}
    for index, z in enumerate(lattice.z):
        below = int(np.clip(np.searchsorted(positions, z, side="right") - 1, 0, len(positions) - 1))
        above = min(below + 1, len(positions) - 1)
        gap = positions[above] - positions[below]
        weight = float(np.clip((z - positions[below]) / gap, 0, 1)) if gap > 0 else 0.0
        for source in (below, above):
            if source not in cache:
                cache[source] = _sample_slice(volume.voxels[source], shifts[source], lattice)
        for stale in [key for key in cache if key not in (below, above)]:
            del cache[stale]
        plane = _blend(cache[below], cache[above], weight, fill)
        into[index] = np.rint(plane) if into.dtype == np.int16 else plane


def _blend(
    below: tuple[NDArray[np.float32], NDArray[np.bool_]],
    above: tuple[NDArray[np.float32], NDArray[np.bool_]],
    weight: float,
    fill: np.float32,
) -> NDArray[np.float32]:
    """Between two slices; at a sheared edge, where only one reaches, that one alone."""
    lower = below[1] * np.float32(1 - weight)
    upper = above[1] * np.float32(weight)
    total = lower + upper
    values = below[0] * lower + above[0] * upper
    safe = np.where(total > 0, total, np.float32(1))
    return np.where(total > 0, values / safe, fill).astype(np.float32)


def _sample_slice(
    pixels: NDArray[np.float32], shift: NDArray[np.float64], lattice: _Lattice
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """One slice bilinearly at the lattice's (y, x), and where it reaches."""
    rows, row_inside, row_weight = _bracket(lattice.y - shift[0], pixels.shape[0])
    columns, column_inside, column_weight = _bracket(lattice.x - shift[1], pixels.shape[1])
    next_rows = np.minimum(rows + 1, pixels.shape[0] - 1)
    next_columns = np.minimum(columns + 1, pixels.shape[1] - 1)
    row_weight = row_weight[:, None]
    lines = pixels[rows] * (1 - row_weight) + pixels[next_rows] * row_weight
    values = lines[:, columns] * (1 - column_weight) + lines[:, next_columns] * column_weight
    return values.astype(np.float32, copy=False), np.outer(row_inside, column_inside)


def _bracket(
    place: NDArray[np.float64], count: int
) -> tuple[NDArray[np.intp], NDArray[np.bool_], NDArray[np.float32]]:
    """For places in pixels: the index below, whether a pixel reaches there, the share above."""
    inside = (place >= -_EDGE) & (place <= count - 1 + _EDGE)
    clamped = np.clip(place, 0, count - 1)
    below = np.minimum(np.floor(clamped), max(count - 2, 0)).astype(np.intp)
    return below, inside, (clamped - below).astype(np.float32)


def _nearest(place: NDArray[np.float64], count: int) -> NDArray[np.intp]:
    """The pixel that holds each place, -1 where none does."""
    index = np.floor(place + 0.5).astype(np.intp)
    return np.where((index >= 0) & (index < count), index, -1)


def _fits_int16(voxels: NDArray[np.float32]) -> bool:
    """Whether all values are whole numbers of 16 bits; looked at slice by slice."""
    limits = np.iinfo(np.int16)
    return all(
        pixels.min() >= limits.min
        and pixels.max() <= limits.max
        and np.array_equal(pixels, np.rint(pixels))
        for pixels in voxels
    )


def _make_empty(
    shape: tuple[int, int, int], voxels: NDArray[np.float32]
) -> NDArray[np.int16] | NDArray[np.float32]:
    if _fits_int16(voxels):
        return np.empty(shape, dtype=np.int16)
    return np.empty(shape, dtype=np.float32)


def _narrow(voxels: NDArray[np.float32]) -> NDArray[np.int16] | NDArray[np.float32]:
    return voxels.astype(np.int16) if _fits_int16(voxels) else voxels


def _to_triple(vector: NDArray[np.float64]) -> tuple[float, float, float]:
    return (float(vector[0]), float(vector[1]), float(vector[2]))
