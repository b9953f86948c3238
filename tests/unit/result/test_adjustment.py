from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from pydicom import dcmread

from overread.result.adjustment import AREA, VOLUME, measure_adjustment
from overread.result.contour import measure_area_px, trace_outlines
from overread.result.extent import measure_extents_mm
from overread.result.region import Box, Contour, Line
from overread.study.study import ImageRef
from overread.study.volume import build_volume
from overread.vocabulary import unit
from overread.vocabulary.errors import Rejected
from overread.vocabulary.geometry import ImagePoint, PlaneGeometry
from overread.vocabulary.uid import Uid


def image(number: int) -> ImageRef:
    return ImageRef(Uid(f"1.2.{number}"))


def stack(*z_mm: float, tilt_degrees: float = 0.0) -> dict[ImageRef, PlaneGeometry | None]:
    """Planes whose origins step along z while the normal is tilted (a sheared stack)."""
    tilt = math.radians(tilt_degrees)
    columns = (0.0, math.cos(tilt), math.sin(tilt))
    return {
        image(number): PlaneGeometry((0, 0, z), (1, 0, 0), columns, 0.5, 0.4, 100, 200)
        for number, z in enumerate(z_mm)
    }


def box(number: int, left: float, top: float, right: float, bottom: float) -> Box:
    return Box(image(number), ImagePoint(left, top), ImagePoint(right, bottom))


def square(number: int, left: float, top: float, side: float, is_hole: bool = False) -> Contour:
    points = ((left, top), (left + side, top), (left + side, top + side), (left, top + side))
    return Contour(image(number), tuple(ImagePoint(*point) for point in points), is_hole)


def test_box_has_an_area_and_no_volume() -> None:
    (area,) = measure_adjustment([box(1, 10, 10, 30, 15)], stack(0, 1, 2))
    assert (area.concept, area.unit) == (AREA, unit.SQUARE_MILLIMETRE)
    assert area.value == pytest.approx(20 * 5 * 0.5 * 0.4)


def test_volume_uses_real_extents_along_the_normal() -> None:
    # Gaps of 4 and 7 mm: the middle slice stands for 2 + 3.5 mm, the last for 7.
    planes = stack(0, 4, 11)
    area, volume = measure_adjustment([square(1, 0, 0, 10), square(2, 0, 0, 20)], planes)
    assert area.value == pytest.approx(400 * 0.2)
    assert (volume.concept, volume.unit) == (VOLUME, unit.MILLILITRE)
    assert volume.value == pytest.approx((100 * 0.2 * 5.5 + 400 * 0.2 * 7) / 1000)


def test_tilt_does_not_thicken_slices() -> None:
    planes = stack(0, 5, 10, tilt_degrees=18.5)
    _, volume = measure_adjustment([square(1, 0, 0, 10)], planes)
    expected = 100 * 0.2 * 5 * math.cos(math.radians(18.5)) / 1000
    assert volume.value == pytest.approx(expected)


def test_holes_are_cut_out_and_overlaps_count_once() -> None:
    planes = stack(0, 1)
    regions = [square(0, 0, 0, 10), square(0, 5, 0, 10), square(0, 1, 1, 4, is_hole=True)]
    area, _ = measure_adjustment(regions, planes)
    assert area.value == pytest.approx((100 + 50 - 16) * 0.2)


def test_contours_go_before_boxes_on_one_image() -> None:
    area, _ = measure_adjustment([box(0, 0, 0, 50, 50), square(0, 0, 0, 10)], stack(0, 1))
    assert area.value == pytest.approx(100 * 0.2)


def test_spacing_that_is_not_trusted_gives_pixels() -> None:
    (area,) = measure_adjustment([square(0, 0, 0, 10)], {image(0): None})
    assert (area.value, area.unit) == (pytest.approx(100), unit.PIXEL)


def test_single_image_has_no_volume() -> None:
    assert len(measure_adjustment([square(0, 0, 0, 10)], stack(0))) == 1


def test_stack_with_two_slices_at_one_place_or_a_turned_one_has_no_volume() -> None:
    assert len(measure_adjustment([square(0, 0, 0, 10)], stack(0, 5, 5))) == 1
    turned = {**stack(0, 5), image(9): next(iter(stack(20, tilt_degrees=30).values()))}
    assert len(measure_adjustment([square(0, 0, 0, 10)], turned)) == 1


def test_nothing_drawn_measures_nothing() -> None:
    assert measure_adjustment([], stack(0, 1)) == ()


@pytest.mark.parametrize(
    ("region", "named"),
    [
        (box(9, 0, 0, 1, 1), "not one of the 2 images"),
        (box(0, 0, 0, 201, 1), "beyond the edges"),
        (square(0, -1, 0, 5), "beyond the edges"),
        (Line(image(0), ImagePoint(0, 0), ImagePoint(1, 1)), "this one holds a line"),
        (Contour(image(0), (ImagePoint(0, 0),) * 100_001), "points"),
    ],
)
def test_what_cannot_be_measured_is_rejected(region: Box | Contour | Line, named: str) -> None:
    with pytest.raises(Rejected, match=named):
        measure_adjustment([region], stack(0, 1))


@given(hnp.arrays(np.bool_, hnp.array_shapes(min_dims=3, max_dims=3, max_side=8)))
def test_area_of_a_masks_outlines_is_its_pixel_count(mask: NDArray[np.bool_]) -> None:
    outlines = trace_outlines(mask)
    for index, pixels in enumerate(mask):
        parts = [(o.points, o.is_hole) for o in outlines if o.slice_index == index]
        assert measure_area_px(parts) == pytest.approx(np.count_nonzero(pixels))


@given(
    st.lists(st.tuples(st.floats(1, 20), st.floats(0.05, 0.95)), min_size=3, max_size=9),
    st.floats(20, 40),
    st.floats(20, 40),
)
def test_area_of_a_star_is_close_to_its_shoelace(
    arms: list[tuple[float, float]], column: float, row: float
) -> None:
    total = sum(share for _, share in arms)
    angles = np.cumsum([share for _, share in arms]) / total * 2 * np.pi
    points = tuple(
        ImagePoint(column + radius * math.cos(angle), row + radius * math.sin(angle))
        for (radius, _), angle in zip(arms, angles, strict=True)
    )
    # A gap of half a turn or more folds the star over its centre: not simple, no shoelace.
    gaps = [*np.diff(angles), angles[0] + 2 * np.pi - angles[-1]]
    if max(gaps) >= math.pi * 0.95:
        return
    closed = (*points, points[0])
    shoelace = sum(a.column * b.row - b.column * a.row for a, b in pairwise(closed)) / 2
    assert measure_area_px([(points, False)]) == pytest.approx(abs(shoelace), abs=0.5)


def test_extents_of_the_tilted_head_add_up_along_the_normal(test_data) -> None:
    volume = build_volume([dcmread(path) for path in sorted((test_data / "ct-head").glob("*.dcm"))])
    extents = measure_extents_mm(volume.planes)
    assert extents is not None
    normal = volume.planes[0].normal
    places = sorted(float(np.dot(normal, plane.position)) for plane in volume.planes)
    gaps = np.diff(places)
    assert min(gaps) == pytest.approx(1.08, abs=0.01)
    assert max(gaps) == pytest.approx(7.0, abs=0.01)
    assert sum(extents) == pytest.approx(places[-1] - places[0] + gaps[0] / 2 + gaps[-1] / 2)
    turned = measure_extents_mm(volume.planes[::-1])
    assert turned is not None
    assert turned[::-1] == pytest.approx(extents)
