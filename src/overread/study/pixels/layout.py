"""How stored pixels are laid out (Image Pixel Module, PS3.3 C.7.6.3), checked and bounded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from overread.vocabulary.errors import LimitExceeded, Rejected

MAX_FRAME_BYTES = 1 << 30
"""Largest decoded frame; a header that asks for more is refused before anything is allocated."""

MAX_FRAMES = 100_000


@dataclass(frozen=True, slots=True)
class PixelLayout:
    """What the bytes of one frame mean.

    Attributes:
        samples: per pixel, 1 or 3 (palette indices have 1).
        planar: whether each sample fills a plane of its own (Planar Configuration 1); counts for
            uncompressed data alone.
    """

    rows: int
    columns: int
    samples: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    is_signed: bool
    photometric: str
    planar: bool
    number_of_frames: int

    @property
    def native_frame_bits(self) -> int:
        """Bits of one uncompressed frame (PS3.5 8.1.1; 4:2:2 by PS3.3 C.7.6.3.1.2)."""
        samples = 2 if self.photometric == "YBR_FULL_422" else self.samples
        return self.rows * self.columns * samples * self.bits_allocated

    @property
    def container(self) -> np.dtype[np.generic]:
        """Little-endian dtype of a decoded sample."""
        size = max(1, self.bits_allocated // 8)
        return np.dtype(f"<{'i' if self.is_signed else 'u'}{size}")

    @property
    def shape(self) -> tuple[int, ...]:
        """(rows, columns) or (rows, columns, samples)."""
        if self.samples == 1:
            return (self.rows, self.columns)
        return (self.rows, self.columns, self.samples)


def read_layout(header: Dataset) -> PixelLayout:
    """Read and check the attributes that say how pixels are stored.

    Raises:
        Rejected: an attribute is absent, or no value that the standard allows.
        LimitExceeded: a frame would decode to more than `MAX_FRAME_BYTES`.
    """
    bits_allocated = _read_int(header, "BitsAllocated", None)
    bits_stored = _read_int(header, "BitsStored", bits_allocated)
    layout = PixelLayout(
        rows=_read_int(header, "Rows", None),
        columns=_read_int(header, "Columns", None),
        samples=_read_int(header, "SamplesPerPixel", 1),
        bits_allocated=bits_allocated,
        bits_stored=bits_stored,
        high_bit=_read_int(header, "HighBit", bits_stored - 1),
        is_signed=_read_int(header, "PixelRepresentation", 0) == 1,
        photometric=str(header.get("PhotometricInterpretation") or "MONOCHROME2").strip(),
        planar=_read_int(header, "PlanarConfiguration", 0) == 1,
        number_of_frames=read_number_of_frames(header),
    )
    _check(layout)
    return layout


def read_number_of_frames(header: Dataset) -> int:
    """Number of Frames (0028,0008), 1 where it is absent or empty.

    Raises:
        Rejected: not a number between 1 and `MAX_FRAMES`.
    """
    count = _read_int(header, "NumberOfFrames", 1)
    if not 1 <= count <= MAX_FRAMES:
        raise Rejected(f"Number of Frames is {count}; it must be 1 to {MAX_FRAMES} (C.7.6.6).")
    return count


def to_stored_values(raw: NDArray[np.generic], layout: PixelLayout) -> NDArray[np.generic]:
    """Cut the stored bits out of their cells and give them their sign (PS3.5 8.1.1).

    `raw` is any integer array that holds the cells; the result has the same shape and
    `layout.container` as dtype. Bits above the high bit may hold overlays and are dropped.
    """
    container = layout.container
    if raw.dtype.kind == "i" and layout.is_signed:
        # The codec knew the sign already (JPEG 2000 writes it into the stream).
        return raw.astype(container, copy=False)
    cells = raw.astype(f"<u{container.itemsize}", copy=False)
    shift = layout.high_bit + 1 - layout.bits_stored
    unused = container.itemsize * 8 - layout.bits_stored
    if shift == 0 and unused == 0:
        return cells.view(container)
    if not layout.is_signed:
        mask = np.array((1 << layout.bits_stored) - 1, dtype=cells.dtype)
        return np.asarray((cells >> shift) & mask)
    # To the top of the cell and back: the arithmetic shift copies the sign bit down.
    at_top = np.asarray(cells << (unused - shift), dtype=cells.dtype).view(container)
    return np.asarray(at_top >> np.array(unused, dtype=container))


def _check(layout: PixelLayout) -> None:
    if not (1 <= layout.rows <= 65535 and 1 <= layout.columns <= 65535):
        raise Rejected(
            f"Rows × Columns is {layout.rows} × {layout.columns}: each must be 1 to 65535."
        )
    if layout.samples not in (1, 3, 4):
        raise Rejected(f"Samples per Pixel is {layout.samples}; 1, 3 or 4 can be read.")
    if layout.bits_allocated not in (1, 8, 16, 32):
        raise Rejected(f"Bits Allocated is {layout.bits_allocated}; 1, 8, 16 and 32 can be read.")
    if not 1 <= layout.bits_stored <= layout.bits_allocated:
        raise Rejected(
            f"Bits Stored is {layout.bits_stored} of {layout.bits_allocated} allocated (PS3.5 8.1)."
        )
    if not layout.bits_stored - 1 <= layout.high_bit < layout.bits_allocated:
        raise Rejected(
            f"High Bit is {layout.high_bit}; it must be Bits Stored - 1 or above, and below Bits "
            "Allocated (PS3.5 8.1)."
        )
    size = layout.rows * layout.columns * layout.samples * layout.container.itemsize
    if size > MAX_FRAME_BYTES:
        raise LimitExceeded(
            f"One frame would take {size} bytes; at most {MAX_FRAME_BYTES} are decoded."
        )


def _read_int(header: Dataset, keyword: str, default: int | None) -> int:
    value = header.get(keyword)
    if value is None or value == "":
        if default is None:
            raise Rejected(f"{keyword} is absent: the pixels can't be read without it.")
        return default
    try:
        return int(value)
    except (TypeError, ValueError) as error:
        raise Rejected(f"{keyword} must be one whole number.") from error
