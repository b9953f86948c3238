"""Places in a head CT in patient millimetres: depth under the bone, sides, fluid, ventricles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from overread.vocabulary.errors import Rejected
from overread.vocabulary.geometry import PlaneGeometry

Field = NDArray[np.float32]
_STRIDE = 4
"""Depth is smooth: it is measured on every fourth row and column."""


def slice_extents(planes: tuple[PlaneGeometry, ...]) -> NDArray[np.float64]:
    """Millimetres along the normal that each slice stands for: half the way to both neighbours;
    an end slice reaches as far outward as inward."""
    if len(planes) < 2:
        raise Rejected("A volume needs two slices or more.")
    normal = planes[0].normal
    place = np.array([float(normal @ np.array(plane.position)) for plane in planes])
    gaps = np.diff(place)
    if (gaps <= 0).any():
        raise Rejected("Slices must ascend along the normal, no two in one place.")
    return np.asarray(0.5 * (np.concatenate([gaps[:1], gaps]) + np.concatenate([gaps, gaps[-1:]])))


@dataclass(frozen=True, slots=True)
class Site:
    """A surveyed head; arrays are (slices, rows, columns).

    Attributes:
        inside: the cranial cavity.
        depth_mm: distance to the bone, in the cavity.
        left_mm, back_mm, up_mm: LPS x, y, z of each voxel's centre.
        midline_mm: LPS x of the middle of the cavity.
        smooth_hu: the image without fine noise.
        voxel_ml: volume of one voxel, one per slice.
        normal: unit normal of the slices.
        thickness_mm: how much of the head each slice averages, one per slice.
    """

    inside: NDArray[np.bool_]
    depth_mm: Field
    left_mm: Field
    back_mm: Field
    up_mm: Field
    midline_mm: float
    smooth_hu: Field
    voxel_ml: NDArray[np.float64]
    normal: NDArray[np.float64]
    thickness_mm: NDArray[np.float64]

    @classmethod
    def survey(
        cls,
        hu: NDArray[np.int16],
        planes: tuple[PlaneGeometry, ...],
        inside: NDArray[np.bool_],
        thickness_mm: tuple[float, ...] | None = None,
    ) -> Site:
        """Measure the places of a head whose cavity is known."""
        extents = slice_extents(planes)
        left, back, up = locate_voxels(planes)
        pixel = planes[0].spacing_between_rows_mm * planes[0].spacing_between_columns_mm
        clipped = np.clip(hu, -50, 110).astype(np.float32)
        width = 1.1 / planes[0].spacing_between_rows_mm
        weight = ndimage.gaussian_filter(inside.astype(np.float32), (0, width, width))
        smooth = ndimage.gaussian_filter(clipped * inside, (0, width, width))
        return cls(
            inside=inside,
            depth_mm=_measure_depth(inside, left, back, up),
            left_mm=left,
            back_mm=back,
            up_mm=up,
            midline_mm=float(np.median(left[inside])),
            smooth_hu=np.asarray(smooth / np.maximum(weight, 1e-3), dtype=np.float32),
            voxel_ml=extents * pixel / 1000.0,
            normal=planes[0].normal,
            thickness_mm=extents if thickness_mm is None else np.array(thickness_mm, float),
        )

    def distance_to(
        self,
        centre: NDArray[np.float64],
        stretch: NDArray[np.float64] | None = None,
        lift: float = 0.0,
    ) -> Field:
        """Millimetres to a point (LPS), axes divided by `stretch` where given.

        Args:
            lift: measure from this share of the slice's thickness above its middle.
        """
        factors = np.ones(3) if stretch is None else stretch
        total = np.zeros(self.inside.shape, dtype=np.float32)
        axes = (self.left_mm, self.back_mm, self.up_mm)
        for axis, middle, factor, along in zip(axes, centre, factors, self.normal, strict=True):
            raised = (self.thickness_mm * lift * along - middle).astype(np.float32)
            total += ((axis + raised[:, None, None]) / np.float32(factor)) ** 2
        return np.asarray(np.sqrt(total), dtype=np.float32)

    def on_side(self, is_right: bool, margin_mm: float) -> NDArray[np.bool_]:
        """Voxels of the patient's right or left half, at least the margin off the middle."""
        offset = self.left_mm - np.float32(self.midline_mm)
        return np.asarray(-offset > margin_mm if is_right else offset > margin_mm)

    def ripple(self, rng: np.random.Generator, scale_mm: float) -> Field:
        """A smooth uneven field about 0 with unit amplitude, waves of some `scale_mm`."""
        field = np.zeros(self.inside.shape, dtype=np.float32)
        for _ in range(5):
            wave = rng.normal(0, 1, 3) / scale_mm
            phase = rng.uniform(0, 2 * np.pi)
            field += np.sin(
                np.float32(wave[0]) * self.left_mm
                + np.float32(wave[1]) * self.back_mm
                + np.float32(wave[2]) * self.up_mm
                + np.float32(phase)
            )
        return field / np.float32(np.sqrt(2.5))

    def pick_surface(self, rng: np.random.Generator, side: str) -> tuple[NDArray[np.float64], bool]:
        """A point just under the bone of the convexity, and whether it is on the right."""
        is_right = side == "right" if side else bool(rng.random() < 0.5)
        low, high = self._heights(0.25, 0.75)
        at = self.inside & (self.depth_mm < 2.5) & self.on_side(is_right, 32.0)
        return self._pick(rng, at & (self.up_mm > low) & (self.up_mm < high)), is_right

    def pick_deep(
        self, rng: np.random.Generator, side: str, depth_mm: float
    ) -> NDArray[np.float64]:
        """A point in the brain's substance, off fluid and midline."""
        is_right = side == "right" if side else bool(rng.random() < 0.5)
        low, high = self._heights(0.15, 0.85)
        at = self.inside & (self.depth_mm > depth_mm) & self.on_side(is_right, 9.0)
        tissue = (self.smooth_hu > 24) & (self.smooth_hu < 55)
        return self._pick(rng, at & tissue & (self.up_mm > low) & (self.up_mm < high))

    def pick_fluid(self, rng: np.random.Generator, fluid: Field, side: str) -> NDArray[np.float64]:
        """A point in a sulcus or cistern."""
        low, high = self._heights(0.0, 0.85)
        at = (fluid > 0.6) & (self.up_mm > low) & (self.up_mm < high) & (self.depth_mm > 4)
        if side:
            at &= self.on_side(side == "right", 6.0)
        return self._pick(rng, at)

    def fluid_share(self) -> Field:
        """Share of each voxel of the cavity that is cerebrospinal fluid, by its HU."""
        share = np.clip((23.0 - self.smooth_hu) / 13.0, 0.0, 1.0)
        share[~self.inside | (self.depth_mm < 0.8)] = 0.0
        return np.asarray(share, dtype=np.float32)

    def find_ventricles(self) -> NDArray[np.bool_]:
        """Fluid deep in the head that hangs together around its middle."""
        fluid = (self.smooth_hu < 20) & self.inside & (self.depth_mm > 22)
        middle = np.abs(self.left_mm - np.float32(self.midline_mm)) < 36
        # The cisterns behind the third ventricle lie at the midline, far back.
        behind = self.back_mm - np.float32(np.median(self.back_mm[self.inside]))
        cistern = (np.abs(self.left_mm - np.float32(self.midline_mm)) < 12) & (behind > 16)
        labels, count = ndimage.label(fluid & middle & ~cistern, np.ones((3, 3, 3)))
        if count == 0:
            raise Rejected("No ventricles were found in this head.")
        weights = np.broadcast_to(self.voxel_ml[:, None, None], labels.shape)
        sizes = ndimage.sum_labels(weights, labels, range(1, count + 1))
        keep = [1 + i for i, size in enumerate(sizes) if size > 1.0 or size == sizes.max()]
        return np.asarray(np.isin(labels, keep), dtype=np.bool_)

    def _heights(self, low: float, high: float) -> tuple[float, float]:
        heights = self.up_mm[self.inside]
        bottom, top = float(heights.min()), float(heights.max())
        return bottom + low * (top - bottom), bottom + high * (top - bottom)

    def _pick(self, rng: np.random.Generator, at: NDArray[np.bool_]) -> NDArray[np.float64]:
        places = np.flatnonzero(at)
        if places.size == 0:
            raise Rejected("This head has no place for a bleed of this kind and size.")
        index = np.unravel_index(int(places[rng.integers(places.size)]), at.shape)
        return np.array([self.left_mm[index], self.back_mm[index], self.up_mm[index]], float)


def locate_voxels(planes: tuple[PlaneGeometry, ...]) -> tuple[Field, Field, Field]:
    """LPS x, y and z of every voxel's centre, each (slices, rows, columns)."""
    rows = np.arange(planes[0].rows, dtype=np.float32)[:, None] + 0.5
    columns = np.arange(planes[0].columns, dtype=np.float32)[None, :] + 0.5
    shape = (len(planes), planes[0].rows, planes[0].columns)
    axes = (np.empty(shape, np.float32), np.empty(shape, np.float32), np.empty(shape, np.float32))
    for index, plane in enumerate(planes):
        affine = plane.to_affine().astype(np.float32)
        for axis in range(3):
            axes[axis][index] = affine[axis, 3] + affine[axis, 0] * columns + affine[axis, 1] * rows
    return axes


def _measure_depth(inside: NDArray[np.bool_], left: Field, back: Field, up: Field) -> Field:
    """Distance in mm to the nearest bone at side or top (the open floor is no bone)."""
    coarse = inside[:, ::_STRIDE, ::_STRIDE]
    cross = np.zeros((3, 3, 3), dtype=np.bool_)
    cross[1] = ndimage.generate_binary_structure(2, 1)
    rim = coarse & ~ndimage.binary_erosion(coarse, cross)
    above = np.zeros_like(coarse)
    above[:-1] = coarse[1:]
    above[-1] = coarse[-1]
    rim |= coarse & ~above

    def points(at: NDArray[np.bool_]) -> NDArray[np.float32]:
        return np.stack([a[:, ::_STRIDE, ::_STRIDE][at] for a in (left, back, up)], axis=1)

    depth = np.zeros(coarse.shape, dtype=np.float32)
    distances, _ = cKDTree(points(rim)).query(points(coarse))
    depth[coarse] = distances
    factors = [big / small for big, small in zip(inside.shape, coarse.shape, strict=True)]
    full = ndimage.zoom(depth, factors, order=1, grid_mode=True, mode="nearest")
    # The coarse rim lies up to two pixels inside; near the edge the plane's own distance is finer.
    pixel_mm = float(np.abs(left[0, 0, 1] - left[0, 0, 0])) or 1.0
    near = ndimage.distance_transform_edt(inside, sampling=(1e6, pixel_mm, pixel_mm))
    return np.asarray(np.minimum(full + 0.9, near), dtype=np.float32)
