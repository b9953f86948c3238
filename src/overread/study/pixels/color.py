"""Colour to 8-bit RGB: palettes, luminance and colour difference, 16-bit colour."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.pixels.processing import apply_color_lut, convert_color_space

from overread.study.pixels.decode import DecodedFrame
from overread.vocabulary.errors import Rejected

MONOCHROME = frozenset({"MONOCHROME1", "MONOCHROME2"})


def is_colour(photometric: str) -> bool:
    """Whether a Photometric Interpretation shows as RGB."""
    return photometric not in MONOCHROME


def to_rgb(frame: DecodedFrame, header: Dataset) -> NDArray[np.uint8]:
    """Colour pixels as (rows, columns, 3) RGB of 8 bits (PS3.3 C.7.6.3.1.2, C.7.9).

    Raises:
        Rejected: monochrome, an unsupported interpretation, or a palette that can't be read.
    """
    if frame.photometric == "PALETTE COLOR":
        return _apply_palette(frame.pixels, header)
    if frame.pixels.ndim != 3 or frame.pixels.shape[2] != 3:
        raise Rejected(
            f"Photometric Interpretation {frame.photometric} needs three samples per pixel."
        )
    pixels = _to_8_bits(frame.pixels, header)
    if frame.photometric == "RGB":
        return pixels
    if frame.photometric in ("YBR_FULL", "YBR_FULL_422"):
        converted = convert_color_space(pixels, "YBR_FULL", "RGB")
        return np.asarray(converted, dtype=np.uint8)
    raise Rejected(
        f"Photometric Interpretation {frame.photometric} can't be shown; RGB, YBR_FULL, "
        "YBR_FULL_422, YBR_RCT, YBR_ICT and PALETTE COLOR can."
    )


def _to_8_bits(pixels: NDArray[np.generic], header: Dataset) -> NDArray[np.uint8]:
    if pixels.dtype == np.uint8:
        return pixels.astype(np.uint8, copy=False)
    bits = int(header.get("BitsStored") or pixels.dtype.itemsize * 8)
    values = pixels.astype(np.int64) >> max(0, bits - 8)
    return np.asarray(np.clip(values, 0, 255), dtype=np.uint8)


def _apply_palette(pixels: NDArray[np.generic], header: Dataset) -> NDArray[np.uint8]:
    try:
        entries = np.asarray(apply_color_lut(pixels, header))
    except (
        AttributeError,
        KeyError,
        ValueError,
        IndexError,
        TypeError,
        NotImplementedError,
    ) as error:
        raise Rejected(
            f"The Palette Color Lookup Table can't be read (PS3.3 C.7.9): {type(error).__name__}."
        ) from error
    if entries.dtype == np.uint8:
        return np.asarray(entries[..., :3], dtype=np.uint8)
    # 16-bit entries are full range (C.7.6.3.1.6), but some writers put 8-bit values in them.
    shift = 8 if int(entries.max(initial=0)) > 255 or _palette_peak(header) > 255 else 0
    return (entries[..., :3] >> shift).astype(np.uint8)


def _palette_peak(header: Dataset) -> int:
    """Greatest entry of the three tables, 0 where they are segmented or absent."""
    peak = 0
    for colour in ("Red", "Green", "Blue"):
        table = header.get(f"{colour}PaletteColorLookupTableData")
        if isinstance(table, bytes) and len(table) >= 2:
            even = table[: len(table) // 2 * 2]
            peak = max(peak, int(np.frombuffer(even, "<u2").max()))
    return peak
