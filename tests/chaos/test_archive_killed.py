"""An embedded archive whose process is killed while it stores: nothing is there by half, and the
same files sent again are all there."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pydicom import dcmread

from overread.adapters.archive.embedded import EmbeddedArchive

PROCESS = Path(__file__).parent / "archive_process.py"
BEFORE = (
    "while copying",
    "copied",
    "while naming",
    "named",
    "names made durable",
    "while indexing",
    "indexed, not committed",
)


def store_until_killed(moment: str, folder: Path, files: list[Path]) -> None:
    done = subprocess.run(
        [sys.executable, str(PROCESS), moment, str(folder), *map(str, files)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.fixture
def files(test_data: Path) -> list[Path]:
    return sorted((test_data / "ct-head").glob("*.dcm"))[:4]


def read_uids(files: list[Path]) -> set[str]:
    return {str(dcmread(path, stop_before_pixels=True).SOPInstanceUID) for path in files}


async def require_whole(archive: EmbeddedArchive, folder: Path, files: list[Path]) -> None:
    """All files are found, byte for byte, and the folder holds nothing else under a final name."""
    study = str(dcmread(files[0], stop_before_pixels=True).StudyInstanceUID)
    headers = await archive.read_headers(study)
    assert {str(header.SOPInstanceUID) for header in headers} == read_uids(files)
    sent = {hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    for header in headers:
        data = await archive.read_instance(
            study, str(header.SeriesInstanceUID), str(header.SOPInstanceUID)
        )
        assert hashlib.sha256(data).hexdigest() in sent
    named = {path.stem for path in (folder / "files").rglob("*.dcm")}
    assert named == sent


@pytest.mark.parametrize("moment", [*BEFORE, "committed"])
async def test_what_was_sent_again_is_whole(moment: str, files: list[Path], tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    store_until_killed(moment, folder, files)

    archive = EmbeddedArchive(folder)
    # A final name promises all the bytes, whether the index got to know it or not.
    for path in (folder / "files").rglob("*.dcm"):
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.stem
    found = await archive.find_studies({}, 10, 0)
    # The batch is confirmed together or not at all; the sender was told nothing yet.
    assert len(found) == (1 if moment == "committed" else 0)

    report = await archive.store(files)
    assert report.failures == ()
    is_known = moment == "committed"
    assert len(report.already_there) == (4 if is_known else 0)
    assert len(report.stored) == (0 if is_known else 4)
    await require_whole(archive, folder, files)
    archive.close()


async def test_copies_left_by_a_killed_process_are_removed_a_day_later(
    files: list[Path], tmp_path: Path
) -> None:
    folder = tmp_path / "archive"
    store_until_killed("copied", folder, files)
    left = list((folder / "incoming").iterdir())
    assert len(left) == 4
    # A living process's copies are left alone.
    EmbeddedArchive(folder).close()
    assert len(list((folder / "incoming").iterdir())) == 4
    yesterday = time.time() - 2 * 86_400
    for path in left:
        os.utime(path, (yesterday, yesterday))
    EmbeddedArchive(folder).close()
    assert list((folder / "incoming").iterdir()) == []
