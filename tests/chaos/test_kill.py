"""`kill -9` at every step, then a restart: one result, the same objects, nothing left over."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from overread.adapters.engine.in_process import InProcessEngine
from overread.app.importing import collect_files, receive_paths
from overread.app.settings import read_settings
from overread.app.wiring import open_archive, open_stores, wire
from overread.vocabulary.event import EventKind
from overread_phantom.bleed import BleedKind, BleedRequest
from overread_phantom.dicom import write_bleed_into_series

STEPS = ("fetch", "run", "gate", "encode", "deliver", "announce")
POLICY = """
version = "chaos"
[models.head-ct-hyperdensity]
phase = "automatic"
note = "demonstration, no checkpoint"
audience = ["reader"]
stores_to_archive = true
"""


@dataclass(frozen=True)
class Outcome:
    """What a data folder holds at the end."""

    objects: dict[str, str]
    """SOP Instance UID of what Overread stored, to the digest of its bytes."""
    results: int
    announcements: int
    scratch: list[str]
    artefacts: list[str]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, test_data: Path) -> Path:
    """A data folder in which a head CT with a simulated bleed has arrived and nothing ran yet."""
    folder = tmp_path_factory.mktemp("filled")
    series = tmp_path_factory.mktemp("series")
    write_bleed_into_series(
        test_data / "ct-head", series, BleedRequest(BleedKind.INTRAPARENCHYMAL, 20.0), seed=3
    )
    (folder / "policy.toml").write_text(POLICY)

    async def fill() -> None:
        settings = read_settings({"OVERREAD_DATA_DIR": str(folder)})
        site = wire(
            settings,
            lambda line, on_failed: InProcessEngine(
                line,
                clock=lambda: None,
                on_failed=on_failed,  # type: ignore[arg-type,return-value]  # never started
            ),
        )
        await receive_paths(
            site.stores,
            site.archive,
            collect_files([series]),
            "test",
            site.take,
            max_instance_bytes=settings.max_instance_bytes,
        )
        site.stores.database.close()

    asyncio.run(fill())
    return folder


def run_line(folder: Path, *arguments: str) -> int:
    script = Path(__file__).with_name("crashing_line.py")
    ended = subprocess.run(
        [sys.executable, str(script), str(folder), *arguments],
        timeout=240,
        capture_output=True,
        check=False,
    )
    if ended.returncode not in (0, -signal.SIGKILL):
        pytest.fail(ended.stderr.decode()[-3000:])
    return ended.returncode


async def look(folder: Path) -> Outcome:
    settings = read_settings({"OVERREAD_DATA_DIR": str(folder)})
    stores, archive = open_stores(settings), open_archive(settings)
    rows, _ = await stores.worklist.list_rows(10)
    (row,) = rows
    study = await archive.read_study(row.study_instance_uid)
    objects = {}
    for series in study.series:
        if series.is_made_by_overread:
            for instance in series.instances:
                data = await archive.read_instance(
                    study.study_instance_uid,
                    series.series_instance_uid,
                    instance.sop_instance_uid,
                )
                objects[str(instance.sop_instance_uid)] = hashlib.sha256(data).hexdigest()
    events = await stores.events.read_after(0, 1000)
    results = await stores.results.list_for_study(row.study_instance_uid)
    stores.database.close()
    return Outcome(
        objects=objects,
        results=len(results),
        announcements=sum(event.kind is EventKind.RESULT_RELEASED for event in events),
        scratch=sorted(p.name for p in settings.scratch_dir.iterdir()),
        artefacts=sorted(p.name for p in (folder / "artefacts").rglob("*") if p.is_file()),
    )


@pytest.fixture(scope="module")
def undisturbed(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    folder = tmp_path_factory.mktemp("undisturbed") / "data"
    shutil.copytree(filled, folder)
    assert run_line(folder) == 0
    outcome = asyncio.run(look(folder))
    assert outcome.results == outcome.announcements == 1
    assert len(outcome.objects) >= 3
    assert outcome.scratch == []
    assert outcome.artefacts == []
    return outcome


def kill_and_restart(filled: Path, tmp_path: Path, step: str, moment: str) -> Outcome:
    folder = tmp_path / "data"
    shutil.copytree(filled, folder)
    assert run_line(folder, step, moment) == -signal.SIGKILL
    assert run_line(folder, step, moment) == 0
    return asyncio.run(look(folder))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("step", STEPS)
def test_killed_after_a_step_that_the_journal_does_not_know(
    filled: Path, undisturbed: Outcome, tmp_path: Path, step: str
) -> None:
    assert kill_and_restart(filled, tmp_path, step, "after") == undisturbed


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("moment", ["before", "during"])
@pytest.mark.parametrize("step", STEPS)
def test_killed_before_and_during_a_step(
    filled: Path, undisturbed: Outcome, tmp_path: Path, step: str, moment: str
) -> None:
    assert kill_and_restart(filled, tmp_path, step, moment) == undisturbed
