"""What events make of a row, and what a row says."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.access.role import Principal, Role
from overread.vocabulary.event import Event, EventKind
from overread.worklist.document import from_document, to_document
from overread.worklist.projection import project
from overread.worklist.row import AnalysisState, Row
from overread.worklist.showing import show

STUDY = "1.2.3"
READER = Principal("reader", "Reader", frozenset({Role.READER}))
REFERRER = Principal("referrer", "Referrer", frozenset({Role.REFERRING}))
SERVICE = Principal("modality", "Modality", frozenset({Role.SERVICE}))

FACTS = {
    "patient_name": "DOE^JANE",
    "patient_age": "71 Y",
    "modalities": ["SR", "CT"],
    "series_count": 2,
    "priority": "high",
    "received_at": "2026-01-02T03:04:05.000000+00:00",
}


def flag(tracking_uid: str = "1.9.1", confidence: float | None = 0.9) -> dict[str, Any]:
    return {
        "text": "AI priority: suspected intracranial haemorrhage",
        "tracking_uid": tracking_uid,
        "finding": "Intraparenchymal bleed, right",
        "confidence": confidence,
        "volume_ml": 14.1,
        "model": "head",
        "model_version": "1.2",
        "model_status": "demonstration",
    }


def released(result: str = "1.8.1", **data: Any) -> tuple[EventKind, dict[str, Any]]:
    return EventKind.RESULT_RELEASED, {
        "job_id": "j1",
        "result_uid": result,
        "series_instance_uid": "1.2.3.4",
        "model": "head",
        "phase": "automatic",
        "note": "",
        "audience": ["reader"],
        "flags": [flag()],
        "key_image": {"sop_instance_uid": "1.2.3.4.5", "frame": 1},
        **data,
    }


def verdict(
    kind: str, by: str = "reader", tracking: str = "1.9.1"
) -> tuple[EventKind, dict[str, Any]]:
    return EventKind.VERDICT_GIVEN, {
        "result_uid": "1.8.1",
        "tracking_uid": tracking,
        "kind": kind,
        "made_by": by,
    }


ARRIVED = (EventKind.STUDY_ARRIVED, {"study": FACTS, "instances_received": 28})
STARTED = (EventKind.ANALYSIS_STARTED, {"job_id": "j1", "model": "head", "title": "Head CT"})


def play(*steps: tuple[EventKind, dict[str, Any]]) -> Row:
    row = None
    for number, (kind, data) in enumerate(steps, start=1):
        event = Event(number, kind, STUDY, f"2026-01-02T03:04:{number:02d}.000000+00:00", data)
        row = project(row, event)
    assert row is not None
    return row


def state(*steps: tuple[EventKind, dict[str, Any]]) -> AnalysisState:
    return show(play(*steps), READER).analysis.state


def test_arrival_fills_the_row() -> None:
    row = play(ARRIVED)
    assert (row.patient_name, row.modalities, row.priority) == ("DOE^JANE", ("CT", "SR"), "high")
    assert (row.instances_received, row.received_at) == (28, FACTS["received_at"])


def test_event_of_no_study_changes_nothing() -> None:
    event = Event(1, EventKind.INSTANCE_QUARANTINED, None, "2026-01-02T03:04:05+00:00", {})
    assert project(None, event) is None


def test_states_in_the_order_of_a_run() -> None:
    receiving = (EventKind.STUDY_RECEIVING, {"study": FACTS, "instances_received": 3})
    progress = (EventKind.ANALYSIS_PROGRESSED, {"job_id": "j1", "share": 0.5, "message": "half"})
    assert state(receiving) is AnalysisState.RECEIVING
    assert state(receiving, ARRIVED) is AnalysisState.WAITING
    assert state(receiving, ARRIVED, STARTED) is AnalysisState.ANALYSING
    shown = show(play(ARRIVED, STARTED, progress), READER).analysis
    assert (shown.state, shown.share, shown.message) == (AnalysisState.ANALYSING, 0.5, "half")
    assert state(ARRIVED, STARTED, progress, released()) is AnalysisState.ANALYSED


def test_late_progress_does_not_wake_a_run_that_is_over() -> None:
    progress = (EventKind.ANALYSIS_PROGRESSED, {"job_id": "j1", "share": 0.9, "message": ""})
    assert state(ARRIVED, STARTED, released(), progress) is AnalysisState.ANALYSED


@pytest.mark.parametrize(
    ("ending", "expected"),
    [
        ((EventKind.ANALYSIS_ENDED, {"job_id": "j1"}), AnalysisState.IDLE),
        (
            (EventKind.ANALYSIS_FAILED, {"job_id": "j1", "model": "head", "reason": "broke"}),
            AnalysisState.FAILED,
        ),
    ],
)
def test_what_was_not_analysed_never_reads_as_analysed(
    ending: tuple[EventKind, dict[str, Any]], expected: AnalysisState
) -> None:
    assert state(ARRIVED, STARTED, ending) is expected


def test_study_that_could_not_be_looked_at_says_so_until_a_run_starts() -> None:
    failed = (EventKind.ANALYSIS_FAILED, {"job_id": "", "model": "", "reason": "unreadable"})
    row = play(ARRIVED, failed)
    assert show(row, READER).analysis.message == "unreadable"
    assert state(ARRIVED, failed, STARTED, released()) is AnalysisState.ANALYSED


def test_refusal_by_the_model_reads_as_not_suitable() -> None:
    ended = (EventKind.ANALYSIS_ENDED, {"job_id": "j1", "model": "head"})
    refused = (EventKind.ANALYSIS_NOT_SUITABLE, {"reasons": [{"model": "head", "reason": "MR"}]})
    shown = show(play(ARRIVED, STARTED, ended, refused), READER).analysis
    assert (shown.state, shown.message) == (AnalysisState.NOT_SUITABLE, "head: MR")


def test_failure_of_one_model_is_said_beside_the_flag_of_another() -> None:
    other = (EventKind.ANALYSIS_STARTED, {"job_id": "j2", "model": "other", "title": "Other"})
    failed = (EventKind.ANALYSIS_FAILED, {"job_id": "j2", "model": "other", "reason": "broke"})
    shown = show(play(ARRIVED, STARTED, other, released(), failed), READER)
    assert shown.analysis.state is AnalysisState.FAILED
    assert shown.is_critical
    assert shown.flag is not None


def test_strongest_flag_over_all_models_is_shown() -> None:
    weak = released("1.8.1", flags=[flag("1.9.1", 0.6), flag("1.9.2", None)])
    strong = released("1.8.2", model="other", flags=[flag("1.9.3", 0.95)])
    shown = show(play(ARRIVED, weak, strong), READER).flag
    assert shown is not None
    assert shown.tracking_uid == "1.9.3"


def test_reject_takes_criticality_away_and_withdraw_gives_it_back() -> None:
    steps = (ARRIVED, STARTED, released())
    rejected = show(play(*steps, verdict("reject")), READER)
    assert (rejected.is_critical, rejected.verdict) == (False, "reject")
    assert rejected.flag is not None
    accepted = show(play(*steps, verdict("accept")), READER)
    assert (accepted.is_critical, accepted.verdict) == (True, "accept")
    undone = show(play(*steps, verdict("reject"), verdict("withdraw")), READER)
    assert (undone.is_critical, undone.verdict) == (True, None)


def test_withdraw_takes_only_the_own_last_verdict_back() -> None:
    steps = (ARRIVED, released(), verdict("reject", "anna"), verdict("accept", "ben"))
    assert show(play(*steps, verdict("withdraw", "ben")), READER).verdict == "reject"
    assert show(play(*steps, verdict("withdraw", "anna")), READER).verdict == "accept"
    assert show(play(*steps, verdict("withdraw", "carl")), READER).verdict == "accept"


def test_other_flagged_finding_keeps_the_study_critical() -> None:
    two = released(flags=[flag("1.9.1", 0.9), flag("1.9.2", 0.7)])
    shown = show(play(ARRIVED, two, verdict("reject", tracking="1.9.1")), READER)
    assert shown.is_critical
    assert shown.flag is not None
    assert shown.flag.tracking_uid == "1.9.2"


def test_audience_and_right_decide_what_is_shown() -> None:
    row = play(ARRIVED, STARTED, released())
    for principal in (REFERRER, SERVICE):
        shown = show(row, principal)
        assert not shown.is_critical
        assert shown.flag is None
        assert shown.results == ()
        assert shown.analysis.state is AnalysisState.IDLE
        assert shown.key_image is None


def test_newer_result_of_the_same_model_and_series_replaces_the_older() -> None:
    row = play(ARRIVED, released("1.8.1"), released("1.8.2", flags=[]))
    shown = show(row, READER)
    assert [result.result_uid for result in shown.results] == ["1.8.2"]
    assert shown.flag is None


def test_images_after_the_analysis_are_said() -> None:
    more = (EventKind.STUDY_ARRIVED, {"study": FACTS, "instances_received": 29})
    shown = show(play(ARRIVED, STARTED, released(), more), READER).analysis
    assert shown.state is AnalysisState.ANALYSED
    assert "More images" in shown.message


STEPS = st.lists(
    st.sampled_from(
        [
            ARRIVED,
            STARTED,
            released(),
            released("1.8.2", model="other", flags=[]),
            verdict("reject"),
            verdict("withdraw"),
            verdict("adjust", "ben"),
            (EventKind.STUDY_RECEIVING, {"study": FACTS, "instances_received": 5}),
            (EventKind.ANALYSIS_PROGRESSED, {"job_id": "j1", "share": 3.0, "message": "x"}),
            (EventKind.ANALYSIS_FAILED, {"job_id": "j3", "model": "m", "reason": "r"}),
            (EventKind.ANALYSIS_ENDED, {"job_id": "j1"}),
            (EventKind.ANALYSIS_NOT_SUITABLE, {"reasons": [{"model": "m", "reason": "r"}]}),
        ]
    ),
    min_size=1,
    max_size=12,
)


@given(STEPS)
def test_row_survives_the_store_and_never_claims_without_a_result(
    steps: list[tuple[EventKind, dict[str, Any]]],
) -> None:
    row = play(*steps)
    assert from_document(to_document(row)) == row
    shown = show(row, READER)
    if shown.analysis.state is AnalysisState.ANALYSED:
        assert shown.results
    if shown.is_critical:
        assert shown.flag is not None
        assert shown.verdict != "reject"
    assert shown.analysis.share is None or 0 <= shown.analysis.share <= 1


@given(STEPS)
def test_repeated_event_changes_a_row_only_by_what_people_said_twice(
    steps: list[tuple[EventKind, dict[str, Any]]],
) -> None:
    last_kind, last_data = steps[-1]
    if last_kind is EventKind.VERDICT_GIVEN:
        return
    once, twice = play(*steps), play(*steps, (last_kind, last_data))
    assert show(once, READER).analysis == show(twice, READER).analysis
    assert once.results == twice.results
