"""The model: a volume in, findings out."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from overread.model.prediction import (
    PredictedFinding,
    PredictedMeasurement,
    Prediction,
    Progress,
)
from overread.study.volume import Volume
from overread.vocabulary.code import Code
from overread.vocabulary.errors import Rejected
from overread.vocabulary.unit import HOUNSFIELD, MILLILITRE
from overread_models.head_ct_hyperdensity.anatomy import Anatomy, survey
from overread_models.head_ct_hyperdensity.candidate import Candidate, find_candidates
from overread_models.head_ct_hyperdensity.card import (
    ATTENUATION,
    OUTPUTS,
    VOLUME,
    read_table,
)
from overread_models.head_ct_hyperdensity.grid import Grid, Mask, make_grid
from overread_models.head_ct_hyperdensity.kind import name_kind
from overread_models.head_ct_hyperdensity.score import score
from overread_models.head_ct_hyperdensity.skull import Brain, find_brain

_LEFT = Code("7771000", "SCT", "Left")
_RIGHT = Code("24028007", "SCT", "Right")
_BILATERAL = Code("51440002", "SCT", "Bilateral")
_BOTH_SHARE = 0.2
_MOST_FINDINGS = 12
_LEAST_SLICES = 10


class HyperdensityPredictor:
    """Implements `overread.model.prediction.Predictor`."""

    def predict(self, volume: Volume, progress: Progress) -> Prediction:
        """Find hyperdense regions.

        Raises:
            Rejected: not a CT, too few slices, or no head with brain in it.
        """
        if volume.modality != "CT":
            raise Rejected(f"This model reads CT; the series is {volume.modality or 'unnamed'}.")
        if len(volume.planes) < _LEAST_SLICES:
            raise Rejected(
                f"The series has {len(volume.planes)} slices; {_LEAST_SLICES} or more are needed."
            )
        progress(0.05, "Looking for the skull")
        grid = make_grid(volume)
        brain = find_brain(grid)
        progress(0.35, "Measuring brain and fluid")
        anatomy = survey(grid, brain)
        progress(0.6, "Looking for dense regions")
        candidates = find_candidates(grid, brain, anatomy)
        table = read_table()
        scored = [(score(candidate, table), candidate) for candidate in candidates]
        least = float(str(table["report"]))
        kept = sorted(
            (pair for pair in scored if pair[0] >= least),
            key=lambda pair: (-pair[0], -pair[1].volume_ml),
        )[:_MOST_FINDINGS]
        progress(0.8, "Measuring findings")
        findings = [
            _make_finding(value, candidate, volume, grid, anatomy) for value, candidate in kept
        ]
        progress(1.0, "Done")
        return Prediction(tuple(findings), tuple(_make_notices(volume, grid, brain)))


def _make_finding(
    value: float, candidate: Candidate, volume: Volume, grid: Grid, anatomy: Anatomy
) -> PredictedFinding:
    key = name_kind(candidate, read_table())
    label = next(output.label for output in OUTPUTS if output.key == key)
    side, words = _name_side(candidate, anatomy)
    mask = _to_original(candidate.mask, grid)
    measured = _measure(mask, volume, grid)
    return PredictedFinding(
        output=key,
        label=f"{label}, {words}",
        confidence=round(value, 3),
        mask=mask,
        measurements=measured,
        laterality=side,
    )


def _to_original(mask: Mask, grid: Grid) -> Mask:
    """A working mask on the original grid, its staircase smoothed."""
    soft = ndimage.gaussian_filter(mask.astype(np.float32), (0, 0.5, 0.5))
    fine = grid.restore(soft) > 0.5
    if not fine.any():
        fine = grid.restore(mask.astype(np.float32)) > 0.25
    return np.asarray(fine, dtype=np.bool_)


def _measure(mask: Mask, volume: Volume, grid: Grid) -> tuple[PredictedMeasurement, ...]:
    plane = volume.planes[0]
    pixel_mm2 = plane.spacing_between_rows_mm * plane.spacing_between_columns_mm
    per_slice = mask.sum(axis=(1, 2)) * grid.extents_mm * pixel_mm2 / 1000.0
    volume_ml = float(per_slice.sum())
    mean = float(volume.voxels[mask].mean())
    return (
        PredictedMeasurement(
            VOLUME, round(volume_ml, 2), MILLILITRE, round(_uncertainty_ml(volume_ml), 2)
        ),
        PredictedMeasurement(ATTENUATION, round(mean, 1), HOUNSFIELD),
    )


def _uncertainty_ml(volume_ml: float) -> float:
    """Half of the 95 % interval of the volume error in simulated bleeds."""
    table = read_table()
    relative = float(str(table.get("volume_error_share", 0.35)))
    return max(0.3, relative * volume_ml)


def _name_side(candidate: Candidate, anatomy: Anatomy) -> tuple[Code, str]:
    offset = anatomy.offset_mm[candidate.mask]
    left = float((offset > 0).mean())
    if min(left, 1 - left) > _BOTH_SHARE:
        return _BILATERAL, "both sides"
    return (_LEFT, "left") if left > 0.5 else (_RIGHT, "right")


def _make_notices(volume: Volume, grid: Grid, brain: Brain) -> list[str]:
    notices = []
    gaps = np.diff(grid.positions_mm)
    if gaps.max() - gaps.min() > 0.2:
        notices.append(
            f"Slices lie unevenly, {gaps.min():.1f} to {gaps.max():.1f} mm apart; volumes use the "
            "real positions."
        )
    first, last = (brain.first, brain.last)
    below, above = (first, len(gaps) - last) if grid.is_top_last else (len(gaps) - last, first)
    if above == 0:
        notices.append("The vertex is not covered: blood there is not seen.")
    if below:
        notices.append(
            f"The lowest {below} slices (skull base and face) were not read: bone does not close "
            "the brain there."
        )
    return notices
