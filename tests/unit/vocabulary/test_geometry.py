from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.vocabulary.errors import Rejected
from overread.vocabulary.geometry import ImagePoint, PatientPoint, PlaneGeometry

_ANGLE = st.floats(-math.pi, math.pi)
_SMALL = st.floats(-400, 400)
_SPACING = st.floats(0.05, 10)


@st.composite
def planes(draw: st.DrawFn) -> PlaneGeometry:
    a, b, c = draw(_ANGLE), draw(_ANGLE), draw(_ANGLE)
    ca, sa, cb, sb, cc, sc = (f(x) for x in (a, b, c) for f in (math.cos, math.sin))
    rotation = (
        np.array([[ca, -sa, 0], [sa, ca, 0], [0, 0, 1]])
        @ np.array([[cb, 0, sb], [0, 1, 0], [-sb, 0, cb]])
        @ np.array([[1, 0, 0], [0, cc, -sc], [0, sc, cc]])
    )
    return PlaneGeometry(
        position=(draw(_SMALL), draw(_SMALL), draw(_SMALL)),
        row_cosines=tuple(rotation[:, 0]),
        column_cosines=tuple(rotation[:, 1]),
        spacing_between_rows_mm=draw(_SPACING),
        spacing_between_columns_mm=draw(_SPACING),
        rows=64,
        columns=48,
    )


@given(planes(), st.floats(0, 48), st.floats(0, 64))
def test_patient_and_back(plane: PlaneGeometry, column: float, row: float) -> None:
    point, distance = plane.to_image(plane.to_patient(ImagePoint(column, row)))
    assert point.column == pytest.approx(column, abs=1e-6)
    assert point.row == pytest.approx(row, abs=1e-6)
    assert distance == pytest.approx(0, abs=1e-6)


@given(planes(), st.integers(0, 63), st.integers(0, 47))
def test_pixel_centres_follow_the_standards_equation(
    plane: PlaneGeometry, row: int, column: int
) -> None:
    """PS3.3 equation C.7.6.2.1-1, written out by hand for the pixel with this index."""
    expected = [
        plane.position[axis]
        + plane.row_cosines[axis] * plane.spacing_between_columns_mm * column
        + plane.column_cosines[axis] * plane.spacing_between_rows_mm * row
        for axis in range(3)
    ]
    found = plane.to_patient(ImagePoint.of_index(row, column))
    assert [found.x, found.y, found.z] == pytest.approx(expected, abs=1e-6)


@given(planes(), st.floats(-50, 50))
def test_distance_off_the_plane_is_along_the_normal(plane: PlaneGeometry, offset: float) -> None:
    point = plane.to_patient(ImagePoint(3, 4)).to_array() + plane.normal * offset
    _, distance = plane.to_image(PatientPoint(*map(float, point)))
    assert distance == pytest.approx(offset, abs=1e-6)


def _plane(**changes: object) -> PlaneGeometry:
    values: dict[str, object] = {
        "position": (0.0, 0.0, 0.0),
        "row_cosines": (1.0, 0.0, 0.0),
        "column_cosines": (0.0, 1.0, 0.0),
        "spacing_between_rows_mm": 1.0,
        "spacing_between_columns_mm": 1.0,
        "rows": 2,
        "columns": 2,
        **changes,
    }
    return PlaneGeometry(**values)  # type: ignore[arg-type]  # wrong ones on purpose


@pytest.mark.parametrize(
    "changes",
    [
        {"spacing_between_rows_mm": 0.0},
        {"spacing_between_columns_mm": -1.0},
        {"row_cosines": (2.0, 0.0, 0.0)},
        {"column_cosines": (1.0, 0.0, 0.0)},
        {"position": (math.nan, 0.0, 0.0)},
        {"row_cosines": (0.0, 0.0, 0.0)},
    ],
)
def test_refuses_planes_that_cannot_be(changes: dict[str, object]) -> None:
    with pytest.raises(Rejected):
        _plane(**changes)
