"""Does a prediction keep to its card and its grid? What does not is the model's defect."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.model.card import ModelCard, OutputCode
from overread.model.prediction import PredictedFinding, PredictedLine
from overread.vocabulary.errors import Defect

_LATERALITIES = {
    ("7771000", "SCT"): "left",
    ("24028007", "SCT"): "right",
    ("51440002", "SCT"): "bilateral",
}


def check_finding(
    finding: PredictedFinding, card: ModelCard, shape: tuple[int, int, int]
) -> OutputCode:
    """The card's output that a claim answers.

    Args:
        shape: (slices, rows, columns) of the input volume.

    Raises:
        Defect: naming the model, the output and what is outside the card or the grid.
    """
    output = card.find_output(finding.output)
    named = f"{card.ref.name} {card.ref.version}, output {finding.output!r}"
    if output is None:
        known = ", ".join(repr(known.key) for known in card.outputs)
        raise Defect(f"{named}: its card lists no such output, only {known}.")
    if not finding.label.strip():
        raise Defect(f"{named}: the label is empty; a claim needs words for people.")
    confidence = finding.confidence
    if confidence is not None and not (math.isfinite(confidence) and 0 <= confidence <= 1):
        raise Defect(f"{named}: confidence is {confidence}; it must lie from 0 to 1.")
    laterality = finding.laterality
    if laterality is not None and (laterality.value, laterality.scheme) not in _LATERALITIES:
        raise Defect(
            f"{named}: laterality is ({laterality.value}, {laterality.scheme}); it must be left, "
            f"right or bilateral in SNOMED CT (7771000, 24028007, 51440002)."
        )
    _check_arrays(finding, shape, named)
    for line in finding.lines:
        _check_line(line, shape, named)
    for measurement in finding.measurements:
        numbers = (measurement.value, measurement.uncertainty or 0.0)
        if not all(math.isfinite(number) for number in numbers) or numbers[1] < 0:
            raise Defect(
                f"{named}: {measurement.concept.meaning} is {measurement.value} with uncertainty "
                f"{measurement.uncertainty}; both must be finite and the uncertainty not negative."
            )
    return output


def _check_arrays(finding: PredictedFinding, shape: tuple[int, int, int], named: str) -> None:
    if finding.mask is not None:
        _check_shape(finding.mask, shape, f"{named}: the mask")
        if finding.mask.dtype != np.bool_:
            raise Defect(f"{named}: the mask holds {finding.mask.dtype}; it must be bool.")
    if finding.heatmap is not None:
        heatmap = finding.heatmap
        _check_shape(heatmap, shape, f"{named}: the heat map")
        # Written so that a NaN fails too: every comparison with it is false.
        if not bool(np.all((heatmap >= 0) & (heatmap <= 1))):
            raise Defect(f"{named}: the heat map holds values that do not lie from 0 to 1.")


def _check_shape(array: NDArray[Any], shape: tuple[int, int, int], named: str) -> None:
    if array.shape != shape:
        raise Defect(f"{named} has shape {array.shape}; the input volume has {shape}.")


def _check_line(line: PredictedLine, shape: tuple[int, int, int], named: str) -> None:
    slices, rows, columns = shape
    if not 0 <= line.slice_index < slices:
        raise Defect(f"{named}: a line lies on slice {line.slice_index}; there are {slices}.")
    for row, column in (line.start, line.end):
        # Written so that a NaN fails too.
        if not (-0.5 <= row <= rows - 0.5 and -0.5 <= column <= columns - 0.5):
            raise Defect(
                f"{named}: a line's end at (row {row}, column {column}) lies outside the image of "
                f"{rows} × {columns} pixels."
            )
