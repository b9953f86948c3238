"""Results, and what people say of them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request, Response

from overread.access.role import Permission, Principal
from overread.api.gate import require
from overread.api.rest.answering import PROBLEMS, UidPath, answer, find_dependencies
from overread.api.rest.forms import to_result_view
from overread.api.rest.schema import ResultsView, ResultView, VerdictGiven, VerdictView
from overread.audit.event import AuditAction
from overread.pipeline.ports import StoredResult, StoredVerdict
from overread.result.adjustment import measure_adjustment
from overread.result.encoding.json_form import (
    from_json,
    measurement_to_dict,
    region_from_dict,
    region_to_dict,
)
from overread.result.region import Box, Contour, Region
from overread.result.result import Measurement, Result
from overread.result.verdict import VerdictKind
from overread.study.ports import Archive
from overread.study.study import ImageRef
from overread.vocabulary.errors import Conflict, NotFound, Rejected
from overread.vocabulary.event import EventKind
from overread.vocabulary.uid import parse_uid

router = APIRouter(tags=["results"], responses=PROBLEMS)


@router.get("/results", response_model=ResultsView)
async def read_results(
    request: Request,
    study_instance_uid: Annotated[str, Query(max_length=64, pattern=r"^[0-9]+(\.[0-9]+)+$")],
) -> Response:
    """Results of a study that the asker may see; each showing is audited."""
    principal = require(request, Permission.VIEW_AI)
    shown = await list_shown_results(request, principal, study_instance_uid)
    return answer({"results": [view for _, view in shown]})


@router.get("/results/{result}", response_model=ResultView)
async def read_result(request: Request, result: UidPath) -> Response:
    """One result; audited."""
    principal = require(request, Permission.VIEW_AI)
    stored = await find_shown_result(request, principal, result)
    return answer(await _show(request, principal, stored))


@router.post(
    "/results/{result}/verdicts",
    status_code=201,
    response_model=VerdictView,
    responses={200: {"model": VerdictView, "description": "This verdict_id was sent before."}},
)
async def give_verdict(request: Request, result: UidPath, given: VerdictGiven) -> Response:
    """Accept, reject, adjust, or take the last one back. The claim itself is never changed."""
    principal = require(request, Permission.GIVE_VERDICT)
    dependencies = find_dependencies(request)
    stored = await find_shown_result(request, principal, result)
    claim = await asyncio.to_thread(from_json, stored.document)
    if all(finding.tracking_uid != given.tracking_uid for finding in claim.findings):
        raise NotFound(f"Result {result} has no finding {given.tracking_uid}.")
    known = await dependencies.results.list_verdicts(result)
    if all(verdict.verdict_id != given.verdict_id for verdict in known):
        _require_sense(given, known, principal)
    regions = await asyncio.to_thread(_read_regions, given, claim)
    measurements = await _measure(regions, claim, dependencies.archive)
    verdict, is_new = await dependencies.results.add_verdict(
        _to_stored(stored, given, principal, regions, measurements)
    )
    await dependencies.events.append_once(
        f"verdict:{verdict.verdict_id}",
        EventKind.VERDICT_GIVEN,
        stored.study_instance_uid,
        {
            "result_uid": verdict.result_uid,
            "tracking_uid": verdict.tracking_uid,
            "kind": verdict.kind,
            "made_by": verdict.made_by,
        },
    )
    if is_new:
        await dependencies.audit.record(
            principal.name,
            AuditAction.VERDICT_GIVEN,
            study_instance_uid=stored.study_instance_uid,
            detail={
                "verdict_id": verdict.verdict_id,
                "result_uid": verdict.result_uid,
                "tracking_uid": verdict.tracking_uid,
                "kind": verdict.kind,
            },
        )
    return answer(orjson.Fragment(verdict.document), 201 if is_new else 200)


async def list_shown_results(
    request: Request, principal: Principal, study: str
) -> list[tuple[StoredResult, dict[str, Any]]]:
    """Results of a study and their views, as far as the asker may see them; audited.

    Of one model on one series the newest that may be seen speaks, as on the worklist: after
    a late slice the older outline would lie beside the newer one. It can still be read by its UID.
    """
    if not principal.has(Permission.VIEW_AI):
        return []
    stored = await find_dependencies(request).results.list_for_study(study)
    seen = [result for result in stored if _is_audience(result, principal)]
    newest = {(result.model_name, result.series_instance_uid): result for result in seen}
    return [(result, await _show(request, principal, result)) for result in newest.values()]


async def find_shown_result(
    request: Request, principal: Principal, result_uid: str
) -> StoredResult:
    """Raises NotFound, for one that the asker may not see too: that it exists is not said."""
    stored = await find_dependencies(request).results.read(result_uid)
    if not _is_audience(stored, principal):
        raise NotFound(f"No result {result_uid} is known here: it may never have been made.")
    return stored


def _is_audience(result: StoredResult, principal: Principal) -> bool:
    return principal.has(Permission.VIEW_AI) and bool(result.audience & principal.roles)


async def _show(request: Request, principal: Principal, result: StoredResult) -> dict[str, Any]:
    dependencies = find_dependencies(request)
    verdicts = await dependencies.results.list_verdicts(result.result_uid)
    await dependencies.audit.record(
        principal.name,
        AuditAction.RESULT_SHOWN,
        study_instance_uid=result.study_instance_uid,
        detail={
            "result_uid": result.result_uid,
            "model": result.model_name,
            "phase": result.phase,
        },
    )
    return to_result_view(result, verdicts)


def _require_sense(given: VerdictGiven, known: list[StoredVerdict], principal: Principal) -> None:
    kind = VerdictKind(given.kind)
    if kind is VerdictKind.ADJUST and not given.regions:
        raise Rejected("An adjustment needs at least one region: send the boxes or contours.")
    if kind is not VerdictKind.ADJUST and given.regions:
        raise Rejected(f"Regions belong to an adjustment alone; this verdict is {kind}.")
    if kind is VerdictKind.WITHDRAW:
        standing = 0
        for verdict in known:
            if (verdict.tracking_uid, verdict.made_by) == (given.tracking_uid, principal.name):
                standing += 1 if verdict.kind != VerdictKind.WITHDRAW else -1
        if standing <= 0:
            raise Conflict("You have no standing verdict on this finding to take back.")


def _read_regions(given: VerdictGiven, claim: Result) -> tuple[Box | Contour, ...]:
    known = set(claim.source_images)
    regions: list[Box | Contour] = []
    for index, drawn in enumerate(given.regions):
        region = region_from_dict(drawn.model_dump(), f"regions[{index}]")
        if not isinstance(region, Box | Contour):
            raise Rejected(f"regions[{index}] must be a box or a contour.")
        if region.image not in known:
            raise Rejected(f"regions[{index}] lies on an image that the result was not made of.")
        regions.append(region)
    return tuple(regions)


async def _measure(
    regions: tuple[Region, ...], claim: Result, archive: Archive
) -> tuple[Measurement, ...]:
    """What the person's regions measure, on the slices as they really lie."""
    if not regions:
        return ()
    study = await archive.read_study(claim.study_instance_uid)
    series = study.find_series(claim.series_instance_uid)
    if series is None:
        raise NotFound(f"Series {claim.series_instance_uid} is not in the archive any more.")
    planes = {
        ImageRef(instance.sop_instance_uid, frame): plane
        for instance in series.instances
        for frame, plane in enumerate(instance.planes, start=1)
    }
    return await asyncio.to_thread(measure_adjustment, regions, planes)


def _to_stored(
    stored: StoredResult,
    given: VerdictGiven,
    principal: Principal,
    regions: tuple[Box | Contour, ...],
    measurements: tuple[Measurement, ...],
) -> StoredVerdict:
    made_at = datetime.now(UTC).isoformat(timespec="microseconds")
    document = {
        "verdict_id": given.verdict_id.lower(),
        "result_uid": stored.result_uid,
        "tracking_uid": given.tracking_uid,
        "kind": given.kind,
        "reason": given.reason,
        "regions": [region_to_dict(region) for region in regions],
        "measurements": [measurement_to_dict(measurement) for measurement in measurements],
        "made_by": principal.name,
        "made_at": made_at,
    }
    return StoredVerdict(
        verdict_id=given.verdict_id.lower(),
        result_uid=stored.result_uid,
        tracking_uid=parse_uid(given.tracking_uid),
        kind=given.kind,
        made_by=principal.name,
        made_at=made_at,
        document=orjson.dumps(document),
    )
