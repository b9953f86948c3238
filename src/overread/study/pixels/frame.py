"""A stored frame made ready for the viewer: what `…/frames/…` of the HTTP interface sends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from overread.study.pixels.color import is_colour, to_rgb
from overread.study.pixels.decode import DecodedFrame, decode_frame
from overread.study.pixels.encode import encode_htj2k
from overread.study.pixels.layout import read_layout
from overread.study.ports import EncodedFrame
from overread.vocabulary.errors import Rejected

HTJ2K_MEDIA_TYPE = "image/jphc"
RAW_MEDIA_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class DisplayFrame:
    """One frame on the wire.

    Attributes:
        data: an HTJ2K codestream, or raw little-endian samples, interleaved.
        bits: 8 or 16, of each sample.
    """

    data: bytes
    media_type: str
    rows: int
    columns: int
    samples: int
    bits: int
    is_signed: bool


def read_pixels(encoded: EncodedFrame, header: Dataset) -> DecodedFrame:
    """Decode a frame as the archive gave it.

    Args:
        header: of its instance; pixel data need not be there.

    Raises:
        Rejected: it can't be decoded.
        LimitExceeded: it is larger than may be decoded.
    """
    return decode_frame(encoded.data, encoded.transfer_syntax_uid, read_layout(header))


def prepare_frame(encoded: EncodedFrame, header: Dataset, as_htj2k: bool = True) -> DisplayFrame:
    """Bytes for the viewer: stored values of monochrome images, 8-bit RGB of colour ones.

    Whatever the archive holds, the result is losslessly what it decodes to.

    Args:
        as_htj2k: send a codestream; else raw samples.

    Raises:
        Rejected: it can't be decoded, or its values need more than 16 bits.
        LimitExceeded: it is larger than may be decoded.
    """
    decoded = read_pixels(encoded, header)
    pixels = to_display_pixels(decoded, header)
    return DisplayFrame(
        data=encode_htj2k(pixels) if as_htj2k else pixels.tobytes(),
        media_type=HTJ2K_MEDIA_TYPE if as_htj2k else RAW_MEDIA_TYPE,
        rows=pixels.shape[0],
        columns=pixels.shape[1],
        samples=1 if pixels.ndim == 2 else pixels.shape[2],
        bits=pixels.dtype.itemsize * 8,
        is_signed=pixels.dtype.kind == "i",
    )


def to_display_pixels(frame: DecodedFrame, header: Dataset) -> NDArray[np.generic]:
    """Stored values in 8 or 16 bits, or RGB in 8; C order, little endian.

    Raises:
        Rejected: colour that can't be converted, or values beyond 16 bits.
    """
    if is_colour(frame.photometric):
        return np.ascontiguousarray(to_rgb(frame, header))
    pixels = frame.pixels
    if pixels.dtype.itemsize > 2:
        narrow = np.dtype("<i2" if pixels.dtype.kind == "i" else "<u2")
        limits = np.iinfo(narrow)
        if int(pixels.min()) < limits.min or int(pixels.max()) > limits.max:
            raise Rejected(
                "The image's values need more than 16 bits; the viewer shows 16 at most."
            )
        pixels = pixels.astype(narrow)
    return np.ascontiguousarray(pixels)
