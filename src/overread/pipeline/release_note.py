"""What a released result says to the worklist."""

from __future__ import annotations

from overread.pipeline.ports import Json
from overread.result.result import Finding, Result

_VOLUME = ("118565006", "SCT")


def describe_release(result: Result, value: Json) -> Json:
    """The data of `ResultReleased`: its flags are there only where the phase lets them speak."""
    flagged = [finding for finding in result.findings if finding.is_flagged]
    shown = next(iter([*flagged, *result.findings]), None)
    may_flag = value["phase"] in ("passive", "automatic")
    return {
        "job_id": value["job_id"],
        "result_uid": result.result_uid,
        "series_instance_uid": result.series_instance_uid,
        "model": result.model.name,
        "phase": value["phase"],
        "note": value["note"],
        "audience": value["audience"],
        "flags": [_describe_flag(result, finding) for finding in flagged] if may_flag else [],
        "key_image": _describe_key_image(shown),
    }


def _describe_flag(result: Result, finding: Finding) -> Json:
    return {
        "text": f"AI priority: {result.flag_text}",
        "tracking_uid": finding.tracking_uid,
        "finding": finding.label,
        "confidence": finding.confidence,
        "volume_ml": next(
            (
                m.value
                for m in finding.measurements
                if (m.concept.value, m.concept.scheme) == _VOLUME
            ),
            None,
        ),
        "model": result.model.name,
        "model_version": result.model.version,
        "model_status": str(result.model_status),
    }


def _describe_key_image(finding: Finding | None) -> Json | None:
    if finding is None or finding.key_image is None:
        return None
    return {
        "sop_instance_uid": finding.key_image.sop_instance_uid,
        "frame": finding.key_image.frame,
    }
