"""The structure of a DICOM Part 10 file, walked with bounds before anything else reads it.

pydicom trusts lengths and recurses into sequences; this walk does neither, so that a hostile or
damaged file is refused at the cost of reading its element headers (PS3.10 7, PS3.5 7).
"""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pydicom import Dataset, dcmread, uid
from pydicom.datadict import dictionary_VR
from pydicom.errors import InvalidDicomError

from overread.study.attributes import MALFORMED
from overread.vocabulary.errors import LimitExceeded, Rejected

MAX_DEPTH = 24
MAX_ELEMENTS = 2_000_000
MAX_HEADER_BYTES = 128 * 1024 * 1024
"""Largest sum of values outside the pixel data."""
MAX_INFLATED_BYTES = 512 * 1024 * 1024

_UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_PIXEL_TAGS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
_LONG_VRS = frozenset(
    {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
)


@dataclass(frozen=True, slots=True)
class FileMap:
    """Where things stand in a Part 10 file.

    Attributes:
        dataset_offset: first byte after the file meta information.
        header_end: where the pixel data element begins, or the end of the data set.
        pixel_offset: first byte of the pixel data's value (of its first item, the offset table,
            where encapsulated); None without pixel data and in deflated files.
        pixel_length: bytes of native pixel data, None where encapsulated or absent.
        fragments: number of fragments after the offset table, 0 where native.
    """

    transfer_syntax_uid: str
    dataset_offset: int
    header_end: int
    pixel_offset: int | None
    pixel_length: int | None
    fragments: int


def map_file(path: Path) -> FileMap:
    """Walk a file's structure.

    Raises:
        Rejected: no Part 10 file, cut short, or malformed.
        LimitExceeded: nested, long or numerous beyond what is read.
    """
    with path.open("rb") as file:
        return map_stream(file, path.stat().st_size)


def map_stream(file: BinaryIO, size: int) -> FileMap:
    """As `map_file`, of an open file of `size` bytes."""
    try:
        return _map(file, size)
    except struct.error as error:
        raise Rejected(
            "The file ends in the middle of an element: it is cut short. Send it again."
        ) from error


def read_header(path: Path) -> tuple[FileMap, Dataset]:
    """A file's structure and all its attributes before the pixel data.

    Raises:
        Rejected, LimitExceeded: as `map_file`, or pydicom can't read it.
    """
    found = map_file(path)
    try:
        return found, dcmread(path, stop_before_pixels=True)
    except InvalidDicomError as error:
        raise Rejected("The file is no DICOM Part 10 file.") from error
    except MALFORMED as error:
        raise Rejected(f"The header can't be read ({type(error).__name__}).") from error


def _map(file: BinaryIO, size: int) -> FileMap:
    file.seek(0)
    start = file.read(132)
    if start[128:] != b"DICM":
        raise Rejected(
            "The file is no DICOM Part 10 file: 'DICM' is missing after the preamble (PS3.10 7.1). "
            "Export it again as DICOM."
        )
    syntax, dataset_offset = _read_meta(file, size)
    if not syntax:
        raise Rejected("Transfer Syntax UID (0002,0010) is missing from the file meta information.")
    if syntax == uid.DeflatedExplicitVRLittleEndian:
        data = _inflate(file, dataset_offset)
        walker = _Walker(io.BytesIO(data), len(data), is_explicit=True, order="<")
        walker.walk(None, 0)
        return FileMap(syntax, dataset_offset, size, None, None, 0)
    walker = _Walker(
        file,
        size,
        is_explicit=syntax != uid.ImplicitVRLittleEndian,
        order=">" if syntax == uid.ExplicitVRBigEndian else "<",
    )
    file.seek(dataset_offset)
    walker.walk(None, 0)
    return FileMap(
        syntax,
        dataset_offset,
        walker.header_end if walker.header_end is not None else size,
        walker.pixel_offset,
        walker.pixel_length,
        walker.fragments,
    )


def _read_meta(file: BinaryIO, size: int) -> tuple[str, int]:
    """Transfer Syntax UID and the offset of the data set (PS3.10 7.1, always explicit VR LE)."""
    syntax = ""
    while True:
        position = file.tell()
        if position >= size:
            return syntax, position
        group, element, vr = struct.unpack("<HH2s", file.read(6))
        if group != 2:
            return syntax, position
        if vr in _LONG_VRS:
            (length,) = struct.unpack("<2xI", file.read(6))
        else:
            (length,) = struct.unpack("<H", file.read(2))
        if length > size - file.tell():
            raise Rejected("The file meta information is cut short. Send the file again.")
        if element == 0x10:
            syntax = file.read(min(length, 128)).rstrip(b"\0 ").decode("ascii", "replace")
            length = max(0, length - 128)
        file.seek(length, io.SEEK_CUR)


def _inflate(file: BinaryIO, offset: int) -> bytes:
    file.seek(offset)
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    out = bytearray()
    try:
        while chunk := file.read(1 << 20):
            out += inflater.decompress(chunk, MAX_INFLATED_BYTES + 1 - len(out))
            if len(out) > MAX_INFLATED_BYTES or inflater.unconsumed_tail:
                raise LimitExceeded(
                    f"The deflated data set unfolds to more than {MAX_INFLATED_BYTES} bytes."
                )
    except zlib.error as error:
        raise Rejected("The deflated data set is damaged. Send the file again.") from error
    if not inflater.eof:
        raise Rejected("The deflated data set is cut short. Send the file again.")
    return bytes(out)


class _Walker:
    """Steps from element to element; values are skipped, never read."""

    def __init__(self, file: BinaryIO, size: int, *, is_explicit: bool, order: str) -> None:
        self._file = file
        self._size = size
        self._is_explicit = is_explicit
        self._tag = struct.Struct(order + "HH")
        self._long = struct.Struct(order + "I")
        self._short = struct.Struct(order + "H")
        self._elements = 0
        self._value_bytes = 0
        self.header_end: int | None = None
        self.pixel_offset: int | None = None
        self.pixel_length: int | None = None
        self.fragments = 0

    def walk(self, end: int | None, depth: int, *, is_explicit: bool | None = None) -> None:
        """Elements up to `end`, or up to an item delimiter where it is None."""
        explicit = self._is_explicit if is_explicit is None else is_explicit
        limit = self._size if end is None else end
        file = self._file
        last_tag = -1
        while file.tell() < limit:
            position = file.tell()
            if depth == 0 and limit - position < 8:
                return  # padding after the last element
            tag, vr, length = self._read_element(explicit)
            if tag == _ITEM_END and end is None and depth > 0:
                return
            if depth == 0 and tag == 0 and last_tag > 0:
                return  # zeros after the data set, as some writers leave them
            if depth == 0 and tag == _SEQUENCE_END and self.header_end is not None:
                return  # a second end of the pixel data, written by some ultrasound machines
            if tag >> 16 == 0xFFFE:
                raise Rejected("A delimiter stands where an element must be (PS3.5 7.5).")
            last_tag = tag
            self._step(position, tag, vr, length, depth=depth, limit=limit, explicit=explicit)
        if end is None and depth > 0:
            raise Rejected("A sequence is not ended: the file is cut short. Send it again.")

    def _step(
        self,
        position: int,
        tag: int,
        vr: bytes,
        length: int,
        *,
        depth: int,
        limit: int,
        explicit: bool,
    ) -> None:
        file = self._file
        if tag in _PIXEL_TAGS and depth == 0:
            self._read_pixels(position, length)
            return
        if length == _UNDEFINED:
            # UN of undefined length holds an implicit VR sequence (PS3.5 6.2.2 note 2).
            self._walk_items(None, depth + 1, explicit and vr != b"UN")
            return
        if length > limit - file.tell():
            raise Rejected(
                f"Element ({tag >> 16:04x},{tag & 0xFFFF:04x}) says it holds {length} bytes, more "
                "than are left: the file is cut short or damaged. Send it again."
            )
        if vr == b"SQ":
            self._walk_items(file.tell() + length, depth + 1, explicit)
            return
        self._value_bytes += length
        if self._value_bytes > MAX_HEADER_BYTES:
            raise LimitExceeded(f"The header holds more than {MAX_HEADER_BYTES} bytes.")
        file.seek(length, io.SEEK_CUR)

    def _read_element(self, explicit: bool) -> tuple[int, bytes, int]:
        self._elements += 1
        if self._elements > MAX_ELEMENTS:
            raise LimitExceeded(f"The file holds more than {MAX_ELEMENTS} elements.")
        head = self._file.read(8)
        group, element = self._tag.unpack(head[:4])
        tag = group << 16 | element
        if group == 0xFFFE:
            return tag, b"", self._long.unpack(head[4:])[0]
        if not explicit:
            return tag, _look_up_vr(tag), self._long.unpack(head[4:])[0]
        vr = head[4:6]
        if vr in _LONG_VRS:
            return tag, vr, self._long.unpack(self._file.read(4))[0]
        if not (vr.isalpha() and vr.isupper()):
            raise Rejected(
                f"Element ({group:04x},{element:04x}) has no value representation (PS3.5 7.1.2): "
                "the file is damaged, or its transfer syntax is not the one it names."
            )
        return tag, vr, self._short.unpack(head[6:])[0]

    def _walk_items(self, end: int | None, depth: int, explicit: bool) -> None:
        if depth > MAX_DEPTH:
            raise LimitExceeded(f"Sequences are nested more than {MAX_DEPTH} deep.")
        file = self._file
        limit = self._size if end is None else end
        while file.tell() < limit:
            tag, length = self._read_item_head()
            if tag == _SEQUENCE_END:
                return
            if tag != _ITEM:
                raise Rejected("A sequence holds something that is no item (PS3.5 7.5).")
            if length == _UNDEFINED:
                self.walk(None, depth, is_explicit=explicit)
            elif length > limit - file.tell():
                raise Rejected("A sequence item is longer than its file: it is cut short.")
            else:
                self.walk(file.tell() + length, depth, is_explicit=explicit)
        if end is None:
            raise Rejected("A sequence is not ended: the file is cut short. Send it again.")

    def _read_item_head(self) -> tuple[int, int]:
        head = self._file.read(8)
        group, element = self._tag.unpack(head[:4])
        self._elements += 1
        if self._elements > MAX_ELEMENTS:
            raise LimitExceeded(f"The file holds more than {MAX_ELEMENTS} elements.")
        return group << 16 | element, self._long.unpack(head[4:])[0]

    def _read_pixels(self, position: int, length: int) -> None:
        file = self._file
        if self.header_end is None:
            self.header_end, self.pixel_offset = position, file.tell()
        if length != _UNDEFINED:
            if length > self._size - file.tell():
                raise Rejected(
                    f"Pixel Data says it holds {length} bytes, {self._size - file.tell()} are "
                    "there: the file is cut short. Send it again."
                )
            self.pixel_length = length
            file.seek(length, io.SEEK_CUR)
            return
        items = 0
        while True:
            tag, size = self._read_item_head()
            if tag == _SEQUENCE_END:
                break
            if tag != _ITEM or size > self._size - file.tell():
                raise Rejected(
                    "Encapsulated pixel data is cut short or damaged (PS3.5 A.4). Send the file "
                    "again."
                )
            items += 1
            file.seek(size, io.SEEK_CUR)
        self.fragments = max(0, items - 1)


def _look_up_vr(tag: int) -> bytes:
    """VR of a standard element, b"" of a private or unknown one."""
    try:
        return dictionary_VR(tag).encode("ascii")
    except KeyError:
        return b""
