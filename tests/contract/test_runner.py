"""What every way of running a model must do: answer, refuse, be bounded, leave nothing behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import runner_models
from conftest_runner import write_series

from overread.adapters.runner.model_runner import LOG_NAME, ModelRunner
from overread.model.card import ModelCard
from overread.model.ports import RunRequest
from overread.model.registry import ModelKind, RegisteredModel, Registry
from overread.study.volume import read_volume
from overread.vocabulary.errors import Defect, LimitExceeded, NotFound, Rejected


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_series(tmp_path_factory.mktemp("series"))


class Bench:
    """A runner over one model, and what it said on the way."""

    def __init__(self, folder: Path, series: Path) -> None:
        self.scratch = folder / "scratch"
        self.scratch.mkdir()
        self.series = series
        self.told: list[tuple[float, str]] = []
        self.models = folder / "models"

    def prepare(self, name: str, **changes: object) -> tuple[ModelRunner, ModelCard]:
        card = replace(runner_models.make_card(name), **changes)
        model = RegisteredModel(card, ModelKind.PLUGIN, f"runner_models:{name}")
        return ModelRunner(Registry((model,)), self.models, disk_bytes=64 * 1024**2), card

    async def run(self, name: str, **changes: object):
        runner, card = self.prepare(name, **changes)
        request = RunRequest(card, self.series, self.scratch)
        return await runner.run(request, lambda share, words: self.told.append((share, words)))


REFUSING_KERNEL = """
from overread.adapters.runner import isolation
isolation._unshare = lambda: False
"""


@pytest.fixture(params=["spaces", "no_spaces"])
def bench(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    series: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Bench:
    """Under a kernel that grants new spaces, and under one that does not."""
    if request.param == "no_spaces":
        refusing = tmp_path / "kernel"
        refusing.mkdir()
        (refusing / "sitecustomize.py").write_text(REFUSING_KERNEL)
        monkeypatch.syspath_prepend(refusing)
    return Bench(tmp_path, series)


def list_processes_below(scratch: Path) -> list[int]:
    """Processes that work in a folder below the scratch folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                where = (entry / "cwd").readlink()
            except OSError:
                continue
            if where.is_relative_to(scratch.resolve()):
                found.append(int(entry.name))
    return found


async def wait_until_gone(scratch: Path) -> list[int]:
    """What is still there after two seconds: the kernel takes a moment to reap."""
    end = time.monotonic() + 2
    while (left := list_processes_below(scratch)) and time.monotonic() < end:
        await asyncio.sleep(0.02)
    return left


async def test_a_good_run_comes_back_whole(bench: Bench) -> None:
    prediction = await bench.run("good")
    volume = read_volume(bench.series)
    (finding,) = prediction.findings
    assert finding.mask is not None
    assert np.array_equal(finding.mask, volume.voxels > 100)
    assert finding.mask.any()
    assert finding.heatmap is not None
    assert np.array_equal(finding.heatmap, np.clip(volume.voxels / 1000, 0, 1))
    assert finding.lines[0].end == (3.5, 4.0)
    assert finding.measurements[0].value == finding.mask.sum()
    assert finding.measurements[0].uncertainty == 2.0
    assert finding.laterality == runner_models.LEFT
    assert (finding.confidence, finding.site) == (0.75, None)
    assert prediction.notices == ("a notice",)
    assert (0.5, "looking") in bench.told
    assert "may print" in (bench.scratch / LOG_NAME).read_text()
    assert await wait_until_gone(bench.scratch) == []


async def test_a_model_that_refuses_says_why(bench: Bench) -> None:
    with pytest.raises(Rejected, match="vertex is not covered"):
        await bench.run("refuse")


async def test_a_crash_is_a_defect_without_its_words(bench: Bench) -> None:
    with pytest.raises(Defect, match="crashed with KeyError") as caught:
        await bench.run("crash")
    assert "Jane" not in str(caught.value)
    assert "Jane" in (bench.scratch / LOG_NAME).read_text()


async def test_an_abort_is_a_defect(bench: Bench) -> None:
    with pytest.raises(Defect, match="without an answer"):
        await bench.run("fault")


@pytest.mark.parametrize(
    ("name", "words"), [("outside", "outside its card"), ("overconfident", "confidence")]
)
async def test_an_answer_outside_the_card_is_a_defect(bench: Bench, name: str, words: str) -> None:
    with pytest.raises(Defect, match=words):
        await bench.run(name)


async def test_a_model_that_takes_too_long_is_stopped_with_its_children(bench: Bench) -> None:
    with pytest.raises(LimitExceeded, match="within 3 s"):
        await bench.run("hang", timeout_seconds=3.0)
    assert (bench.scratch / "grandchild").exists()
    assert await wait_until_gone(bench.scratch) == []


async def test_cancelling_kills_the_children(bench: Bench) -> None:
    task = asyncio.create_task(bench.run("hang"))
    while not (bench.scratch / "grandchild").exists():
        await asyncio.sleep(0.02)
    assert len(list_processes_below(bench.scratch)) >= 2
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await wait_until_gone(bench.scratch) == []


async def test_memory_is_bounded(bench: Bench) -> None:
    with pytest.raises(LimitExceeded, match="memory"):
        await bench.run("memory", memory_bytes=256 * 1024**2)


@pytest.mark.parametrize("name", ["disk", "one_file"])
async def test_disk_is_bounded(bench: Bench, name: str) -> None:
    with pytest.raises(LimitExceeded, match="scratch folder"):
        await bench.run(name)
    written = sum(p.stat().st_size for p in bench.scratch.rglob("*") if p.is_file())
    assert written < 4 * 1024**3


async def test_processor_time_is_bounded(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("overread.adapters.runner.model_runner._count_cpu_seconds", lambda _: 1)
    with pytest.raises(LimitExceeded, match="processor time"):
        await bench.run("hang", timeout_seconds=30.0)


async def test_there_is_no_network(bench: Bench) -> None:
    with pytest.raises(Defect, match="crashed with PermissionError"):
        await bench.run("network")


async def test_messages_are_bounded(bench: Bench) -> None:
    await bench.run("chatter")
    assert (1.0, "x" * 300) in bench.told


async def test_an_unknown_or_missing_model_is_refused(bench: Bench) -> None:
    runner, card = bench.prepare("good")
    other = replace(card, ref=replace(card.ref, name="other"))
    with pytest.raises(NotFound, match="good"):
        await runner.run(RunRequest(other, bench.series, bench.scratch), lambda *_: None)
    missing = replace(runner.registry.models[0], missing="Install the weights.")
    runner = replace(runner, registry=Registry((missing,)))
    with pytest.raises(Rejected, match="Install the weights"):
        await runner.run(RunRequest(card, bench.series, bench.scratch), lambda *_: None)
    assert await runner.ping() == "0 of 1 models can run, each in its own process"


async def test_secrets_of_the_server_are_not_handed_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOST", "secret")
    with pytest.raises(Defect):
        await bench.run("network")
    assert "secret" not in (bench.scratch / LOG_NAME).read_text()


def test_nothing_outlives_a_killed_server(bench: Bench) -> None:
    script = f"""
import asyncio, sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_runner import Bench
bench = Bench.__new__(Bench)
bench.scratch, bench.series = Path({str(bench.scratch)!r}), Path({str(bench.series)!r})
bench.models, bench.told = bench.scratch, []
asyncio.run(bench.run("hang"))
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    server = subprocess.Popen([sys.executable, "-c", script], env=environment)
    end = time.monotonic() + 30
    while not (bench.scratch / "grandchild").exists() and time.monotonic() < end:
        time.sleep(0.02)
    assert list_processes_below(bench.scratch)
    os.kill(server.pid, signal.SIGKILL)
    server.wait()
    assert asyncio.run(wait_until_gone(bench.scratch)) == []
