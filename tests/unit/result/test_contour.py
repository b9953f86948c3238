from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from overread.result.contour import fill_outlines, find_bounds, trace_outlines
from overread.vocabulary.geometry import ImagePoint

masks = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=3, max_dims=3, max_side=9))


def count_windings(points: tuple[ImagePoint, ...], column: float, row: float) -> int:
    """How often an axis-parallel polygon goes round a point; written apart from the filler."""
    total = 0
    for start, end in zip(points, (*points[1:], points[0]), strict=True):
        if start.column == end.column > column and min(start.row, end.row) < row < max(
            start.row, end.row
        ):
            total += 1 if end.row > start.row else -1
    return total


@given(masks)
def test_outlines_hold_exactly_the_mask(mask: NDArray[np.bool_]) -> None:
    outlines = trace_outlines(mask)
    for index, row, column in np.ndindex(*mask.shape):
        windings = sum(
            count_windings(outline.points, column + 0.5, row + 0.5)
            for outline in outlines
            if outline.slice_index == index
        )
        assert windings == int(mask[index, row, column])


@given(masks)
def test_filling_outlines_gives_back_the_mask(mask: NDArray[np.bool_]) -> None:
    outlines = trace_outlines(mask)
    for index, expected in enumerate(mask):
        parts = [(o.points, o.is_hole) for o in outlines if o.slice_index == index]
        assert np.array_equal(fill_outlines(parts, *expected.shape), expected)


@given(masks)
def test_points_are_corners_only(mask: NDArray[np.bool_]) -> None:
    for outline in trace_outlines(mask):
        points = outline.points
        for before, here, after in zip(points[-1:] + points, points, points[1:], strict=False):
            turns = (here.column - before.column) * (after.row - here.row) - (
                here.row - before.row
            ) * (after.column - here.column)
            assert turns != 0
            assert here.column == int(here.column)
            assert here.row == int(here.row)


def test_ring_has_an_outer_outline_and_a_hole() -> None:
    mask = np.zeros((2, 5, 6), dtype=np.bool_)
    mask[1, 1:4, 2:5] = True
    mask[1, 2, 3] = False
    outer, hole = trace_outlines(mask)
    assert (outer.slice_index, outer.is_hole) == (1, False)
    assert outer.points == (
        ImagePoint(2, 1),
        ImagePoint(5, 1),
        ImagePoint(5, 4),
        ImagePoint(2, 4),
    )
    assert hole.is_hole
    assert hole.points == (
        ImagePoint(3, 2),
        ImagePoint(3, 3),
        ImagePoint(4, 3),
        ImagePoint(4, 2),
    )
    filled = fill_outlines([(outer.points, False), (hole.points, True)], 5, 6)
    assert np.array_equal(filled, mask[1])


def test_pixels_that_touch_at_a_corner_are_apart() -> None:
    mask = np.array([[[True, False], [False, True]]])
    assert [len(outline.points) for outline in trace_outlines(mask)] == [4, 4]


def test_slanted_polygon_is_filled_by_pixel_centres() -> None:
    triangle = (ImagePoint(0, 0), ImagePoint(4, 0), ImagePoint(0, 4))
    # A pixel (row, column) is inside where its centre has column + row < 4, so sums 0, 1, 2;
    # the centres with sum 4 lie on the edge, which belongs to neither side here.
    expected = np.add.outer(np.arange(4), np.arange(4)) + 1 < 4
    assert np.array_equal(fill_outlines([(triangle, False)], 4, 4), expected)


def test_polygon_beyond_the_image_is_cut_at_its_edge() -> None:
    large = (ImagePoint(-9, -9), ImagePoint(9, -9), ImagePoint(9, 9), ImagePoint(-9, 9))
    assert fill_outlines([(large, False)], 3, 2).all()


def test_empty_mask_has_no_bounds_and_no_outline() -> None:
    empty = np.zeros((2, 3, 4), dtype=np.bool_)
    assert find_bounds(empty) is None
    assert trace_outlines(empty) == []


@given(st.integers(0, 3), st.integers(0, 4), st.integers(0, 5))
def test_bounds_of_one_voxel(index: int, row: int, column: int) -> None:
    mask = np.zeros((4, 5, 6), dtype=np.bool_)
    mask[index, row, column] = True
    assert find_bounds(mask) == (
        slice(index, index + 1),
        slice(row, row + 1),
        slice(column, column + 1),
    )


@pytest.mark.timeout(60)
def test_eighteen_structures_of_a_brain_take_few_seconds() -> None:
    slices, rows, columns = np.ogrid[:192, :256, :256]
    mask = (slices - 96) ** 2 + (rows - 128) ** 2 + (columns - 128) ** 2 < 40**2
    began = time.perf_counter()
    for _ in range(18):
        trace_outlines(np.asarray(mask, dtype=np.bool_))
    assert time.perf_counter() - began < 10  # about 0.3 s on an idle core
