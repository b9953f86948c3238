"""What a model hands back: arrays on the grid it was given, and words from its own card.

`result.finding` turns a prediction into a `Result`; nothing else reads this form.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from overread.model.card import ModelCard
from overread.study.volume import Volume
from overread.vocabulary.code import Code

Progress = Callable[[float, str], None]
"""Called with the share done (0 to 1) and what is being done."""


@dataclass(frozen=True, slots=True)
class PredictedMeasurement:
    """A number with unit.

    Attributes:
        uncertainty: half-width of a 95 % interval in the same unit, or None where unknown.
    """

    concept: Code
    value: float
    unit: Code
    uncertainty: float | None = None


@dataclass(frozen=True, slots=True)
class PredictedLine:
    """A line drawn on one slice (for a measured distance, e.g. midline shift).

    Attributes:
        slice_index: 0-based index into the volume's slices.
        start, end: (row, column) numpy indices, 0 at a pixel's centre.
    """

    slice_index: int
    start: tuple[float, float]
    end: tuple[float, float]


@dataclass(frozen=True, slots=True)
class PredictedFinding:
    """One claim.

    Attributes:
        output: key of one of the card's outputs.
        label: words for people, e.g. "Intraparenchymal bleed, right".
        confidence: 0 to 1 with the meaning the card states, or None where the model has none.
        mask: bool (slices, rows, columns) on the input volume's grid, or None.
        heatmap: float32 0..1 (slices, rows, columns), or None.
        laterality: SCT left 7771000, right 24028007, or bilateral 51440002.
    """

    output: str
    label: str
    confidence: float | None
    mask: NDArray[np.bool_] | None = None
    heatmap: NDArray[np.float32] | None = None
    lines: tuple[PredictedLine, ...] = ()
    measurements: tuple[PredictedMeasurement, ...] = ()
    site: Code | None = None
    laterality: Code | None = None


@dataclass(frozen=True, slots=True)
class Prediction:
    """All claims of one run; `notices` say what a reader must know (e.g. "vertex not covered")."""

    findings: tuple[PredictedFinding, ...]
    notices: tuple[str, ...] = ()


class Predictor(Protocol):
    """What a plug-in implements; the card lies beside it.

    `predict` runs in a child process with time and memory limits and has no network. It must be
    deterministic: a repeated step must give the same objects byte for byte.

    Raises:
        Rejected: this input can't be read, with the reason in words for the panel.
    """

    def predict(self, volume: Volume, progress: Progress) -> Prediction: ...


def _find_nothing_missing(_models_dir: Path) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Plugin:
    """What an entry point of group `overread.models` names: a function without arguments that
    returns one of these.

    Attributes:
        load: makes the predictor; called in the child process only, so heavy imports go inside.
            Installed weights lie under `model.installation.find_models_dir()`.
        find_missing: given the folder of installed weights, "" where the model can run, else what
            is missing and how to install it.
    """

    card: ModelCard
    load: Callable[[], Predictor]
    find_missing: Callable[[Path], str] = _find_nothing_missing
