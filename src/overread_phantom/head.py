"""A synthetic head CT: the anatomy of `anatomy`, warped to one imaginary patient, as slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from overread.vocabulary.errors import Rejected
from overread.vocabulary.geometry import PlaneGeometry
from overread_phantom.anatomy import Traits, build_anatomy
from overread_phantom.bleed import BleedRequest, BleedTruth, simulate_bleed
from overread_phantom.noise import make_noise
from overread_phantom.template import ORIGIN, load_template

_LOWEST_MM = -52.0
_FIELD_MM = 230.4
_FIDUCIAL_HU = 3000
_FIDUCIAL_PIXELS = 5


@dataclass(frozen=True, slots=True)
class Protocol:
    """How the imaginary scanner was set.

    Attributes:
        gap_mm: from slice to slice along z; slices are `thickness_mm` thick.
        pixels: rows and columns; the field of view stays 230.4 mm.
        tilt_degrees: gantry tilt about the left-right axis; origins step along z all the same,
            as real tilted series do.
        noise_hu: standard deviation in the brain.
    """

    slices: int = 32
    gap_mm: float = 5.0
    thickness_mm: float = 5.0
    pixels: int = 512
    tilt_degrees: float = 0.0
    noise_hu: float = 3.2


@dataclass(frozen=True, slots=True)
class SyntheticHead:
    """Slices in ascending order along the normal.

    Attributes:
        hu: int16 (slices, rows, columns).
        planes: one per slice.
        thickness_mm: nominal, one per slice.
        bleeds: truth of each simulated bleed, masks on the grid of `hu`.
    """

    hu: NDArray[np.int16]
    planes: tuple[PlaneGeometry, ...]
    thickness_mm: tuple[float, ...]
    bleeds: tuple[BleedTruth, ...]
    seed: int


def make_head(
    seed: int,
    bleeds: Sequence[BleedRequest] = (),
    protocol: Protocol | None = None,
    fiducials: Sequence[tuple[int, int]] = (),
) -> SyntheticHead:
    """Make the head of imaginary patient `seed`; equal arguments give equal arrays.

    Args:
        fiducials: (row, column) centres of blocks of 5 × 5 pixels of +3000 HU on every slice.

    Raises:
        NotFound: the template was not built.
        Rejected: a bleed can't be placed, or a fiducial lies outside of the image.
    """
    setting = protocol or Protocol()
    rng = np.random.default_rng([seed, 1])
    planes = _make_planes(setting)
    anatomy = build_anatomy(load_template(), _draw_traits(rng, seed))
    clean = _sample(anatomy, planes, setting, rng)
    noise = make_noise(rng, clean.shape, setting.noise_hu, setting.pixels / 512)
    hu = np.clip(np.round(clean + noise), -1024, 3071).astype(np.int16)
    thickness = (setting.thickness_mm,) * setting.slices
    truths = []
    for request in bleeds:
        hu, truth = simulate_bleed(hu, planes, request, rng, thickness_mm=thickness)
        truths.append(truth)
    place_fiducials(hu, fiducials)
    return SyntheticHead(hu, planes, thickness, tuple(truths), seed)


def place_fiducials(hu: NDArray[np.int16], centres: Sequence[tuple[int, int]]) -> None:
    """Write the blocks into every slice, in place.

    Raises:
        Rejected: a block would not lie wholly inside of the image.
    """
    half = _FIDUCIAL_PIXELS // 2
    for row, column in centres:
        inside = half <= row < hu.shape[1] - half and half <= column < hu.shape[2] - half
        if not inside:
            raise Rejected(f"A fiducial at row {row}, column {column} leaves the image.")
        hu[:, row - half : row + half + 1, column - half : column + half + 1] = _FIDUCIAL_HU


def _draw_traits(rng: np.random.Generator, seed: int) -> Traits:
    return Traits(
        skull_mm=float(rng.uniform(5.2, 8.0)),
        scalp_mm=float(rng.uniform(4.5, 7.5)),
        atrophy=float(rng.uniform(0.0, 1.0)),
        grey_hu=float(rng.uniform(36.5, 39.5)),
        calcification=float(rng.uniform(0.2, 1.0)),
        texture_seed=seed,
    )


def _make_planes(setting: Protocol) -> tuple[PlaneGeometry, ...]:
    spacing = _FIELD_MM / setting.pixels
    tilt = np.deg2rad(setting.tilt_degrees)
    down = (0.0, float(np.cos(tilt)), float(-np.sin(tilt)))
    half = (setting.pixels - 1) / 2 * spacing
    centre = np.array([0.0, 16.0, _LOWEST_MM])
    origin = centre - half * np.array([1.0, 0.0, 0.0]) - half * np.array(down)
    return tuple(
        PlaneGeometry(
            position=(float(origin[0]), float(origin[1]), float(origin[2] + i * setting.gap_mm)),
            row_cosines=(1.0, 0.0, 0.0),
            column_cosines=down,
            spacing_between_rows_mm=spacing,
            spacing_between_columns_mm=spacing,
            rows=setting.pixels,
            columns=setting.pixels,
        )
        for i in range(setting.slices)
    )


def _sample(
    anatomy: NDArray[np.float32],
    planes: tuple[PlaneGeometry, ...],
    setting: Protocol,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Read the anatomy where the slices lie, through this patient's warp."""
    # A slice shows the mean over its thickness: partial volume along the axis.
    blurred = ndimage.uniform_filter1d(anatomy, max(1, round(setting.thickness_mm)), axis=0)
    size = 1.0 + rng.normal(0, 0.03, 3)
    angles = np.deg2rad(rng.normal(0, 2.5, 3))
    matrix = _rotate(angles) / size[:, None]
    knots = ndimage.zoom(rng.normal(0, 2.6, (3, 5, 5, 5)), (1, 8, 8, 8), order=3)
    growth = rng.uniform(-0.10, 0.32) + np.array([0.0, rng.normal(0, 0.04)])
    clean = np.empty((len(planes), setting.pixels, setting.pixels), dtype=np.float32)
    columns, rows = np.meshgrid(np.arange(setting.pixels), np.arange(setting.pixels))
    for index, plane in enumerate(planes):
        affine = plane.to_affine()
        place = (
            affine[:3, 3, None, None]
            + affine[:3, 0, None, None] * (columns + 0.5)
            + affine[:3, 1, None, None] * (rows + 0.5)
        )
        zyx = np.tensordot(matrix, place[::-1], axes=1).astype(np.float32)
        zyx = _warp(zyx, knots, growth)
        ndimage.map_coordinates(
            blurred, zyx + np.array(ORIGIN, np.float32)[:, None, None],
            output=clean[index], order=1, cval=-1000.0,
        )  # fmt: skip
    return clean


def _warp(
    zyx: NDArray[np.float32], knots: NDArray[np.float64], growth: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Where in the template a patient's point lies: smooth shifts, and larger or smaller
    ventricles (points beside them are read from nearer to their middle)."""
    reach = np.array([100.0, 120.0, 100.0], np.float32)[:, None, None]
    at = (zyx / reach + 1) / 2 * (knots.shape[1] - 1)
    moved = np.stack([
        zyx[axis]
        + ndimage.map_coordinates(knots[axis].astype(np.float32), at, order=1, mode="nearest")
        for axis in range(3)
    ])  # fmt: skip
    for side, grown in zip((-1.0, 1.0), growth[0] + np.array([0.0, growth[1]]), strict=True):
        middle = np.array([14.0, 6.0, side * 13.0], np.float32)[:, None, None]
        spread = np.array([22.0, 42.0, 20.0], np.float32)[:, None, None]
        offset = moved - middle
        pull = grown * np.exp(-((offset / spread) ** 2).sum(0))
        moved = moved - offset * pull * np.array([0.8, 0.3, 1.0], np.float32)[:, None, None]
    return np.asarray(moved, dtype=np.float32)


def _rotate(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotation matrix for axes (z, y, x)."""
    matrix = np.eye(3)
    for axis, angle in enumerate(angles):
        turn = np.eye(3)
        i, j = (axis + 1) % 3, (axis + 2) % 3
        turn[i, i] = turn[j, j] = np.cos(angle)
        turn[i, j], turn[j, i] = -np.sin(angle), np.sin(angle)
        matrix = matrix @ turn
    return matrix
