"""Stacks of slices made for tests: tilted, uneven, turned in space."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from overread.study.study import ImageRef
from overread.study.volume import Volume
from overread.vocabulary.geometry import PlaneGeometry
from overread.vocabulary.uid import Uid

Vector = tuple[float, float, float]


def make_planes(
    places_mm: Sequence[float],
    *,
    row: Vector = (1, 0, 0),
    column: Vector = (0, 1, 0),
    origin: Vector = (-10, -12, 5),
    shear: float = 0.0,
    spacing: tuple[float, float] = (0.8, 0.5),
    size: tuple[int, int] = (40, 50),
) -> tuple[PlaneGeometry, ...]:
    """Slices at places along the normal; each mm along it shifts the origin `shear` mm along the
    column direction."""
    normal = np.cross(row, column)
    planes = []
    for place in places_mm:
        x, y, z = np.array(origin) + place * normal + place * shear * np.array(column)
        planes.append(
            PlaneGeometry(
                position=(float(x), float(y), float(z)),
                row_cosines=row,
                column_cosines=column,
                spacing_between_rows_mm=spacing[0],
                spacing_between_columns_mm=spacing[1],
                rows=size[0],
                columns=size[1],
            )
        )
    return tuple(planes)


def list_points(plane: PlaneGeometry) -> NDArray[np.float64]:
    """LPS mm of each pixel centre, (rows, columns, 3), straight from equation C.7.6.2.1-1."""
    rows = np.arange(plane.rows)[:, None, None] * plane.spacing_between_rows_mm
    columns = np.arange(plane.columns)[None, :, None] * plane.spacing_between_columns_mm
    return (
        np.array(plane.position)
        + rows * np.array(plane.column_cosines)
        + columns * np.array(plane.row_cosines)
    )


def make_volume(
    planes: tuple[PlaneGeometry, ...],
    field: Callable[[NDArray[np.float64]], NDArray[np.float64]],
) -> Volume:
    """A volume whose voxels are a function of where they lie in the patient."""
    voxels = np.stack([field(list_points(plane)) for plane in planes]).astype(np.float32)
    return Volume(
        voxels=voxels,
        planes=planes,
        images=tuple(ImageRef(Uid(f"1.2.3.{i + 1}")) for i in range(len(planes))),
        series_instance_uid=Uid("1.2.3"),
        frame_of_reference_uid=Uid("1.2.4"),
        modality="CT",
    )
