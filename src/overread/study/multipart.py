"""multipart/related (RFC 2387, PS3.18 8.6.1.2), read piece by piece with bounds, and written."""

from __future__ import annotations

from dataclasses import dataclass
from email.message import Message
from enum import Enum, auto

from overread.vocabulary.errors import LimitExceeded, Rejected

MAX_PART_HEADER_BYTES = 8192
MAX_BOUNDARY_LENGTH = 256  # RFC 2046 says 70; some senders write more
MAX_PREAMBLE_BYTES = 65536


@dataclass(frozen=True, slots=True)
class PartBegun:
    """A part's header lines, names in lower case."""

    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class PartData:
    """Some bytes of the part that was begun last."""

    data: bytes


@dataclass(frozen=True, slots=True)
class PartEnded:
    """The part is complete."""


PartEvent = PartBegun | PartData | PartEnded


class _State(Enum):
    PREAMBLE = auto()
    AFTER_BOUNDARY = auto()
    HEADERS = auto()
    BODY = auto()
    DONE = auto()


class MultipartReader:
    """Turns chunks of any size into part events; holds no more than a chunk and a boundary."""

    def __init__(self, boundary: str) -> None:
        """Raises Rejected for a boundary that can't be one."""
        if not 1 <= len(boundary) <= MAX_BOUNDARY_LENGTH or not boundary.isascii():
            raise Rejected(
                f"The multipart boundary must have 1 to {MAX_BOUNDARY_LENGTH} ASCII characters "
                "(RFC 2046 5.1.1)."
            )
        self._delimiter = b"\r\n--" + boundary.encode("ascii")
        # The first boundary may stand at the very beginning, without a line break before it.
        self._buffer = bytearray(b"\r\n")
        self._state = _State.PREAMBLE
        self._is_at_start = False

    @property
    def is_complete(self) -> bool:
        """Whether the closing boundary has been seen."""
        return self._state is _State.DONE

    @property
    def is_in_part(self) -> bool:
        """Whether a part was begun and not ended."""
        return self._state is _State.BODY

    def feed(self, chunk: bytes) -> list[PartEvent]:
        """Take a chunk.

        Raises:
            Rejected: this is no multipart body.
            LimitExceeded: a part's header lines or the preamble are too long.
        """
        self._buffer += chunk
        events: list[PartEvent] = []
        while self._advance(events):
            pass
        return events

    def flush(self) -> list[PartEvent]:
        """What is left of a part when the body ends too early, without the beginning of a
        boundary; the part stays begun."""
        if self._state is not _State.BODY:
            return []
        data = bytes(self._buffer[2 if self._is_at_start else 0 :])
        self._buffer.clear()
        for length in range(min(len(self._delimiter), len(data)), 0, -1):
            if data.endswith(self._delimiter[:length]):
                data = data[:-length]
                break
        return [PartData(data)] if data else []

    def _advance(self, events: list[PartEvent]) -> bool:
        """One step; False where more bytes are needed."""
        if self._state is _State.PREAMBLE:
            return self._skip_preamble()
        if self._state is _State.AFTER_BOUNDARY:
            return self._read_boundary_end()
        if self._state is _State.HEADERS:
            return self._read_headers(events)
        if self._state is _State.BODY:
            return self._read_body(events)
        self._buffer.clear()
        return False

    def _skip_preamble(self) -> bool:
        at = self._buffer.find(self._delimiter)
        if at < 0:
            if len(self._buffer) > MAX_PREAMBLE_BYTES:
                raise Rejected("The multipart body does not begin with its boundary.")
            return False
        del self._buffer[: at + len(self._delimiter)]
        self._state = _State.AFTER_BOUNDARY
        return True

    def _read_boundary_end(self) -> bool:
        if self._buffer[:2] == b"--":
            self._state = _State.DONE
            return True
        line_end = self._buffer.find(b"\r\n")
        if line_end < 0:
            if len(self._buffer) > MAX_BOUNDARY_LENGTH:
                raise Rejected("A multipart boundary is not followed by a line break.")
            return False
        if bytes(self._buffer[:line_end]).strip(b" \t"):
            raise Rejected("A multipart boundary is followed by other text.")
        del self._buffer[:line_end]
        self._state = _State.HEADERS
        return True

    def _read_headers(self, events: list[PartEvent]) -> bool:
        # The line break after the boundary is kept, so that a part without headers ends here too.
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > MAX_PART_HEADER_BYTES:
                raise LimitExceeded(
                    f"A part's headers are longer than {MAX_PART_HEADER_BYTES} bytes."
                )
            return False
        lines = bytes(self._buffer[:end]).decode("latin-1").split("\r\n")
        headers = {}
        for line in lines:
            name, colon, value = line.partition(":")
            if colon:
                headers[name.strip().lower()] = value.strip()
        # Two bytes stay: an empty part's delimiter begins with the line break of its headers.
        del self._buffer[: end + 2]
        self._state = _State.BODY
        self._is_at_start = True
        events.append(PartBegun(headers))
        return True

    def _read_body(self, events: list[PartEvent]) -> bool:
        at = self._buffer.find(self._delimiter)
        ready = at if at >= 0 else len(self._buffer) - len(self._delimiter) + 1
        if ready > 0:
            skip = 2 if self._is_at_start else 0
            if ready <= skip and at < 0:
                return False
            data = bytes(self._buffer[skip:ready])
            del self._buffer[:ready]
            self._is_at_start = False
            if data:
                events.append(PartData(data))
        if at < 0:
            return False
        del self._buffer[: len(self._delimiter)]
        self._state = _State.AFTER_BOUNDARY
        events.append(PartEnded())
        return True


def parse_content_type(value: str) -> tuple[str, dict[str, str]]:
    """Media type in lower case, and its parameters with names in lower case, unquoted."""
    if len(value) > 1024:
        return "", {}
    message = Message()
    message["content-type"] = value.replace("\r", " ").replace("\n", " ")
    parameters = {name.lower(): text for name, text in (message.get_params(failobj=[]) or [])[1:]}
    return message.get_content_type(), parameters


def read_boundary(content_type: str) -> str:
    """The boundary of a multipart/related body.

    Raises:
        Rejected: another media type, or no boundary.
    """
    media_type, parameters = parse_content_type(content_type)
    boundary = parameters.get("boundary", "")
    if media_type != "multipart/related" or not boundary:
        raise Rejected(
            "The body must be multipart/related with a boundary (PS3.18 8.6.1.2); got "
            f"{media_type or 'no media type'}."
        )
    return boundary


def write_part_head(boundary: str, content_type: str) -> bytes:
    """What stands before a part's bytes; begin the first one with it too."""
    return f"\r\n--{boundary}\r\nContent-Type: {content_type}\r\n\r\n".encode("ascii")


def write_end(boundary: str) -> bytes:
    """The closing boundary."""
    return f"\r\n--{boundary}--\r\n".encode("ascii")
