"""From a T1-weighted stack to named volumes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from overread.model.installation import find_models_dir
from overread.model.prediction import (
    PredictedFinding,
    PredictedMeasurement,
    Prediction,
    Progress,
)
from overread.study.conforming import bring_back, conform
from overread.study.volume import Volume, volume_of_mask_ml, voxel_volumes_ml
from overread.vocabulary.code import Code
from overread.vocabulary.unit import MILLILITRE
from overread_models.brain_mr_volumes.brain_mask import find_brain
from overread_models.brain_mr_volumes.card import STRUCTURES, VOLUME, Structure
from overread_models.brain_mr_volumes.midline import find_left, fit_midline
from overread_models.brain_mr_volumes.network import Network
from overread_models.brain_mr_volumes.weights import load_weights

ORIENTATION = "LIA"
"""The axes on which the network was trained, in this order; in another order the deep nuclei
vanish without an error."""

SIDE = 256
_MARGIN = 4

LEFT = Code("7771000", "SCT", "Left")
RIGHT = Code("24028007", "SCT", "Right")

_SHIFT_MM = 0.25
"""The stated uncertainty is what a volume changes by when its surface moves this far."""

NOTICES = (
    "Left and right are parted by a plane fitted to the middle of the brain.",
    "The interval of a volume is what it changes by when the outline moves by 0.25 mm; the "
    "network's own error is not known.",
)


@dataclass(frozen=True, slots=True)
class VolumesPredictor:
    """Implements `model.prediction.Predictor`."""

    def predict(self, volume: Volume, progress: Progress) -> Prediction:
        """Raises Rejected where no brain is found or the weights are not installed."""
        architecture, tensors = load_weights(find_models_dir())
        progress(0.1, "turning to 1 mm")
        conformed = conform(volume, ORIENTATION, (1.0, 1.0, 1.0), (SIDE, SIDE, SIDE))
        brain = find_brain(conformed.array)
        box = _find_box(brain)
        scaled = normalise(conformed.array, brain)[box]
        progress(0.2, "labelling structures")
        network = Network(
            architecture, tensors, (scaled.shape[0], scaled.shape[1], scaled.shape[2])
        )
        labels = np.zeros(conformed.array.shape, dtype=np.uint8)
        labels[box] = network.label(np.ascontiguousarray(scaled))
        progress(0.8, "measuring")
        is_left = find_left((SIDE, SIDE, SIDE), fit_midline(brain))
        sided = labels.astype(np.uint8) * 2 + is_left
        sided[labels == 0] = 0
        own = bring_back(sided, conformed.affine, volume)
        return Prediction(_describe(own, volume), NOTICES)


def normalise(voxels: NDArray[np.float32], brain: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The brain's values from 0 to 1 between the darkest and the brightest; 0 outside it."""
    masked = np.where(brain, voxels, np.float32(0))
    low, high = float(masked.min()), float(masked.max())
    return np.asarray((masked - low) / max(high - low, 1e-6), dtype=np.float32)


def _find_box(brain: NDArray[np.bool_]) -> tuple[slice, slice, slice]:
    """The brain with a margin: the network sees only this, for a third of the time."""
    sides = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        held = np.flatnonzero(brain.any(axis=others))
        start = max(int(held[0]) - _MARGIN, 0)
        sides.append(slice(start, min(int(held[-1]) + 1 + _MARGIN, brain.shape[axis])))
    return (sides[0], sides[1], sides[2])


def _describe(sided: NDArray[np.generic], volume: Volume) -> tuple[PredictedFinding, ...]:
    findings = []
    for structure in STRUCTURES:
        right, left = sided == 2 * structure.label, sided == 2 * structure.label + 1
        parts: list[tuple[NDArray[np.bool_], Code | None, str]] = [(left | right, None, "")]
        if structure.is_paired:
            parts = [(left, LEFT, ", left"), (right, RIGHT, ", right")]
        for mask, laterality, words in parts:
            if mask.any():
                findings.append(_describe_part(structure, mask, laterality, words, volume))
    return tuple(findings)


def _describe_part(
    structure: Structure,
    mask: NDArray[np.bool_],
    laterality: Code | None,
    words: str,
    volume: Volume,
) -> PredictedFinding:
    size_ml = volume_of_mask_ml(mask, volume)
    measured = PredictedMeasurement(
        VOLUME, round(size_ml, 2), MILLILITRE, round(estimate_uncertainty_ml(mask, volume), 2)
    )
    return PredictedFinding(
        output=structure.key,
        label=f"{structure.words}{words}",
        confidence=None,
        mask=mask,
        measurements=(measured,),
        site=structure.code,
        laterality=laterality,
    )


def estimate_uncertainty_ml(mask: NDArray[np.bool_], volume: Volume) -> float:
    """What the volume changes by when the whole surface moves by a quarter of a millimetre.

    The area is that of the faces between voxels, divided by 1.5: a surface that lies at random to
    the grid shows one and a half times its area in faces.
    """
    plane = volume.planes[0]
    down, across = plane.spacing_between_rows_mm, plane.spacing_between_columns_mm
    depths_mm = voxel_volumes_ml(volume) * 1000 / (down * across)
    room = ndimage.find_objects(mask.astype(np.uint8))[0]
    held = np.pad(mask[room].astype(np.int8), 1)
    depths_mm = np.pad(depths_mm[room[0]], 1, mode="edge")
    down_faces, across_faces = (
        np.abs(np.diff(held, axis=axis)).sum(axis=(1, 2)) for axis in (1, 2)
    )
    slice_faces = int(np.abs(np.diff(held, axis=0)).sum())
    area_mm2 = (
        float(down_faces @ depths_mm * across + across_faces @ depths_mm * down)
        + slice_faces * down * across
    )
    return area_mm2 / 1.5 * _SHIFT_MM / 1000
