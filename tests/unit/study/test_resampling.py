"""A regular grid shows a tilted, uneven stack as it lies in the patient."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from stacks import make_planes, make_volume

from overread.study import resampling
from overread.study.resampling import RegularGrid, mask_to_grid, to_regular_grid
from overread.study.volume import read_volume, volume_of_mask_ml
from overread.vocabulary.errors import LimitExceeded, Rejected

TURNED = {"row": (0.6, 0.8, 0.0), "column": (-0.48, 0.36, 0.8)}


def list_grid_points(grid: RegularGrid) -> NDArray[np.float64]:
    """LPS mm of each voxel (z, y, x, 3), from origin, directions and spacing alone."""
    z, y, x = (np.arange(count) for count in grid.array.shape)
    along = [np.array(direction) for direction in grid.directions]
    return (
        np.array(grid.origin)
        + z[:, None, None, None] * grid.spacing[2] * along[2]
        + y[None, :, None, None] * grid.spacing[1] * along[1]
        + x[None, None, :, None] * grid.spacing[0] * along[0]
    )


@given(
    gaps=st.lists(st.floats(0.3, 8), min_size=2, max_size=8),
    shear=st.floats(-0.5, 0.5),
    slope=st.tuples(*[st.floats(-5, 5)] * 3),
)
@settings(max_examples=40, deadline=None)
def test_a_linear_field_is_reproduced_inside(
    gaps: list[float], shear: float, slope: tuple[float, float, float]
) -> None:
    places = np.concatenate(([0.0], np.cumsum(gaps))).tolist()
    planes = make_planes(places, **TURNED, shear=shear, size=(20, 16))
    volume = make_volume(planes, lambda points: points @ np.array(slope) + 3)
    grid = to_regular_grid(volume, (0.7, 0.9, 1.1))
    points = list_grid_points(grid)
    truth = points @ np.array(slope) + 3
    # Inside: where both neighbouring slices hold the place between their outermost centres.
    relative = points - np.array(planes[0].position)
    depth = relative @ planes[0].normal
    across = relative @ np.array(planes[0].row_cosines)
    down = relative @ np.array(planes[0].column_cosines)
    below = np.array(places)[np.searchsorted(places, depth, side="right").clip(1, len(places)) - 1]
    above = np.array(places)[np.searchsorted(places, depth, side="left").clip(0, len(places) - 1)]
    inside = (across >= 0) & (across <= 15 * 0.5)
    for place in (below, above):
        row = (down - shear * place) / 0.8
        inside &= (row >= 0) & (row <= 19)
    assert inside.any()
    scale = max(1.0, float(np.abs(volume.voxels).max()))
    assert np.abs(grid.array - truth)[inside].max() < 1e-4 * scale


def test_a_regular_upright_series_is_passed_through(test_data: Path) -> None:
    volume = read_volume(test_data / "mr-brain")
    grid = to_regular_grid(volume)
    assert not grid.is_resampled
    assert grid.note == ""
    assert grid.array.dtype == np.int16
    assert np.array_equal(grid.array, volume.voxels)
    assert grid.origin == volume.planes[0].position
    last = grid.to_affine() @ np.array([191, 0, 0, 1])
    assert np.allclose(last[:3], volume.planes[-1].position, atol=0.01)


def test_head_ct_is_resampled_and_says_so(test_data: Path) -> None:
    volume = read_volume(test_data / "ct-head")
    grid = to_regular_grid(volume)
    assert grid.is_resampled
    assert "tilted 18.5°" in grid.note
    assert grid.array.dtype == np.int16
    axes = np.array(grid.directions)
    assert np.allclose(axes @ axes.T, np.eye(3), atol=1e-5)
    # A slice's own pixel is found again where it lies, whatever the shear did to its index.
    inverse = np.linalg.inv(grid.to_affine())
    for number in (0, 9, 20, 27):
        plane = volume.planes[number]
        row, column = 300, 260
        place = (
            np.array(plane.position)
            + row * plane.spacing_between_rows_mm * np.array(plane.column_cosines)
            + column * plane.spacing_between_columns_mm * np.array(plane.row_cosines)
        )
        z, y, x = (inverse @ np.array([*place, 1]))[:3]
        window = grid.array[
            max(round(z) - 1, 0) : round(z) + 2, round(y) - 1 : round(y) + 2, round(x)
        ]
        assert window.min() - 1 <= volume.voxels[number, row, column] <= window.max() + 1


def ellipsoid(centre: NDArray[np.float64], radii: NDArray[np.float64]):
    return lambda points: (((points - centre) / radii) ** 2).sum(axis=-1) <= 1


@given(
    offset=st.tuples(*[st.floats(-3, 3)] * 3),
    radii=st.tuples(st.floats(9, 14), st.floats(9, 14), st.floats(14, 20)),
    shear=st.floats(-0.4, 0.4),
)
@settings(max_examples=15, deadline=None)
def test_an_ellipsoid_keeps_volume_and_place(
    offset: tuple[float, float, float], radii: tuple[float, float, float], shear: float
) -> None:
    gaps = [2.0] * 10 + [1.08] + [3.5] * 9
    places = np.concatenate(([0.0], np.cumsum(gaps))) - 26.0
    planes = make_planes(
        places.tolist(), origin=(-30, -40, 0), shear=shear, spacing=(0.8, 0.8), size=(100, 76)
    )
    centre, size = np.array(offset), np.array(radii)
    inside = ellipsoid(centre, size)
    volume = make_volume(planes, lambda points: inside(points).astype(float))
    mask = volume.voxels > 0.5
    truth_ml = 4 / 3 * np.pi * np.prod(size) / 1000
    # A slice's area errs by up to half its thickness times the change of area: bounded by the
    # shell of half the largest extent (1.75 mm) around the top and bottom; 4 % covers these sizes.
    assert volume_of_mask_ml(mask, volume) == pytest.approx(truth_ml, rel=0.04)
    grid = to_regular_grid(volume, (0.8, 0.8, 0.8))
    on_grid = mask_to_grid(mask, volume, grid)
    assert on_grid.sum() * 0.8**3 / 1000 == pytest.approx(truth_ml, rel=0.05)
    found = list_grid_points(grid)[on_grid].mean(axis=0)
    assert np.abs(found - centre).max() < 0.5
    smooth = grid.array.astype(float)
    centroid = (list_grid_points(grid) * smooth[..., None]).sum(axis=(0, 1, 2)) / smooth.sum()
    assert np.abs(centroid - centre).max() < 0.5


def test_labels_keep_their_numbers() -> None:
    planes = make_planes([0, 1, 4], shear=0.3, size=(8, 8))
    volume = make_volume(planes, lambda points: points[..., 0])
    labels = np.zeros(volume.voxels.shape, np.uint8)
    labels[0], labels[1], labels[2] = 3, 5, 7
    grid = to_regular_grid(volume, (0.5, 0.8, 0.5))
    placed = mask_to_grid(labels, volume, grid)
    assert placed.dtype == np.uint8
    assert set(np.unique(placed).tolist()) <= {0, 3, 5, 7}
    # The middle of the column: z 0, 0.5, 1 … 4; boundaries at 0.5 and 2.5.
    assert placed[:, 5, 4].tolist() == [3, 5, 5, 5, 5, 7, 7, 7, 7]


def test_bounds_and_bad_spacings_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    volume = make_volume(make_planes([0, 1, 4]), lambda points: points[..., 0])
    with pytest.raises(Rejected, match="above 0"):
        to_regular_grid(volume, (0.0, 1, 1))
    monkeypatch.setattr(resampling, "MAX_GRID_VOXELS", 1000)
    with pytest.raises(LimitExceeded, match="coarser"):
        to_regular_grid(volume, (0.1, 0.1, 0.1))
    with pytest.raises(Rejected, match="mask"):
        mask_to_grid(np.zeros((1, 1, 1), bool), volume, to_regular_grid_small())


def to_regular_grid_small() -> RegularGrid:
    return RegularGrid(
        np.zeros((1, 1, 1), np.float32),
        (0, 0, 0),
        ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
        (1, 1, 1),
        True,
        "",
    )


def test_a_long_series_is_made_coarser_before_it_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    planes = make_planes(np.arange(60).tolist(), shear=0.3, size=(20, 20), spacing=(0.3, 0.3))
    volume = make_volume(planes, lambda points: points[..., 0])
    full = to_regular_grid(volume)
    monkeypatch.setattr(resampling, "MAX_GRID_VOXELS", full.array.size // 2)
    coarse = to_regular_grid(volume)
    assert coarse.spacing[2] > full.spacing[2]
    assert coarse.array.size <= full.array.size // 2
