"""Where things are: points on an image, points in the patient, and the plane that joins them.

Two frames, never mixed:

* image: (column, row) in the SCOORD convention (PS3.3 C.18.6.1.1): (0, 0) is the outer corner of
  the top-left pixel, whose centre is (0.5, 0.5). A numpy index (row, column) is a pixel centre;
  the only crossing is `ImagePoint.of_index`.
* patient: LPS millimetres in a frame of reference (PS3.3 C.7.6.2.1.1).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overread.vocabulary.errors import Rejected

_UNIT_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True)
class ImagePoint:
    """A point on one image, in pixels, SCOORD convention."""

    column: float
    row: float

    @classmethod
    def of_index(cls, row: float, column: float) -> ImagePoint:
        """The centre of the pixel with this numpy index (row first, 0-based)."""
        return cls(column=column + 0.5, row=row + 0.5)

    def to_index(self) -> tuple[float, float]:
        """(row, column) with 0 at a pixel's centre, the inverse of `of_index`."""
        return (self.row - 0.5, self.column - 0.5)


@dataclass(frozen=True, slots=True)
class PatientPoint:
    """A point in a frame of reference, LPS, millimetres."""

    x: float
    y: float
    z: float

    def to_array(self) -> NDArray[np.float64]:
        return np.array([self.x, self.y, self.z], dtype=np.float64)


@dataclass(frozen=True, slots=True)
class PlaneGeometry:
    """How one image lies in the patient (Image Plane Module, PS3.3 C.7.6.2).

    Attributes:
        position: Image Position (Patient), the CENTRE of the top-left pixel, LPS mm.
        row_cosines: direction in which the column index grows (first triplet of Image
            Orientation).
        column_cosines: direction in which the row index grows (second triplet).
        spacing_between_rows_mm: first value of Pixel Spacing.
        spacing_between_columns_mm: second value of Pixel Spacing.
        rows, columns: size in pixels.
    """

    position: tuple[float, float, float]
    row_cosines: tuple[float, float, float]
    column_cosines: tuple[float, float, float]
    spacing_between_rows_mm: float
    spacing_between_columns_mm: float
    rows: int
    columns: int

    def __post_init__(self) -> None:
        numbers = (*self.position, *self.row_cosines, *self.column_cosines)
        if not all(math.isfinite(number) for number in numbers):
            raise Rejected("An image plane holds a number that is not finite (PS3.3 C.7.6.2).")
        if self.spacing_between_rows_mm <= 0 or self.spacing_between_columns_mm <= 0:
            raise Rejected("Pixel Spacing must be above zero (PS3.3 10.7.1.3).")
        row, column = np.array(self.row_cosines), np.array(self.column_cosines)
        lengths = (float(np.linalg.norm(row)), float(np.linalg.norm(column)))
        if any(abs(length - 1) > _UNIT_TOLERANCE for length in lengths):
            raise Rejected("Image Orientation must hold unit vectors (PS3.3 C.7.6.2.1.1).")
        if abs(float(row @ column)) > _UNIT_TOLERANCE:
            raise Rejected("Image Orientation's vectors must be perpendicular (C.7.6.2.1.1).")

    @property
    def normal(self) -> NDArray[np.float64]:
        """Unit normal, row cosines × column cosines."""
        cross = np.cross(np.array(self.row_cosines), np.array(self.column_cosines))
        return np.asarray(cross / np.linalg.norm(cross), dtype=np.float64)

    def to_affine(self) -> NDArray[np.float64]:
        """4×4 matrix from (column, row, 0, 1) in IMAGE convention to LPS millimetres.

        Third column is the unit normal: moving 1 along it is 1 mm off the plane.
        """
        matrix = np.eye(4)
        matrix[:3, 0] = np.array(self.row_cosines) * self.spacing_between_columns_mm
        matrix[:3, 1] = np.array(self.column_cosines) * self.spacing_between_rows_mm
        matrix[:3, 2] = self.normal
        matrix[:3, 3] = np.array(self.position) - 0.5 * matrix[:3, 0] - 0.5 * matrix[:3, 1]
        return matrix

    def to_patient(self, point: ImagePoint) -> PatientPoint:
        """Where a point of this image lies in the patient (PS3.3 equation C.7.6.2.1-1)."""
        x, y, z, _ = self.to_affine() @ np.array([point.column, point.row, 0.0, 1.0])
        return PatientPoint(float(x), float(y), float(z))

    def to_image(self, point: PatientPoint) -> tuple[ImagePoint, float]:
        """The foot of a patient point on this image and its distance along the normal in mm."""
        inverse = np.linalg.inv(self.to_affine())
        column, row, distance, _ = inverse @ np.array([point.x, point.y, point.z, 1.0])
        return ImagePoint(float(column), float(row)), float(distance)
