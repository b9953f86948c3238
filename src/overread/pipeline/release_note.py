"""What a released result says to the worklist."""

from __future__ import annotations

from overread.pipeline.ports import Json
from overread.result.result import Finding, Result

_VOLUME = ("118565006", "SCT")


def describe_release(result: Result, value: Json) -> Json:
    """The data of `ResultReleased`: the flag is the strongest flagged finding's, and only where
    the phase lets it speak."""
    flagged = [finding for finding in result.findings if finding.is_flagged]
    shown = flagged[0] if flagged else (result.findings[0] if result.findings else None)
    may_flag = value["phase"] in ("passive", "automatic")
    return {
        "job_id": value["job_id"],
        "result_uid": result.result_uid,
        "series_instance_uid": result.series_instance_uid,
        "phase": value["phase"],
        "note": value["note"],
        "flag": _describe_flag(result, flagged[0]) if flagged and may_flag else None,
        "key_image": _describe_key_image(shown),
    }


def _describe_flag(result: Result, finding: Finding) -> Json:
    return {
        "text": f"AI priority: {result.flag_text}",
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
