"""Multipart bodies: whatever the chunks, the parts that went in come out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.study.multipart import (
    MAX_PART_HEADER_BYTES,
    MAX_PREAMBLE_BYTES,
    MultipartReader,
    PartBegun,
    PartData,
    PartEnded,
    PartEvent,
    parse_content_type,
    read_boundary,
    write_end,
    write_part_head,
)
from overread.vocabulary.errors import LimitExceeded, Rejected

BOUNDARY = "b-1"
# Pieces that look like delimiters, so that chunks end in the middle of one.
PIECES = st.sampled_from([b"\r", b"\n", b"\r\n", b"-", b"--", b"\r\n--", b"\r\n--b", b"b-1", b"x"])
PARTS = st.lists(
    st.one_of(st.binary(max_size=60), st.lists(PIECES, max_size=12).map(b"".join)), max_size=5
)


def collect(events: list[PartEvent]) -> list[tuple[dict[str, str], bytes, bool]]:
    parts: list[tuple[dict[str, str], bytes, bool]] = []
    for event in events:
        if isinstance(event, PartBegun):
            parts.append((event.headers, b"", False))
        elif isinstance(event, PartData):
            headers, data, ended = parts[-1]
            assert not ended
            parts[-1] = (headers, data + event.data, False)
        else:
            assert isinstance(event, PartEnded)
            parts[-1] = (*parts[-1][:2], True)
    return parts


def feed_in_chunks(reader: MultipartReader, body: bytes, sizes: list[int]) -> list[PartEvent]:
    events: list[PartEvent] = []
    at = 0
    for size in sizes:
        events += reader.feed(body[at : at + size])
        at += size
    return events + reader.feed(body[at:])


def holds_delimiter(part: bytes) -> bool:
    return b"\r\n--b-1" in b"\r\n" + part


@given(
    parts=PARTS.filter(lambda parts: not any(map(holds_delimiter, parts))),
    sizes=st.lists(st.integers(1, 9), max_size=80),
    preamble=st.sampled_from([b"", b"\r\n", b"This is a multipart body.\r\n"]),
    epilogue=st.binary(max_size=20),
)
def test_parts_come_out_as_they_went_in(
    parts: list[bytes], sizes: list[int], preamble: bytes, epilogue: bytes
) -> None:
    head = b"--b-1\r\nContent-Type: application/dicom\r\nX-Note:  a b \r\n\r\n"
    body = preamble + b"".join(head + part + b"\r\n" for part in parts) + b"--b-1--" + epilogue
    reader = MultipartReader(BOUNDARY)
    found = collect(feed_in_chunks(reader, body, sizes))
    headers = {"content-type": "application/dicom", "x-note": "a b"}
    assert found == [(headers, part, True) for part in parts]
    assert reader.is_complete
    assert reader.flush() == []


@given(
    parts=PARTS.filter(lambda parts: not any(map(holds_delimiter, parts))),
    sizes=st.lists(st.integers(1, 9), max_size=40),
)
def test_what_is_written_is_read(parts: list[bytes], sizes: list[int]) -> None:
    body = b"".join(write_part_head(BOUNDARY, "text/plain") + part for part in parts)
    reader = MultipartReader(BOUNDARY)
    found = collect(feed_in_chunks(reader, body + write_end(BOUNDARY), sizes))
    assert [data for _, data, _ in found] == parts


@given(
    part=st.binary(min_size=1, max_size=60).filter(lambda part: not holds_delimiter(part)),
    cut=st.integers(0, 70),
    sizes=st.lists(st.integers(1, 9), max_size=20),
)
def test_a_body_that_breaks_off_gives_what_came(part: bytes, cut: int, sizes: list[int]) -> None:
    head = write_part_head(BOUNDARY, "text/plain")
    body = head + part + write_end(BOUNDARY)
    body = body[: min(len(head) + cut, len(body) - 4)]
    reader = MultipartReader(BOUNDARY)
    events = feed_in_chunks(reader, body, sizes)
    events += reader.flush()
    ((_, data, _),) = collect(events)
    assert part.startswith(data)
    came = min(len(part), len(body) - len(head))
    # What could have been the beginning of the closing boundary is not counted as content.
    assert len(data) >= came - len("\r\n--b-1")
    if cut >= len(part):
        assert data == part or part.endswith((b"\r", b"\n", b"-", b"b", b"1"))


@given(st.binary(max_size=400), st.lists(st.integers(1, 50), max_size=10))
def test_rubbish_is_no_body(data: bytes, sizes: list[int]) -> None:
    reader = MultipartReader(BOUNDARY)
    try:
        events = feed_in_chunks(reader, data, sizes)
    except Rejected:
        return
    if b"--b-1" not in data:
        assert events == []


def test_bounds_hold() -> None:
    with pytest.raises(Rejected, match="begin with its boundary"):
        MultipartReader(BOUNDARY).feed(b"x" * (MAX_PREAMBLE_BYTES + 1))
    reader = MultipartReader(BOUNDARY)
    reader.feed(b"--b-1\r\n")
    with pytest.raises(LimitExceeded, match="headers"):
        reader.feed(b"a: b\r\n" * MAX_PART_HEADER_BYTES)
    for boundary in ("", "x" * 257, "ü"):
        with pytest.raises(Rejected):
            MultipartReader(boundary)


def test_long_parts_are_never_held() -> None:
    reader = MultipartReader(BOUNDARY)
    reader.feed(write_part_head(BOUNDARY, "text/plain"))
    for _ in range(50):
        (event,) = reader.feed(b"\x00" * 1000)
        assert isinstance(event, PartData)
        assert 990 <= len(event.data) <= 1010


@pytest.mark.parametrize(
    ("text", "media_type", "parameters"),
    [
        (
            'Multipart/Related; Type="application/dicom"; boundary=abc',
            "multipart/related",
            {"type": "application/dicom", "boundary": "abc"},
        ),
        ("application/dicom", "application/dicom", {}),
        ("x" * 2000, "", {}),
    ],
)
def test_content_types_are_parsed(text: str, media_type: str, parameters: dict[str, str]) -> None:
    assert parse_content_type(text) == (media_type, parameters)


def test_a_boundary_is_demanded() -> None:
    assert read_boundary('multipart/related; boundary="a b"') == "a b"
    for text in ("multipart/related", "multipart/form-data; boundary=a", ""):
        with pytest.raises(Rejected, match="boundary"):
            read_boundary(text)
