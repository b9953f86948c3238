"""From a region's measures to a score: a logistic regression whose numbers lie in a file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from overread_models.head_ct_hyperdensity.candidate import Candidate

FEATURES = (
    "log_volume", "contrast", "asymmetry", "thickness", "rim", "midline", "ventricle",
    "calcium", "roof", "slices", "low", "slimness", "zone", "mirror_fluid",
)  # fmt: skip


def describe(candidate: Candidate) -> tuple[float, ...]:
    """The measures that the regression weighs, in the order of `FEATURES`, each of order 1."""
    return (
        math.log(max(candidate.volume_ml, 0.1)),
        min(candidate.contrast_hu, 35.0) / 10.0,
        float(np.clip(candidate.asymmetry_hu, -10, 30)) / 10.0,
        min(candidate.thickness_mm, 15.0) / 5.0,
        candidate.rim_share,
        candidate.midline_share,
        candidate.ventricle_share,
        min(candidate.calcium_share, 1.0),
        candidate.near_roof,
        min(candidate.slices, 4) / 2.0,
        1.0 if candidate.height < 0.12 else 0.0,
        candidate.slimness,
        candidate.zone_share,
        candidate.mirror_fluid_share,
    )


def score(candidate: Candidate, table: Mapping[str, Any]) -> float:
    """0 to 1; see the card for what it means."""
    weights: Sequence[float] = table["weights"]
    total = float(table["intercept"]) + sum(
        weight * value for weight, value in zip(weights, describe(candidate), strict=True)
    )
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, total))))
