"""The JSON that a command may write (docs/models.md): findings placed on images by UID."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.draw import polygon2mask

from overread.model.prediction import (
    PredictedFinding,
    PredictedMeasurement,
    Prediction,
)
from overread.study.volume import Volume
from overread.vocabulary.code import Code
from overread.vocabulary.errors import LimitExceeded, Rejected

JSON_OUTPUT = "findings.json"
MAX_BYTES = 32 * 1024**2
MAX_POINTS = 100_000

_SIDES = {
    "left": Code("7771000", "SCT", "Left"),
    "right": Code("24028007", "SCT", "Right"),
    "bilateral": Code("51440002", "SCT", "Right and left"),
}


def read_json_output(path: Path, volume: Volume) -> Prediction:
    """Read `findings.json`.

    Raises:
        Rejected: it is not of the documented form; the message names the finding and the rule.
        LimitExceeded: it is too large.
    """
    if path.stat().st_size > MAX_BYTES:
        raise LimitExceeded(f"{JSON_OUTPUT} has more than {MAX_BYTES} bytes.")
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        items = document["findings"]
        notices = tuple(str(text) for text in document.get("notices", []))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Rejected(f'{JSON_OUTPUT} is no JSON object with a list "findings".') from error
    findings = []
    for number, item in enumerate(items):
        try:
            findings.append(_read_finding(item, volume))
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise Rejected(
                f"findings[{number}] of {JSON_OUTPUT} is not of the documented form "
                f"({type(error).__name__})."
            ) from error
    return Prediction(tuple(findings), notices)


def fill_polygon(mask: NDArray[np.bool_], slice_index: int, points: NDArray[np.float64]) -> None:
    """Set the pixels whose centres lie inside a closed polygon.

    Args:
        mask: (slices, rows, columns), changed in place.
        points: (n, 2) as (column, row) in the SCOORD convention.
    """
    corners = points[:, ::-1] - 0.5
    mask[slice_index] |= polygon2mask((mask.shape[1], mask.shape[2]), corners)


def _read_finding(item: dict[str, Any], volume: Volume) -> PredictedFinding:
    if not isinstance(item, dict) or not isinstance(item.get("output"), str):
        raise Rejected('a finding lacks "output", the key of one of the card\'s outputs.')
    side = item.get("laterality")
    if side is not None and side not in _SIDES:
        raise Rejected(f"a laterality is one of {', '.join(_SIDES)}, or left out.")
    mask = np.zeros(volume.voxels.shape, dtype=bool)
    is_placed = False
    for box in item.get("boxes", []):
        left, top = (float(number) for number in box["top_left"])
        right, bottom = (float(number) for number in box["bottom_right"])
        height, width = volume.planes[0].rows, volume.planes[0].columns
        if not (0 <= left < right <= width and 0 <= top < bottom <= height):
            raise Rejected(
                "a box leaves its image or is turned around; corners are (column, row), (0, 0) is "
                "the outer corner of the first pixel."
            )
        rows = slice(math.ceil(top - 0.5), math.ceil(bottom - 0.5))
        columns = slice(math.ceil(left - 0.5), math.ceil(right - 0.5))
        mask[_find_slice(box, volume), rows, columns] = True
        is_placed = True
    for outline in item.get("polygons", []):
        points = np.array(outline["points"], dtype=np.float64)
        if points.ndim != 2 or points.shape[1] != 2 or not 3 <= len(points) <= MAX_POINTS:
            raise Rejected("a polygon needs three points (column, row) or more.")
        fill_polygon(mask, _find_slice(outline, volume), points)
        is_placed = True
    return PredictedFinding(
        output=item["output"],
        label=str(item.get("label") or item["output"]),
        confidence=None if item.get("confidence") is None else float(item["confidence"]),
        mask=mask if is_placed else None,
        measurements=tuple(_read_measurement(entry) for entry in item.get("measurements", [])),
        laterality=None if side is None else _SIDES[side],
    )


def _find_slice(place: dict[str, Any], volume: Volume) -> int:
    uid, frame = str(place["sop_instance_uid"]), int(place.get("frame", 1))
    for number, image in enumerate(volume.images):
        if (image.sop_instance_uid, image.frame) == (uid, frame):
            return number
    raise Rejected("a region names an image that is not in the series it was given.")


def _read_measurement(entry: dict[str, Any]) -> PredictedMeasurement:
    return PredictedMeasurement(
        Code(*entry["concept"]), float(entry["value"]), Code(*entry["unit"])
    )
