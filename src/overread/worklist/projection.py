"""`project`: what one event makes of one row. Pure; the store calls it in the transaction that
writes the event, so that no reader ever sees one without the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from overread.vocabulary.event import Event, EventKind
from overread.worklist.row import Flag, KeyImage, Mark, Reason, Released, Row, Run, RunState

_WITHDRAW = "withdraw"
_PRIORITIES = ("stat", "high", "routine")


def project(row: Row | None, event: Event) -> Row | None:
    """The row after an event; None for an event that belongs to no study.

    A study that is first heard of by another event than its arrival gets a row that knows no
    more than that.
    """
    if event.study_instance_uid is None:
        return row
    known = row or Row(event.study_instance_uid, received_at=event.occurred_at)
    apply = _APPLY.get(event.kind)
    changed = apply(known, event.data) if apply else known
    return replace(changed, event_id=max(event.event_id, known.event_id))


def _receive(row: Row, data: Mapping[str, Any]) -> Row:
    return replace(_take_facts(row, data), is_complete=False)


def _arrive(row: Row, data: Mapping[str, Any]) -> Row:
    return replace(_take_facts(row, data), is_complete=True)


def _take_facts(row: Row, data: Mapping[str, Any]) -> Row:
    study = data.get("study") or {}
    texts: dict[str, Any] = {
        name: str(study[name])
        for name in (
            "patient_name",
            "patient_id",
            "patient_age",
            "patient_sex",
            "accession_number",
            "description",
            "body_part",
            "study_datetime",
        )
        if study.get(name)
    }
    priority = study.get("priority")
    return replace(
        row,
        **texts,
        received_at=str(study.get("received_at") or row.received_at),
        modalities=tuple(sorted(set(study.get("modalities") or row.modalities))),
        series_count=int(study.get("series_count") or row.series_count),
        is_synthetic=bool(study.get("is_synthetic", row.is_synthetic)),
        priority=priority if priority in _PRIORITIES else row.priority,
        instances_received=int(data.get("instances_received") or row.instances_received),
    )


def _start(row: Row, data: Mapping[str, Any]) -> Row:
    run = Run(
        job_id=str(data["job_id"]),
        model=str(data.get("model", "")),
        title=str(data.get("title", "")),
        state=RunState.RUNNING,
        share=None,
        message="",
        instances=row.instances_received,
    )
    # A run without a model says that the study could not be looked at; now it is.
    others = tuple(r for r in row.runs if r.job_id != run.job_id and r.model not in (run.model, ""))
    reasons = tuple(reason for reason in row.reasons if reason.model != run.model)
    return replace(row, runs=(*others, run), reasons=reasons)


def _progress(row: Row, data: Mapping[str, Any]) -> Row:
    share = data.get("share")
    return _change_run(
        row,
        data,
        lambda run: (
            # A late word of progress never wakes a run that is over.
            replace(
                run,
                share=None if share is None else min(1.0, max(0.0, float(share))),
                message=str(data.get("message", "")),
            )
            if run.state is RunState.RUNNING
            else run
        ),
    )


def _fail(row: Row, data: Mapping[str, Any]) -> Row:
    words = " ".join(str(data[key]) for key in ("reason", "remedy") if data.get(key))
    return _change_run(
        row, data, lambda run: replace(run, state=RunState.FAILED, share=None, message=words)
    )


def _end(row: Row, data: Mapping[str, Any]) -> Row:
    return _change_run(
        row, data, lambda run: replace(run, state=RunState.ENDED, share=None, message="")
    )


def _change_run(row: Row, data: Mapping[str, Any], change: Callable[[Run], Run]) -> Row:
    job_id = str(data.get("job_id", ""))
    if all(run.job_id != job_id for run in row.runs):
        row = _start(row, {**data, "job_id": job_id})
    runs = tuple(change(run) if run.job_id == job_id else run for run in row.runs)
    return replace(row, runs=runs)


def _not_suitable(row: Row, data: Mapping[str, Any]) -> Row:
    told = tuple(
        Reason(str(item.get("model", "")), str(item.get("reason", "")))
        for item in data.get("reasons") or ()
    )
    models = {reason.model for reason in told}
    kept = tuple(reason for reason in row.reasons if reason.model not in models)
    return replace(row, reasons=(*kept, *told))


def _release(row: Row, data: Mapping[str, Any]) -> Row:
    released = _read_released(data)
    replaced = (released.model, released.series_instance_uid)
    others = tuple(
        other
        for other in row.results
        if other.result_uid != released.result_uid
        # A newer result of the same model on the same series takes the older one's place.
        and (not other.model or (other.model, other.series_instance_uid) != replaced)
    )
    row = replace(row, results=(*others, released))
    return _change_run(
        row,
        {"model": released.model, **data},
        lambda run: replace(run, state=RunState.RELEASED, share=None, message=""),
    )


def _read_released(data: Mapping[str, Any]) -> Released:
    result_uid = str(data["result_uid"])
    flags = data.get("flags")
    if flags is None:
        flags = [data["flag"]] if data.get("flag") else []
    read = tuple(_read_flag(result_uid, flag) for flag in flags)
    key_image = data.get("key_image")
    series_instance_uid = str(data.get("series_instance_uid") or "")
    audience = data.get("audience")
    return Released(
        result_uid=result_uid,
        series_instance_uid=series_instance_uid,
        model=str(data.get("model") or (read[0].model if read else "")),
        phase=str(data.get("phase", "")),
        audience=None if audience is None else tuple(sorted(map(str, audience))),
        flags=read,
        key_image=KeyImage(
            series_instance_uid, str(key_image["sop_instance_uid"]), int(key_image.get("frame", 1))
        )
        if key_image
        else None,
    )


def _read_flag(result_uid: str, flag: Mapping[str, Any]) -> Flag:
    return Flag(
        result_uid=result_uid,
        tracking_uid=str(flag.get("tracking_uid", "")),
        text=str(flag.get("text", "")),
        finding=str(flag.get("finding", "")),
        confidence=_read_number(flag.get("confidence")),
        volume_ml=_read_number(flag.get("volume_ml")),
        model=str(flag.get("model", "")),
        model_version=str(flag.get("model_version", "")),
        model_status=str(flag.get("model_status", "")),
    )


def _read_number(value: Any) -> float | None:
    return None if value is None else float(value)


def _judge(row: Row, data: Mapping[str, Any]) -> Row:
    mark = Mark(
        result_uid=str(data["result_uid"]),
        tracking_uid=str(data["tracking_uid"]),
        kind=str(data["kind"]),
        made_by=str(data.get("made_by", "")),
    )
    if mark.kind != _WITHDRAW:
        return replace(row, marks=(*row.marks, mark))
    place = (mark.result_uid, mark.tracking_uid, mark.made_by)
    standing = list(row.marks)
    for index in range(len(standing) - 1, -1, -1):
        last = standing[index]
        if (last.result_uid, last.tracking_uid, last.made_by) == place:
            del standing[index]
            break
    return replace(row, marks=tuple(standing))


_APPLY: dict[EventKind, Callable[[Row, Mapping[str, Any]], Row]] = {
    EventKind.STUDY_RECEIVING: _receive,
    EventKind.STUDY_ARRIVED: _arrive,
    EventKind.ANALYSIS_STARTED: _start,
    EventKind.ANALYSIS_PROGRESSED: _progress,
    EventKind.ANALYSIS_NOT_SUITABLE: _not_suitable,
    EventKind.ANALYSIS_FAILED: _fail,
    EventKind.ANALYSIS_ENDED: _end,
    EventKind.RESULT_RELEASED: _release,
    EventKind.VERDICT_GIVEN: _judge,
}
