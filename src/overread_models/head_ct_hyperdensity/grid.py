"""The working grid: about 1 mm in the plane, slices lifted upright, and the way back.

A tilted gantry shears the stack, so pixels of equal index do not lie above each other. Slices are
rolled by whole working pixels until they do (error below half a working pixel); rolling loses
nothing and turns back exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from overread.study.volume import (
    Volume,
    measure_positions_mm,
    measure_shifts_pixels,
    slice_extents_mm,
)

Field = NDArray[np.float32]
Mask = NDArray[np.bool_]

_TARGET_MM = 0.95
_AIR_HU = -1000.0


@dataclass(frozen=True, slots=True)
class Grid:
    """A head on the working grid.

    Attributes:
        hu: float32 (slices, rows, columns), block means of the original, unsheared.
        step: original pixels per working pixel.
        row_mm, column_mm: size of a working pixel.
        extents_mm: thickness that each slice stands for along the normal.
        positions_mm: place of each slice along the normal.
        rolls: working pixels (rows, columns) by which each slice was rolled.
        left_sign: +1 where columns grow towards the patient's left, else -1.
        back_sign: +1 where rows grow towards the patient's back, else -1.
        is_top_last: whether the last slice is the highest.
        shape: the original (slices, rows, columns).
    """

    hu: Field
    step: int
    row_mm: float
    column_mm: float
    extents_mm: NDArray[np.float64]
    positions_mm: NDArray[np.float64]
    rolls: NDArray[np.int64]
    left_sign: int
    back_sign: int
    is_top_last: bool
    shape: tuple[int, int, int]

    @property
    def voxel_ml(self) -> NDArray[np.float64]:
        """Volume of one working voxel, one per slice."""
        return self.extents_mm * self.row_mm * self.column_mm / 1000.0

    def volume_ml(self, mask: Mask) -> float:
        return float(mask.sum(axis=(1, 2)) @ self.voxel_ml)

    def restore(self, values: Field) -> Field:
        """A field on the working grid brought to the original one, linear in the plane."""
        straight = np.stack([
            np.roll(part, (-roll[0], -roll[1]), (0, 1))
            for part, roll in zip(values, self.rolls, strict=True)
        ])  # fmt: skip
        if self.step == 1:
            return straight[:, : self.shape[1], : self.shape[2]]
        rows = (np.arange(self.shape[1]) + 0.5) / self.step - 0.5
        columns = (np.arange(self.shape[2]) + 0.5) / self.step - 0.5
        return _stretch(_stretch(straight, rows, 1), columns, 2)


def make_grid(volume: Volume) -> Grid:
    """Bring a volume to the working grid.

    Raises:
        Rejected: a single slice.
    """
    plane = volume.planes[0]
    finest = min(plane.spacing_between_rows_mm, plane.spacing_between_columns_mm)
    step = max(1, round(_TARGET_MM / finest))
    row_mm = plane.spacing_between_rows_mm * step
    column_mm = plane.spacing_between_columns_mm * step
    small = _average(np.clip(volume.voxels, -1024, 3071), step)
    rolls = np.round(measure_shifts_pixels(volume) / step).astype(np.int64)
    rolls -= np.round(np.median(rolls, axis=0)).astype(np.int64)
    upright = np.stack([
        _roll_in_air(part, int(roll[0]), int(roll[1]))
        for part, roll in zip(small, rolls, strict=True)
    ])  # fmt: skip
    return Grid(
        hu=upright,
        step=step,
        row_mm=row_mm,
        column_mm=column_mm,
        extents_mm=slice_extents_mm(volume),
        positions_mm=measure_positions_mm(volume.planes),
        rolls=rolls,
        left_sign=1 if plane.row_cosines[0] >= 0 else -1,
        back_sign=1 if plane.column_cosines[1] >= 0 else -1,
        is_top_last=bool(plane.normal[2] >= 0),
        shape=(volume.voxels.shape[0], volume.voxels.shape[1], volume.voxels.shape[2]),
    )


def smooth(values: Field, mask: Mask, grid: Grid, sigma_mm: float) -> Field:
    """Gaussian mean in the plane over the voxels of `mask` alone; 0 where there are none."""
    width = (0.0, sigma_mm / grid.row_mm, sigma_mm / grid.column_mm)
    weight = ndimage.gaussian_filter(mask.astype(np.float32), width)
    total = ndimage.gaussian_filter(np.where(mask, values, 0).astype(np.float32), width)
    return np.asarray(np.where(weight > 1e-3, total / np.maximum(weight, 1e-3), 0), np.float32)


def make_disc(radius_pixels: float) -> Mask:
    """A round structuring element of one slice, (1, rows, columns)."""
    reach = max(1, int(np.ceil(radius_pixels)))
    y, x = np.ogrid[-reach : reach + 1, -reach : reach + 1]
    return np.asarray((x * x + y * y <= radius_pixels**2 + 0.5)[None], dtype=np.bool_)


def _average(values: Field, step: int) -> Field:
    slices, rows, columns = values.shape
    pad = ((0, 0), (0, -rows % step), (0, -columns % step))
    padded = np.pad(values, pad, mode="edge")
    blocks = padded.reshape(slices, padded.shape[1] // step, step, padded.shape[2] // step, step)
    return np.asarray(blocks.mean(axis=(2, 4)), dtype=np.float32)


def _roll_in_air(image: Field, rows: int, columns: int) -> Field:
    return np.roll(image, (rows, columns), (0, 1))


def _stretch(values: Field, at: NDArray[np.float64], axis: int) -> Field:
    """Linear interpolation along one axis at fractional indices."""
    last = values.shape[axis] - 1
    place = np.clip(at, 0, last)
    low = np.minimum(np.floor(place).astype(int), max(last - 1, 0))
    high = np.minimum(low + 1, last)
    share = (place - low).astype(np.float32)
    shape = [1, 1, 1]
    shape[axis] = share.size
    share = share.reshape(shape)
    return np.asarray(
        np.take(values, low, axis) * (1 - share) + np.take(values, high, axis) * share, np.float32
    )
