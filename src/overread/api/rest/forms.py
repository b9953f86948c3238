"""Our values as the wire shows them (`schema`), and only what the asker may see."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from urllib.parse import quote

import orjson

from overread.access.role import PERMISSIONS, Permission, Principal
from overread.access.session import Session
from overread.api.ports import ListedModel
from overread.audit.event import SealedEvent
from overread.pipeline.ports import Job, StoredResult, StoredVerdict
from overread.result.encoding.json_form import code_to_dict
from overread.vocabulary.event import Event, EventKind
from overread.worklist.row import Flag, Released, Row
from overread.worklist.showing import ShownRow, is_shown_to, show

API = "/api/v1"

_ABOUT_AI = frozenset(
    {
        EventKind.ANALYSIS_STARTED,
        EventKind.ANALYSIS_PROGRESSED,
        EventKind.ANALYSIS_NOT_SUITABLE,
        EventKind.ANALYSIS_FAILED,
        EventKind.ANALYSIS_ENDED,
        EventKind.RESULT_RELEASED,
        EventKind.VERDICT_GIVEN,
    }
)
_OF_RESULTS = frozenset({EventKind.RESULT_RELEASED, EventKind.VERDICT_GIVEN})
_NOT_REPEATED = frozenset({"study", "audience", "flag", "flags"})
"""The row says it already, and says to each only what he may see."""


def to_row_view(shown: ShownRow, rank: int | None) -> dict[str, Any]:
    """`RowView`."""
    row = shown.row
    return {
        "study_instance_uid": row.study_instance_uid,
        "patient_name": row.patient_name,
        "patient_id": row.patient_id,
        "patient_age": row.patient_age,
        "patient_sex": row.patient_sex,
        "accession_number": row.accession_number,
        "modality": "/".join(row.modalities),
        "description": row.description,
        "body_part": row.body_part,
        "study_datetime": row.study_datetime,
        "received_at": row.received_at,
        "instances_received": row.instances_received,
        "series_count": row.series_count,
        "is_synthetic": row.is_synthetic,
        "priority": row.priority,
        "rank": rank,
        "is_critical": shown.is_critical,
        "flag": None if shown.flag is None else _to_flag_view(shown.flag),
        "analysis": {
            "state": shown.analysis.state.value,
            "share": shown.analysis.share,
            "message": shown.analysis.message,
            "reasons": [asdict(reason) for reason in shown.analysis.reasons],
        },
        "result_uids": [result.result_uid for result in shown.results],
        "verdict": shown.verdict,
        "thumbnail_url": _to_thumbnail_url(shown),
    }


def _to_flag_view(flag: Flag) -> dict[str, Any]:
    return {
        "text": flag.text,
        "finding": flag.finding,
        "confidence": flag.confidence,
        "volume_ml": flag.volume_ml,
        "model": flag.model,
        "model_version": flag.model_version,
        "model_status": flag.model_status,
    }


def _to_thumbnail_url(shown: ShownRow) -> str:
    """A new address whenever another picture is to be shown: the old one may be cached."""
    image = shown.key_image
    version = (
        f"{image.sop_instance_uid}.{image.frame}" if image else str(shown.row.instances_received)
    )
    return f"{API}/studies/{shown.row.study_instance_uid}/thumbnail?v={quote(version)}"


def to_event_view(event: Event, row: Row | None, principal: Principal) -> bytes | None:
    """`EventView` as JSON; None where the principal may not know that it happened."""
    if event.study_instance_uid is None and not principal.has(Permission.VIEW_QUARANTINE):
        return None
    view = {
        "event_id": event.event_id,
        "kind": event.kind.value,
        "study_instance_uid": event.study_instance_uid,
        "occurred_at": event.occurred_at,
        "row": None if row is None else to_row_view(show(row, principal), None),
        "data": _to_event_data(event, row, principal),
    }
    return orjson.dumps(view)


def _to_event_data(event: Event, row: Row | None, principal: Principal) -> dict[str, Any]:
    if event.kind in _ABOUT_AI and not principal.has(Permission.VIEW_AI):
        return {}
    if event.kind in _OF_RESULTS and not _may_see_result(event, row, principal):
        return {}
    return {key: value for key, value in event.data.items() if key not in _NOT_REPEATED}


def _may_see_result(event: Event, row: Row | None, principal: Principal) -> bool:
    result_uid = event.data.get("result_uid")
    audience = event.data.get("audience")
    if audience is not None:
        return bool(principal.roles & set(audience))
    released: tuple[Released, ...] = () if row is None else row.results
    return any(r.result_uid == result_uid and is_shown_to(r, principal) for r in released)


def to_session_view(session: Session) -> dict[str, Any]:
    """`SessionView`."""
    principal = session.principal
    granted = {permission for role in principal.roles for permission in PERMISSIONS[role]}
    return {
        "user": principal.name,
        "display_name": principal.display_name,
        "roles": sorted(principal.roles),
        "permissions": sorted(granted),
        "csrf_token": session.csrf_token,
        "expires_at": session.expires_at,
    }


def to_result_view(result: StoredResult, verdicts: list[StoredVerdict]) -> dict[str, Any]:
    """`ResultView`; the document goes out as it was stored."""
    return {
        "result": orjson.Fragment(result.document),
        "phase": result.phase,
        "phase_note": result.note,
        "verdicts": [orjson.Fragment(verdict.document) for verdict in verdicts],
        "objects": [
            {
                "kind": made.kind,
                "series_instance_uid": made.series_instance_uid,
                "sop_instance_uid": made.sop_instance_uid,
                "is_stored": made.is_stored,
            }
            for made in result.objects
        ],
    }


def to_job_view(job: Job) -> dict[str, Any]:
    """`JobView`."""
    return {
        "job_id": job.job_id,
        "study_instance_uid": job.study_instance_uid,
        "series_instance_uid": job.series_instance_uid,
        "model": job.model,
        "state": job.state.value,
        "step": job.step,
        "share": job.share,
        "message": job.message,
        "result_uid": job.result_uid,
    }


def to_card_view(listed: ListedModel) -> dict[str, Any]:
    """`CardView`."""
    card = listed.card
    return {
        "name": card.ref.name,
        "version": card.ref.version,
        "digest": card.ref.digest,
        "title": card.title,
        "manufacturer": card.manufacturer,
        "status": card.status.value,
        "intended_use": card.intended_use,
        "limits": list(card.limits),
        "evidence": card.evidence,
        "score_meaning": card.score_meaning,
        "flag_text": card.flag_text,
        "inputs": asdict(card.inputs),
        "outputs": [
            {
                "key": output.key,
                "label": output.label,
                "finding": code_to_dict(output.finding),
                "category": code_to_dict(output.category),
                "site": None if output.site is None else code_to_dict(output.site),
                "is_critical": output.is_critical,
                "color_rgb": list(output.color_rgb),
            }
            for output in card.outputs
        ],
        "thresholds": dict(card.thresholds),
        "phase": listed.phase,
        "phase_note": listed.phase_note,
    }


def to_audit_event_view(sealed: SealedEvent) -> dict[str, Any]:
    """`AuditEventView`."""
    return {
        **asdict(sealed.event),
        "previous_hash": sealed.previous_hash,
        "hash": sealed.hash,
    }
