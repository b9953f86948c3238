"""From tissue to CT numbers: brain, fluid, dura, skull, scalp, orbits and air cells (HU, 1 mm).

What is not in the brain template (everything from the dura outward) is built from distances to the
inside of the skull and from ellipsoids at usual places, so it looks like a head and is nobody's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from overread_phantom.template import Template, coordinates

Field = NDArray[np.float32]

GREY_HU, WHITE_HU, FLUID_HU = 38.0, 29.5, 7.0
_AIR_HU, _FAT_HU, _MUSCLE_HU = -1000.0, -85.0, 52.0
_TABLE_HU, _DIPLOE_HU = 1250.0, 520.0
_FACE_TOP_MM = 2.0


@dataclass(frozen=True, slots=True)
class Traits:
    """What differs from head to head.

    Attributes:
        atrophy: 0 (young) to 1 (wide sulci).
        calcification: strength of the pineal and choroid calcifications, 0 for none.
    """

    skull_mm: float
    scalp_mm: float
    atrophy: float
    grey_hu: float
    calcification: float
    texture_seed: int


def build_anatomy(template: Template, traits: Traits) -> Field:
    """CT numbers on the template's grid, float32, without noise."""
    rng = np.random.default_rng(traits.texture_seed)
    rough = _make_texture(rng, template.cavity_mm.shape, 3.0)
    wavy = _make_texture(rng, template.cavity_mm.shape, 18.0)
    hu = _fill_brain(template, traits, rough)
    _add_dura(hu, template)
    _add_calcifications(hu, traits, rng)
    inside = _ramp(template.cavity_mm, 0.0)
    shell = _make_shell(template, traits, rough, wavy)
    hu = shell + (hu - shell) * inside
    # Beam hardening leaves the rim under the bone a little brighter.
    hu += 3.5 * inside * np.exp(np.minimum(template.cavity_mm, 0) / 3.0)
    return np.asarray(hu, dtype=np.float32)


def _ramp(distance_mm: Field, edge_mm: float | Field, width_mm: float = 1.2) -> Field:
    """1 below the edge, 0 above it, a straight line between: partial volume."""
    return np.asarray(np.clip(0.5 - (distance_mm - edge_mm) / width_mm, 0.0, 1.0), dtype=np.float32)


def _make_texture(rng: np.random.Generator, shape: tuple[int, ...], scale_mm: float) -> Field:
    """Smooth noise of unit variance; `scale_mm` is its Gaussian's sigma."""
    step = max(1, int(scale_mm / 1.5))
    small = [size // step + 2 for size in shape]
    noise = ndimage.gaussian_filter(rng.standard_normal(small).astype(np.float32), scale_mm / step)
    noise /= float(noise.std()) or 1.0
    if step > 1:
        factors = [(size + 2 * step) / tiny for size, tiny in zip(shape, small, strict=True)]
        noise = ndimage.zoom(noise, factors, order=1)
    return np.asarray(noise[: shape[0], : shape[1], : shape[2]], dtype=np.float32)


def _fill_brain(template: Template, traits: Traits, rough: Field) -> Field:
    matter = template.grey + template.white
    # The average of many brains has blurred sulci: the edge is set back to one brain's.
    edge = 0.50 + 0.16 * traits.atrophy
    solid = np.clip((matter - edge) / 0.30, 0.0, 1.0)
    share = template.grey / np.maximum(matter, 0.05)
    share = np.clip(0.5 + (share - 0.5) * 1.25, 0.0, 1.0)
    tissue = WHITE_HU + (traits.grey_hu - WHITE_HU) * share + 0.5 * rough
    return np.asarray(FLUID_HU + (tissue - FLUID_HU) * solid, dtype=np.float32)


def _add_dura(hu: Field, template: Template) -> None:
    up, back, left = coordinates(hu.shape)
    matter = template.grey + template.white
    gap = np.clip(1.6 - 2.0 * matter, 0.0, 1.0)
    # Falx: midline, around the corpus callosum, above tentorium and frontal base.
    ring = ((back - 8) / 48) ** 2 + ((up - 6) / 34) ** 2 > 1.0
    floor = up > np.where(back > 0, 2 - 0.05 * back, -18.0)
    falx = np.exp(-((left / 1.1) ** 2)) * ring * floor * np.clip(1.3 - matter, 0, 1)
    _blend(hu, falx * 0.85, 62.0)
    # Superior sagittal sinus: a triangle under the inner table.
    sinus = (np.abs(left) < 4.5 + 0.6 * template.cavity_mm) & (template.cavity_mm > -7)
    sinus &= (up > -5) & (back > -62)
    _blend(hu, sinus.astype(np.float32), 56.0)
    # Tentorium and transverse sinuses, below the occipital lobes.
    sheet = 3 - 0.52 * np.abs(left) - 0.004 * np.maximum(back - 55, 0) ** 2
    tent = np.exp(-(((up - sheet) / 1.4) ** 2)) * (back > 32) * gap
    _blend(hu, tent * 0.75, 54.0)
    groove = (template.cavity_mm > -5) & (np.abs(up + 17) < 4) & (back > 50)
    groove &= np.abs(left) < 62
    _blend(hu, groove.astype(np.float32) * 0.9, 55.0)


def _add_calcifications(hu: Field, traits: Traits, rng: np.random.Generator) -> None:
    if traits.calcification <= 0:
        return
    size = 0.7 + 0.6 * traits.calcification
    places = [(1.0, 29.0, 0.0, 2.6), (11.0, 44.0, 24.0, 3.4), (11.0, 44.0, -24.0, 3.4)]
    if rng.random() < 0.3:
        places.append((42.0, -40.0, 0.0, 2.2))
    for up, back, left, radius in places:
        if rng.random() < 0.15:
            continue
        jitter = rng.normal(0, 0.8, 3)
        centre = (up + jitter[0], back + jitter[1], left + jitter[2])
        r = radius * size * rng.uniform(0.8, 1.2)
        density = rng.uniform(180, 480)
        inside = _ramp(_ellipsoid(hu.shape, centre, (r, r * 1.4, r * 0.8)), 0.0)
        _blend(hu, inside, density)
    if rng.random() < 0.2:
        # Faint calcium in the pallidum, as many old heads have it.
        for side in (-19.0, 19.0):
            radius = rng.uniform(2.0, 3.4)
            inside = _ramp(_ellipsoid(hu.shape, (0.0, 3.0, side), (radius, radius * 1.5, 2.2)), 0.0)
            _blend(hu, inside, rng.uniform(70, 160))


def _blend(hu: Field, share: Field, value: float) -> None:
    hu += share * (value - hu)


def _ellipsoid(
    shape: tuple[int, ...], centre: tuple[float, ...], radii: tuple[float, ...]
) -> Field:
    """Approximate signed distance in mm to an ellipsoid; (up, back, left) in mm."""
    total: Field = np.zeros((1, 1, 1), dtype=np.float32)
    for axis, middle, radius in zip(coordinates(shape), centre, radii, strict=True):
        total = total + ((axis - middle) / radius) ** 2
    return np.asarray((np.sqrt(total) - 1.0) * min(radii), dtype=np.float32)


def _make_shell(template: Template, traits: Traits, rough: Field, wavy: Field) -> Field:
    """Everything outside the cranial cavity."""
    up, back, left = coordinates(template.cavity_mm.shape)
    distance = template.cavity_mm
    brow = np.exp(-(((up + 4) / 14) ** 2) - ((left / 24) ** 2)) * (back < -40)
    wanted = traits.skull_mm + 0.45 * wavy + 1.6 * np.exp(-(((back - 100) / 25) ** 2)) + 5 * brow
    thickness = np.asarray(
        np.clip(wanted, 3.0, 14.0) * np.where(up < -30, 0.8, 1.0), dtype=np.float32
    )
    temple = np.exp(-(((up + 12) / 22) ** 2) - (((back + 12) / 28) ** 2)) * np.clip(
        (np.abs(left) - 25) / 20, 0, 1
    )
    nape = np.clip((-up - 12) / 14, 0, 1) * np.clip((back - 25) / 30, 0, 1)
    flesh = np.asarray(7.0 * temple + 10.0 * nape, dtype=np.float32)
    outline = np.asarray(
        distance - (thickness + traits.scalp_mm + 0.35 * wavy + flesh), dtype=np.float32
    )
    rows = _face_rows(up)
    outline[:rows] = np.minimum(outline[:rows], _face_outline(distance.shape))
    hu = np.full(distance.shape, _AIR_HU, dtype=np.float32)
    hu += _ramp(outline, 0.0) * (
        _fill_soft(distance - thickness, outline, flesh, texture=(rough, wavy)) - hu
    )
    bone = _ramp(distance, thickness) * _ramp(-distance, 0.0)
    depth = np.minimum(distance, thickness - distance)
    marrow = _DIPLOE_HU + 130 * rough
    table = _TABLE_HU - (_TABLE_HU - marrow) * np.clip((depth - 1.3) / 1.2, 0.0, 1.0)
    hu += bone * (table - hu)
    # Frontal sinus: air between the tables, above the nose, with a septum.
    sinus = brow * (np.abs(left - 1.5) > 1.0) * (0.75 + 0.12 * wavy) > 0.42
    hu[sinus & (depth > 1.8)] = -900.0
    _add_face(hu, template, rough, wavy)
    return hu


def _fill_soft(
    off_bone: Field, outline: Field, flesh: Field, *, texture: tuple[Field, Field]
) -> Field:
    """Skin, fat, and muscle on temple, nape and in the face.

    Args:
        off_bone: distance to the skull's outside.
        flesh: how thick the muscle is, in mm.
    """
    rough, wavy = texture
    up = coordinates(outline.shape)[0]
    soft = np.where(outline > -2.0, 30.0, _FAT_HU + 6 * rough)
    muscle = (off_bone < 0.4 + flesh * 0.8) & (flesh > 0.6)
    soft = np.where(muscle & (outline < -3.0), _MUSCLE_HU + 4 * rough, soft)
    deep = np.where(rough + wavy > -0.7, _MUSCLE_HU, _FAT_HU)
    soft = np.where((outline < -9.0) & (up < -22), deep, soft)
    return np.asarray(soft, dtype=np.float32)


def _face_rows(up: Field) -> int:
    return int(np.searchsorted(up.ravel(), _FACE_TOP_MM))


def _face_outline(shape: tuple[int, ...]) -> Field:
    low = (int(72 + _FACE_TOP_MM), *shape[1:])
    face = _ellipsoid(low, (-68.0, -32.0, 0.0), (72.0, 58.0, 66.0))
    nose = _ellipsoid(low, (-58.0, -84.0, 0.0), (26.0, 14.0, 11.0))
    neck = _ellipsoid(low, (-92.0, 48.0, 0.0), (72.0, 62.0, 62.0))
    return np.asarray(np.minimum(np.minimum(face, nose), neck), dtype=np.float32)


def _add_face(hu: Field, template: Template, rough: Field, wavy: Field) -> None:
    """Skull base with air cells, orbits, nose and sinuses; only below the forehead."""
    rows = _face_rows(coordinates(hu.shape)[0])
    low, shape = hu[:rows], (rows, *hu.shape[1:])
    texture, waves = rough[:rows], wavy[:rows]
    up, back, left = coordinates(shape)
    outside = _ramp(-template.cavity_mm[:rows], 0.0)
    base = _ramp(template.base_mm[:rows], 0.0) * outside
    low += base * (700 + 260 * texture - low)
    cells = (np.abs(left) > 32) & (np.abs(left) < 62) & (np.abs(back - 32) < 16)
    cells = cells & (template.cavity_mm[:rows] > 2) & (up < -24) & (texture > 0.1)
    shell = template.cavity_mm[:rows] + 0.8 * waves
    low[cells & (shell < 22)] = -720.0
    for side in (-1.0, 1.0):
        _add_orbit(low, side, outside)
        _add_hollow(low, (-68.0, -46.0, side * 28.0), (17.0, 16.0, 13.0), outside)
        _add_hollow(low, (-42.0, -18.0, side * 8.0), (8.0, 10.0, 6.5), outside)
        for step in range(4):
            _add_hollow(low, (-44.0, -34.0 - 9.5 * step, side * 8.0), (13.0, 4.6, 6.0), outside)
        cheek = _ellipsoid(shape, (-42.0, -52.0, side * 52.0), (11.0, 7.0, 5.0))
        low += _ramp(cheek, 0.0) * outside * (900.0 - low)
    clivus = _ellipsoid(shape, (-48.0, 10.0, 0.0), (16.0, 9.0, 13.0))
    low += _ramp(clivus, 0.0) * outside * (650 + 180 * texture - low)


def _add_hollow(
    low: Field, centre: tuple[float, ...], radii: tuple[float, ...], outside: Field
) -> None:
    """An air cell with a thin bony wall."""
    distance = _ellipsoid(low.shape, centre, radii)
    wall = _ramp(distance, 1.6) * outside
    low += wall * (650.0 - low)
    low += _ramp(distance, 0.0) * outside * (_AIR_HU - low)


def _add_orbit(low: Field, side: float, outside: Field) -> None:
    shape = low.shape
    cone = np.minimum(
        _ellipsoid(shape, (-34.0, -56.0, side * 32.0), (17.0, 22.0, 17.0)),
        _ellipsoid(shape, (-33.0, -34.0, side * 22.0), (9.0, 18.0, 10.0)),
    )
    behind = coordinates(shape)[1] > -72
    low += _ramp(cone, 2.0) * outside * behind * (800.0 - low)
    low += _ramp(cone, 0.0) * outside * (_FAT_HU - low)
    nerve = _ellipsoid(shape, (-33.0, -40.0, side * 26.0), (2.2, 18.0, 2.4))
    low += _ramp(nerve, 0.0) * outside * (32.0 - low)
    for offset in (-10.0, 10.0):
        muscle = _ellipsoid(shape, (-34.0, -46.0, side * 29.0 + offset), (4.0, 14.0, 1.8))
        low += _ramp(muscle, 0.0) * outside * (45.0 - low)
    globe = _ellipsoid(shape, (-34.0, -66.0, side * 33.0), (12.0, 12.0, 12.0))
    low += _ramp(globe, 0.0) * outside * (42.0 - low)
    low += _ramp(globe, -1.5) * outside * (12.0 - low)
    lens = _ellipsoid(shape, (-34.0, -74.5, side * 33.0), (4.5, 2.0, 4.5))
    low += _ramp(lens, 0.0) * outside * (75.0 - low)
