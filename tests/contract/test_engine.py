"""Both engines run the same line the same way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from overread.adapters.engine.attempt import (
    MAX_STEP_BYTES,
    RetryRule,
    find_deadline,
    from_failure,
    to_failure,
)
from overread.adapters.engine.dbos_engine import DbosEngine
from overread.adapters.engine.in_process import InProcessEngine
from overread.pipeline.ports import Engine, JobEnd, Line
from overread.vocabulary.errors import (
    Conflict,
    Defect,
    LimitExceeded,
    NotFound,
    OverreadError,
    Rejected,
    Unavailable,
)

STARTED = datetime(2026, 11, 25, 4, 30, tzinfo=timezone(timedelta(hours=1)))
QUICK = RetryRule(max_attempts=3, max_wait_seconds=0.02)


class Failures:
    """Takes what `on_failed` hands over."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, Any], OverreadError]] = []

    async def __call__(self, job_id: str, value: dict[str, Any], error: OverreadError) -> None:
        self.told.append((job_id, value, error))


Make = Callable[..., Engine]


@pytest.fixture
def failures() -> Failures:
    return Failures()


@pytest.fixture(params=["in_process", "dbos"])
async def make(
    request: pytest.FixtureRequest, tmp_path: Path, failures: Failures
) -> AsyncIterator[Make]:
    made: list[Engine] = []

    def make(*steps: Any, jobs_at_once: int = 1) -> Engine:
        line = Line("test", "1", tuple(steps))
        options: dict[str, Any] = {
            "clock": lambda: STARTED,
            "on_failed": failures,
            "retry": QUICK,
            "jobs_at_once": jobs_at_once,
        }
        if request.param == "dbos":
            made.append(DbosEngine(line, tmp_path / "engine.sqlite", **options))
        else:
            made.append(InProcessEngine(line, **options))
        return made[-1]

    yield make
    for engine in made:
        await engine.stop()


def say(**added: Any) -> Any:
    async def step(_value: dict[str, Any]) -> dict[str, Any]:
        return added

    return step


def fail(error: Exception) -> Any:
    async def step(_value: dict[str, Any]) -> dict[str, Any]:
        raise error

    return step


async def test_steps_run_in_order_and_each_sees_all_said_before(make: Make) -> None:
    seen: list[dict[str, Any]] = []

    async def look(value: dict[str, Any]) -> dict[str, Any]:
        seen.append(value)
        return {"b": [value["a"], None, 2.5], "given": "changed"}

    engine = make(("first", say(a=1)), ("second", look), ("third", say(c="ä")))
    await engine.start()
    await engine.submit("job-1", {"given": "x"}, 1)
    outcome = await engine.wait("job-1")
    assert outcome.end is JobEnd.DONE
    assert outcome.error is None
    start = {"started_at": "2026-11-25T04:30:00+01:00"}
    assert seen == [{"given": "x", "a": 1, **start}]
    assert outcome.value == {"given": "changed", "a": 1, "b": [1, None, 2.5], "c": "ä", **start}


async def test_what_is_said_is_what_the_journal_would_give_back(make: Make) -> None:
    engine = make(("first", say(pair=(1, 2))))
    await engine.start()
    await engine.submit("job-1", {"given": ("a",)}, 1)
    value = (await engine.wait("job-1")).value
    assert value["pair"] == [1, 2]
    assert value["given"] == ["a"]


async def test_a_step_may_keep_what_it_was_given(make: Make) -> None:
    async def spoil(value: dict[str, Any]) -> dict[str, Any]:
        value.clear()
        return {}

    engine = make(("first", spoil), ("second", say(b=2)))
    await engine.start()
    await engine.submit("job-1", {"given": "x"}, 1)
    assert (await engine.wait("job-1")).value["given"] == "x"


async def test_submitting_twice_is_one_run_for_ever(make: Make) -> None:
    runs: list[str] = []

    async def count(value: dict[str, Any]) -> dict[str, Any]:
        runs.append(value["n"])
        await asyncio.sleep(0.05)
        return {}

    engine = make(("count", count))
    await engine.start()
    await engine.submit("job-1", {"n": "one"}, 1)
    await engine.submit("job-1", {"n": "two"}, 0)
    await engine.wait("job-1")
    await engine.submit("job-1", {"n": "three"}, 1)
    await engine.submit("job-2", {"n": "other"}, 1)
    await engine.wait("job-2")
    assert runs == ["one", "other"]
    assert (await engine.wait("job-1")).value["n"] == "one"


async def test_unavailable_is_tried_again_until_it_answers(make: Make, failures: Failures) -> None:
    calls = 0

    async def answer_late(_value: dict[str, Any]) -> dict[str, Any]:
        nonlocal calls
        calls += 1
        if calls < 3:
            raise Unavailable("The archive does not answer.", retry_after_seconds=0.01)
        return {"calls": calls}

    engine = make(("fetch", answer_late))
    await engine.start()
    await engine.submit("job-1", {}, 1)
    outcome = await engine.wait("job-1")
    assert outcome.end is JobEnd.DONE
    assert outcome.value["calls"] == 3
    assert failures.told == []


async def test_unavailable_for_too_long_fails(make: Make, failures: Failures) -> None:
    calls = 0

    async def never(_value: dict[str, Any]) -> dict[str, Any]:
        nonlocal calls
        calls += 1
        raise Unavailable("The archive does not answer.", retry_after_seconds=0.01)

    engine = make(("first", say(a=1)), ("fetch", never), ("after", say(b=2)))
    await engine.start()
    await engine.submit("job-1", {}, 1)
    outcome = await engine.wait("job-1")
    assert calls == QUICK.max_attempts
    assert outcome.end is JobEnd.FAILED
    assert outcome.step == "fetch"
    assert isinstance(outcome.error, Unavailable)
    assert outcome.error.retry_after_seconds == 0.01
    assert [(job, value.get("a"), type(error)) for job, value, error in failures.told] == [
        ("job-1", 1, Unavailable)
    ]
    assert "b" not in outcome.value


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (Rejected("Not a CT."), Rejected, "Not a CT."),
        (LimitExceeded("Too long."), LimitExceeded, "Too long."),
        (Conflict("Another."), Conflict, "Another."),
        (Defect("Ours."), Defect, "Ours."),
        (KeyError("DOE^JANE"), Defect, None),
        (OSError(28, "No space left"), Defect, None),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_other_errors_fail_at_once(
    make: Make, failures: Failures, error: Exception, kind: type, message: str | None
) -> None:
    calls = 0

    async def step(_value: dict[str, Any]) -> dict[str, Any]:
        nonlocal calls
        calls += 1
        raise error

    engine = make(("run", step))
    await engine.start()
    await engine.submit("job-1", {"n": 1}, 1)
    outcome = await engine.wait("job-1")
    assert calls == 1
    assert outcome.end is JobEnd.FAILED
    assert type(outcome.error) is kind
    if message is not None:
        assert outcome.error.message == message
    # What a library says may quote a header: it must not travel with the failure.
    assert "DOE" not in outcome.error.message
    assert len(failures.told) == 1


async def test_a_failed_run_leaves_the_engine_working(make: Make) -> None:
    async def step(value: dict[str, Any]) -> dict[str, Any]:
        if value["n"] == 1:
            raise RuntimeError
        return {}

    engine = make(("run", step))
    await engine.start()
    await engine.submit("job-1", {"n": 1}, 1)
    await engine.submit("job-2", {"n": 2}, 1)
    assert (await engine.wait("job-1")).end is JobEnd.FAILED
    assert (await engine.wait("job-2")).end is JobEnd.DONE


@pytest.mark.parametrize("said", [{"a": object()}, {"a": float("nan")}, {"a": b"x"}, ["a"]])
async def test_a_step_must_say_json(make: Make, said: Any) -> None:
    async def step(_value: dict[str, Any]) -> Any:
        return said

    engine = make(("run", step))
    await engine.start()
    await engine.submit("job-1", {}, 1)
    outcome = await engine.wait("job-1")
    assert isinstance(outcome.error, Defect)
    assert "JSON" in outcome.error.message


async def test_a_step_must_be_brief(make: Make) -> None:
    engine = make(("run", say(pixels="x" * (MAX_STEP_BYTES + 1))))
    await engine.start()
    await engine.submit("job-1", {}, 1)
    assert isinstance((await engine.wait("job-1")).error, Defect)


async def test_input_must_be_json(make: Make) -> None:
    engine = make(("run", say()))
    await engine.start()
    with pytest.raises(Defect, match="not JSON"):
        await engine.submit("job-1", {"a": object()}, 1)


async def test_the_most_urgent_waiting_run_goes_first(make: Make) -> None:
    order: list[str] = []
    begun, gate = asyncio.Event(), asyncio.Event()

    async def step(value: dict[str, Any]) -> dict[str, Any]:
        begun.set()
        await gate.wait()
        order.append(value["n"])
        return {}

    engine = make(("run", step))
    await engine.start()
    await engine.submit("first", {"n": "first"}, 2)
    await asyncio.wait_for(begun.wait(), 10)
    await engine.submit("routine", {"n": "routine"}, 2)
    await engine.submit("stat", {"n": "stat"}, 0)
    await engine.submit("high", {"n": "high"}, 1)
    gate.set()
    for job_id in ("first", "routine", "stat", "high"):
        await engine.wait(job_id)
    assert order == ["first", "stat", "high", "routine"]


@pytest.mark.parametrize("jobs_at_once", [1, 2])
async def test_no_more_than_so_many_run_at_once(make: Make, jobs_at_once: int) -> None:
    running = most = 0

    async def step(_value: dict[str, Any]) -> dict[str, Any]:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.15)
        running -= 1
        return {}

    engine = make(("run", step), jobs_at_once=jobs_at_once)
    await engine.start()
    for number in range(4):
        await engine.submit(f"job-{number}", {}, 1)
    for number in range(4):
        await engine.wait(f"job-{number}")
    assert most == jobs_at_once


async def test_cancel_stops_a_run_at_work_and_one_that_waits(
    make: Make, failures: Failures
) -> None:
    begun = asyncio.Event()
    is_cleaned_up = False

    async def step(_value: dict[str, Any]) -> dict[str, Any]:
        nonlocal is_cleaned_up
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            is_cleaned_up = True
        return {}

    engine = make(("run", step))
    await engine.start()
    await engine.submit("works", {}, 1)
    await engine.submit("waits", {}, 1)
    await asyncio.wait_for(begun.wait(), 10)
    await engine.cancel("waits")
    await engine.cancel("works")
    assert is_cleaned_up
    assert (await engine.wait("works")).end is JobEnd.CANCELLED
    assert (await engine.wait("waits")).end is JobEnd.CANCELLED
    assert failures.told == []


async def test_cancel_after_the_end_changes_nothing(make: Make) -> None:
    engine = make(("run", say(a=1)))
    await engine.start()
    await engine.submit("job-1", {}, 1)
    await engine.wait("job-1")
    await engine.cancel("job-1")
    assert (await engine.wait("job-1")).end is JobEnd.DONE


async def test_an_unknown_run_is_not_found(make: Make) -> None:
    engine = make(("run", say()))
    await engine.start()
    with pytest.raises(NotFound):
        await engine.wait("nobody")
    with pytest.raises(NotFound):
        await engine.cancel("nobody")


async def test_a_step_may_submit_and_wait_for_another_run(make: Make) -> None:
    engine: Engine

    async def step(value: dict[str, Any]) -> dict[str, Any]:
        if value.get("is_child"):
            return {"child": True}
        await engine.submit("child", {"is_child": True}, 0)
        return {"child": (await engine.wait("child")).value["child"]}

    engine = make(("run", step), jobs_at_once=2)
    await engine.start()
    await engine.submit("parent", {}, 1)
    assert (await engine.wait("parent")).value["child"] is True


async def test_waiting_ends_when_the_engine_stops(make: Make) -> None:
    async def step(_value: dict[str, Any]) -> dict[str, Any]:
        await asyncio.sleep(60)
        return {}

    engine = make(("run", step))
    await engine.start()
    await engine.submit("job-1", {}, 1)
    waiting = asyncio.ensure_future(engine.wait("job-1"))
    await asyncio.sleep(0.3)
    await engine.stop()
    with pytest.raises(Unavailable):
        await waiting
    # The loop's own threads are whole again.
    assert await asyncio.to_thread(lambda: 1) == 1


async def test_a_step_that_cancels_itself_fails(make: Make) -> None:
    engine = make(("run", fail(asyncio.CancelledError())))  # type: ignore[arg-type] # not an Exception
    await engine.start()
    await engine.submit("job-1", {}, 1)
    assert isinstance((await engine.wait("job-1")).error, Defect)


def test_a_line_needs_unique_names() -> None:
    with pytest.raises(Defect):
        Line("test", "1", (("a", say()), ("a", say())))
    with pytest.raises(Defect):
        Line("test", "1", (("begin", say()),))


def test_waits_grow_and_end() -> None:
    rule = RetryRule(max_attempts=5, max_wait_seconds=30)
    failure = to_failure("fetch", Unavailable("Away.", 5))
    assert [rule.wait_seconds(failure, n) for n in (1, 2, 3, 4, 5)] == [5, 10, 20, 30, None]
    assert rule.wait_seconds(to_failure("fetch", Rejected("No.")), 1) is None


def test_errors_survive_the_journal() -> None:
    class Refined(LimitExceeded):
        pass

    assert type(from_failure(to_failure("run", Refined("Too big.")))) is LimitExceeded
    back = from_failure(to_failure("run", Unavailable("Away.", 7.5)))
    assert isinstance(back, Unavailable)
    assert (back.message, back.retry_after_seconds) == ("Away.", 7.5)


def test_a_waiting_run_is_not_overtaken_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime(2026, 11, 25, tzinfo=UTC).timestamp()
    monkeypatch.setattr(time, "time", lambda: now)
    routine = find_deadline(2)
    assert find_deadline(0) < find_deadline(1) < routine
    monkeypatch.setattr(time, "time", lambda: now + 59 * 60)
    assert find_deadline(0) < routine
    monkeypatch.setattr(time, "time", lambda: now + 61 * 60)
    assert find_deadline(0) > routine


def test_deadlines_fit_the_engine() -> None:
    # DBOS takes 1 to 2**31 - 1.
    assert find_deadline(-5) >= 1
    assert find_deadline(10**9) == 2**31 - 1


async def test_the_journal_is_held_before_anything_is_cleared_away(tmp_path: Path) -> None:
    cleared: list[str] = []

    def make(name: str) -> DbosEngine:
        return DbosEngine(
            Line("test", "1", ()),
            tmp_path / "engine.sqlite",
            clock=lambda: STARTED,
            on_failed=Failures(),
            on_held=lambda: cleared.append(name),
        )

    first, second = make("first"), make("second")
    await first.start()
    with pytest.raises(Conflict):
        await second.start()
    await second.stop()
    await first.stop()
    assert cleared == ["first"]
