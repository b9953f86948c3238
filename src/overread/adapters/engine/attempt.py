"""What both engines do alike: one attempt at a step, its failure as JSON, when to try again.

This is the worker's loop: whatever a step raises ends here, as a value.
"""

from __future__ import annotations

import asyncio
import json
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from overread.pipeline.ports import JobEnd, JobOutcome, OnFailed, StepFunction
from overread.vocabulary.errors import (
    Conflict,
    Defect,
    LimitExceeded,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    OverreadError,
    Rejected,
    Unavailable,
)

log = structlog.get_logger(__name__)

Clock = Callable[[], datetime]
"""The time with its offset."""

PATIENCE_SECONDS = 1800
"""What one step of priority is worth in waiting."""

MAX_STEP_BYTES = 1 << 20
"""Longest JSON of one step: it says where things are, not what they hold."""

_FIRST_SECOND = 1_704_067_200  # 2024-01-01: keeps deadlines within 31 bits until 2092
_LAST_SECOND = 2**31 - 1

_KINDS: dict[str, type[OverreadError]] = {
    kind.__name__: kind
    for kind in (
        Rejected,
        NotFound,
        NotAuthenticated,
        NotPermitted,
        LimitExceeded,
        Conflict,
        Unavailable,
        Defect,
    )
}


@dataclass(frozen=True, slots=True)
class RetryRule:
    """How long an unavailable other side is waited for.

    The wait before attempt n + 1 is what the error named, doubled with each attempt, within
    `max_wait_seconds`: with the defaults and an error that names 5 s, three quarters of an hour
    in all.
    """

    max_attempts: int = 12
    max_wait_seconds: float = 600.0

    def wait_seconds(self, failure: dict[str, Any], attempt: int) -> float | None:
        """Seconds until the next attempt, None where there is none.

        Args:
            failure: as `try_step` gives it.
            attempt: number of the attempt that failed, from 1.
        """
        if failure["kind"] != Unavailable.__name__ or attempt >= self.max_attempts:
            return None
        named = max(float(failure["retry_after_seconds"]), 0.0)
        return float(min(named * 2.0 ** min(attempt - 1, 30), self.max_wait_seconds))


def find_deadline(priority: int) -> int:
    """The second at which a run submitted now becomes the most urgent one there is.

    Serving the earliest deadline first keeps the order of priorities among runs of one time and
    starves none.
    """
    seconds = int(time.time()) - _FIRST_SECOND + max(priority, 0) * PATIENCE_SECONDS
    return min(max(seconds, 1), _LAST_SECOND)


def write_json(value: dict[str, Any], what: str) -> dict[str, Any]:
    """The value as reading it back from the journal would give it.

    Raises:
        Defect: it is not a JSON object, or longer than MAX_STEP_BYTES.
    """
    try:
        text = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise Defect(f"What {what} says is not JSON: {type(error).__name__}.") from error
    if len(text) > MAX_STEP_BYTES:
        raise Defect(
            f"What {what} says is {len(text)} bytes of JSON, more than {MAX_STEP_BYTES}: "
            "keep content among the artefacts and say its digest."
        )
    read: Any = json.loads(text)
    if not isinstance(read, dict):
        raise Defect(f"What {what} says must be a JSON object.")
    return read


async def try_step(name: str, step: StepFunction, value: dict[str, Any]) -> dict[str, Any]:
    """Run a step once: `{"value": …}`, or `{"failure": …}` whatever it raised.

    Cancellation of the caller passes through.
    """
    try:
        return {"value": write_json(await step(dict(value)), f"step {name}")}
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        log.error("step_cancelled_itself", step=name)
        return {"failure": to_failure(name, Defect(f"Step {name} cancelled itself."))}
    except OverreadError as error:
        kind = type(error).__name__
        if isinstance(error, Defect):
            log.error("step_failed", step=name, kind=kind, where=say_where(error))
        else:
            log.warning("step_failed", step=name, kind=kind, reason=error.message)
        return {"failure": to_failure(name, error)}
    except Exception as error:  # noqa: BLE001 - the worker's loop: one bad run must not end it
        log.error("step_failed", step=name, kind=type(error).__name__, where=say_where(error))
        defect = Defect(
            f"Step {name} failed in a way nobody foresaw ({type(error).__name__}). "
            "The server's log tells where: please report it."
        )
        return {"failure": to_failure(name, defect)}


def to_failure(step: str, error: OverreadError) -> dict[str, Any]:
    """An error as the journal keeps it; `from_failure` reads it back."""
    kinds = (base.__name__ for base in type(error).__mro__ if base.__name__ in _KINDS)
    kind = next(kinds, Defect.__name__)
    failure: dict[str, Any] = {"step": step, "kind": kind, "message": error.message}
    if isinstance(error, Unavailable):
        failure["retry_after_seconds"] = error.retry_after_seconds
    return failure


def from_failure(failure: dict[str, Any]) -> OverreadError:
    kind = _KINDS.get(failure["kind"], Defect)
    if kind is Unavailable:
        return Unavailable(failure["message"], float(failure["retry_after_seconds"]))
    return kind(failure["message"])


def to_outcome(job_id: str, ended: dict[str, Any]) -> JobOutcome:
    """`{"value": …}` with or without `"failure"`, as a run's end is written down."""
    failure = ended.get("failure")
    if failure is None:
        return JobOutcome(job_id, JobEnd.DONE, ended["value"])
    return JobOutcome(job_id, JobEnd.FAILED, ended["value"], failure["step"], from_failure(failure))


async def tell_failed(
    on_failed: OnFailed, job_id: str, value: dict[str, Any], failure: dict[str, Any]
) -> None:
    """Hand a failure over; what goes wrong on the way is logged, the run stays failed."""
    try:
        await on_failed(job_id, dict(value), from_failure(failure))
    except Exception as error:  # noqa: BLE001 - the worker's loop
        log.error("failure_not_handed_over", job_id=job_id, where=say_where(error))


def say_where(error: BaseException) -> list[str]:
    """Where it was raised, innermost last. Its message stays out: a library's may quote a header,
    and with it a patient."""
    frames = traceback.extract_tb(error.__traceback__, limit=-8)
    return [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
