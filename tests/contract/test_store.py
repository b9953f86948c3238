"""What every store promises to the line, the worklist and the audit."""

from __future__ import annotations

import asyncio
import hashlib
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from overread.access.role import Role
from overread.access.session import Account, SessionRecord
from overread.adapters.store.arrivals import SqlArrivals
from overread.adapters.store.artefacts import FileArtefacts
from overread.adapters.store.audit_trail import SqlAuditTrail
from overread.adapters.store.database import Database
from overread.adapters.store.event_log import SqlEventLog, SqlWorklist
from overread.adapters.store.jobs import SqlJobs
from overread.adapters.store.migrate import migrate
from overread.adapters.store.results import SqlResults
from overread.adapters.store.schema import metadata
from overread.adapters.store.users import SqlAccounts
from overread.audit.event import AuditAction
from overread.audit.hash_chain import Broken, Intact
from overread.pipeline.ports import (
    ArrivedInstance,
    Job,
    JobState,
    StoredObject,
    StoredResult,
    StoredVerdict,
    StudyFacts,
)
from overread.vocabulary.errors import Conflict, Defect, NotFound, Rejected, Unavailable
from overread.vocabulary.event import EventKind
from overread.vocabulary.uid import Uid


@pytest_asyncio.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database(f"sqlite:///{tmp_path / 'store.sqlite'}")
    migrate(opened)
    yield opened
    opened.close()


# --- tables


def test_migrations_make_the_tables_of_the_schema(database: Database) -> None:
    migrate(database)
    with database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


@pytest.mark.parametrize("table", ["event", "verdict", "audit_event"])
@pytest.mark.parametrize(
    "statement", ["UPDATE {0} SET study_instance_uid = 'x'", "DELETE FROM {0}"]
)
async def test_append_only_tables_refuse_change(
    database: Database, table: str, statement: str
) -> None:
    await SqlEventLog(database).append(EventKind.STUDY_ARRIVED, "1.2", {})
    await SqlAuditTrail(database).record("anna", AuditAction.STUDY_OPENED)
    await SqlResults(database).add_verdict(make_verdict())
    column = "made_by" if table == "verdict" else "study_instance_uid"
    with pytest.raises(Unavailable), database.writing() as connection:
        connection.execute(text(statement.format(table).replace("study_instance_uid", column)))


def test_memory_database_is_refused() -> None:
    with pytest.raises(Rejected):
        Database("sqlite://")


# --- events and worklist


async def test_events_come_back_in_order_with_growing_ids(database: Database) -> None:
    log = SqlEventLog(database)
    first = await log.append(EventKind.STUDY_RECEIVING, "1.2", {"instances_received": 1})
    second = await log.append(EventKind.INSTANCE_QUARANTINED, None, {"reason": "no UID"})
    assert 0 < first.event_id < second.event_id == await log.read_last_id()
    assert await log.read_after(0) == [first, second]
    assert await log.read_after(first.event_id) == [second]
    assert await log.read_after(0, limit=1) == [first]


async def test_event_and_row_are_written_together(database: Database) -> None:
    log, worklist = SqlEventLog(database), SqlWorklist(database)
    with pytest.raises((KeyError, TypeError)):
        await log.append(EventKind.RESULT_RELEASED, "1.2", {"no": "result_uid"})
    assert await log.read_after(0) == []
    event = await log.append(EventKind.STUDY_ARRIVED, "1.2", {"instances_received": 7})
    rows, last_id = await worklist.list_rows(10)
    assert [(row.study_instance_uid, row.instances_received) for row in rows] == [("1.2", 7)]
    assert (rows[0].event_id, last_id) == (event.event_id, event.event_id)
    assert await worklist.find_rows(["1.2", "9.9"]) == {"1.2": rows[0]}


async def test_same_key_is_one_event(database: Database) -> None:
    log = SqlEventLog(database)
    first = await log.append_once("k", EventKind.STUDY_ARRIVED, "1.2", {"instances_received": 7})
    again = await log.append_once("k", EventKind.STUDY_ARRIVED, "1.2", {"instances_received": 9})
    assert again == first
    assert len(await log.read_after(0)) == 1


async def test_listener_hears_commits_until_it_is_taken_away(database: Database) -> None:
    log = SqlEventLog(database)
    heard: list[int] = []
    end = log.listen(lambda: heard.append(1))
    await log.append(EventKind.STUDY_ARRIVED, "1.2", {})
    end()
    await log.append(EventKind.STUDY_ARRIVED, "1.2", {})
    assert heard == [1]


WRITER = """
import asyncio, sys
from overread.adapters.store.audit_trail import SqlAuditTrail
from overread.adapters.store.database import Database
from overread.adapters.store.event_log import SqlEventLog
from overread.adapters.store.migrate import migrate
from overread.audit.event import AuditAction
from overread.vocabulary.event import EventKind

async def write(url, name):
    database = Database(url)
    migrate(database)
    for number in range(25):
        await SqlEventLog(database).append(EventKind.STUDY_RECEIVING, "1.2", {"by": name})
        await SqlAuditTrail(database).record(name, AuditAction.STUDY_OPENED)
    database.close()

asyncio.run(write(sys.argv[1], sys.argv[2]))
"""


async def test_several_processes_write_at_once_and_a_reader_misses_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shared.sqlite'}"
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, url, f"writer-{n}"]) for n in range(3)
    ]
    database = Database(url)
    migrate(database)
    log, seen = SqlEventLog(database), []
    while len(seen) < 75 and (any(w.poll() is None for w in writers) or not seen):
        seen += await log.read_after(seen[-1].event_id if seen else 0, limit=10)
        await asyncio.sleep(0.005)
    assert [writer.wait(30) for writer in writers] == [0, 0, 0]
    seen += await log.read_after(seen[-1].event_id)
    assert seen == await log.read_after(0)
    assert len(seen) == 75
    assert isinstance(verdict := await SqlAuditTrail(database).verify(), Intact)
    assert verdict.length == 75
    database.close()


# --- audit


async def test_audit_chain_holds_and_tampering_is_found(database: Database) -> None:
    trail = SqlAuditTrail(database)
    for number in range(3):
        await trail.record("anna", AuditAction.RESULT_SHOWN, detail={"result_uid": f"1.{number}"})
    assert isinstance(await trail.verify(), Intact)
    assert [sealed.event.sequence for sealed in await trail.read_after(1, 10)] == [2, 3]
    with database.writing() as connection:
        connection.execute(text("DROP TRIGGER audit_event_no_update"))
        connection.execute(text("UPDATE audit_event SET detail = 'no json' WHERE sequence = 2"))
    verdict = await trail.verify()
    assert isinstance(verdict, Broken)
    assert verdict.sequence == 2


# --- results and verdicts


def make_result(uid: str = "1.8.1", **changes: object) -> StoredResult:
    made = StoredResult(
        result_uid=Uid(uid),
        study_instance_uid=Uid("1.2"),
        series_instance_uid=Uid("1.2.3"),
        model_name="head",
        document=b'{"a":1}',
        phase="automatic",
        note="demonstration",
        audience=frozenset({Role.READER}),
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # names are those of the fields


def make_verdict(**changes: object) -> StoredVerdict:
    made = StoredVerdict(
        verdict_id="v1",
        result_uid=Uid("1.8.1"),
        tracking_uid=Uid("1.9.1"),
        kind="accept",
        made_by="anna",
        made_at="2026-01-02T03:04:05+00:00",
        document=b"{}",
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # names are those of the fields


async def test_result_saved_twice_is_one(database: Database) -> None:
    results = SqlResults(database)
    await results.save(make_result())
    await results.save(make_result("1.8.2", audience=frozenset()))
    await results.save(make_result(note="changed"))
    assert (await results.read("1.8.1")).note == "changed"
    listed = await results.list_for_study("1.2")
    assert [result.result_uid for result in listed] == ["1.8.1", "1.8.2"]
    assert listed[1].audience == frozenset()
    assert await results.list_for_study("9") == []


async def test_objects_of_a_result(database: Database) -> None:
    results = SqlResults(database)
    made = (
        StoredObject("SR", Uid("1.2.4"), Uid("1.2.4.1"), "ab", True),
        StoredObject("JSON", None, None, None, False),
    )
    await results.save(make_result())
    await results.set_objects("1.8.1", made)
    assert (await results.read("1.8.1")).objects == made
    with pytest.raises(NotFound):
        await results.set_objects("1.8.9", made)
    with pytest.raises(NotFound):
        await results.read("1.8.9")


async def test_verdict_sent_twice_is_one(database: Database) -> None:
    results = SqlResults(database)
    first, is_new = await results.add_verdict(make_verdict())
    assert is_new
    again, is_new = await results.add_verdict(make_verdict(made_at="later", document=b"other"))
    assert (again, is_new) == (first, False)
    with pytest.raises(Conflict):
        await results.add_verdict(make_verdict(kind="reject"))
    await results.add_verdict(make_verdict(verdict_id="v2", kind="withdraw"))
    assert [v.verdict_id for v in await results.list_verdicts("1.8.1")] == ["v1", "v2"]


# --- jobs


async def test_job_asked_for_twice_is_one(database: Database) -> None:
    jobs = SqlJobs(database)
    job = Job("j1", Uid("1.2"), None, "head", JobState.QUEUED, "2026-01-02T03:04:05+00:00")
    assert await jobs.create(job) == (job, True)
    assert await jobs.create(replace(job, model="other")) == (job, False)
    done = replace(job, state=JobState.DONE, share=1.0, result_uid=Uid("1.8.1"))
    assert await jobs.list_unfinished() == [job]
    await jobs.save(done)
    assert await jobs.read("j1") == done
    assert await jobs.list_unfinished() == []
    assert await jobs.list_for_study("1.2") == [done]
    for missing in (jobs.read("j9"), jobs.save(replace(job, job_id="j9"))):
        with pytest.raises(NotFound):
            await missing


# --- arrivals


def arrived(sop: str, study: str = "1.2", **facts: str) -> ArrivedInstance:
    return ArrivedInstance(Uid(study), Uid(f"{study}.1"), Uid(sop), "CT", StudyFacts(**facts))  # type: ignore[arg-type]  # texts alone


async def test_arrivals_count_each_instance_once_and_fill_gaps(database: Database) -> None:
    arrivals = SqlArrivals(database)
    await arrivals.record([arrived("1.2.1.1", patient_name="DOE^JANE"), arrived("1.2.1.1")])
    (now,) = await arrivals.record(
        [arrived("1.2.1.2", patient_name="OTHER", description="Head", priority="stat")]
    )
    assert (now.instances_received, now.series_count, now.modalities) == (2, 1, ("CT",))
    facts = now.facts
    assert (facts.patient_name, facts.description, facts.priority) == ("DOE^JANE", "Head", "stat")
    assert now.fingerprint == hashlib.sha256(b"1.2.1.1\n1.2.1.2").hexdigest()
    (again,) = await arrivals.record([arrived("1.2.1.2")])
    assert again == now


async def test_study_is_settled_until_something_new_comes(database: Database) -> None:
    arrivals = SqlArrivals(database)
    (first,) = await arrivals.record([arrived("1.2.1.1")])
    await arrivals.record([arrived("3.4.1.1", "3.4")])
    assert [a.study_instance_uid for a in await arrivals.list_unsettled()] == ["1.2", "3.4"]
    assert (await arrivals.settle("1.2", first.fingerprint)).is_settled
    assert [a.study_instance_uid for a in await arrivals.list_unsettled()] == ["3.4"]
    (known,) = await arrivals.record([arrived("1.2.1.1")])
    assert known.is_settled
    (grown,) = await arrivals.record([arrived("1.2.1.2")])
    assert not grown.is_settled
    assert not (await arrivals.settle("1.2", first.fingerprint)).is_settled
    assert len(await arrivals.list_unsettled()) == 2
    with pytest.raises(NotFound):
        await arrivals.settle("9.9", "x")
    with pytest.raises(NotFound):
        await arrivals.read("9.9")


# --- artefacts


async def test_artefacts_by_digest(tmp_path: Path) -> None:
    artefacts = FileArtefacts(tmp_path / "artefacts")
    digest = await artefacts.put(b"bytes")
    assert digest == hashlib.sha256(b"bytes").hexdigest() == await artefacts.put(b"bytes")
    assert await artefacts.read(digest) == b"bytes"
    kept = [path for path in (tmp_path / "artefacts").rglob("*") if path.is_file()]
    assert len(kept) == 1
    kept[0].write_bytes(b"other")
    with pytest.raises(Defect):
        await artefacts.read(digest)
    await artefacts.put(b"bytes")
    assert await artefacts.read(digest) == b"bytes"
    await artefacts.remove(digest)
    await artefacts.remove(digest)
    assert not await artefacts.has(digest)
    with pytest.raises(NotFound):
        await artefacts.read(digest)
    with pytest.raises(Rejected):
        await artefacts.read("../../etc/passwd")


# --- accounts


async def test_accounts_sessions_tokens(database: Database) -> None:
    accounts = SqlAccounts(database)
    anna = Account("anna", "Anna", frozenset({Role.READER}), "hash")
    await accounts.save_account(anna)
    await accounts.save_account(replace(anna, display_name="Anna B"))
    assert (await accounts.list_accounts()) == [replace(anna, display_name="Anna B")]
    assert await accounts.find_account("ben") is None
    session = SessionRecord("h1", "anna", "csrf", "2026-01-02", "2026-01-02", "2026-01-03")
    await accounts.add_session(session)
    await accounts.touch_session("h1", "2026-01-02T12")
    assert await accounts.find_session("h1") == replace(session, seen_at="2026-01-02T12")
    late = SessionRecord("h2", "anna", "csrf", "2026-02-02", "2026-02-02", "2026-02-03")
    await accounts.add_session(late)
    assert await accounts.find_session("h1") is None
    await accounts.add_token("t1", "anna", "2026-01-02")
    assert await accounts.find_token("t1") == "anna"
    await accounts.remove_secrets("anna")
    assert await accounts.find_token("t1") is None
    assert await accounts.find_session("h2") is None


async def test_failures_within_a_window(database: Database) -> None:
    accounts = SqlAccounts(database)
    for second in (1, 2, 3):
        await accounts.add_failure("s", f"2026-01-02T03:04:0{second}+00:00")
    assert len(await accounts.list_failures("s", "2026-01-02T03:04:02+00:00")) == 2
    assert len(await accounts.list_failures("s", "2026-01-02T03:04:00+00:00")) == 2
    await accounts.clear_failures("s")
    assert await accounts.list_failures("s", "2026-01-02T03:04:00+00:00") == []
