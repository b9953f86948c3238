"""A brain MR goes in, volumes of named structures come out: weights installed, no server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

EXPECTED_ML = {
    "Thalamus": (17.0, 1.5),
    "Hippocampus": (7.0, 1.0),
    "Lateral ventricle": (18.0, 1.5),
}
"""Both sides together, in the masked scan; in another order of the axes the thalami vanish."""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    home = tmp_path_factory.mktemp("site")
    own = {name: value for name, value in os.environ.items() if not name.startswith("OVERREAD_")}
    return own | {"OVERREAD_MODELS_DIR": str(home / "models"), "OVERREAD_DATA_DIR": str(home)}


def overread(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("overread")
    return subprocess.run(
        [str(program), *words], env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def out(
    environment: dict[str, str], test_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("out")
    images = str(test_data / "mr-brain")
    words = ("analyze", images, "--model", "brain-mr-volumes", "--out", str(folder))
    before = overread(environment, *words)
    assert before.returncode == 1
    assert "overread models install brainchop" in before.stderr
    weights = str(test_data / "models" / "brainchop")
    done = overread(environment, "models", "install", "brainchop", "--from", weights)
    assert done.returncode == 0, done.stderr
    done = overread(environment, *words)
    assert done.returncode == 0, done.stderr
    return folder


def find_one(folder: Path, pattern: str) -> Path:
    (path,) = folder.glob(pattern)
    return path


def sum_both_sides(result: dict[str, object]) -> dict[str, float]:
    """mL by structure, the sides added."""
    sums: dict[str, float] = defaultdict(float)
    for finding in result["findings"]:
        name = finding["label"].split(",")[0]
        sums[name] += sum(
            entry["value"] for entry in finding["measurements"] if entry["unit"]["value"] == "mL"
        )
    return sums


def test_the_volumes_are_those_of_this_brain(out: Path) -> None:
    sums = sum_both_sides(json.loads((out / "result.json").read_text()))
    for name, (expected, tolerance) in EXPECTED_ML.items():
        assert sums[name] == pytest.approx(expected, abs=tolerance), name


def test_the_segments_hold_the_volumes_that_the_result_says(out: Path) -> None:
    """Counted from the SEG's frames alone: pixels times the distance between frames."""
    seg = dcmread(find_one(out, "SEG-*.dcm"))
    labels = {int(item.SegmentNumber): str(item.SegmentLabel) for item in seg.SegmentSequence}
    shared = seg.SharedFunctionalGroupsSequence[0]
    down, across = (float(mm) for mm in shared.PixelMeasuresSequence[0].PixelSpacing)
    places: dict[int, list[float]] = defaultdict(list)
    turn = [float(x) for x in shared.PlaneOrientationSequence[0].ImageOrientationPatient]
    normal = np.cross(turn[:3], turn[3:])
    areas: dict[str, float] = defaultdict(float)
    frames = seg.pixel_array
    for frame, groups in zip(frames, seg.PerFrameFunctionalGroupsSequence, strict=True):
        number = int(groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber)
        position = [float(x) for x in groups.PlanePositionSequence[0].ImagePositionPatient]
        places[number].append(float(normal @ position))
        areas[labels[number].split(",")[0]] += int(frame.sum()) * down * across
    gaps = np.concatenate([np.diff(sorted(values)) for values in places.values()])
    apart_mm = float(np.median(gaps))
    for name, (expected, tolerance) in EXPECTED_ML.items():
        assert areas[name] * apart_mm / 1000 == pytest.approx(expected, abs=tolerance), name


@pytest.mark.parametrize("pattern", ["SEG-*.dcm", "SR-*.dcm"])
def test_dciodvfy_finds_no_error(out: Path, pattern: str) -> None:
    program = Path(sys.executable).with_name("dciodvfy")
    done = subprocess.run(
        [str(program), "-new", str(find_one(out, pattern))],
        capture_output=True,
        text=True,
        check=False,
    )
    said = (done.stdout + done.stderr).splitlines()
    assert [line for line in said if line.startswith("Error")] == []
    assert said, "dciodvfy names at least the kind of object"


def test_the_report_names_every_structure_and_its_model(out: Path) -> None:
    result = json.loads((out / "result.json").read_text())
    report = dcmread(find_one(out, "SR-*.dcm"))
    text = str(report)
    for finding in result["findings"]:
        assert finding["site"]["meaning"] in text
    assert result["model"]["name"] in text
