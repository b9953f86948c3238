"""From what a model hands back to what is claimed: `build_result`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.model.card import ModelCard, OutputCode
from overread.model.prediction import PredictedFinding, Prediction
from overread.result.checking import check_finding
from overread.result.contour import trace_outlines
from overread.result.digest import input_digest
from overread.result.extent import measure_extents_mm, measure_pixel_area_mm2
from overread.result.mask import to_mask
from overread.result.region import Box, Contour, Heatmap, HeatmapSlice, Line, Region
from overread.result.result import Finding, Measurement, Result
from overread.study.study import ImageRef
from overread.study.volume import Volume
from overread.vocabulary.errors import Defect
from overread.vocabulary.geometry import ImagePoint
from overread.vocabulary.uid import Uid, derive_uid

__all__ = ["build_result", "input_digest"]


def build_result(
    prediction: Prediction,
    card: ModelCard,
    volume: Volume,
    *,
    study_instance_uid: Uid,
    input_digest: str,
    started_at: str,
    versions: str,
) -> Result:
    """Say a prediction in the one form that everything else reads.

    A mask becomes run lengths, exact contours and, on each image that it touches, the box that
    bounds it there. A finding's key image holds its largest area in mm² (the lowest slice of
    equal ones); without a mask it is that of its first line, else that of the heat map's peak.

    Args:
        input_digest: of `volume` (`result.digest.input_digest`).
        started_at: ISO 8601 with offset, the run's journalled start.
        versions: of policy, encoder and pipeline; another text gives another result UID.

    Raises:
        Defect: the prediction leaves its card or the volume's grid, or `started_at` has no offset.
    """
    if datetime.fromisoformat(started_at).tzinfo is None:
        raise Defect(f"started_at is {started_at!r}; it needs an offset from UTC.")
    result_uid = derive_uid(
        "result", study_instance_uid, card.ref.name, card.ref.digest, input_digest, versions
    )
    drafts = [_draft(finding, card, volume) for finding in prediction.findings]
    drafts.sort(key=lambda draft: draft[0])
    return Result(
        result_uid=result_uid,
        study_instance_uid=study_instance_uid,
        series_instance_uid=volume.series_instance_uid,
        frame_of_reference_uid=volume.frame_of_reference_uid,
        model=card.ref,
        model_title=card.title,
        model_manufacturer=card.manufacturer,
        model_status=card.status,
        algorithm_family=card.algorithm_family,
        score_meaning=card.score_meaning,
        flag_text=card.flag_text,
        input_digest=input_digest,
        started_at=started_at,
        source_images=volume.images,
        findings=tuple(_number(result_uid, [draft[1] for draft in drafts])),
        notices=prediction.notices,
    )


def _draft(
    predicted: PredictedFinding, card: ModelCard, volume: Volume
) -> tuple[tuple[bool, float, float], dict[str, Any]]:
    """A finding's fields, but for what its place in the order decides, and the key it sorts by."""
    rows, columns = volume.voxels.shape[1:]
    shape = (len(volume.images), rows, columns)
    output = check_finding(predicted, card, shape)
    areas_mm2 = _measure_areas(predicted.mask, volume)
    is_flagged = _is_flagged(predicted, output, card)
    fields: dict[str, Any] = {
        "output": output.key,
        "label": predicted.label,
        "finding": output.finding,
        "category": output.category,
        "site": predicted.site or output.site,
        "laterality": predicted.laterality,
        "confidence": predicted.confidence,
        "is_flagged": is_flagged,
        "regions": tuple(_place(predicted, volume.images)),
        "measurements": tuple(
            Measurement(given.concept, float(given.value), given.unit, given.uncertainty)
            for given in predicted.measurements
        ),
        "key_image": _choose_key_image(predicted, areas_mm2, volume.images),
        "color_rgb": output.color_rgb,
    }
    confidence = -1.0 if predicted.confidence is None else predicted.confidence
    return (not is_flagged, -confidence, -_measure_volume_mm3(areas_mm2, volume)), fields


def _number(result_uid: Uid, drafts: list[dict[str, Any]]) -> list[Finding]:
    """Give each finding its tracking identifier: the ordinal is counted within its output."""
    counts: dict[str, int] = {}
    findings: list[Finding] = []
    for fields in drafts:
        key = fields["output"]
        ordinal = counts[key] = counts.get(key, 0) + 1
        findings.append(
            Finding(
                **fields,
                tracking_id=f"{key} {ordinal}",
                tracking_uid=derive_uid("finding", result_uid, key, str(ordinal)),
            )
        )
    return findings


def _is_flagged(predicted: PredictedFinding, output: OutputCode, card: ModelCard) -> bool:
    threshold = card.thresholds.get("flag")
    return (
        output.is_critical
        and threshold is not None
        and predicted.confidence is not None
        and predicted.confidence >= threshold
    )


def _measure_areas(mask: NDArray[np.bool_] | None, volume: Volume) -> list[float]:
    """The mask's area on each slice in mm² (in pixels where no plane is known)."""
    if mask is None:
        return [0.0] * len(volume.images)
    counts = np.count_nonzero(mask, axis=(1, 2)).tolist()
    if len(volume.planes) != len(counts):
        return [float(count) for count in counts]
    return [
        count * measure_pixel_area_mm2(plane)
        for count, plane in zip(counts, volume.planes, strict=True)
    ]


def _measure_volume_mm3(areas_mm2: list[float], volume: Volume) -> float:
    extents = measure_extents_mm(volume.planes) or (1.0,) * len(areas_mm2)
    return math.fsum(area * extent for area, extent in zip(areas_mm2, extents, strict=True))


def _choose_key_image(
    predicted: PredictedFinding, areas: list[float], images: Sequence[ImageRef]
) -> ImageRef | None:
    if any(areas):
        return images[areas.index(max(areas))]
    if predicted.lines:
        return images[predicted.lines[0].slice_index]
    if predicted.heatmap is not None and predicted.heatmap.any():
        return images[int(predicted.heatmap.max(axis=(1, 2)).argmax())]
    return None


def _place(predicted: PredictedFinding, images: Sequence[ImageRef]) -> list[Region]:
    regions: list[Region] = []
    if predicted.mask is not None and predicted.mask.any():
        regions.append(to_mask(predicted.mask, images))
        contours = [
            Contour(images[outline.slice_index], outline.points, outline.is_hole)
            for outline in trace_outlines(predicted.mask)
        ]
        regions.extend(contours)
        regions.extend(_bound(contours))
    regions.extend(
        Line(
            images[line.slice_index],
            ImagePoint.of_index(*line.start),
            ImagePoint.of_index(*line.end),
        )
        for line in predicted.lines
    )
    if predicted.heatmap is not None and predicted.heatmap.any():
        regions.append(_to_heatmap(predicted.heatmap, images))
    return regions


def _bound(contours: Sequence[Contour]) -> list[Box]:
    """One box on each image, along the outer pixel edges of all contours there."""
    by_image: dict[ImageRef, list[ImagePoint]] = {}
    for contour in contours:
        by_image.setdefault(contour.image, []).extend(contour.points)
    return [
        Box(
            image,
            ImagePoint(min(p.column for p in points), min(p.row for p in points)),
            ImagePoint(max(p.column for p in points), max(p.row for p in points)),
        )
        for image, points in by_image.items()
    ]


def _to_heatmap(heatmap: NDArray[np.float32], images: Sequence[ImageRef]) -> Heatmap:
    """Scores as bytes, 255 is 1.0; slices that round to nothing are left out."""
    scaled = np.rint(heatmap * 255).astype(np.uint8)
    rows, columns = scaled.shape[1:]
    return Heatmap(
        tuple(
            HeatmapSlice(image, rows, columns, part.tobytes())
            for image, part in zip(images, scaled, strict=True)
            if part.any()
        )
    )
