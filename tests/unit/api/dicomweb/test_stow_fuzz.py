"""Whatever is sent to the STOW door, it answers in words, and good instances are kept."""

from __future__ import annotations

import asyncio
import functools
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from open_door import BOUNDARY, STOW_HEADERS, open_door, write_body
from pydicom import dcmread

ALLOWED = {200, 202, 409, 413, 415, 422}
FUZZ = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@functools.cache
def small_instance(test_data: Path) -> bytes:
    """A whole file of 50 KB, so that many tries are quick."""
    return (test_data / "multiframe" / "siemens-xa10-enhanced-mr-1.dcm").read_bytes()


def post(body: bytes, headers: dict[str, str], chunk: int = 0) -> tuple[httpx.Response, set[str]]:
    """One request to a fresh door; returns the answer and the SOP Instance UIDs it keeps."""

    async def send() -> tuple[httpx.Response, set[str]]:
        with tempfile.TemporaryDirectory() as folder:
            async with open_door(Path(folder)) as door:

                async def pieces() -> AsyncIterator[bytes]:
                    for start in range(0, len(body), chunk):
                        yield body[start : start + chunk]

                content = pieces() if chunk else body
                answer = await door.http.post("/studies", content=content, headers=headers)
                assert list(door.scratch_dir.glob("*")) == []
                kept = set()
                for study in await door.archive.find_studies({}, 100, 0):
                    found = await door.archive.find_instances(study.StudyInstanceUID, None, {})
                    kept |= {str(item.SOPInstanceUID) for item in found}
                announced = {str(item.sop_instance_uid) for item in door.announced}
                assert announced == kept
                return answer, kept

    return asyncio.run(send())


@FUZZ
@given(body=st.binary(max_size=2000), chunk=st.integers(1, 500))
def test_random_bytes_are_refused_in_words(body: bytes, chunk: int) -> None:
    answer, kept = post(body, STOW_HEADERS, chunk)
    assert answer.status_code in ALLOWED
    assert kept == set()


@FUZZ
@given(
    parts=st.lists(st.binary(max_size=300), max_size=4),
    position=st.integers(0, 4),
    cut=st.integers(0, 80),
    chunk=st.sampled_from([7, 1000, 65536]),
)
def test_a_good_instance_among_rubbish_is_kept(
    test_data: Path, parts: list[bytes], position: int, cut: int, chunk: int
) -> None:
    good = small_instance(test_data)
    parts = [part for part in parts if BOUNDARY.encode() not in part]
    # Only what follows the good part is cut off, never the good part itself.
    after = parts[position:]
    body = write_body(*parts[:position], good, *after)
    room = len(write_body(*after)) - 2
    answer, kept = post(body[: len(body) - min(cut, room)], STOW_HEADERS, chunk)
    assert answer.status_code in (200, 202)
    assert kept == {
        str(dcmread(test_data / "multiframe" / "siemens-xa10-enhanced-mr-1.dcm").SOPInstanceUID)
    }


@settings(FUZZ, max_examples=30)
@given(
    changes=st.lists(
        st.tuples(st.integers(0, 60_000), st.integers(0, 255)), min_size=1, max_size=12
    ),
    length=st.integers(0, 60_000),
    is_cut=st.booleans(),
)
def test_a_damaged_instance_is_answered(
    test_data: Path, changes: list[tuple[int, int]], length: int, is_cut: bool
) -> None:
    damaged = bytearray(small_instance(test_data))
    for position, value in changes:
        # Most of the file is header: a damaged length or tag is what matters.
        damaged[position % len(damaged)] = value
    if is_cut:
        del damaged[length % len(damaged) :]
    good_neighbour = (test_data / "multiframe" / "enhanced-mr-10frame.dcm").read_bytes()
    answer, kept = post(write_body(bytes(damaged), good_neighbour), STOW_HEADERS)
    assert answer.status_code in (200, 202)
    assert str(dcmread(test_data / "multiframe" / "enhanced-mr-10frame.dcm").SOPInstanceUID) in kept


@FUZZ
@given(content_type=st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=120))
def test_any_content_type_is_answered(content_type: str) -> None:
    answer, kept = post(b"--x\r\n\r\nabc\r\n--x--", {"Content-Type": content_type})
    assert answer.status_code in ALLOWED
    assert kept == set()


@pytest.mark.parametrize("depth", [30, 5000])
@pytest.mark.parametrize("is_defined", [True, False])
def test_deep_nesting_is_refused(test_data: Path, depth: int, is_defined: bool) -> None:
    good = (test_data / "multiframe" / "enhanced-mr-10frame.dcm").read_bytes()
    preamble = _write_start()
    body = b""
    for _ in range(depth):
        if is_defined:
            item = b"\xfe\xff\x00\xe0" + len(body).to_bytes(4, "little") + body
            body = b"\x40\x00\x55\x05SQ\0\0" + len(item).to_bytes(4, "little") + item
        else:
            body = b"\x40\x00\x55\x05SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff" + body
    answer, kept = post(write_body(preamble + body, good), STOW_HEADERS)
    assert answer.status_code == 202
    assert len(kept) == 1


@pytest.mark.parametrize("length", [0x7FFFFFFF, 0xFFFFFFF0])
def test_huge_lengths_are_refused_without_reading_them(length: int) -> None:
    body = _write_start() + b"\x09\x00\x01\x10OB\0\0" + length.to_bytes(4, "little") + b"ab"
    answer, kept = post(write_body(body), STOW_HEADERS)
    assert answer.status_code == 409
    assert kept == set()


def _write_start() -> bytes:
    """Preamble and the file meta information of an Explicit VR Little Endian file."""
    syntax = b"1.2.840.10008.1.2.1\0"
    return bytes(128) + b"DICM" + b"\x02\0\x10\0UI" + len(syntax).to_bytes(2, "little") + syntax
