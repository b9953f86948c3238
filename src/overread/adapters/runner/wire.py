"""A prediction between two processes: one JSON file, and one archive of plain arrays.

The model's process is not trusted: nothing is unpickled, arrays must be stored uncompressed (so
that their size is that of the file), and every word is checked against the card.
"""

from __future__ import annotations

import json
import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.model.card import ModelCard
from overread.model.prediction import (
    PredictedFinding,
    PredictedLine,
    PredictedMeasurement,
    Prediction,
)
from overread.study.volume import MAX_VOXELS
from overread.vocabulary.code import Code
from overread.vocabulary.errors import Defect, LimitExceeded, Rejected

JSON_NAME = "prediction.json"
ARRAYS_NAME = "prediction.npz"
MAX_FINDINGS = 1000
MAX_JSON_BYTES = 16 * 1024**2
MAX_NOTICES = 50
MAX_WORDS = 500


def write_prediction(prediction: Prediction, folder: Path) -> None:
    """Write both files; masks as packed bits, heat maps as float32."""
    arrays: dict[str, NDArray[Any]] = {}
    findings = []
    for number, finding in enumerate(prediction.findings):
        shape: list[int] | None = None
        if finding.mask is not None:
            mask = np.ascontiguousarray(finding.mask, dtype=bool)
            shape = list(mask.shape)
            arrays[f"mask{number}"] = np.packbits(mask.reshape(-1))
        if finding.heatmap is not None:
            arrays[f"heatmap{number}"] = np.asarray(finding.heatmap, dtype=np.float32)
        findings.append(_to_json(finding, shape))
    np.savez(folder / ARRAYS_NAME, **arrays)  # type: ignore[arg-type]  # its own flags are typed too
    document = {"findings": findings, "notices": list(prediction.notices)}
    (folder / JSON_NAME).write_text(json.dumps(document), encoding="utf-8")


def read_prediction(folder: Path, card: ModelCard) -> Prediction:
    """Read what `write_prediction` wrote, believing nothing.

    Raises:
        Defect: it lies outside the card, or is not of this form.
        LimitExceeded: more findings or voxels than are taken.
    """
    try:
        if (folder / JSON_NAME).stat().st_size > MAX_JSON_BYTES:
            raise LimitExceeded(f"{card.ref.name} answered with too much text.")
        document = json.loads((folder / JSON_NAME).read_text(encoding="utf-8"))
        found = document["findings"]
        if len(found) > MAX_FINDINGS:
            raise LimitExceeded(
                f"{card.ref.name} answered {len(found)} findings; at most {MAX_FINDINGS} are taken."
            )
        with _open_arrays(folder / ARRAYS_NAME) as arrays:
            findings = tuple(
                _from_json(item, number, arrays, card) for number, item in enumerate(found)
            )
        notices = tuple(str(text)[:MAX_WORDS] for text in document["notices"][:MAX_NOTICES])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise Defect(
            f"{card.ref.name} left no readable answer ({type(error).__name__})."
        ) from error
    except Rejected as error:
        if isinstance(error, LimitExceeded):
            raise
        raise Defect(f"{card.ref.name} answered outside its card: {error.message}") from error
    return Prediction(findings, notices)


def _open_arrays(path: Path) -> Any:
    with zipfile.ZipFile(path) as archive:
        if any(item.compress_type != zipfile.ZIP_STORED for item in archive.infolist()):
            raise ValueError("compressed arrays are not taken")
    return np.load(path, allow_pickle=False)


def _to_json(finding: PredictedFinding, shape: list[int] | None) -> dict[str, Any]:
    return {
        "output": finding.output,
        "label": finding.label,
        "confidence": None if finding.confidence is None else float(finding.confidence),
        "mask_shape": shape,
        "lines": [
            {"slice": int(line.slice_index), "start": list(line.start), "end": list(line.end)}
            for line in finding.lines
        ],
        "measurements": [
            {
                "concept": _code_to_json(item.concept),
                "value": float(item.value),
                "unit": _code_to_json(item.unit),
                "uncertainty": None if item.uncertainty is None else float(item.uncertainty),
            }
            for item in finding.measurements
        ],
        "site": _code_to_json(finding.site),
        "laterality": _code_to_json(finding.laterality),
    }


def _from_json(item: dict[str, Any], number: int, arrays: Any, card: ModelCard) -> PredictedFinding:
    output = str(item["output"])
    if card.find_output(output) is None:
        known = ", ".join(sorted(known.key for known in card.outputs))
        raise Rejected(f"it claims {output[:60]!r}, and its card knows {known}.")
    confidence = item["confidence"]
    if confidence is not None and not 0 <= float(confidence) <= 1:
        raise Rejected(f"a confidence is {float(confidence)}; it must be 0 to 1.")
    return PredictedFinding(
        output=output,
        label=str(item["label"])[:MAX_WORDS],
        confidence=None if confidence is None else float(confidence),
        mask=_read_mask(item["mask_shape"], f"mask{number}", arrays),
        heatmap=_read_heatmap(f"heatmap{number}", arrays),
        lines=tuple(
            PredictedLine(int(line["slice"]), _read_pair(line["start"]), _read_pair(line["end"]))
            for line in item["lines"]
        ),
        measurements=tuple(_read_measurement(entry) for entry in item["measurements"]),
        site=_code_from_json(item["site"]),
        laterality=_code_from_json(item["laterality"]),
    )


def _read_mask(shape: list[int] | None, name: str, arrays: Any) -> NDArray[np.bool_] | None:
    if shape is None:
        return None
    slices, rows, columns = (int(number) for number in shape)
    count = slices * rows * columns
    if min(slices, rows, columns) < 1 or count > MAX_VOXELS:
        raise LimitExceeded(f"A mask of {slices} × {rows} × {columns} voxels is not taken.")
    packed = np.asarray(arrays[name])
    if packed.dtype != np.uint8 or packed.shape != ((count + 7) // 8,):
        raise Rejected("a mask's bits do not fill its shape.")
    bits = np.unpackbits(packed, count=count)
    return np.asarray(bits.astype(bool).reshape(slices, rows, columns))


def _read_heatmap(name: str, arrays: Any) -> NDArray[np.float32] | None:
    if name not in arrays:
        return None
    values = np.asarray(arrays[name])
    if values.dtype != np.float32 or values.ndim != 3:
        raise Rejected("a heat map is not float32 (slices, rows, columns).")
    if not (np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1):
        raise Rejected("a heat map leaves 0 to 1.")
    return values


def _read_pair(pair: list[float]) -> tuple[float, float]:
    row, column = (_read_finite(number) for number in pair)
    return (row, column)


def _read_measurement(entry: dict[str, Any]) -> PredictedMeasurement:
    concept, unit = _code_from_json(entry["concept"]), _code_from_json(entry["unit"])
    if concept is None or unit is None:
        raise Rejected("a measurement has no concept or no unit.")
    uncertainty = entry["uncertainty"]
    return PredictedMeasurement(
        concept,
        _read_finite(entry["value"]),
        unit,
        None if uncertainty is None else _read_finite(uncertainty),
    )


def _read_finite(number: object) -> float:
    value = float(number)  # type: ignore[arg-type]  # what is no number raises, and is translated
    if not math.isfinite(value):
        raise Rejected("a number is not finite.")
    return value


def _code_to_json(code: Code | None) -> list[str] | None:
    return None if code is None else [code.value, code.scheme, code.meaning]


def _code_from_json(value: list[str] | None) -> Code | None:
    if value is None:
        return None
    code, scheme, meaning = (str(word)[:MAX_WORDS] for word in value)
    return Code(code, scheme, meaning)
