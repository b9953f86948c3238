"""Painted results, and what a checker says of the objects made from them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from painted_results import Painted, paint


@pytest.fixture(scope="session")
def painted(test_data: Path) -> Callable[[str], Painted]:
    """A painted result by the name of its source, made once."""
    made: dict[str, Painted] = {}

    def get(name: str) -> Painted:
        if name not in made:
            made[name] = paint(test_data, name)
        return made[name]

    return get


@pytest.fixture
def list_dicom_errors(tmp_path: Path) -> Callable[[bytes], list[str]]:
    """What dciodvfy calls an error in a Part 10 file."""

    def check(data: bytes) -> list[str]:
        path = tmp_path / "object.dcm"
        path.write_bytes(data)
        tool = Path(sys.executable).parent / "dciodvfy"
        done = subprocess.run(
            [str(tool), "-new", str(path)], capture_output=True, text=True, check=False, timeout=60
        )
        said = (done.stdout + done.stderr).splitlines()
        assert any("Segmentation" in line or "SR" in line or "SC" in line for line in said)
        return [line for line in said if line.startswith("Error")]

    return check
