"""The edge towards whatever executes a model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from overread.model.card import ModelCard
from overread.model.prediction import Prediction, Progress


@dataclass(frozen=True, slots=True)
class RunRequest:
    """One run.

    Attributes:
        series_folder: Part 10 files of one series, nothing else; only read.
        scratch_folder: empty, the run's own, removed by the caller.
    """

    card: ModelCard
    series_folder: Path
    scratch_folder: Path


class Runner(Protocol):
    """All adapters pass tests/contract/test_runner.py.

    Raises:
        Rejected: the model refused this input (never retried), with its reason.
        LimitExceeded: it passed its time, memory or disk bound.
        Defect: it crashed or answered outside its card.
    """

    async def run(self, request: RunRequest, progress: Progress) -> Prediction: ...

    async def ping(self) -> str: ...
