"""One frame's bytes, in whatever transfer syntax, to an array of stored values.

imagecodecs does the work for all compressed syntaxes; its failures become `Rejected`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom import uid

from overread.study.pixels.layout import PixelLayout, to_stored_values
from overread.vocabulary.errors import LimitExceeded, Rejected

_JPEG_LOSSY = frozenset({uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit})
_JPEG_LOSSLESS = frozenset({uid.JPEGLossless, uid.JPEGLosslessSV1})
_JPEG_LS = frozenset({uid.JPEGLSLossless, uid.JPEGLSNearLossless})
_JPEG_2000 = frozenset({uid.JPEG2000Lossless, uid.JPEG2000})
_HTJ2K = frozenset({uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL, uid.HTJ2K})
_NATIVE = frozenset(
    {
        uid.ImplicitVRLittleEndian,
        uid.ExplicitVRLittleEndian,
        uid.DeflatedExplicitVRLittleEndian,
        uid.ExplicitVRBigEndian,
    }
)

COMPRESSED_SYNTAXES = frozenset(
    {*_JPEG_LOSSY, *_JPEG_LOSSLESS, *_JPEG_LS, *_JPEG_2000, *_HTJ2K, uid.RLELossless}
)
READABLE_SYNTAXES = COMPRESSED_SYNTAXES | _NATIVE

LOSSY_SYNTAXES = frozenset({*_JPEG_LOSSY, uid.JPEGLSNearLossless, uid.JPEG2000, uid.HTJ2K})
"""Syntaxes that allow loss. Whether a JPEG 2000 stream lost anything can't be told from it (a
reversible one may have been cut short), so all of these count as lossy."""

_CODEC_FAILURES = (
    RuntimeError,  # what every imagecodecs error is
    ValueError,
    TypeError,
    IndexError,
    MemoryError,
    NotImplementedError,
)


@dataclass(frozen=True, slots=True)
class DecodedFrame:
    """Stored values of one frame.

    Attributes:
        pixels: (rows, columns) or (rows, columns, samples), dtype `PixelLayout.container`.
        photometric: what the samples mean now; JPEG and JPEG 2000 colour is RGB by then.
    """

    pixels: NDArray[np.generic]
    photometric: str


def decode_frame(data: bytes, transfer_syntax_uid: str, layout: PixelLayout) -> DecodedFrame:
    """Decode one frame.

    Args:
        data: the frame alone: of uncompressed pixel data the frame's own bytes (1-bit frames must
            begin at a whole byte), else its compressed stream.

    Raises:
        Rejected: the syntax is unknown, or the bytes do not hold such a frame.
        LimitExceeded: the compressed stream claims another size than the header.
    """
    syntax = uid.UID(transfer_syntax_uid)
    if syntax in _NATIVE:
        return _decode_native(data, syntax, layout)
    if syntax not in COMPRESSED_SYNTAXES:
        raise Rejected(
            f"Transfer syntax {transfer_syntax_uid} can't be decoded; see docs/conformance.md for "
            "those that can."
        )
    if syntax not in (uid.RLELossless,):
        _check_stream_size(data, layout)
    try:
        raw, photometric = _decode_compressed(data, syntax, layout)
    except _CODEC_FAILURES as error:
        raise Rejected(f"A frame is no valid {syntax.name} stream: {error}.") from error
    if raw.shape != layout.shape:
        raise Rejected(
            f"A frame decodes to {raw.shape}, but the header says {layout.shape} (rows, columns, "
            "samples)."
        )
    return DecodedFrame(to_stored_values(raw, _fit_bits(layout)), photometric)


def _fit_bits(layout: PixelLayout) -> PixelLayout:
    """Compressed streams hold the stored bits at the bottom of the cell (PS3.5 8.2)."""
    return replace(layout, high_bit=layout.bits_stored - 1)


def _decode_compressed(
    data: bytes, syntax: uid.UID, layout: PixelLayout
) -> tuple[NDArray[np.generic], str]:
    if syntax == uid.RLELossless:
        return _decode_rle(data, layout), layout.photometric
    if syntax in _HTJ2K:
        return _decode_htj2k(data), _after_jpeg2000(layout)
    if syntax in _JPEG_2000:
        return np.asarray(imagecodecs.jpeg2k_decode(data)), _after_jpeg2000(layout)
    if syntax in _JPEG_LS:
        return np.asarray(imagecodecs.jpegls_decode(data)), layout.photometric
    if syntax in _JPEG_LOSSLESS:
        return np.ascontiguousarray(imagecodecs.jpegsof3_decode(data)), layout.photometric
    return _decode_jpeg(data, layout)


def _decode_htj2k(data: bytes) -> NDArray[np.generic]:
    # OpenJPH lets what the irreversible transform carries beyond white wrap around to black;
    # OpenJPEG clips it.
    if _is_irreversible(data):
        return np.asarray(imagecodecs.jpeg2k_decode(data))
    return np.asarray(imagecodecs.htj2k_decode(data))


def _is_irreversible(data: bytes) -> bool:
    """Whether the COD segment of a JPEG 2000 codestream names the 9-7 filter (T.800 A.6.1)."""
    start = data.find(b"\xff\x52", 0, 65536)
    return start >= 0 and data[start + 13 : start + 14] == b"\0"


def _after_jpeg2000(layout: PixelLayout) -> str:
    """The decoder undoes the stream's own component transform (PS3.5 8.2.4)."""
    return "RGB" if layout.photometric in ("YBR_RCT", "YBR_ICT") else layout.photometric


def _decode_jpeg(data: bytes, layout: PixelLayout) -> tuple[NDArray[np.generic], str]:
    if layout.samples == 1:
        return np.asarray(imagecodecs.jpeg8_decode(data)), layout.photometric
    # Without a JFIF or Adobe marker the stream does not say its colour space: the header does.
    if _names_its_colours(data):
        return np.asarray(imagecodecs.jpeg8_decode(data, outcolorspace="RGB")), "RGB"
    stored = "RGB" if layout.photometric == "RGB" else "YCBCR"
    pixels = imagecodecs.jpeg8_decode(data, colorspace=stored, outcolorspace="RGB")
    return np.asarray(pixels), "RGB"


def _names_its_colours(data: bytes) -> bool:
    """Whether an APP0/JFIF or APP14/Adobe segment stands before the first scan."""
    position = 2
    while position + 4 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xDA:
            return False
        body = data[position + 4 : position + 9]
        if (marker == 0xE0 and body == b"JFIF\0") or (marker == 0xEE and body == b"Adobe"):
            return True
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return False


def _decode_rle(data: bytes, layout: PixelLayout) -> NDArray[np.generic]:
    cells = np.dtype(f"<u{layout.container.itemsize}")
    size = layout.samples * layout.rows * layout.columns
    # A buffer of our own bounds what a hostile stream can unfold to.
    out = bytearray(size * cells.itemsize)
    imagecodecs.dicomrle_decode(data, cells, out=out)
    planes = np.frombuffer(out, cells).reshape(layout.samples, layout.rows, layout.columns)
    if layout.samples == 1:
        return np.asarray(planes[0])
    # RLE keeps each sample in segments of its own (PS3.5 G.2).
    return np.ascontiguousarray(np.moveaxis(planes, 0, -1))


def _decode_native(data: bytes, syntax: uid.UID, layout: PixelLayout) -> DecodedFrame:
    size = (layout.native_frame_bits + 7) // 8
    if len(data) < size:
        raise Rejected(f"A frame holds {len(data)} of {size} bytes: the file is cut short.")
    if layout.bits_allocated == 1:
        bits = np.unpackbits(np.frombuffer(data[:size], np.uint8), bitorder="little")
        pixels = bits[: layout.rows * layout.columns].reshape(layout.rows, layout.columns)
        return DecodedFrame(pixels, layout.photometric)
    order = ">" if syntax == uid.ExplicitVRBigEndian else "<"
    cells = np.frombuffer(data[:size], f"{order}u{layout.container.itemsize}")
    values = to_stored_values(cells.astype(cells.dtype.newbyteorder("<")), layout)
    if layout.photometric == "YBR_FULL_422":
        return DecodedFrame(_spread_422(values, layout), "YBR_FULL")
    if layout.samples > 1 and layout.planar:
        planes = values.reshape(layout.samples, layout.rows, layout.columns)
        return DecodedFrame(np.ascontiguousarray(np.moveaxis(planes, 0, -1)), layout.photometric)
    return DecodedFrame(values.reshape(layout.shape), layout.photometric)


def _spread_422(values: NDArray[np.generic], layout: PixelLayout) -> NDArray[np.generic]:
    """Two luminances share one pair of colours: Y Y Cb Cr (PS3.3 C.7.6.3.1.2)."""
    if layout.columns % 2:
        raise Rejected("YBR_FULL_422 needs an even number of columns (PS3.3 C.7.6.3.1.2).")
    pairs = values.reshape(layout.rows, layout.columns // 2, 4)
    out = np.empty((layout.rows, layout.columns, 3), dtype=values.dtype)
    out[:, 0::2, 0], out[:, 1::2, 0] = pairs[..., 0], pairs[..., 1]
    out[..., 1] = np.repeat(pairs[..., 2], 2, axis=1)
    out[..., 2] = np.repeat(pairs[..., 3], 2, axis=1)
    return out


def _check_stream_size(data: bytes, layout: PixelLayout) -> None:
    """Refuse a stream that announces another size, before a decoder allocates for it."""
    announced = _announced_size(data)
    if announced is not None and announced != (layout.rows, layout.columns):
        raise LimitExceeded(
            f"A compressed frame announces {announced[0]} × {announced[1]} pixels, but the header "
            f"says {layout.rows} × {layout.columns}."
        )


def _announced_size(data: bytes) -> tuple[int, int] | None:
    """(rows, columns) from a JPEG family frame header or a JPEG 2000 SIZ segment, else None."""
    start = data.find(b"\xff\x4f\xff\x51", 0, 4096)
    if start >= 0 and len(data) >= start + 24:
        x1, y1, x0, y0 = (
            int.from_bytes(data[start + 8 + i : start + 12 + i], "big") for i in (0, 4, 8, 12)
        )
        return (y1 - y0, x1 - x0)
    position = 2
    while position + 9 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xFF:
            position += 1
            continue
        if marker == 0xDA:
            return None
        # SOF0 to SOF15 but DHT, JPG and DAC; SOF55 is JPEG-LS.
        if (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)) or marker == 0xF7:
            rows = int.from_bytes(data[position + 5 : position + 7], "big")
            columns = int.from_bytes(data[position + 7 : position + 9], "big")
            return (rows, columns)
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return None
