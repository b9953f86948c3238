"""The plane between the halves of the skull, in heads turned by known angles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from overread.study.study import ImageRef
from overread.study.volume import Volume
from overread.vocabulary.geometry import PlaneGeometry
from overread.vocabulary.uid import Uid
from overread_models.head_ct_hyperdensity.grid import Grid, make_grid
from overread_models.head_ct_hyperdensity.midline import Midline, find_midline
from overread_models.head_ct_hyperdensity.skull import find_brain
from overread_phantom.dicom import read_hu


def make_oval(degrees: float, right: float) -> Volume:
    """A skull like an egg, 200 mm long and 150 mm wide, narrow in front, turned and shifted."""
    y, x = np.mgrid[:240, :240].astype(float) - 119.5
    angle = np.deg2rad(degrees)
    across = (x - right) * np.cos(angle) - y * np.sin(angle)
    along = y * np.cos(angle) + (x - right) * np.sin(angle)
    radius = np.hypot(along / 100, across / (75 + 0.1 * along))
    image = np.select([radius < 0.92, radius < 1], [32.0, 1100.0], -1000.0)
    planes = tuple(
        PlaneGeometry(
            position=(0.0, 0.0, 5.0 * i),
            row_cosines=(1.0, 0.0, 0.0),
            column_cosines=(0.0, 1.0, 0.0),
            spacing_between_rows_mm=1.0,
            spacing_between_columns_mm=1.0,
            rows=240,
            columns=240,
        )
        for i in range(12)
    )
    return wrap(np.repeat(image[None], 12, axis=0), planes)


def wrap(hu: NDArray[np.float64], planes: tuple[PlaneGeometry, ...]) -> Volume:
    return Volume(
        voxels=hu.astype(np.float32),
        planes=planes,
        images=tuple(ImageRef(Uid(f"2.25.{i + 1}")) for i in range(len(planes))),
        series_instance_uid=Uid("2.25.1"),
        frame_of_reference_uid=None,
        modality="CT",
    )


def fit(volume: Volume) -> tuple[Grid, Midline]:
    grid = make_grid(volume)
    return grid, find_midline(find_brain(grid), grid)


@pytest.mark.parametrize("degrees", [-15.0, -6.0, 0.0, 10.0, 20.0])
@pytest.mark.parametrize("right", [0.0, 8.0])
def test_a_turned_and_shifted_oval_shows_its_axis(degrees: float, right: float) -> None:
    grid, midline = fit(make_oval(degrees, right))
    assert np.rad2deg(midline.angle) == pytest.approx(degrees, abs=0.5)
    aside, _ = midline.measure(grid)
    # The oval's middle lies at row 119.5 and column 119.5 + right.
    at = aside[6, 119:121, int(119 + right) : int(121 + right)]
    assert float(at.mean()) == pytest.approx(0.0, abs=0.5)


def test_a_mirror_image_lies_as_far_on_the_other_side() -> None:
    grid, midline = fit(make_oval(12.0, 3.0))
    aside, along = midline.measure(grid)
    inside = np.zeros_like(aside, dtype=bool)
    inside[:, 70:170, 70:170] = True
    mirrored = midline.reflect(grid).reshape(len(aside), -1)
    there = np.take_along_axis(aside.reshape(len(aside), -1), mirrored, 1).reshape(aside.shape)
    behind = np.take_along_axis(along.reshape(len(along), -1), mirrored, 1).reshape(along.shape)
    assert float(np.abs(there + aside)[inside].max()) < 0.75
    assert float(np.abs(behind - along)[inside].max()) < 0.75


@pytest.mark.parametrize("degrees", [-8.0, 6.0])
def test_the_real_scan_turned_moves_its_axis_by_as_much(test_data: Path, degrees: float) -> None:
    hu, planes = read_hu(test_data / "ct-head")
    before = fit(wrap(hu.astype(float), planes))[1]
    angle = np.deg2rad(degrees)
    # From a place in the new image to the place in the old one; (row, column) is (down, right).
    matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = (np.array(hu.shape[1:]) - 1) / 2
    turned = np.stack([
        ndimage.affine_transform(
            part.astype(float), matrix, middle - matrix @ middle, order=1, cval=-1000.0
        )
        for part in hu
    ])  # fmt: skip
    after = fit(wrap(turned, planes))[1]
    moved = np.rad2deg(after.angle - before.angle)
    assert moved == pytest.approx(-degrees, abs=1.5)
