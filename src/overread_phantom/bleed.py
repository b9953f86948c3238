"""Simulated bleeds, put into a synthetic or a real head CT where the slices really lie.

A bleed is a shape in patient millimetres: each kind gives every point a *reach*, the size at which
the bleed would just touch that point. Growing the size until the shares of all voxels sum to the
wanted volume gives shape and partial volume in one stroke, whatever the tilt and the gaps.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from overread.vocabulary.errors import Rejected
from overread.vocabulary.geometry import PlaneGeometry
from overread_phantom.cavity import find_cavity, make_disc
from overread_phantom.noise import make_noise, measure_noise
from overread_phantom.place import Site, slice_extents

Field = NDArray[np.float32]


class BleedKind(StrEnum):
    EPIDURAL = "epidural"
    SUBDURAL = "subdural"
    INTRAPARENCHYMAL = "intraparenchymal"
    INTRAVENTRICULAR = "intraventricular"
    SUBARACHNOID = "subarachnoid"


@dataclass(frozen=True, slots=True)
class BleedRequest:
    """What to simulate; `side` is "left", "right" (the patient's) or "" for either."""

    kind: BleedKind
    volume_ml: float
    density_hu: float = 65.0
    side: str = ""


@dataclass(frozen=True, slots=True)
class BleedTruth:
    """What was simulated.

    Attributes:
        mask: bool (slices, rows, columns), voxels of which blood fills half or more.
        volume_ml: sum over all voxels of blood's share times the voxel's volume; below what was
            asked for where the place (ventricles, sulci) does not hold as much.
        side: "left", "right" or "both" sides of the patient.
        slice_volumes_ml: the same sum, slice by slice.
    """

    kind: BleedKind
    mask: NDArray[np.bool_]
    volume_ml: float
    density_hu: float
    side: str
    slice_volumes_ml: tuple[float, ...]


def simulate_bleed(
    hu: NDArray[np.int16],
    planes: tuple[PlaneGeometry, ...],
    request: BleedRequest,
    rng: np.random.Generator,
    *,
    thickness_mm: tuple[float, ...] | None = None,
    cavity: NDArray[np.bool_] | None = None,
) -> tuple[NDArray[np.int16], BleedTruth]:
    """A copy of `hu` with one bleed in it, and what was put there.

    Args:
        hu: int16 (slices, rows, columns), in ascending order along the normal.
        planes: one per slice.
        thickness_mm: one per slice; the gap to the nearest neighbour where None.
        cavity: inside of the skull; found from `hu` where None.

    Raises:
        Rejected: the head has no closed skull, or no room for this kind of bleed.
    """
    if not 0 < request.volume_ml <= 200:
        raise Rejected(f"A bleed of {request.volume_ml} mL can't be simulated: above 0, up to 200.")
    inside = find_cavity(hu, planes) if cavity is None else cavity
    site = Site.survey(hu, planes, inside, thickness_mm)
    share, rim = _SHAPES[request.kind](site, request, rng)
    values = _paint(hu, inside, share=share, rim=rim, density_hu=request.density_hu, rng=rng)
    per_slice = (
        share.sum(axis=(1, 2), dtype=np.float64)
        * slice_extents(planes)
        * planes[0].spacing_between_rows_mm
        * planes[0].spacing_between_columns_mm
        / 1000.0
    )
    mask = share >= 0.5
    truth = BleedTruth(
        kind=request.kind,
        mask=mask,
        volume_ml=float(per_slice.sum()),
        density_hu=request.density_hu,
        side=_name_side(site, mask),
        slice_volumes_ml=tuple(float(v) for v in per_slice),
    )
    return values, truth


def _grow(site: Site, layers: list[Field], room: Field, volume_ml: float, edge: float) -> Field:
    """Shares of blood for the size at which their sum is the wanted volume.

    Args:
        layers: reach of every voxel, inf where no blood may be, in one or more layers of a
            slice's thickness.
        room: the share of each voxel that blood may fill.
        edge: width of the rim over which the share falls from 1 to 0, in units of `reach`.
    """
    weight = np.broadcast_to(site.voxel_ml[:, None, None], room.shape)
    allowed = np.isfinite(layers[0]) & (room > 0)
    if not allowed.any():
        raise Rejected("This head has no room for a bleed of this kind.")
    distances, filled = [layer[allowed] for layer in layers], room[allowed]
    volume = weight[allowed] * filled

    def share_at(size: float) -> Field:
        parts = [np.clip(0.5 - (distance - size) / edge, 0.0, 1.0) for distance in distances]
        return np.asarray(sum(parts) / len(parts), dtype=np.float32)

    low = min(float(distance.min()) for distance in distances) - edge
    high = max(float(distance.max()) for distance in distances) + edge
    for _ in range(26):
        middle = 0.5 * (low + high)
        if float((share_at(middle) * volume).sum()) < volume_ml:
            low = middle
        else:
            high = middle
    share = np.zeros(room.shape, dtype=np.float32)
    share[allowed] = share_at(high) * filled
    return share


def _shape_lens(site: Site, request: BleedRequest, rng: np.random.Generator) -> tuple[Field, Field]:
    """Under the inner table: a lens (epidural) or a crescent (subdural), by its ratio of depth to
    half-width. On the surface `depth = ratio * size * (1 - (across / size)**2)`."""
    is_epidural = request.kind is BleedKind.EPIDURAL
    ratio = rng.uniform(0.38, 0.52) if is_epidural else rng.uniform(0.10, 0.17)
    centre, is_right = site.pick_surface(rng, request.side)
    across = site.distance_to(centre)
    depth = site.depth_mm
    reach = (depth + np.sqrt(depth**2 + 4 * ratio**2 * across**2)) / (2 * ratio)
    reach *= 1 + 0.04 * site.ripple(rng, 14.0)
    reach[~(site.inside & site.on_side(is_right, 3.0))] = np.inf
    nowhere = np.zeros_like(reach)
    room = np.ones_like(reach)
    return _grow(site, [reach], room, request.volume_ml, 1.2 / ratio), nowhere


def _shape_parenchymal(
    site: Site, request: BleedRequest, rng: np.random.Generator
) -> tuple[Field, Field]:
    """An uneven ellipsoid in the brain's substance, with a rim of oedema."""
    likely_radius = (request.volume_ml * 1000 * 3 / (4 * np.pi)) ** (1 / 3)
    centre = site.pick_deep(rng, request.side, min(8.0 + likely_radius * 0.8, 27.0))
    stretch = np.exp(rng.normal(0, 0.2, 3))
    stretch /= stretch.prod() ** (1 / 3)
    wobble = 1 + 0.11 * site.ripple(rng, 7.0)
    # A slice shows the mean over its thickness: three places in it stand for the whole.
    layers = []
    for lift in (-1 / 3, 0.0, 1 / 3):
        layer = site.distance_to(centre, stretch, lift) * wobble
        layer[~site.inside] = np.inf
        layers.append(layer)
    reach = layers[1]
    share = _grow(site, layers, np.ones_like(reach), request.volume_ml, 1.6)
    size = float(reach[share > 0.5].max(initial=0.0))
    with np.errstate(over="ignore", invalid="ignore"):
        rim = np.where(site.inside, np.exp(-((np.maximum(reach - size, 0) / 4.5) ** 2)), 0.0)
    return share, np.asarray(rim * (1 - share), dtype=np.float32)


def _shape_ventricular(
    site: Site, request: BleedRequest, rng: np.random.Generator
) -> tuple[Field, Field]:
    """Blood in the ventricles, from where it sinks to in a patient on the back."""
    ventricles = site.find_ventricles()
    reach = -site.back_mm + 1.5 * site.ripple(rng, 10.0)
    if request.side:
        reach = np.where(site.on_side(request.side == "right", 0.0), reach, np.inf)
    reach = np.where(ventricles, reach, np.inf).astype(np.float32)
    share = _grow(site, [reach], site.fluid_share(), request.volume_ml, 1.5)
    return share, np.zeros_like(share)


def _shape_subarachnoid(
    site: Site, request: BleedRequest, rng: np.random.Generator
) -> tuple[Field, Field]:
    """Blood between gyri and in cisterns, spreading from one point."""
    fluid = site.fluid_share()
    fluid[site.find_ventricles()] = 0.0
    centre = site.pick_fluid(rng, fluid, request.side)
    reach = site.distance_to(centre)
    reach[fluid <= 0.15] = np.inf
    share = _grow(site, [reach], fluid, request.volume_ml, 6.0)
    return share, np.zeros_like(share)


_SHAPES = {
    BleedKind.EPIDURAL: _shape_lens,
    BleedKind.SUBDURAL: _shape_lens,
    BleedKind.INTRAPARENCHYMAL: _shape_parenchymal,
    BleedKind.INTRAVENTRICULAR: _shape_ventricular,
    BleedKind.SUBARACHNOID: _shape_subarachnoid,
}


def _paint(
    hu: NDArray[np.int16],
    inside: NDArray[np.bool_],
    *,
    share: Field,
    rim: Field,
    density_hu: float,
    rng: np.random.Generator,
) -> NDArray[np.int16]:
    """Mix blood into the image with the noise that the image has."""
    rows = np.flatnonzero((share > 0).any(axis=(1, 2)) | (rim > 0.02).any(axis=(1, 2)))
    part = slice(int(rows[0]), int(rows[-1]) + 1)
    image = hu[part].astype(np.float32)
    core = ndimage.binary_erosion(inside[part], make_disc(6)[None])
    noise = make_noise(rng, image.shape, measure_noise(image, core))
    clots = ndimage.gaussian_filter(rng.standard_normal(image.shape, dtype=np.float32), (0.7, 5, 5))
    clots *= 2.0 / max(float(clots.std()), 1e-6)
    swollen = image - 7.0 * rim[part] * (image > 18) * (image < 60)
    blood = density_hu + clots + noise
    mixed = swollen + share[part] * (blood - swollen)
    values = hu.copy()
    values[part] = np.round(mixed).astype(np.int16)
    return values


def _name_side(site: Site, mask: NDArray[np.bool_]) -> str:
    right = float((mask & site.on_side(True, 0.0)).sum())
    left = float(mask.sum()) - right
    if min(left, right) > 0.2 * (left + right):
        return "both"
    return "right" if right > left else "left"
