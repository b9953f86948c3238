"""The examples of docs/models.md: installed as a stranger installs them, found, tested and run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest_runner import write_series
from pydicom import dcmread

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = ROOT / "examples"
BOX_ML = 7 * 6 * 4 * 2.5 / 1000
"""Of the bright box that `write_series` makes."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the plug-in installed in `packages`, the cards in `cards`."""
    folder = tmp_path_factory.mktemp("site")
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    assert uv is not None, "uv is missing: `make setup` installs it"
    source = shutil.copytree(EXAMPLES / "bone-volume", folder / "source")
    words = [uv, "pip", "install", "--quiet", "--offline", "--no-build-isolation", "--no-deps"]
    words += ["--python", sys.executable, "--target", str(folder / "packages"), str(source)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    shutil.copytree(EXAMPLES / "cards", folder / "cards")
    writer = folder / "cards" / "write_bone_onnx.py"
    subprocess.run([sys.executable, writer, folder / "cards" / "bone.onnx"], check=True)
    return folder


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_series(tmp_path_factory.mktemp("series"))


def overread(site: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("OVERREAD_")}
    program = Path(sys.executable).with_name("overread")
    environment = own | {
        "PATH": f"{program.parent}{os.pathsep}{own['PATH']}",
        "PYTHONPATH": str(site / "packages"),
        "OVERREAD_DATA_DIR": str(site / "data"),
        "OVERREAD_CARDS_DIR": str(site / "cards"),
        "COLUMNS": "200",
    }
    return subprocess.run(
        [program, *words], env=environment, capture_output=True, text=True, check=False
    )


def test_the_python_model_takes_thirty_lines() -> None:
    text = (EXAMPLES / "bone-volume" / "bone_volume.py").read_text(encoding="utf-8")
    written = [line for line in text.splitlines() if line.strip() and not line.startswith('"""')]
    assert len(written) <= 30
    shown = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    assert text[text.index("class Bone") :] in shown


def test_all_three_are_found_beside_the_bundled_ones(site: Path) -> None:
    done = overread(site, "models", "list")
    assert done.returncode == 0, done.stdout
    for name in ("bone-volume 1.0", "bone-onnx 1.0", "bone-command 1.0", "head-ct-hyperdensity"):
        assert name in done.stdout


@pytest.mark.parametrize("card", ["bone-volume", "cards/bone-onnx.toml", "cards/bone-command.toml"])
def test_each_passes_its_makers_test(site: Path, series: Path, card: str) -> None:
    word = site / card if card.endswith(".toml") else card
    done = overread(site, "models", "test", word, "--data", series)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert all(line.startswith("ok") for line in lines)
    said = {line.split()[1].rstrip(":") for line in lines}
    assert {"card", "digest", "flag", "data", "runs", "answer", "repeats"} <= said
    assert f"bone ({7 * 6 * 4} voxels)" in done.stdout


def test_the_python_model_reads_a_study(site: Path, series: Path, tmp_path: Path) -> None:
    done = overread(site, "analyze", series, "--model", "bone-volume", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "result.json").read_text())
    (finding,) = result["findings"]
    assert finding["measurements"][0]["value"] == pytest.approx(BOX_ML)
    assert finding["site"] is None
    (seg,) = tmp_path.glob("SEG-*.dcm")
    assert int(np.count_nonzero(dcmread(seg).pixel_array)) == 7 * 6 * 4
    assert list(tmp_path.glob("SR-*.dcm"))


def test_a_misspelt_key_is_named(site: Path, series: Path) -> None:
    text = (site / "cards" / "bone-command.toml").read_text()
    broken = site / "misspelt.toml"
    broken.write_text(text.replace("intended_use", "intendeduse"))
    done = overread(site, "models", "test", broken, "--data", series)
    assert done.returncode == 1
    assert "misspelt.toml: intended_use must be a text" in done.stderr


BREAKS = {
    "raise SystemExit(3)": "ended with status 3",
    "print('hello')": "neither findings.json nor a *.dcm",
    (
        "import json, pathlib, sys\n"
        "path = pathlib.Path(sys.argv[2]) / 'findings.json'\n"
        "path.write_text(json.dumps({'findings': [{'output': 'brain'}]}))"
    ): "it claims 'brain', and its card knows bone",
    (
        "import json, pathlib, sys, uuid\n"
        "path = pathlib.Path(sys.argv[2]) / 'findings.json'\n"
        "words = {'output': 'bone', 'label': str(uuid.uuid4())}\n"
        "path.write_text(json.dumps({'findings': [words]}))"
    ): "repeats itself: two runs gave different answers",
}


@pytest.mark.parametrize("program", BREAKS, ids=list(BREAKS.values()))
def test_a_broken_program_is_told_what_fails(
    site: Path, series: Path, tmp_path: Path, program: str
) -> None:
    shutil.copy(site / "cards" / "bone-command.toml", tmp_path)
    (tmp_path / "find_bone.py").write_text(program)
    done = overread(site, "models", "test", tmp_path / "bone-command.toml", "--data", series)
    assert done.returncode == 1
    (failed,) = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
    assert BREAKS[program] in failed


def test_what_a_program_printed_is_shown_to_its_maker(
    site: Path, series: Path, tmp_path: Path
) -> None:
    shutil.copy(site / "cards" / "bone-command.toml", tmp_path)
    (tmp_path / "find_bone.py").write_text("raise ValueError('the third weight is missing')")
    done = overread(site, "models", "test", tmp_path / "bone-command.toml", "--data", series)
    assert "the third weight is missing" in done.stdout


def test_a_folder_without_a_series_is_said(site: Path, tmp_path: Path) -> None:
    done = overread(site, "models", "test", "bone-volume", "--data", tmp_path)
    assert done.returncode == 1
    assert "FAILED  data:" in done.stdout
