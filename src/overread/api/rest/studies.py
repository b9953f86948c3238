"""A study as the viewer opens it: series, spacing, suitability, results and where to begin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson
from fastapi import APIRouter, Request, Response

from overread.access.role import Permission, Principal
from overread.api.gate import require
from overread.api.pictures import find_middle, is_displayable
from overread.api.rest.answering import (
    PROBLEMS,
    UidPath,
    answer,
    find_dependencies,
    find_openings,
)
from overread.api.rest.forms import API
from overread.api.rest.results import list_shown_results
from overread.api.rest.schema import StudyView
from overread.model.acceptance import choose_series, count_images
from overread.model.card import ModelCard
from overread.study.study import ImageRef, Series, Study
from overread.study.volume import (
    Volume,
    describe_spacing,
    gaps_mm,
    is_evenly_spaced,
    is_upright,
    order_planes,
    tilt_degrees,
)
from overread.vocabulary.errors import Rejected
from overread.worklist.row import Row
from overread.worklist.showing import ShownRow, show

router = APIRouter(tags=["studies"], responses=PROBLEMS)


@router.get("/studies/{study}", response_model=StudyView)
async def open_study(request: Request, study: UidPath) -> Response:
    """Open a study; audited."""
    principal = require(request, Permission.VIEW_STUDY)
    dependencies = find_dependencies(request)
    found = await dependencies.archive.read_study(study)
    await find_openings(request).record(principal, found.study_instance_uid)
    row = (await dependencies.worklist.find_rows([study])).get(study)
    results = await list_shown_results(request, principal, study)
    cards = [listed.card for listed in dependencies.list_models()]
    sees_models = principal.has(Permission.VIEW_AI)
    return answer(
        {
            "study_instance_uid": found.study_instance_uid,
            "patient": {
                "name": found.patient.name,
                "patient_id": found.patient.patient_id,
                "birth_date": found.patient.birth_date,
                "sex": found.patient.sex,
                "age": found.patient.age,
            },
            "accession_number": found.accession_number,
            "description": found.description,
            "study_datetime": to_iso(found.study_date, found.study_time),
            "is_synthetic": row.is_synthetic if row else False,
            "series": _describe_series(found, cards if sees_models else []),
            "open_at": _find_start(found, row, principal, [view for _, view in results]),
            "results": [view for _, view in results],
        }
    )


def to_iso(date: str, time: str) -> str:
    """DICOM DA and TM to ISO 8601 without an offset; "" where the date is none."""
    if len(date) != 8 or not date.isdigit():
        return ""
    day = f"{date[:4]}-{date[4:6]}-{date[6:]}"
    digits = time.split(".", maxsplit=1)[0]
    if len(digits) < 4 or not digits.isdigit():
        return day
    return f"{day}T{digits[:2]}:{digits[2:4]}:{digits[4:6] or '00'}"


def _describe_series(study: Study, cards: Sequence[ModelCard]) -> list[dict[str, Any]]:
    suitability: dict[str, list[dict[str, Any]]] = {s.series_instance_uid: [] for s in study.series}
    for card in cards:
        acceptance = choose_series(card, study)
        for verdict in acceptance.series:
            is_chosen = verdict.series_instance_uid == acceptance.series_instance_uid
            suitability[verdict.series_instance_uid].append(
                {
                    "model": card.ref.name,
                    "is_chosen": is_chosen,
                    "reason": acceptance.reason if is_chosen else verdict.reason,
                }
            )
    return [
        {
            "series_instance_uid": series.series_instance_uid,
            "modality": series.modality,
            "series_number": series.series_number,
            "description": series.description,
            "body_part": series.body_part,
            "frame_of_reference_uid": series.frame_of_reference_uid,
            "image_count": count_images(series),
            "is_made_by_overread": series.is_made_by_overread,
            "is_displayable": is_displayable(series),
            "thumbnail_url": (
                f"{API}/studies/{study.study_instance_uid}/series/{series.series_instance_uid}"
                f"/thumbnail?v={len(series.instances)}"
            ),
            "suitability": suitability[series.series_instance_uid],
            "spacing": describe_stack(series),
        }
        for series in study.series
    ]


def describe_stack(series: Series) -> dict[str, Any]:
    """`SpacingView`: how the slices really lie."""
    try:
        stack = _to_stack(series)
    except Rejected as error:
        return {
            "is_volume": False,
            "is_tilted": False,
            "tilt_degrees": 0.0,
            "is_even": False,
            "gaps_mm": None,
            "note": error.message,
        }
    gaps = gaps_mm(stack)
    return {
        "is_volume": len(stack.planes) > 1,
        "is_tilted": not is_upright(stack),
        "tilt_degrees": round(tilt_degrees(stack), 2),
        "is_even": is_evenly_spaced(stack),
        "gaps_mm": [float(gaps.min()), float(gaps.max())] if gaps.size else None,
        "note": describe_spacing(stack),
    }


def _to_stack(series: Series) -> Volume:
    """Geometry without voxels."""
    placed = [
        (plane, ImageRef(instance.sop_instance_uid, frame))
        for instance in series.instances
        for frame, plane in enumerate(instance.planes, start=1)
    ]
    planes = [plane for plane, _ in placed if plane is not None]
    if len(planes) < len(placed) or not is_displayable(series):
        raise Rejected("Not every image says where it lies in the patient: no volume.")
    order = order_planes(planes)
    return Volume(
        voxels=np.broadcast_to(np.float32(0), (len(planes), planes[0].rows, planes[0].columns)),
        planes=tuple(planes[index] for index in order),
        images=tuple(placed[index][1] for index in order),
        series_instance_uid=series.series_instance_uid,
        frame_of_reference_uid=series.frame_of_reference_uid,
        modality=series.modality,
    )


def _find_start(
    study: Study, row: Row | None, principal: Principal, results: list[dict[str, Any]]
) -> dict[str, Any] | None:
    shown = show(row, principal) if row else None
    return _find_key_image(shown, results) or _find_first_image(study)


def _find_key_image(shown: ShownRow | None, results: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Where the top-ranked finding is largest; else the first with a place."""
    documents = [orjson.loads(orjson.dumps(view["result"])) for view in results]
    wanted = shown.flag.tracking_uid if shown and shown.flag else None
    candidates = [
        (finding["tracking_uid"] != wanted, document["series_instance_uid"], finding["key_image"])
        for document in documents
        for finding in document["findings"]
        if finding["key_image"]
    ]
    if not candidates:
        return None
    _, series, image = min(candidates, key=lambda candidate: candidate[0])
    return {"series_instance_uid": series, **image}


def _find_first_image(study: Study) -> dict[str, Any] | None:
    shown = [series for series in study.series if is_displayable(series)]
    own = [series for series in shown if not series.is_made_by_overread]
    for series in own or shown:
        image = find_middle(series)
        if image is not None:
            return {
                "series_instance_uid": series.series_instance_uid,
                "sop_instance_uid": image.sop_instance_uid,
                "frame": image.frame,
            }
    return None
