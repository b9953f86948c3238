"""A row as one person may see it: what it says of the analysis, and which flag it shows."""

from __future__ import annotations

from dataclasses import dataclass

from overread.access.role import Permission, Principal
from overread.worklist.row import (
    AnalysisState,
    Flag,
    KeyImage,
    Reason,
    Released,
    Row,
    Run,
    RunState,
)

_REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Analysis:
    """Where the analysis stands.

    Attributes:
        share: 0 to 1 over all runs at work, None where unknown.
        message: for people; "" where the state says it all.
    """

    state: AnalysisState
    share: float | None
    message: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class ShownRow:
    """One line of the worklist for one person.

    Attributes:
        is_critical: whether a flag stands that no verdict rejects.
        flag: the strongest standing one, else the strongest rejected one.
        verdict: on the shown flag, else the newest standing one of the study.
    """

    row: Row
    is_critical: bool
    flag: Flag | None
    verdict: str | None
    analysis: Analysis
    results: tuple[Released, ...]
    key_image: KeyImage | None


def show(row: Row, principal: Principal) -> ShownRow:
    """What the principal may see of a row; no verdict, flag or result without the right to AI."""
    results = tuple(result for result in row.results if is_shown_to(result, principal))
    flags = [flag for result in results for flag in result.flags]
    standing = [flag for flag in flags if _verdict_on(row, flag) != _REJECT]
    shown = min(standing or flags, key=_strength, default=None)
    sees_ai = principal.has(Permission.VIEW_AI)
    return ShownRow(
        row=row,
        is_critical=bool(standing),
        flag=shown,
        verdict=_choose_verdict(row, shown, results),
        analysis=_describe(row, results, sees_ai),
        results=results,
        key_image=_choose_key_image(results, shown),
    )


def is_shown_to(result: Released, principal: Principal) -> bool:
    if not principal.has(Permission.VIEW_AI):
        return False
    return result.audience is None or bool(principal.roles & set(result.audience))


def _strength(flag: Flag) -> tuple[float, float, str, str]:
    """Strongest first: confidence, then volume; UIDs only to make the order total."""
    confidence = -1.0 if flag.confidence is None else flag.confidence
    volume = -1.0 if flag.volume_ml is None else flag.volume_ml
    return (-confidence, -volume, flag.result_uid, flag.tracking_uid)


def _verdict_on(row: Row, flag: Flag) -> str | None:
    return row.find_verdict(flag.result_uid, flag.tracking_uid)


def _choose_verdict(row: Row, flag: Flag | None, results: tuple[Released, ...]) -> str | None:
    if flag is not None:
        return _verdict_on(row, flag)
    seen = {result.result_uid for result in results}
    standing = [mark for mark in row.marks if mark.result_uid in seen]
    return standing[-1].kind if standing else None


def _choose_key_image(results: tuple[Released, ...], flag: Flag | None) -> KeyImage | None:
    if flag is not None:
        found = [r.key_image for r in results if r.result_uid == flag.result_uid and r.key_image]
        if found:
            return found[0]
    return next((r.key_image for r in reversed(results) if r.key_image), None)


def _describe(row: Row, results: tuple[Released, ...], sees_ai: bool) -> Analysis:
    if not sees_ai:
        state = AnalysisState.IDLE if row.is_complete else AnalysisState.RECEIVING
        return Analysis(state, None, "", ())
    running = [run for run in row.runs if run.state is RunState.RUNNING]
    if running:
        return Analysis(
            AnalysisState.ANALYSING, _average_share(running), running[-1].message, row.reasons
        )
    if not row.is_complete:
        return Analysis(AnalysisState.RECEIVING, None, "", row.reasons)
    return _describe_settled(row, results)


def _describe_settled(row: Row, results: tuple[Released, ...]) -> Analysis:
    failed = [run for run in row.runs if run.state is RunState.FAILED]
    if failed:
        words = "; ".join(
            ": ".join(part for part in (run.title or run.model, run.message) if part)
            for run in failed
        )
        return Analysis(AnalysisState.FAILED, None, words, row.reasons)
    shown = {result.result_uid for result in results}
    released = [run for run in row.runs if run.state is RunState.RELEASED]
    if shown and released:
        is_partial = any(run.instances < row.instances_received for run in released)
        message = "More images came after the analysis." if is_partial else ""
        return Analysis(AnalysisState.ANALYSED, None, message, row.reasons)
    if row.reasons:
        words = "; ".join(f"{reason.model}: {reason.reason}" for reason in row.reasons)
        return Analysis(AnalysisState.NOT_SUITABLE, None, words, row.reasons)
    if row.runs:
        # Ended, or released to others alone: nothing is said of what was found.
        return Analysis(AnalysisState.IDLE, None, "", ())
    return Analysis(AnalysisState.WAITING, None, "", ())


def _average_share(running: list[Run]) -> float | None:
    shares = [run.share for run in running if run.share is not None]
    return sum(shares) / len(running) if shares else None
