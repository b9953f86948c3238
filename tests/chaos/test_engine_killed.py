"""A server killed with SIGKILL inside any step: the next start goes on where it was."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).with_name("engine_process.py")
STEPS = ("fetch", "run", "deliver")
DEADLINE_SECONDS = 30


@dataclass
class Site:
    """A folder with a journal, and the processes that were started on it."""

    folder: Path

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, str(PROGRAM), "--database", str(self.folder / "engine.sqlite")]
        command += ["--notes", str(self.folder / "notes"), *arguments]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def finish(self, *arguments: str) -> list[dict[str, Any]]:
        with self.start(*arguments) as process:
            out, err = process.communicate(timeout=DEADLINE_SECONDS)
        assert process.returncode == 0, err
        outcomes: list[dict[str, Any]] = json.loads(out)
        return outcomes

    def notes(self, **like: str) -> list[dict[str, Any]]:
        path = self.folder / "notes"
        lines = path.read_text().splitlines() if path.exists() else []
        notes = [json.loads(line) for line in lines]
        return [note for note in notes if like.items() <= note.items()]

    def wait_until(self, is_reached: Callable[[], bool], process: subprocess.Popen[str]) -> None:
        end = time.monotonic() + DEADLINE_SECONDS
        while not is_reached():
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < end, self.notes()
            time.sleep(0.02)

    def kill_when(self, is_reached: Callable[[], bool], *arguments: str) -> None:
        with self.start(*arguments) as process:
            try:
                self.wait_until(is_reached, process)
            finally:
                process.kill()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.mark.parametrize("killed_in", STEPS)
def test_a_killed_run_goes_on_in_the_step_it_was_in(site: Site, killed_in: str) -> None:
    site.kill_when(
        lambda: bool(site.notes(did="began", step=killed_in)), "--hang-in", killed_in, "a"
    )
    (outcome,) = site.finish("a")

    began = [note["step"] for note in site.notes(did="began")]
    cut = STEPS.index(killed_in)
    assert began == [*STEPS[: cut + 1], *STEPS[cut:]]
    assert [note["step"] for note in site.notes(did="ended")] == list(STEPS)
    assert outcome["end"] == "done"
    assert {name: outcome["value"][name] for name in STEPS} == {
        name: f"{name} of a by version 1" for name in STEPS
    }
    # The start is journalled: both processes were told the same one.
    assert len({note["value"]["started_at"] for note in site.notes(did="began")}) == 1
    assert outcome["value"]["started_at"] == site.notes(did="began")[0]["value"]["started_at"]


def test_runs_that_waited_are_not_lost(site: Site) -> None:
    site.kill_when(lambda: bool(site.notes(did="began")), "--hang-in", "fetch", "a", "b", "c")
    outcomes = site.finish("a", "b", "c")
    assert [outcome["end"] for outcome in outcomes] == ["done"] * 3
    for job in "abc":
        assert [note["step"] for note in site.notes(did="ended", job=job)] == list(STEPS)


def test_an_ended_run_is_not_run_again_by_the_next_process(site: Site) -> None:
    first = site.finish("a")
    second = site.finish("a")
    assert first == second
    assert len(site.notes(did="ended")) == len(STEPS)


def test_attempts_are_counted_over_a_kill(site: Site) -> None:
    def is_third() -> bool:
        return len(site.notes(did="began", step="run")) == 3

    site.kill_when(is_third, "--unavailable-in", "run", "a")
    (outcome,) = site.finish("--unavailable-in", "run", "a")
    assert (outcome["end"], outcome["error"]) == ("failed", "Unavailable")
    # Six attempts in all; the one at the kill may have been under way and is then repeated.
    assert 6 <= len(site.notes(did="began", step="run")) <= 7
    assert [note["kind"] for note in site.notes(did="failed")] == ["Unavailable"]


def test_a_second_process_on_the_same_journal_is_refused(site: Site) -> None:
    with site.start("--hang-in", "run", "a") as first:
        try:
            site.wait_until(lambda: bool(site.notes(did="began", step="run")), first)
            with site.start("b") as second:
                _, err = second.communicate(timeout=DEADLINE_SECONDS)
            assert second.returncode != 0
            assert "Conflict" in err
            assert "Temporal" in err
        finally:
            first.kill()
    assert not site.notes(did="began", job="b")
    # The lock went with its process.
    assert site.finish("a")[0]["end"] == "done"


def test_runs_of_an_older_line_start_again_under_their_own_id(site: Site) -> None:
    site.kill_when(
        lambda: bool(site.notes(did="began", step="run")), "--hang-in", "run", "works", "waits"
    )
    outcomes = site.finish("--version", "2", "works", "waits")
    assert [outcome["end"] for outcome in outcomes] == ["done", "done"]
    for outcome in outcomes:
        for name in STEPS:
            assert outcome["value"][name] == f"{name} of {outcome['job']} by version 2"


@pytest.mark.slow
def test_a_run_that_ends_the_server_each_time_is_given_up(site: Site) -> None:
    for time_killed in range(1, 11):
        site.kill_when(
            lambda: len(site.notes(did="began", step="run")) == time_killed,  # noqa: B023 - used at once
            *("--hang-in", "run", "a"),
        )
    (outcome,) = site.finish("--hang-in", "run", "a")
    assert (outcome["end"], outcome["error"]) == ("failed", "Defect")
    assert [note["kind"] for note in site.notes(did="failed")] == ["Defect"]
    assert len(site.notes(did="began", step="run")) == 10
