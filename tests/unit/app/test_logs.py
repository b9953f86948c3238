"""Logs hold no address of a request: a search names patients in it."""

from __future__ import annotations

import json
import logging
import subprocess
import sys

import httpx
import pytest

# A process of its own: logging is a process's, and another test may have set it up.
SCRIPT = """
import asyncio, logging, sys
import httpx
from overread.adapters.archive.dicomweb import DicomWebArchive
from overread.app.logs import configure_logs

configure_logs(sys.argv[1])
if sys.argv[2] == "verbose root":
    # What a library or a debugging hand may do afterwards.
    logging.getLogger().setLevel(logging.DEBUG)
answer = lambda request: httpx.Response(200, stream=httpx.ByteStream(b"[]"))
archive = DicomWebArchive(
    "http://pacs.example/dicom-web", transport=lambda: httpx.MockTransport(answer)
)
asyncio.run(archive.find_studies({"PatientID": "SECRET-1"}, 10, 0))
logging.getLogger("some.library").warning("a warning gets through")
import structlog
structlog.get_logger().info("own words", study="1.2.3")
"""


def run(level: str, root: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, level, root],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stderr


@pytest.mark.parametrize("root", ["", "verbose root"])
@pytest.mark.parametrize("level", ["debug", "info"])
def test_no_search_is_logged(level: str, root: str) -> None:
    said = run(level, root)
    assert "SECRET-1" not in said
    assert "pacs.example" not in said
    assert "a warning gets through" in said
    own = json.loads(next(line for line in said.splitlines() if "own words" in line))
    assert (own["level"], own["study"]) == ("info", "1.2.3")


def test_the_test_can_fail(caplog: pytest.LogCaptureFixture) -> None:
    """httpx does name addresses where nobody tells it not to."""
    logger = logging.getLogger("httpx")
    before = logger.level
    logger.setLevel(logging.INFO)
    try:
        transport = httpx.MockTransport(lambda request: httpx.Response(200))
        with caplog.at_level(logging.INFO), httpx.Client(transport=transport) as client:
            client.get("http://pacs.example/studies?PatientID=SECRET-1")
    finally:
        logger.setLevel(before)
    assert "SECRET-1" in caplog.text
