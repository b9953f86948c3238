"""Which type of bleed a region is, by where it lies and by its shape."""

from __future__ import annotations

import math

from overread_models.head_ct_hyperdensity.candidate import Candidate
from overread_models.head_ct_hyperdensity.card import (
    EPIDURAL,
    PARENCHYMAL,
    SUBARACHNOID,
    SUBDURAL,
    UNDETERMINED,
    VENTRICULAR,
)

_IN_VENTRICLES = 0.55
_AT_BONE = 0.25
_LENS_RATIO = 0.27


def name_kind(candidate: Candidate) -> str:
    """The key of the card's output that fits, "undetermined" where two fit alike."""
    if candidate.ventricle_share > _IN_VENTRICLES and candidate.rim_share < 0.15:
        return VENTRICULAR
    if candidate.touch_share > _AT_BONE:
        return _name_extra_axial(candidate)
    slimness = candidate.thickness_mm / max(1e-3, _ball_radius_mm(candidate.volume_ml))
    if slimness > 0.72 and candidate.touch_share < 0.12:
        return PARENCHYMAL
    if slimness < 0.52:
        return SUBARACHNOID if candidate.touch_share < 0.18 else UNDETERMINED
    if candidate.fluid_share > 0.12:
        return SUBARACHNOID
    return PARENCHYMAL if candidate.touch_share < 0.12 else UNDETERMINED


def _name_extra_axial(candidate: Candidate) -> str:
    """A lens is deep for its width, a crescent is not."""
    ratio = candidate.depth_mm / max(candidate.reach_mm, 1e-3)
    if candidate.volume_ml < 1.5:
        return UNDETERMINED
    if abs(ratio - _LENS_RATIO) < 0.02:
        return UNDETERMINED
    return EPIDURAL if ratio > _LENS_RATIO else SUBDURAL


def _ball_radius_mm(volume_ml: float) -> float:
    return math.pow(3 * volume_ml * 1000 / (4 * math.pi), 1 / 3)
