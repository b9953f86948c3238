"""What came in and what failed is written down once, for every reader alike."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from overread.access.role import Principal, Role
from overread.adapters.store.arrivals import SqlArrivals
from overread.adapters.store.audit_trail import SqlAuditTrail
from overread.adapters.store.database import Database
from overread.adapters.store.event_log import SqlEventLog, SqlWorklist
from overread.adapters.store.jobs import SqlJobs
from overread.adapters.store.migrate import migrate
from overread.pipeline.arriving import ArrivalWatch
from overread.pipeline.failing import FailureReport
from overread.pipeline.ports import Job, JobState
from overread.pipeline.receipt import ReceiptBook, describe_age
from overread.pipeline.scratch import Scratch
from overread.study.receiving import StoredInstance
from overread.vocabulary.errors import Defect, OverreadError, Rejected, Unavailable
from overread.vocabulary.event import EventKind
from overread.vocabulary.uid import Uid, derive_uid
from overread.worklist.row import AnalysisState
from overread.worklist.showing import show


@pytest.fixture
def database(tmp_path: Path) -> Database:
    opened = Database(f"sqlite:///{tmp_path / 'test.sqlite'}")
    migrate(opened)
    return opened


def stored(number: int, study: str = "1.2.3") -> StoredInstance:
    return StoredInstance(
        study_instance_uid=Uid(study),
        series_instance_uid=Uid(f"{study}.1"),
        sop_instance_uid=derive_uid(study, str(number)),
        sop_class_uid=Uid("1.2.840.10008.5.1.4.1.1.2"),
        is_new=True,
        patient_name="SYNTHETIC^X",
        patient_id="SYNTHETIC-1",
        patient_age="071Y",
        patient_sex="F",
        accession_number="A1",
        modality="CT",
        description="Head",
        body_part="HEAD",
        study_datetime="",
        priority="stat",
        is_synthetic=True,
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [("071Y", "71 Y"), ("003M", "3 M"), ("010D", "10 D"), ("", ""), ("Y", ""), ("12X", "")],
)
def test_age_in_words(text: str, words: str) -> None:
    assert describe_age(text) == words


async def test_the_same_instances_twice_are_one_arrival(database: Database) -> None:
    events = SqlEventLog(database)
    book = ReceiptBook(SqlArrivals(database), events, SqlAuditTrail(database), "test")
    await book.take([stored(1), stored(2)])
    await book.take([stored(1), stored(2)])
    (row,), _ = await SqlWorklist(database).list_rows(5)
    assert row.instances_received == 2
    assert row.patient_age == "71 Y"
    assert row.priority == "stat"


class Dispatching:
    """Stands in for the dispatcher: counts, and fails as told."""

    def __init__(self, *errors: OverreadError) -> None:
        self.errors = list(errors)
        self.asked: list[str] = []

    async def dispatch(self, study_uid: str, priority: str, fingerprint: str) -> list[Job]:
        self.asked.append(study_uid)
        if self.errors:
            raise self.errors.pop(0)
        return []


def make_watch(database: Database, dispatching: Dispatching, after: timedelta) -> ArrivalWatch:
    return ArrivalWatch(
        arrivals=SqlArrivals(database),
        events=SqlEventLog(database),
        dispatcher=dispatching,  # type: ignore[arg-type]  # the one method that the watch calls
        quiet_seconds=1.0,
        now=lambda: datetime.now(UTC) + after,
    )


async def test_a_study_waits_until_it_is_quiet(database: Database) -> None:
    book = ReceiptBook(
        SqlArrivals(database), SqlEventLog(database), SqlAuditTrail(database), "test"
    )
    await book.take([stored(1)])
    dispatching = Dispatching()
    await make_watch(database, dispatching, timedelta(0)).dispatch_quiet_ones()
    assert dispatching.asked == []
    watch = make_watch(database, dispatching, timedelta(seconds=2))
    await watch.dispatch_quiet_ones()
    await watch.dispatch_quiet_ones()
    assert dispatching.asked == ["1.2.3"]
    await book.take([stored(2)])
    await make_watch(database, dispatching, timedelta(seconds=2)).dispatch_quiet_ones()
    assert dispatching.asked == ["1.2.3", "1.2.3"]


async def test_an_archive_that_is_away_is_asked_again(database: Database) -> None:
    arrivals = SqlArrivals(database)
    book = ReceiptBook(arrivals, SqlEventLog(database), SqlAuditTrail(database), "test")
    await book.take([stored(1)])
    dispatching = Dispatching(Unavailable("away"))
    await make_watch(database, dispatching, timedelta(seconds=2)).dispatch_quiet_ones()
    assert [a.study_instance_uid for a in await arrivals.list_unsettled()] == ["1.2.3"]
    await make_watch(database, dispatching, timedelta(seconds=9)).dispatch_quiet_ones()
    assert await arrivals.list_unsettled() == []


async def test_what_cannot_be_dispatched_is_said(database: Database) -> None:
    arrivals, events = SqlArrivals(database), SqlEventLog(database)
    book = ReceiptBook(arrivals, events, SqlAuditTrail(database), "test")
    await book.take([stored(1)])
    dispatching = Dispatching(Rejected("two studies under one UID"))
    await make_watch(database, dispatching, timedelta(seconds=2)).dispatch_quiet_ones()
    failed = [e for e in await events.read_after(0) if e.kind is EventKind.ANALYSIS_FAILED]
    assert [e.data["reason"] for e in failed] == ["two studies under one UID"]
    (row,), _ = await SqlWorklist(database).list_rows(5)
    reader = Principal("reader", "Reader", frozenset({Role.READER}))
    shown = show(row, reader).analysis
    assert shown.state is AnalysisState.FAILED
    assert "two studies under one UID" in shown.message
    assert await arrivals.list_unsettled() == []


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (Rejected("no brain in it"), EventKind.ANALYSIS_NOT_SUITABLE),
        (Defect("broke"), EventKind.ANALYSIS_FAILED),
        (Unavailable("away"), EventKind.ANALYSIS_FAILED),
    ],
)
async def test_a_job_never_ends_in_silence(
    database: Database, tmp_path: Path, error: OverreadError, kind: EventKind
) -> None:
    jobs, events, scratch = SqlJobs(database), SqlEventLog(database), Scratch(tmp_path / "s")
    job = Job("job", Uid("1.2.3"), Uid("1.2.3.1"), "m", JobState.RUNNING, "2026-01-01T00:00:00Z")
    await jobs.create(replace(job))
    scratch.make_empty(scratch.input_folder("job")).joinpath("image").touch()
    report = FailureReport(jobs, events, scratch)
    await report("job", {}, error)
    await report("job", {}, error)
    said = [e for e in await events.read_after(0) if e.kind is kind]
    assert len(said) == 1
    assert error.message in str(said[0].data)
    assert (await jobs.read("job")).state is JobState.FAILED
    assert not any(scratch.root.iterdir())
