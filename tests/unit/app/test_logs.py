"""Logs hold no address of a request, for a search names patients in it, and no value of a file."""

from __future__ import annotations

import json
import logging
import subprocess
import sys

import httpx
import pydicom
import pytest

# A process of its own: logging is a process's, and another test may have set it up.
SCRIPT = """
import asyncio, logging, sys
import httpx
import pydicom
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
header = pydicom.Dataset()
header.add_new("PatientBirthDate", "DA", "SECRET-2")
header.add_new("PatientName", "PN", "SECRET^THREE=a=b=c=d")
header.add_new("PatientID", "LO", "SECRET-4" * 20)
for keyword in ("PatientBirthDate", "PatientName", "PatientID"):
    str(header[keyword].value)
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
    assert "SECRET" not in said
    assert "pacs.example" not in said
    assert "a warning gets through" in said
    own = json.loads(next(line for line in said.splitlines() if "own words" in line))
    assert (own["level"], own["study"]) == ("info", "1.2.3")


def test_pydicom_does_quote_values_where_nobody_tells_it_not_to(
    caplog: pytest.LogCaptureFixture,
) -> None:
    logger = logging.getLogger("pydicom")
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with caplog.at_level(logging.WARNING), pytest.warns(UserWarning, match="SECRET-2"):
            pydicom.Dataset().add_new("PatientBirthDate", "DA", "SECRET-2")
    finally:
        logger.setLevel(before)


def test_httpx_does_name_addresses_where_nobody_tells_it_not_to(
    caplog: pytest.LogCaptureFixture,
) -> None:
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
