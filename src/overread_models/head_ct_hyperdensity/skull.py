"""Bone, and what it encloses: the brain with its fluid and coverings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from overread.vocabulary.errors import Rejected
from overread_models.head_ct_hyperdensity.grid import Field, Grid, Mask, make_disc

BONE_HU = 220.0
_LEAST_CLOSED_MM2 = 4000.0
_LEAST_BRAIN_ML = 350.0
_MOST_BRAIN_ML = 2400.0
_CLOSING_MM = 3.0
_LEAST_PIECE_MM2 = 150.0
_LEAST_OPEN_MM2 = 900.0
_HELD_SHARE = 0.7


@dataclass(frozen=True, slots=True)
class Brain:
    """Arrays on the working grid.

    Attributes:
        mask: inside of the skull.
        bone: bone, small gaps closed.
        depth_mm: distance in the plane to what is not inside, 0 outside.
        roof: bone of the neighbouring slices lies above or below this voxel: partial volume.
        first, last: first and last slice with brain.
    """

    mask: Mask
    bone: Mask
    depth_mm: Field
    roof: Mask
    first: int
    last: int


def find_brain(grid: Grid) -> Brain:
    """Find the inside of the skull.

    Raises:
        Rejected: nothing in the series looks like a head with brain in it.
    """
    bone = grid.hu > BONE_HU
    closed = ndimage.binary_closing(
        np.pad(bone, ((0, 0), (8, 8), (8, 8))), make_disc(_CLOSING_MM / grid.row_mm)
    )[:, 8:-8, 8:-8]
    hollow = np.stack([ndimage.binary_fill_holes(part) for part in closed]) & ~closed
    hollow = ndimage.binary_opening(hollow, make_disc(2.0 / grid.row_mm))
    mask = _follow(hollow, closed, grid)
    if not mask.any():
        raise Rejected(
            "No skull with brain inside was found in this series: it is not a head CT that this "
            "model can read."
        )
    mask = _regrow(mask, bone, grid)
    volume = grid.volume_ml(mask)
    if not _LEAST_BRAIN_ML <= volume <= _MOST_BRAIN_ML:
        raise Rejected(
            f"The inside of the skull measures {volume:.0f} mL here; this model reads heads of "
            f"{_LEAST_BRAIN_ML:.0f} to {_MOST_BRAIN_ML:.0f} mL (is the head covered?)."
        )
    used = np.flatnonzero(mask.any(axis=(1, 2)))
    depth = ndimage.distance_transform_edt(mask, sampling=(1e6, grid.row_mm, grid.column_mm))
    return Brain(
        mask=mask,
        bone=bone,
        depth_mm=np.asarray(depth, dtype=np.float32),
        roof=_find_roof(bone, grid),
        first=int(used[0]),
        last=int(used[-1]),
    )


def _follow(hollow: Mask, closed: Mask, grid: Grid) -> Mask:
    """From the slice with the largest closed space, keep what hangs together with it."""
    mask = np.zeros(hollow.shape, dtype=np.bool_)
    start = _find_start(hollow, mask, grid)
    if start < 0:
        return mask
    calm = ndimage.gaussian_filter(grid.hu, (0, 1, 1))
    for step in (-1, 1):
        index = start + step
        while 0 <= index < len(mask) and mask[index - step].any():
            before = mask[index - step]
            mask[index] = _keep_closed(hollow[index], before, grid.hu[index], grid)
            open_part = (calm[index] > -10) & ~closed[index] & ~hollow[index]
            mask[index] |= _keep_open(open_part, before, closed[index], calm[index], grid)
            index += step
    return mask


def _find_start(hollow: Mask, mask: Mask, grid: Grid) -> int:
    """The slice with the largest closed space of brain, which is set in `mask`; -1 for none."""
    best, start = _LEAST_CLOSED_MM2 / (grid.row_mm * grid.column_mm), -1
    space = np.zeros(hollow.shape[1:], dtype=np.bool_)
    for index, part in enumerate(hollow):
        labels, _ = ndimage.label(part)
        areas = np.bincount(labels.ravel())[1:]
        for label in 1 + np.flatnonzero(areas > best):
            piece = labels == label
            if areas[label - 1] > best and _is_soft(grid.hu[index][piece]):
                best, start, space = float(areas[label - 1]), index, piece
    if start >= 0:
        mask[start] = space
    return start


def _keep_closed(hollow: Mask, before: Mask, hu: Field, grid: Grid) -> Mask:
    """Closed spaces of brain that lie over or under the one before."""
    near = ndimage.binary_dilation(before, make_disc(3.0 / grid.row_mm)[0])
    kept = np.zeros_like(hollow)
    labels, _ = ndimage.label(hollow)
    areas = np.bincount(labels.ravel())[1:] * grid.row_mm * grid.column_mm
    for label in 1 + np.flatnonzero(areas > _LEAST_PIECE_MM2):
        piece = labels == label
        if float(near[piece].mean()) > 0.6 and _is_soft(hu[piece]):
            kept |= piece
    return np.asarray(kept, dtype=np.bool_)


def _keep_open(part: Mask, before: Mask, closed: Mask, calm: Field, grid: Grid) -> Mask:
    """Spaces that bone surrounds but for gaps (skull base), where the slice before shows brain."""
    within = ndimage.binary_erosion(before, make_disc(1.5 / grid.row_mm)[0])
    space = ndimage.binary_opening(part & within, make_disc(4.0 / grid.row_mm)[0])
    by_bone = ndimage.binary_dilation(closed, make_disc(4.5 / grid.row_mm)[0])
    kept = np.zeros_like(part)
    labels, _ = ndimage.label(space)
    areas = np.bincount(labels.ravel())[1:] * grid.row_mm * grid.column_mm
    for label in 1 + np.flatnonzero(areas > _LEAST_OPEN_MM2):
        piece = labels == label
        outline = piece & ~ndimage.binary_erosion(piece)
        around = ndimage.binary_dilation(piece, make_disc(4.0 / grid.row_mm)[0]) & ~piece
        fat = float((calm[around] < -15).mean())
        is_held = float(by_bone[outline].mean()) > _HELD_SHARE
        if is_held and fat < 0.08 and 18.0 < float(np.median(calm[piece])) < 50.0:
            kept |= piece
    return np.asarray(kept, dtype=np.bool_)


def _is_soft(values: Field) -> bool:
    """Brain, not an orbit (fat), a sinus (air) or muscle."""
    fat = float((values < -15).mean())
    middle = float(np.median(values))
    return fat < 0.06 and 12.0 < middle < 55.0


def _regrow(mask: Mask, bone: Mask, grid: Grid) -> Mask:
    """Give back the rim that closing and opening took, up to the bone itself."""
    grown = ndimage.binary_dilation(mask, make_disc(2.5 / grid.row_mm))
    soft = ~bone & (grid.hu > -15)
    return np.asarray(grown & soft, dtype=np.bool_)


def _find_roof(bone: Mask, grid: Grid) -> Mask:
    wide = ndimage.binary_dilation(bone, make_disc(1.5 / grid.row_mm))
    roof = np.zeros_like(bone)
    roof[:-1] |= wide[1:]
    roof[1:] |= wide[:-1]
    return roof
