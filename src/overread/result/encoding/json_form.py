"""A `Result` as JSON (docs/api.md "Result", docs/result.schema.json) and back."""

from __future__ import annotations

import base64
from typing import Any

import orjson

from overread.model.card import ModelRef, ModelStatus
from overread.result.encoding.json_reading import JsonReader
from overread.result.region import (
    Box,
    Contour,
    Heatmap,
    HeatmapSlice,
    Line,
    Mask,
    MaskSlice,
    Region,
)
from overread.result.result import Finding, Measurement, Result
from overread.study.study import ImageRef
from overread.vocabulary.code import Code
from overread.vocabulary.errors import LimitExceeded, Rejected
from overread.vocabulary.geometry import ImagePoint

SCHEMA_VERSION = 1
MAX_JSON_BYTES = 512 * 1024**2


def to_json(result: Result) -> bytes:
    """The wire form, UTF-8; equal results give equal bytes."""
    return orjson.dumps(result_to_dict(result))


def from_json(data: bytes) -> Result:
    """Read what `to_json` wrote.

    Raises:
        LimitExceeded: more than `MAX_JSON_BYTES`.
        Rejected: not JSON, another schema version, or a field that breaks the form; the message
            names the field.
    """
    if len(data) > MAX_JSON_BYTES:
        raise LimitExceeded(f"A result of {len(data)} bytes; at most {MAX_JSON_BYTES} are read.")
    try:
        loaded = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise Rejected(f"A result must be JSON in UTF-8: {error}.") from error
    return result_from_dict(loaded)


def result_to_dict(result: Result) -> dict[str, Any]:
    """The wire form as plain values."""
    return {
        "schema_version": SCHEMA_VERSION,
        "result_uid": result.result_uid,
        "study_instance_uid": result.study_instance_uid,
        "series_instance_uid": result.series_instance_uid,
        "frame_of_reference_uid": result.frame_of_reference_uid,
        "model": {
            "name": result.model.name,
            "version": result.model.version,
            "digest": result.model.digest,
        },
        "model_title": result.model_title,
        "model_manufacturer": result.model_manufacturer,
        "model_status": result.model_status.value,
        "algorithm_family": code_to_dict(result.algorithm_family),
        "score_meaning": result.score_meaning,
        "flag_text": result.flag_text,
        "input_digest": result.input_digest,
        "started_at": result.started_at,
        "is_flagged": result.is_flagged,
        "notices": list(result.notices),
        "source_images": [image_to_dict(image) for image in result.source_images],
        "findings": [_finding_to_dict(finding) for finding in result.findings],
    }


def result_from_dict(value: Any) -> Result:
    """The inverse of `result_to_dict`.

    Raises:
        Rejected: naming the field that breaks the form.
    """
    reader = JsonReader(value, "result")
    if reader.whole("schema_version") != SCHEMA_VERSION:
        raise Rejected(f"result.schema_version must be {SCHEMA_VERSION}.")
    model = reader.child("model")
    status = reader.text("model_status")
    if status not in {known.value for known in ModelStatus}:
        raise Rejected(f"result.model_status is {status[:40]!r}, which is not a known status.")
    result = Result(
        result_uid=reader.uid("result_uid"),
        study_instance_uid=reader.uid("study_instance_uid"),
        series_instance_uid=reader.uid("series_instance_uid"),
        frame_of_reference_uid=reader.uid_or_none("frame_of_reference_uid"),
        model=ModelRef(model.text("name"), model.text("version"), model.text("digest")),
        model_title=reader.text("model_title"),
        model_manufacturer=reader.text("model_manufacturer"),
        model_status=ModelStatus(status),
        algorithm_family=_read_code(reader.child("algorithm_family")),
        score_meaning=reader.text("score_meaning"),
        flag_text=reader.text("flag_text"),
        input_digest=reader.text("input_digest"),
        started_at=reader.moment("started_at"),
        source_images=tuple(_read_image(item) for item in reader.children("source_images")),
        findings=tuple(_read_finding(item) for item in reader.children("findings")),
        notices=reader.texts("notices"),
    )
    if reader.boolean("is_flagged") != result.is_flagged:
        raise Rejected("result.is_flagged must be true exactly if one of the findings is flagged.")
    return result


def code_to_dict(code: Code) -> dict[str, str]:
    return {"value": code.value, "scheme": code.scheme, "meaning": code.meaning}


def image_to_dict(image: ImageRef) -> dict[str, Any]:
    return {"sop_instance_uid": image.sop_instance_uid, "frame": image.frame}


def measurement_to_dict(measurement: Measurement) -> dict[str, Any]:
    return {
        "concept": code_to_dict(measurement.concept),
        "value": float(measurement.value),
        "unit": code_to_dict(measurement.unit),
        "uncertainty": _to_float(measurement.uncertainty),
    }


def measurement_from_dict(value: Any) -> Measurement:
    """The inverse of `measurement_to_dict`.

    Raises:
        Rejected: naming the field that breaks the form.
    """
    return _read_measurement(JsonReader(value, "measurement"))


def region_to_dict(region: Region) -> dict[str, Any]:
    """One region's wire form; `kind` says which."""
    match region:
        case Box():
            return {
                "kind": "box",
                "image": image_to_dict(region.image),
                "top_left": _point_to_list(region.top_left),
                "bottom_right": _point_to_list(region.bottom_right),
            }
        case Contour():
            return {
                "kind": "contour",
                "image": image_to_dict(region.image),
                "points": [_point_to_list(point) for point in region.points],
                "is_hole": region.is_hole,
            }
        case Line():
            return {
                "kind": "line",
                "image": image_to_dict(region.image),
                "start": _point_to_list(region.start),
                "end": _point_to_list(region.end),
            }
        case Mask():
            return {"kind": "mask", "slices": [_mask_slice_to_dict(p) for p in region.slices]}
        case Heatmap():
            return {
                "kind": "heatmap",
                "slices": [_heatmap_slice_to_dict(part) for part in region.slices],
            }


def region_from_dict(value: Any, field: str = "region") -> Region:
    """The inverse of `region_to_dict`, for what comes from outside too: sizes are bounded.

    Raises:
        Rejected: naming the field (below `field`) that breaks the form.
    """
    return _read_region(JsonReader(value, field))


def _read_region(reader: JsonReader) -> Region:
    kind = reader.text("kind")
    if kind == "box":
        return _read_box(reader)
    if kind == "contour":
        points = reader.points("points")
        if len(points) < 3:
            raise Rejected(f"{reader.field}.points holds {len(points)}; a contour needs 3.")
        return Contour(_read_image(reader.child("image")), points, reader.boolean("is_hole"))
    if kind == "line":
        image = _read_image(reader.child("image"))
        return Line(image, reader.point("start"), reader.point("end"))
    if kind == "mask":
        return Mask(tuple(_read_mask_slice(part) for part in reader.children("slices")))
    if kind == "heatmap":
        return Heatmap(tuple(_read_heatmap_slice(part) for part in reader.children("slices")))
    raise Rejected(
        f"{reader.field}.kind is {kind[:40]!r}; it must be box, contour, line, mask or heatmap."
    )


def _read_box(reader: JsonReader) -> Box:
    top_left, bottom_right = reader.point("top_left"), reader.point("bottom_right")
    if top_left.column >= bottom_right.column or top_left.row >= bottom_right.row:
        raise Rejected(f"{reader.field}: top_left must lie above and left of bottom_right.")
    return Box(_read_image(reader.child("image")), top_left, bottom_right)


def _read_mask_slice(reader: JsonReader) -> MaskSlice:
    rows, columns = reader.size("rows"), reader.size("columns")
    runs = reader.wholes("runs")
    if sum(runs) != rows * columns:
        raise Rejected(f"{reader.field}.runs must sum to rows × columns ({rows} × {columns}).")
    return MaskSlice(_read_image(reader.child("image")), rows, columns, runs)


def _read_heatmap_slice(reader: JsonReader) -> HeatmapSlice:
    rows, columns = reader.size("rows"), reader.size("columns")
    try:
        values = base64.b64decode(reader.text("values"), validate=True)
    except ValueError as error:
        raise Rejected(f"{reader.field}.values must be base64.") from error
    if len(values) != rows * columns:
        raise Rejected(f"{reader.field}.values must hold rows × columns ({rows} × {columns}).")
    return HeatmapSlice(_read_image(reader.child("image")), rows, columns, values)


def _read_code(reader: JsonReader) -> Code:
    return Code(reader.text("value"), reader.text("scheme"), reader.text("meaning"))


def _read_code_or_none(reader: JsonReader, name: str) -> Code | None:
    child = reader.child_or_none(name)
    return None if child is None else _read_code(child)


def _read_image(reader: JsonReader) -> ImageRef:
    frame = reader.whole("frame")
    if frame < 1:
        raise Rejected(f"{reader.field}.frame is {frame}; frames count from 1.")
    return ImageRef(reader.uid("sop_instance_uid"), frame)


def _read_measurement(reader: JsonReader) -> Measurement:
    return Measurement(
        _read_code(reader.child("concept")),
        reader.number("value"),
        _read_code(reader.child("unit")),
        reader.number_or_none("uncertainty"),
    )


def _read_finding(reader: JsonReader) -> Finding:
    confidence = reader.number_or_none("confidence")
    if confidence is not None and not 0 <= confidence <= 1:
        raise Rejected(f"{reader.field}.confidence must lie from 0 to 1.")
    color = reader.wholes("color_rgb")
    if len(color) != 3 or max(color) > 255:
        raise Rejected(f"{reader.field}.color_rgb must be three numbers from 0 to 255.")
    key_image = reader.child_or_none("key_image")
    return Finding(
        output=reader.text("output"),
        label=reader.text("label"),
        finding=_read_code(reader.child("finding")),
        category=_read_code(reader.child("category")),
        site=_read_code_or_none(reader, "site"),
        laterality=_read_code_or_none(reader, "laterality"),
        confidence=confidence,
        is_flagged=reader.boolean("is_flagged"),
        regions=tuple(_read_region(item) for item in reader.children("regions")),
        measurements=tuple(_read_measurement(item) for item in reader.children("measurements")),
        key_image=None if key_image is None else _read_image(key_image),
        tracking_id=reader.text("tracking_id"),
        tracking_uid=reader.uid("tracking_uid"),
        color_rgb=(color[0], color[1], color[2]),
    )


def _finding_to_dict(finding: Finding) -> dict[str, Any]:
    return {
        "output": finding.output,
        "label": finding.label,
        "finding": code_to_dict(finding.finding),
        "category": code_to_dict(finding.category),
        "site": None if finding.site is None else code_to_dict(finding.site),
        "laterality": None if finding.laterality is None else code_to_dict(finding.laterality),
        "confidence": _to_float(finding.confidence),
        "is_flagged": finding.is_flagged,
        "measurements": [measurement_to_dict(item) for item in finding.measurements],
        "key_image": None if finding.key_image is None else image_to_dict(finding.key_image),
        "tracking_id": finding.tracking_id,
        "tracking_uid": finding.tracking_uid,
        "color_rgb": list(finding.color_rgb),
        "regions": [region_to_dict(region) for region in finding.regions],
    }


def _mask_slice_to_dict(part: MaskSlice) -> dict[str, Any]:
    return {
        "image": image_to_dict(part.image),
        "rows": part.rows,
        "columns": part.columns,
        "runs": list(part.runs),
    }


def _heatmap_slice_to_dict(part: HeatmapSlice) -> dict[str, Any]:
    return {
        "image": image_to_dict(part.image),
        "rows": part.rows,
        "columns": part.columns,
        "values": base64.b64encode(part.values).decode("ascii"),
    }


def _point_to_list(point: ImagePoint) -> list[float]:
    return [float(point.column), float(point.row)]


def _to_float(number: float | None) -> float | None:
    """1 and 1.0 are equal values and must give equal bytes."""
    return None if number is None else float(number)
