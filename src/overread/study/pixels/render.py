"""Grey values to the screen: modality LUT, VOI, MONOCHROME1, JPEG of a given width."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom import Dataset
from pydicom.multival import MultiValue

from overread.study.attributes import read_items
from overread.study.pixels.color import is_colour, to_rgb
from overread.study.pixels.decode import DecodedFrame
from overread.study.pixels.functional_groups import find_group
from overread.study.pixels.lookup import read_table
from overread.vocabulary.errors import Rejected

MAX_RENDERED_WIDTH = 4096


@dataclass(frozen=True, slots=True)
class Window:
    """Which modality values fill the grey scale (PS3.3 C.11.2.1.2).

    Attributes:
        function: "LINEAR", "LINEAR_EXACT" or "SIGMOID".
    """

    center: float
    width: float
    name: str = ""
    function: str = "LINEAR"


@dataclass(frozen=True, slots=True)
class Rescale:
    """Modality value = stored value × slope + intercept (PS3.3 C.11.1)."""

    slope: float = 1.0
    intercept: float = 0.0
    unit: str = ""


def read_rescale(header: Dataset, frame: int = 1) -> Rescale:
    """The linear part of the modality transformation of a frame (1-based).

    An absent, zero or infinite slope counts as 1; unit "HU" is assumed for CT, as the standard
    does (C.11.1.1.2).
    """
    group = find_group(header, frame, "PixelValueTransformationSequence") or header
    slope = _read_number(group, "RescaleSlope") or 1.0
    intercept = _read_number(group, "RescaleIntercept") or 0.0
    unit = str(group.get("RescaleType") or "")
    if not unit and str(header.get("Modality")) == "CT":
        unit = "HU"
    return Rescale(slope, intercept, "" if unit == "US" else unit)


def read_windows(header: Dataset, frame: int = 1) -> tuple[Window, ...]:
    """The windows that the object offers for a frame (1-based); those that can't be used are
    left out."""
    group = find_group(header, frame, "FrameVOILUTSequence") or header
    centers, widths = _read_numbers(group, "WindowCenter"), _read_numbers(group, "WindowWidth")
    names = _read_texts(group, "WindowCenterWidthExplanation")
    function = str(group.get("VOILUTFunction") or "LINEAR")
    windows = []
    for index, (center, width) in enumerate(zip(centers, widths, strict=False)):
        if math.isfinite(center) and math.isfinite(width) and width > 0:
            name = names[index] if index < len(names) else ""
            windows.append(Window(center, width, name, function))
    return tuple(windows)


def choose_window(values: NDArray[np.generic], padding: float | None = None) -> Window:
    """A window for modality values without one: their 1st to 99th percentile.

    Args:
        padding: a modality value that stands for "no image here" and is not counted.
    """
    # Every 16th value or so is enough for percentiles and spares a sort of the whole image.
    sample = values.reshape(-1)[:: max(1, values.size // 65536)].astype(np.float64)
    if padding is not None and np.any(sample != padding):
        sample = sample[sample != padding]
    low, high = np.percentile(sample, [1, 99])
    if high <= low:
        low, high = float(sample.min()), float(sample.max())
    return Window(center=float(low + high) / 2, width=max(float(high - low), 1.0))


def to_modality_values(
    pixels: NDArray[np.generic], header: Dataset, frame: int = 1
) -> NDArray[np.float32]:
    """Stored values to modality values (HU for CT), same shape (PS3.3 C.11.1).

    Raises:
        Rejected: the Modality LUT can't be read.
    """
    tables = read_items(header, "ModalityLUTSequence")
    if tables:
        return read_table(tables[0], header).apply(pixels).astype(np.float32)
    rescale = read_rescale(header, frame)
    values = pixels.astype(np.float32)
    values *= np.float32(rescale.slope)
    values += np.float32(rescale.intercept)
    return values


def to_screen(
    frame: DecodedFrame, header: Dataset, number: int = 1, window: Window | None = None
) -> NDArray[np.uint8]:
    """Pixels as a screen shows them: (rows, columns) grey or (rows, columns, 3) RGB, 8 bits.

    Args:
        number: the frame's 1-based number, for its functional groups.
        window: else the object's first window or VOI LUT, else `choose_window`.

    Raises:
        Rejected: a lookup table or colour that can't be read.
    """
    if is_colour(frame.photometric):
        return to_rgb(frame, header)
    values = to_modality_values(frame.pixels, header, number)
    offered = read_windows(header, number)
    tables = read_items(header, "VOILUTSequence")
    if window is None and not offered and tables:
        grey = _apply_voi_table(values, tables[0], header)
    else:
        chosen = window or (offered[0] if offered else choose_window(values, _padding(header)))
        grey = apply_window(values, chosen)
    return np.invert(grey) if frame.photometric == "MONOCHROME1" else grey


def apply_window(values: NDArray[np.float32], window: Window) -> NDArray[np.uint8]:
    """Modality values to 0..255 by PS3.3 C.11.2.1.2.1 (LINEAR), .3.1 (SIGMOID), .3.2 (EXACT)."""
    if window.function == "SIGMOID":
        with np.errstate(over="ignore"):
            grey = 255.0 / (1.0 + np.exp(-4.0 * (values - window.center) / window.width))
    elif window.function == "LINEAR_EXACT" or window.width <= 1:
        grey = ((values - window.center) / window.width + 0.5) * 255.0
    else:
        grey = ((values - (window.center - 0.5)) / (window.width - 1) + 0.5) * 255.0
    return np.asarray(np.rint(np.clip(grey, 0.0, 255.0)), dtype=np.uint8)


def render_jpeg(
    frame: DecodedFrame,
    header: Dataset,
    *,
    number: int = 1,
    width: int | None = None,
    window: Window | None = None,
    quality: int = 90,
) -> bytes:
    """A JPEG for people, at most `width` pixels wide and never enlarged.

    Raises:
        Rejected: as `to_screen`, or a width outside 1 to `MAX_RENDERED_WIDTH`.
    """
    if width is not None and not 1 <= width <= MAX_RENDERED_WIDTH:
        raise Rejected(f"width is {width}; it must be 1 to {MAX_RENDERED_WIDTH}.")
    image = Image.fromarray(to_screen(frame, header, number, window))
    target = min(width or image.width, image.width, MAX_RENDERED_WIDTH)
    height = max(1, round(image.height * target / image.width * _row_stretch(header, number)))
    if (target, height) != image.size:
        image = image.resize(
            (target, min(height, 65500)), Image.Resampling.BILINEAR, reducing_gap=2.0
        )
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()


def _row_stretch(header: Dataset, frame: int) -> float:
    """Height of a pixel over its width, so that round things stay round."""
    measures = find_group(header, frame, "PixelMeasuresSequence") or header
    pair = _read_numbers(measures, "PixelSpacing") or _read_numbers(header, "PixelAspectRatio")
    if len(pair) != 2 or not all(math.isfinite(value) and value > 0 for value in pair):
        return 1.0
    return min(max(pair[0] / pair[1], 0.05), 20.0)


def _apply_voi_table(
    values: NDArray[np.float32], item: Dataset, header: Dataset
) -> NDArray[np.uint8]:
    table = read_table(item, header)
    mapped = table.apply(np.rint(values))
    scaled = mapped.astype(np.float64) * 255.0 / ((1 << table.bits) - 1)
    return np.rint(np.clip(scaled, 0, 255)).astype(np.uint8)


def _padding(header: Dataset) -> float | None:
    value = header.get("PixelPaddingValue")
    if not isinstance(value, int):
        return None
    rescale = read_rescale(header)
    return value * rescale.slope + rescale.intercept


def _read_number(header: Dataset, keyword: str) -> float | None:
    numbers = _read_numbers(header, keyword)
    return numbers[0] if numbers and math.isfinite(numbers[0]) else None


def _read_numbers(header: Dataset, keyword: str) -> list[float]:
    value = header.get(keyword)
    items = value if isinstance(value, MultiValue | list | tuple) else [value]
    try:
        return [float(item) for item in items if item is not None and item != ""]
    except (TypeError, ValueError):
        return []


def _read_texts(header: Dataset, keyword: str) -> list[str]:
    value = header.get(keyword)
    if value is None:
        return []
    return [str(item) for item in value] if isinstance(value, MultiValue | list) else [str(value)]
