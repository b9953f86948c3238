"""What a model's maker must mend: `overread models test CARD --data DIR`."""

from __future__ import annotations

import asyncio
import hashlib
import resource
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from overread.adapters.runner.model_runner import LOG_NAME, ModelRunner
from overread.adapters.runner.wire import ARRAYS_NAME, JSON_NAME
from overread.model.ports import RunRequest
from overread.model.prediction import Prediction
from overread.model.registry import RegisteredModel, Registry
from overread.study.volume import Volume, describe_spacing, read_volume
from overread.vocabulary.errors import OverreadError

_LOG_TAIL = 2000


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at; `detail` says what was found, and where it failed what to do."""

    name: str
    is_passed: bool
    detail: str


@dataclass(frozen=True, slots=True)
class CheckReport:
    checks: tuple[Check, ...]

    @property
    def is_passed(self) -> bool:
        return all(check.is_passed for check in self.checks)


async def test_model(model: RegisteredModel, data: Path, models_dir: Path) -> CheckReport:
    """Check a model's card, run it twice on a series, and compare.

    Nothing is raised for what the model does wrong: it stands in the report.

    Args:
        data: folder of the Part 10 files of one series.
    """
    checks = _check_card(model)
    if model.missing:
        return CheckReport((*checks, Check("installed", False, model.missing)))
    try:
        volume = await asyncio.to_thread(read_volume, data)
    except OverreadError as error:
        return CheckReport((*checks, Check("data", False, error.message)))
    checks.append(Check("data", True, describe_spacing(volume)))
    first, digest, failed = await _run_once(model, data, models_dir)
    checks.append(failed)
    if first is None:
        return CheckReport(tuple(checks))
    checks += _check_answer(first, volume)
    _, second_digest, _ = await _run_once(model, data, models_dir)
    checks.append(
        Check(
            "repeats itself",
            digest == second_digest,
            "two runs gave the same answer"
            if digest == second_digest
            else "two runs gave different answers: fix seeds and the order of sums",
        )
    )
    return CheckReport(tuple(checks))


test_model.__test__ = False  # type: ignore[attr-defined]  # its name is no test's for pytest


def _check_card(model: RegisteredModel) -> list[Check]:
    card = model.card
    texts = {
        "title": card.title,
        "manufacturer": card.manufacturer,
        "intended_use": card.intended_use,
        "evidence": card.evidence,
        "score_meaning": card.score_meaning,
    }
    empty = [name for name, text in texts.items() if not text.strip()]
    if not card.limits:
        empty.append("limits")
    if not card.outputs:
        empty.append("outputs")
    is_hex = len(card.ref.digest) == 64 and set(card.ref.digest) <= set("0123456789abcdef")
    critical = [output.key for output in card.outputs if output.is_critical]
    lacks_flag = bool(critical) and not (card.flag_text and "flag" in card.thresholds)
    return [
        Check("card", not empty, f"empty: {', '.join(empty)}" if empty else "all fields are said"),
        Check("digest", is_hex, card.ref.digest if is_hex else "must be 64 hexadecimal digits"),
        Check(
            "flag",
            not lacks_flag,
            "critical outputs need flag_text and thresholds.flag"
            if lacks_flag
            else f"{len(critical)} of {len(card.outputs)} outputs can flag a study",
        ),
    ]


async def _run_once(
    model: RegisteredModel, data: Path, models_dir: Path
) -> tuple[Prediction | None, str, Check]:
    runner = ModelRunner(Registry((model,)), models_dir)
    with tempfile.TemporaryDirectory(prefix="overread-check-") as name:
        scratch = Path(name)
        started = time.monotonic()
        try:
            prediction = await runner.run(
                RunRequest(model.card, data, scratch), lambda _share, _words: None
            )
        except OverreadError as error:
            detail = f"{type(error).__name__}: {error.message}{_read_log(scratch)}"
            return None, "", Check("runs", False, detail)
        seconds = time.monotonic() - started
        digest = _digest_answer(scratch)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024**2
    allowed = model.card.memory_bytes / 1024**3
    detail = (
        f"{seconds:.1f} of {model.card.timeout_seconds:g} s, at most {peak:.1f} of "
        f"{allowed:.1f} GiB"
    )
    return prediction, digest, Check("runs", True, detail)


def _check_answer(prediction: Prediction, volume: Volume) -> list[Check]:
    shape = volume.voxels.shape
    wrong = []
    for finding in prediction.findings:
        for words, array in (("mask", finding.mask), ("heat map", finding.heatmap)):
            if array is not None and array.shape != shape:
                wrong.append(f"the {words} of {finding.output} is {array.shape}, not {shape}")
        if finding.mask is not None and not finding.mask.any():
            wrong.append(f"the mask of {finding.output} is empty: leave the finding out")
        for line in finding.lines:
            if not 0 <= line.slice_index < shape[0]:
                wrong.append(f"a line of {finding.output} lies on slice {line.slice_index}")
    said = [f"{f.output} ({_describe_place(f.mask)})" for f in prediction.findings]
    detail = "; ".join(wrong) if wrong else ", ".join(said) or "no findings"
    return [Check("answer", not wrong, detail)]


def _describe_place(mask: object) -> str:
    if not isinstance(mask, np.ndarray):
        return "no place"
    return f"{int(np.count_nonzero(mask))} voxels"


def _digest_answer(scratch: Path) -> str:
    """Over the words and the arrays, not over the times that an archive writes into its head."""
    sha = hashlib.sha256((scratch / JSON_NAME).read_bytes())
    with np.load(scratch / ARRAYS_NAME, allow_pickle=False) as arrays:
        for name in sorted(arrays.files):
            sha.update(name.encode() + np.ascontiguousarray(arrays[name]).tobytes())
    return sha.hexdigest()


def _read_log(scratch: Path) -> str:
    """What the model printed last: for its maker, on the maker's own data and screen alone."""
    try:
        text = (scratch / LOG_NAME).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return f"\n{text[-_LOG_TAIL:].rstrip()}" if text.strip() else ""
