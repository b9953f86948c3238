"""Fixtures shared by all tests."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

# A loaded machine must not fail a property: pytest's own time limit bounds every test.
settings.register_profile("overread", deadline=None)
settings.load_profile("overread")

# Tests are imported by path, so that two folders may hold files of one name (pyproject.toml);
# what tests share (`peers.orthanc`, a file beside the tests) is found through these.
sys.path.extend(sorted({str(path.parent) for path in Path(__file__).parent.rglob("*.py")}))


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of sample DICOM, HL7 and model files named by OVERREAD_TEST_DATA."""
    value = os.environ.get("OVERREAD_TEST_DATA")
    if not value:
        pytest.fail(
            "OVERREAD_TEST_DATA is not set. Point it at the folder of sample files, e.g. "
            "`OVERREAD_TEST_DATA=../shared/data make test`; its README.md describes them."
        )
    folder = Path(value)
    if not (folder / "README.md").is_file():
        pytest.fail(f"OVERREAD_TEST_DATA={value} holds no README.md: not the sample folder.")
    return folder.resolve()


@pytest.fixture(autouse=True)
def reset_logs() -> Iterator[None]:
    """A test that configures the logs writes them to its own captured stream: not to the next
    test's, which would find it closed."""
    yield
    structlog.reset_defaults()
