"""Which type of bleed a region is, by where it lies and by its shape.

A multinomial logistic regression over a few measures; its numbers lie in the calibration file.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from overread_models.head_ct_hyperdensity.candidate import Candidate
from overread_models.head_ct_hyperdensity.card import (
    EPIDURAL,
    PARENCHYMAL,
    SUBARACHNOID,
    SUBDURAL,
    UNDETERMINED,
    VENTRICULAR,
)

KINDS = (EPIDURAL, SUBDURAL, PARENCHYMAL, VENTRICULAR, SUBARACHNOID)
SHAPE_FEATURES = (
    "log_volume", "rim", "touch", "lens", "slimness", "roundness", "fluid", "ventricle", "zone",
    "mirror_fluid", "aside", "deep",
)  # fmt: skip
LEAST_SHARE = 0.5
"""Below it no type is likely enough: undetermined."""


def describe_shape(candidate: Candidate) -> tuple[float, ...]:
    """The measures that tell the types apart, in the order of `SHAPE_FEATURES`."""
    ball_mm = math.pow(3 * max(candidate.volume_ml, 0.1) * 1000 / (4 * math.pi), 1 / 3)
    lens = candidate.depth_mm / max(candidate.reach_mm, 1.0) if candidate.touch_share > 0.2 else 0.0
    return (
        math.log(max(candidate.volume_ml, 0.1)),
        candidate.rim_share,
        candidate.touch_share,
        4 * min(lens, 1.0),
        2 * candidate.slimness,
        2 * min(candidate.thickness_mm / ball_mm, 1.5),
        3 * min(candidate.fluid_share, 0.5),
        candidate.ventricle_share,
        candidate.zone_share,
        2 * candidate.mirror_fluid_share,
        min(abs(candidate.offset_mm), 60.0) / 30.0,
        min(candidate.depth_mm, 50.0) / 25.0,
    )


def name_kind(candidate: Candidate, table: Mapping[str, Any]) -> str:
    """The key of the card's output that fits, "undetermined" where none is likely enough."""
    weights = np.asarray(table["kind_weights"], dtype=np.float64)
    totals = weights @ np.array([1.0, *describe_shape(candidate)])
    shares = np.exp(totals - totals.max())
    shares /= shares.sum()
    best = int(np.argmax(shares))
    return KINDS[best] if shares[best] >= LEAST_SHARE else UNDETERMINED
