"""A site's own ONNX file, fed and read as its card file says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi.onnxruntime_pybind11_state import (
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    NoSuchFile,
    NotImplemented,
    RuntimeException,
)

from overread.model.card_file import CardFile, OnnxSpec, read_card_file
from overread.model.prediction import (
    PredictedFinding,
    PredictedMeasurement,
    Prediction,
    Progress,
)
from overread.study.conforming import bring_back, conform
from overread.study.volume import Volume, volume_of_mask_ml
from overread.vocabulary.code import Code
from overread.vocabulary.errors import Rejected
from overread.vocabulary.unit import MILLILITRE

_VOLUME = Code("118565006", "SCT", "Volume")
_FAILURES = (
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    NoSuchFile,
    NotImplemented,
    RuntimeException,
)


def load_onnx(card_path: Path) -> OnnxPredictor:
    """Read card and model.

    Raises:
        Rejected: a card or a file that can't be used, and why.
    """
    described = read_card_file(card_path)
    if described.onnx is None:
        raise Rejected(f"The card {card_path.name} has no table [onnx].")
    options = onnxruntime.SessionOptions()
    options.use_deterministic_compute = True
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(
            str(described.onnx.file), options, providers=["CPUExecutionProvider"]
        )
    except _FAILURES as error:
        raise Rejected(
            f"{described.onnx.file.name} is no ONNX model that this runtime loads "
            f"({type(error).__name__}); write it with an older opset or check the file."
        ) from error
    if len(session.get_inputs()) != 1:
        raise Rejected(f"{described.onnx.file.name} has more than one input; one is fed.")
    return OnnxPredictor(described, described.onnx, session)


@dataclass(frozen=True, slots=True)
class OnnxPredictor:
    """Implements `model.prediction.Predictor` for a card file."""

    described: CardFile
    spec: OnnxSpec
    session: Any

    def predict(self, volume: Volume, progress: Progress) -> Prediction:
        """One finding for each class that holds a voxel.

        Raises:
            Rejected: the model refuses the tensor, or answers in another shape than the card says.
        """
        voxels, affine = self._lay_out(volume)
        progress(0.2, "running the model")
        scores = self._run(normalise(voxels, self.spec))
        progress(0.8, "reading the answer")
        labels, confidence = read_answer(scores, self.spec)
        own = labels if affine is None else bring_back(labels, affine, volume)
        findings = []
        for number, key in enumerate(self.spec.classes):
            mask = own == number + 1
            if key and mask.any():
                findings.append(self._describe(key, mask, confidence.get(number), volume))
        return Prediction(tuple(findings))

    def _lay_out(self, volume: Volume) -> tuple[NDArray[np.float32], NDArray[np.float64] | None]:
        """The array (z, y, x) that the model sees and where it lies; None for the own slices."""
        spec = self.spec
        if not spec.orientation:
            return volume.voxels, None
        # The card speaks of x, y and z; arrays follow each other as z, y, x.
        orientation = spec.orientation[::-1]
        own = volume.planes[0]
        spacing = spec.spacing_mm or (
            own.spacing_between_columns_mm,
            own.spacing_between_rows_mm,
            own.spacing_between_columns_mm,
        )
        conformed = conform(volume, orientation, (spacing[2], spacing[1], spacing[0]), spec.shape)
        return conformed.array, conformed.affine

    def _run(self, voxels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scores as (channels, z, y, x), whatever the order of the tensor's axes."""
        if self.spec.is_per_slice:
            answers = [self._ask(plane[np.newaxis, np.newaxis])[0] for plane in voxels]
            return np.stack(answers, axis=1)
        is_turned = self.spec.axis_order == "xyz"
        tensor = voxels.transpose(2, 1, 0) if is_turned else voxels
        answer = self._ask(np.ascontiguousarray(tensor)[np.newaxis, np.newaxis])
        if answer.ndim != 5 or answer.shape[0] != 1:
            raise Rejected(
                f"The model answers {answer.shape}; (1, channels, three axes) is read. "
                "A model of single slices needs per_slice = true."
            )
        scores: NDArray[np.float32] = answer[0]
        return scores.transpose(0, 3, 2, 1) if is_turned else scores

    def _ask(self, tensor: NDArray[np.float32]) -> NDArray[np.float32]:
        name = self.session.get_inputs()[0].name
        try:
            return np.asarray(self.session.run(None, {name: tensor})[0], dtype=np.float32)
        except _FAILURES as error:
            wanted = self.session.get_inputs()[0].shape
            raise Rejected(
                f"The model takes {wanted} and was given {tensor.shape}: set shape, axis_order or "
                "per_slice in the card."
            ) from error

    def _describe(
        self, key: str, mask: NDArray[np.bool_], confidence: float | None, volume: Volume
    ) -> PredictedFinding:
        output = self.described.card.find_output(key)
        measurements: tuple[PredictedMeasurement, ...] = ()
        if len(volume.planes) > 1:
            size_ml = round(volume_of_mask_ml(mask, volume), 3)
            measurements = (PredictedMeasurement(_VOLUME, size_ml, MILLILITRE),)
        return PredictedFinding(
            output=key,
            label=output.label if output is not None else key,
            confidence=confidence,
            mask=mask,
            measurements=measurements,
        )


def normalise(voxels: NDArray[np.float32], spec: OnnxSpec) -> NDArray[np.float32]:
    """Values as the model was trained on them."""
    if spec.normalise == "window" and spec.window is not None:
        low, high = spec.window
        scaled = (np.clip(voxels, low, high) - low) / (high - low)
    elif spec.normalise == "z-score":
        scaled = (voxels - voxels.mean()) / max(float(voxels.std()), 1e-6)
    elif spec.normalise == "min-max":
        low, high = float(voxels.min()), float(voxels.max())
        scaled = (voxels - low) / max(high - low, 1e-6)
    else:
        scaled = voxels
    return np.asarray(scaled, dtype=np.float32)


def read_answer(
    scores: NDArray[np.float32], spec: OnnxSpec
) -> tuple[NDArray[np.int32], dict[int, float]]:
    """Labels and the confidence of each class.

    Args:
        scores: (channels, z, y, x): one channel of labels, or one of each class.

    Returns:
        (z, y, x) labels, the class's index plus 1, 0 where nothing is claimed; and for each class
        index the largest probability among its voxels (none for labels).

    Raises:
        Rejected: another number of channels than the card has classes.
    """
    if spec.output == "labels":
        if scores.shape[0] != 1:
            raise Rejected(f"Labels are one channel; the model answers {scores.shape[0]}.")
        rounded = np.rint(scores[0]).astype(np.int32)
        is_known = (rounded >= 0) & (rounded < len(spec.classes))
        return np.where(is_known, rounded + 1, 0), {}
    if scores.shape[0] != len(spec.classes):
        raise Rejected(
            f"The model answers {scores.shape[0]} channels and the card names "
            f'{len(spec.classes)} classes: name each channel, "" for the background.'
        )
    if spec.output == "logits":
        scores = _to_probabilities(scores)
    best = scores.argmax(axis=0).astype(np.int32)
    largest = scores.max(axis=0)
    claimed = np.where(largest >= spec.threshold, best + 1, 0)
    confidence = {
        number: float(np.clip(scores[number][claimed == number + 1].max(), 0, 1))
        for number in range(len(spec.classes))
        if (claimed == number + 1).any()
    }
    return claimed, confidence


def _to_probabilities(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Softmax over several channels, the logistic function of a single one."""
    if logits.shape[0] == 1:
        return np.asarray(1 / (1 + np.exp(-np.clip(logits, -60, 60))), dtype=np.float32)
    shifted = np.exp(logits - logits.max(axis=0, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=0, keepdims=True), dtype=np.float32)
