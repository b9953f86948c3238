"""From a region's measures to a score: logistic regressions whose numbers lie in a file.

Blood at the bone and blood inside the brain have other look-alikes (bone's partial volume, dura
and sinuses here; calcium, plexus and vessels there), so each place has its own regression.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from overread_models.head_ct_hyperdensity.candidate import Candidate

FEATURES = (
    "log_volume", "contrast", "beyond", "asymmetry", "thickness", "deep", "reach", "rim",
    "midline", "ventricle", "calcium", "roof", "slices", "low", "slimness", "zone",
    "mirror_fluid",
)  # fmt: skip
AT_BONE, INSIDE = "at_bone", "inside"
PLACES = (AT_BONE, INSIDE)
_TOUCHING = 0.15
_MOST_TOTAL = 30.0


def find_place(candidate: Candidate) -> str:
    """Which regression judges it: the share of its outline at the bone says so."""
    return AT_BONE if candidate.touch_share > _TOUCHING else INSIDE


def describe(candidate: Candidate) -> tuple[float, ...]:
    """The measures that the regressions weigh, in the order of `FEATURES`, each of order 1."""
    return (
        math.log(max(candidate.volume_ml, 0.1)),
        min(candidate.contrast_hu, 35.0) / 10.0,
        min(candidate.beyond_hu, 35.0) / 10.0,
        float(np.clip(candidate.asymmetry_hu, -10, 30)) / 10.0,
        min(candidate.thickness_mm, 15.0) / 5.0,
        min(candidate.depth_mm, 20.0) / 10.0,
        min(candidate.reach_mm, 60.0) / 30.0,
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
    weights = np.asarray(table["score_weights"][find_place(candidate)], dtype=np.float64)
    total = float(weights @ np.array([1.0, *describe(candidate)]))
    return 1.0 / (1.0 + math.exp(-max(-_MOST_TOTAL, min(_MOST_TOTAL, total))))
