"""A volume turned onto a lattice that a model wants, and its labels brought back.

A model is trained on one orientation and spacing; the series comes in its own. Both ways go
through patient coordinates alone, so an axis can't be mistaken for another.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import affine_transform

from overread.study.resampling import to_regular_grid
from overread.study.volume import Volume
from overread.vocabulary.errors import LimitExceeded, Rejected

MAX_CONFORMED_VOXELS = 2**28

_SIDES = {
    "L": (1.0, 0.0, 0.0),
    "R": (-1.0, 0.0, 0.0),
    "P": (0.0, 1.0, 0.0),
    "A": (0.0, -1.0, 0.0),
    "S": (0.0, 0.0, 1.0),
    "I": (0.0, 0.0, -1.0),
}
"""The LPS direction of each side of the patient (PS3.3 C.7.6.2.1.1)."""


@dataclass(frozen=True, slots=True)
class Conformed:
    """A volume on another lattice.

    Attributes:
        array: float32, its three axes in the order of the orientation's letters.
        affine: 4×4 from the index along those axes to LPS mm (0 at a voxel's centre).
    """

    array: NDArray[np.float32]
    affine: NDArray[np.float64]


def conform(
    volume: Volume,
    orientation: str,
    spacing_mm: tuple[float, float, float],
    shape: tuple[int, int, int] | None = None,
) -> Conformed:
    """Resample a volume (linear) so that the index of each axis grows towards the side named.

    Args:
        orientation: three letters, one a side of each axis of the patient: "LIA" gives an array
            whose first index grows to the left, the second to the feet, the third to the front.
        spacing_mm: along the same three axes.
        shape: along the same three axes, laid around the volume's middle; by default as large as
            the volume reaches. Outside the volume lies its smallest value.

    Raises:
        Rejected: letters that do not name three axes.
        LimitExceeded: more than `MAX_CONFORMED_VOXELS`.
    """
    directions = _read_directions(orientation)
    grid = to_regular_grid(volume)
    source = grid.to_affine()
    corners = _list_corners(source, grid.array.shape)
    along = corners @ directions
    middle = directions @ ((along.min(axis=0) + along.max(axis=0)) / 2)
    if shape is None:
        reach = np.ptp(along, axis=0) / np.array(spacing_mm)
        shape = (int(reach[0]) + 1, int(reach[1]) + 1, int(reach[2]) + 1)
    if int(np.prod(shape, dtype=np.int64)) > MAX_CONFORMED_VOXELS:
        raise LimitExceeded(f"A lattice of {shape} voxels passes {MAX_CONFORMED_VOXELS}.")
    affine = np.eye(4)
    affine[:3, :3] = directions * np.array(spacing_mm)
    affine[:3, 3] = middle - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    to_source = np.linalg.inv(source) @ affine
    values = np.asarray(grid.array, dtype=np.float32)
    array = affine_transform(
        values,
        to_source[:3, :3],
        to_source[:3, 3],
        output_shape=shape,
        order=1,
        mode="constant",
        cval=float(values.min()),
    )
    return Conformed(np.asarray(array, dtype=np.float32), affine)


def bring_back(
    labels: NDArray[np.generic], affine: NDArray[np.float64], volume: Volume
) -> NDArray[np.generic]:
    """Labels of a conformed lattice on the volume's own slices, each voxel the nearest label.

    Args:
        labels: along the axes of `affine`.

    Returns:
        (slices, rows, columns) of `volume`, dtype of `labels`; 0 outside the lattice.
    """
    inverse = np.linalg.inv(affine)
    result = np.zeros(volume.voxels.shape, dtype=labels.dtype)
    limits = np.array(labels.shape)
    for number, plane in enumerate(volume.planes):
        rows = np.arange(plane.rows)[:, None, None] * plane.spacing_between_rows_mm
        columns = np.arange(plane.columns)[None, :, None] * plane.spacing_between_columns_mm
        # Three small products instead of one matrix over every pixel.
        place = (
            inverse[:3, :3] @ np.array(plane.position)
            + inverse[:3, 3]
            + rows * (inverse[:3, :3] @ np.array(plane.column_cosines))
            + columns * (inverse[:3, :3] @ np.array(plane.row_cosines))
        )
        index = np.floor(place + 0.5).astype(np.intp)
        inside = ((index >= 0) & (index < limits)).all(axis=-1)
        found = index[inside]
        result[number][inside] = labels[found[:, 0], found[:, 1], found[:, 2]]
    return result


def _read_directions(orientation: str) -> NDArray[np.float64]:
    """3×3, one column an axis."""
    if len(orientation) != 3 or not set(orientation) <= set(_SIDES):
        raise Rejected(f"An orientation is three letters of L R P A S I; got {orientation!r}.")
    directions = np.array([_SIDES[side] for side in orientation]).T
    if abs(float(np.linalg.det(directions))) < 0.5:
        raise Rejected(f"The orientation {orientation!r} names one axis of the patient twice.")
    return np.asarray(directions, dtype=np.float64)


def _list_corners(affine: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """LPS mm of the eight outermost voxel centres, (8, 3)."""
    ends = np.array(np.meshgrid(*[(0, size - 1) for size in shape], indexing="ij")).reshape(3, -1)
    return np.asarray((affine[:3, :3] @ ends + affine[:3, 3:]).T, dtype=np.float64)
