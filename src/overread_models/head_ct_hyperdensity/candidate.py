"""Hyperdense regions in the brain, each measured by what tells blood from its look-alikes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from overread_models.head_ct_hyperdensity.anatomy import Anatomy, mirror
from overread_models.head_ct_hyperdensity.grid import Field, Grid, Mask, make_disc, smooth
from overread_models.head_ct_hyperdensity.skull import Brain

_SEED_ABOVE_HU = 13.0
_CORE_ABOVE_HU = 9.0
_GROW_ABOVE_HU = 9.0
_LEAST_ML = 0.25
_MOST_CANDIDATES = 40
_RIM_MM = 2.2
_JOIN_MM = 2.0
_PARTIAL_MM = 4.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """One region.

    Attributes:
        mask: bool on the working grid.
        volume_ml: by the real slice extents.
        contrast_hu: mean HU above the brain's most frequent one.
        peak_hu: 90th percentile of the calmed HU.
        asymmetry_hu: mean difference to the mirrored place.
        thickness_mm: largest inscribed radius in the plane.
        rim_share: share of voxels within 4 mm of the bone.
        touch_share: share of the outline in the plane that lies at the bone.
        midline_share: share of voxels within 4 mm of the midline.
        fluid_share: share of a 3 mm ring around it that is fluid.
        ventricle_share: share of voxels at a place of ventricles.
        calcium_share: share of its voxels and ring that is calcium or its halo.
        reach_mm: half the largest extent along the bone or through the tissue.
        depth_mm: 95th percentile of the distance to the bone.
        offset_mm: mean signed distance to the midline, positive left.
        slices: how many slices it touches.
        height: 0 at the lowest slice with brain, 1 at the highest.
        slimness: largest inscribed radius over the radius of a disc of its largest area; 1 for a
            disc, small for a sheet or a branching shape.
        zone_share: share of voxels where lateral and third ventricles usually lie.
        mirror_fluid_share: share of voxels whose mirrored place is fluid.
        near_roof: share of voxels under or over bone of a neighbouring slice.
        beyond_hu: as `contrast_hu`, of the voxels more than 4 mm off the bone, where bone's partial
            volume does not reach; 0 where there are none.
    """

    mask: Mask
    volume_ml: float
    contrast_hu: float
    peak_hu: float
    asymmetry_hu: float
    thickness_mm: float
    rim_share: float
    touch_share: float
    midline_share: float
    fluid_share: float
    ventricle_share: float
    calcium_share: float
    reach_mm: float
    depth_mm: float
    offset_mm: float
    slices: int
    height: float
    near_roof: float
    slimness: float
    zone_share: float
    mirror_fluid_share: float
    beyond_hu: float


def find_candidates(grid: Grid, brain: Brain, anatomy: Anatomy) -> tuple[Candidate, ...]:
    """Hyperdense regions of a quarter of a millilitre or more, largest first."""
    excess, edge = anatomy.calm - anatomy.expected, anatomy.fine - anatomy.expected
    allowed = brain.mask & ~anatomy.calcium
    seed = allowed & (excess > _SEED_ABOVE_HU)
    seed &= smooth(excess, brain.mask, grid, 2.2) > _CORE_ABOVE_HU
    seed &= (brain.depth_mm > _RIM_MM) & ~brain.roof
    seed = ndimage.binary_opening(seed, make_disc(1.0))
    grow = allowed & (edge > _GROW_ABOVE_HU) & (excess > 6)
    grow = _drop_thin_rim(grow, brain, grid)
    labels, count = ndimage.label(grow, ndimage.generate_binary_structure(3, 1))
    seeded = np.unique(labels[seed & grow])
    dense = np.isin(labels, seeded[seeded > 0])
    # Blood in sulci and ventricles falls into pieces a few pixels apart: they are one finding.
    near = ndimage.binary_dilation(dense, make_disc(_JOIN_MM / grid.row_mm))
    labels, count = ndimage.label(near, ndimage.generate_binary_structure(3, 1))
    if count == 0:
        return ()
    labels = np.where(dense, labels, 0)
    weights = np.broadcast_to(grid.voxel_ml[:, None, None], labels.shape)
    sizes = ndimage.sum_labels(weights, labels, np.arange(count + 1))
    chosen = [n for n in range(1, count + 1) if sizes[n] >= _LEAST_ML]
    chosen.sort(key=lambda n: (-sizes[n], n))
    mirrored = mirror(smooth(anatomy.calm, brain.mask, grid, 2.5), anatomy.mirrored)
    boxes = ndimage.find_objects(labels)
    return tuple(
        _measure(
            labels == n, boxes[n - 1], grid=grid, brain=brain, anatomy=anatomy, mirrored=mirrored
        )
        for n in chosen[:_MOST_CANDIDATES]
    )


def _drop_thin_rim(grow: Mask, brain: Brain, grid: Grid) -> Mask:
    """Without the bright line under the inner table: what is thin and lies at the bone."""
    solid = ndimage.binary_opening(grow, make_disc(2.0 / grid.row_mm))
    thin = grow & ~ndimage.binary_dilation(solid, make_disc(1.5 / grid.row_mm))
    return np.asarray(grow & ~(thin & (brain.depth_mm < 4.0)), dtype=np.bool_)


def _measure(
    mask: Mask,
    box: tuple[slice, ...],
    *,
    grid: Grid,
    brain: Brain,
    anatomy: Anatomy,
    mirrored: Field,
) -> Candidate:
    values = anatomy.calm[mask]
    voxels = int(mask.sum())
    area = tuple(
        slice(max(0, part.start - 8), part.stop + 8) if axis else part
        for axis, part in enumerate(box)
    )
    local = mask[area]
    inner = ndimage.distance_transform_edt(
        np.pad(local, ((0, 0), (1, 1), (1, 1))), sampling=(1e6, grid.row_mm, grid.column_mm)
    )
    area_mm2 = float(local.sum(axis=(1, 2)).max()) * grid.row_mm * grid.column_mm
    ring = ndimage.binary_dilation(local, make_disc(3.0 / grid.row_mm)) & ~local
    outline = local & ~ndimage.binary_erosion(local, make_disc(1.0))
    depth = brain.depth_mm[mask]
    ring_brain = ring & brain.mask[area]
    centre = np.argwhere(mask).mean(axis=0)
    index = np.argwhere(mask)[:: max(1, voxels // 2000)]
    place = np.stack(
        [grid.positions_mm[index[:, 0]], index[:, 1] * grid.row_mm, index[:, 2] * grid.column_mm],
        axis=1,
    )
    spread = place - place.mean(axis=0)
    eigen = np.linalg.eigvalsh(spread.T @ spread / max(1, len(place)))
    span = max(1, brain.last - brain.first)
    return Candidate(
        mask=mask,
        volume_ml=grid.volume_ml(mask),
        contrast_hu=float((values - anatomy.expected[mask]).mean()),
        peak_hu=float(np.percentile(values, 90)),
        asymmetry_hu=float(values.mean() - mirrored[mask].mean()),
        thickness_mm=float(inner.max()),
        rim_share=float((depth < _PARTIAL_MM).mean()),
        touch_share=float((brain.depth_mm[area][outline] < 2.6).mean()),
        midline_share=float((np.abs(anatomy.offset_mm[mask]) < 4.0).mean()),
        fluid_share=float(anatomy.fluid[area][ring_brain].mean()) if ring_brain.any() else 0.0,
        ventricle_share=float(anatomy.ventricles[mask].mean()),
        calcium_share=float(anatomy.calcium[area][ring].sum()) / voxels,
        reach_mm=float(2.0 * np.sqrt(eigen[-1])),
        depth_mm=float(np.percentile(depth, 95)),
        offset_mm=float(anatomy.offset_mm[mask].mean()),
        slices=int(mask.any(axis=(1, 2)).sum()),
        height=float((centre[0] - brain.first) / span),
        near_roof=float(brain.roof[mask].mean()),
        slimness=float(inner.max() / np.sqrt(area_mm2 / np.pi)),
        zone_share=float(_in_zone(anatomy, mask).mean()),
        beyond_hu=float((values - anatomy.expected[mask])[depth > _PARTIAL_MM].mean())
        if (depth > _PARTIAL_MM).any()
        else 0.0,
        mirror_fluid_share=float(mirror(anatomy.fluid, anatomy.mirrored)[mask].mean()),
    )


def _in_zone(anatomy: Anatomy, mask: Mask) -> Mask:
    """Which of the mask's voxels lie where ventricles usually do, by their place between left and
    right, front and back: bodies and frontal horns near the middle, atria farther out behind."""
    aside = np.abs(anatomy.offset_mm[mask])
    back = anatomy.back_mm[mask]
    outer = np.interp(back, [-48, -30, 0, 15, 30, 48], [4, 18, 20, 26, 36, 30])
    inner = np.interp(back, [15, 25, 45], [0, 8, 14])
    return np.asarray((back > -48) & (back < 48) & (aside < outer) & (aside >= inner))
