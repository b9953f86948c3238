"""How thick each slice really is: half the gap to each neighbour, along the normal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from overread.vocabulary.geometry import PlaneGeometry

_PARALLEL = 1e-5
"""How far the cosine between parallel normals may lie below 1 (0.26°)."""

_LEAST_GAP_MM = 0.01
"""Planes closer than this lie at the same place."""


def measure_extents_mm(planes: Sequence[PlaneGeometry]) -> tuple[float, ...] | None:
    """The extent along the common normal that each slice stands for, in millimetres.

    Half the gap to the neighbour on either side; an end slice extends outwards as far as
    inwards. Distances are taken along the normal, so a gantry tilt (origins that step obliquely)
    does not thicken the slices, and the order of `planes` does not matter.

    Returns:
        One extent for each plane in the order given, or None where nothing says how thick they
        are: a single plane, planes that are not parallel, or two at one place (phases, a cine).
    """
    if len(planes) < 2:
        return None
    normal = planes[0].normal
    if any(float(np.dot(normal, plane.normal)) < 1 - _PARALLEL for plane in planes):
        return None
    places = np.array([float(np.dot(normal, plane.position)) for plane in planes])
    order = np.argsort(places, kind="stable")
    gaps = np.diff(places[order])
    if float(gaps.min()) < _LEAST_GAP_MM:
        return None
    below = np.concatenate((gaps[:1], gaps)) / 2
    above = np.concatenate((gaps, gaps[-1:])) / 2
    extents = np.empty(len(planes))
    extents[order] = below + above
    return tuple(extents.tolist())


def measure_pixel_area_mm2(plane: PlaneGeometry) -> float:
    """The area of one pixel of an image in mm²."""
    return plane.spacing_between_rows_mm * plane.spacing_between_columns_mm
