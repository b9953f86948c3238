"""The plane between the halves of the skull: the one about which its inside mirrors best.

Middles between left and right walls mislead in a turned head, as the middles of a turned ellipse
do. Here the inside of the skull is laid on its own mirror image, and angle, place and sideways
lean of the plane are those that leave the least difference.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, optimize

from overread_models.head_ct_hyperdensity.grid import Field, Grid
from overread_models.head_ct_hyperdensity.skull import Brain

_STRIDE = 3
_MOST_SLICES = 8
_LEAST_AREA_SHARE = 0.55
_DEEP_MM = 12.0
_MOST_DEGREES = 28.0
_STEP_DEGREES = 4.0


@dataclass(frozen=True, slots=True)
class Midline:
    """A plane, given in the working grid's millimetres (index times pixel size).

    Attributes:
        angle: turn in the plane of the slices, radians; 0 where it runs along the rows' steps,
            positive where its column grows with the row.
        row_mm, column_mm: a point on it at `position_mm`.
        lean: millimetres along the columns per millimetre along the normal.
    """

    angle: float
    row_mm: float
    column_mm: float
    position_mm: float
    lean: float

    def measure(self, grid: Grid) -> tuple[Field, Field]:
        """Signed distance to the plane, positive to the patient's left, and the distance along it
        from its point, positive to the back: each float32 (slices, rows, columns), mm."""
        down = np.arange(grid.hu.shape[1])[:, None] * grid.row_mm - self.row_mm
        across = np.arange(grid.hu.shape[2])[None, :] * grid.column_mm - self.column_mm
        lean = self.lean * (grid.positions_mm - self.position_mm)[:, None, None]
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        aside = ((across - lean) * cos - down * sin) * grid.left_sign
        along = (down * cos + (across - lean) * sin) * grid.back_sign
        return aside.astype(np.float32), along.astype(np.float32)

    def reflect(self, grid: Grid) -> NDArray[np.int64]:
        """Where each voxel's mirror image lies: row times columns plus column in the same slice,
        nearest voxel, clipped to the image; (slices, rows, columns)."""
        aside = self.measure(grid)[0] * grid.left_sign
        rows = np.arange(grid.hu.shape[1])[None, :, None]
        columns = np.arange(grid.hu.shape[2])[None, None, :]
        row = np.round(rows + 2 * aside * np.sin(self.angle) / grid.row_mm)
        column = np.round(columns - 2 * aside * np.cos(self.angle) / grid.column_mm)
        row = np.clip(row, 0, grid.hu.shape[1] - 1).astype(np.int64)
        column = np.clip(column, 0, grid.hu.shape[2] - 1).astype(np.int64)
        return np.asarray(row * grid.hu.shape[2] + column, dtype=np.int64)


def find_midline(brain: Brain, grid: Grid) -> Midline:
    """The plane of best mirror likeness of the skull's inside."""
    areas = brain.mask.sum(axis=(1, 2))
    full = np.flatnonzero(areas >= _LEAST_AREA_SHARE * areas.max())
    chosen = full[np.unique(np.linspace(0, full.size - 1, _MOST_SLICES).round().astype(int))]
    depth = np.minimum(brain.depth_mm[chosen], _DEEP_MM)
    small = ndimage.uniform_filter(depth, (0, _STRIDE, _STRIDE))[:, ::_STRIDE, ::_STRIDE]
    lifted = grid.positions_mm[chosen]
    place = np.argwhere(small > 0)
    weights = small[small > 0]
    middle = np.average(place, axis=0, weights=weights) * _STRIDE
    row_mm, column_mm = float(middle[1] * grid.row_mm), float(middle[2] * grid.column_mm)
    position = float(lifted.mean())
    size = (_STRIDE * grid.row_mm, _STRIDE * grid.column_mm)
    down = np.arange(small.shape[1])[None, :, None] * size[0] - row_mm
    across = np.arange(small.shape[2])[None, None, :] * size[1] - column_mm
    index = np.broadcast_to(np.arange(small.shape[0])[:, None, None], small.shape)

    def differ(parameters: NDArray[np.float64]) -> float:
        angle, shift, lean = np.deg2rad(parameters[0]), parameters[1], parameters[2]
        moved = across - (shift + lean * (lifted - position))[:, None, None]
        aside = moved * np.cos(angle) - down * np.sin(angle)
        row = (down + row_mm + 2 * aside * np.sin(angle)) / size[0]
        column = (across + column_mm - 2 * aside * np.cos(angle)) / size[1]
        mirrored = ndimage.map_coordinates(small, np.stack([index, row, column]), order=1)
        return float(np.square(small - mirrored).mean())

    turns = np.arange(-_MOST_DEGREES, _MOST_DEGREES + 1, _STEP_DEGREES)
    tries = [differ(np.array([turn, 0.0, 0.0])) for turn in turns]
    start = np.array([turns[int(np.argmin(tries))], 0.0, 0.0])
    simplex = start + np.array([[0, 0, 0], [3.0, 0, 0], [0, 3.0, 0], [0, 0, 0.05]])
    best = optimize.minimize(
        differ,
        start,
        method="Nelder-Mead",
        options={"initial_simplex": simplex, "xatol": 0.02, "fatol": 1e-5, "maxfev": 160},
    ).x
    return Midline(
        angle=float(np.deg2rad(best[0])),
        row_mm=row_mm,
        column_mm=float(column_mm + best[1]),
        position_mm=position,
        lean=float(best[2]),
    )
