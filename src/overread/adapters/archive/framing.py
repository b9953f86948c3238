"""One frame's bytes out of a file, without reading the rest."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from pydicom import Dataset, dcmread, uid
from pydicom.encaps import get_frame

from overread.study.attributes import MALFORMED
from overread.study.pixels.layout import read_layout
from overread.study.ports import EncodedFrame
from overread.vocabulary.errors import NotFound, Rejected


@dataclass(frozen=True, slots=True)
class FrameLocation:
    """What the index knows of an instance's pixels.

    Attributes:
        pixel_offset: where their value begins in the file; None in deflated files.
        frame_bits: of one native frame, None where that is unknown or there are no pixels.
    """

    transfer_syntax_uid: str
    pixel_offset: int | None
    number_of_frames: int
    frame_bits: int | None


def read_encoded_frame(path: Path, location: FrameLocation, frame: int) -> bytes:
    """One frame (1-based) as the file holds it. A native 1-bit frame that begins within a byte is
    shifted to begin at a whole one.

    Raises:
        NotFound: no such frame, or no pixels.
        Rejected: the encapsulation is broken.
    """
    if not 1 <= frame <= location.number_of_frames:
        raise NotFound(f"Frame {frame} is not one of 1 to {location.number_of_frames}.")
    syntax = uid.UID(location.transfer_syntax_uid)
    if syntax == uid.DeflatedExplicitVRLittleEndian:
        pixels = dcmread(path).get("PixelData")
        if not isinstance(pixels, bytes) or location.frame_bits is None:
            raise NotFound("The instance holds no pixel data.")
        return cut_native_frame(pixels, location.frame_bits, frame)
    if location.pixel_offset is None or location.frame_bits is None:
        raise NotFound("The instance holds no pixel data.")
    with path.open("rb") as file:
        if syntax.is_encapsulated:
            file.seek(location.pixel_offset)
            try:
                return get_frame(file, frame - 1, number_of_frames=location.number_of_frames)
            except MALFORMED as error:
                raise Rejected(
                    f"Frame {frame} can't be found in the encapsulated pixel data (PS3.5 A.4)."
                ) from error
        first_bit = (frame - 1) * location.frame_bits
        start, last = first_bit // 8, (first_bit + location.frame_bits + 7) // 8
        file.seek(location.pixel_offset + start)
        data = file.read(last - start)
    return _align(data, first_bit % 8, location.frame_bits)


def cut_frame(instance: bytes, frame: int) -> EncodedFrame:
    """One frame (1-based) out of a whole Part 10 file in memory.

    Raises:
        NotFound: no such frame, or no pixels.
        Rejected: the file can't be read.
    """
    try:
        dataset = dcmread(BytesIO(instance))
        syntax = uid.UID(dataset.file_meta.TransferSyntaxUID)
        pixels = dataset.get("PixelData")
        if not isinstance(pixels, bytes):
            raise NotFound("The instance holds no pixel data.")
        layout = read_layout(dataset)
        if not 1 <= frame <= layout.number_of_frames:
            raise NotFound(f"Frame {frame} is not one of 1 to {layout.number_of_frames}.")
        if syntax.is_encapsulated:
            data = get_frame(pixels, frame - 1, number_of_frames=layout.number_of_frames)
        else:
            data = cut_native_frame(pixels, layout.native_frame_bits, frame)
    except MALFORMED as error:
        raise Rejected("The instance can't be read.") from error
    return EncodedFrame(data, str(syntax))


def cut_header(instance: bytes) -> Dataset:
    """Everything before the pixel data of a Part 10 file in memory.

    Raises:
        Rejected: the file can't be read.
    """
    try:
        return dcmread(BytesIO(instance), stop_before_pixels=True)
    except MALFORMED as error:
        raise Rejected("The instance can't be read.") from error


def cut_native_frame(pixels: bytes, frame_bits: int, frame: int) -> bytes:
    """One frame (1-based) of uncompressed pixel data."""
    first_bit = (frame - 1) * frame_bits
    data = pixels[first_bit // 8 : (first_bit + frame_bits + 7) // 8]
    return _align(data, first_bit % 8, frame_bits)


def _align(data: bytes, shift: int, bits: int) -> bytes:
    if shift == 0:
        return data
    # Bits run from the least significant one upwards (PS3.5 8.1.1).
    whole = (int.from_bytes(data, "little") >> shift) & ((1 << bits) - 1)
    return whole.to_bytes((bits + 7) // 8, "little")
