"""Where a finding lies. Every region names its images; nothing is placed by index."""

from __future__ import annotations

from dataclasses import dataclass

from overread.study.study import ImageRef
from overread.vocabulary.geometry import ImagePoint


@dataclass(frozen=True, slots=True)
class Box:
    """Rectangle along the pixel edges of one image (SCOORD convention)."""

    image: ImageRef
    top_left: ImagePoint
    bottom_right: ImagePoint


@dataclass(frozen=True, slots=True)
class Contour:
    """Closed polygon on one image (SCOORD convention; the last point joins the first)."""

    image: ImageRef
    points: tuple[ImagePoint, ...]
    is_hole: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A measured distance on one image."""

    image: ImageRef
    start: ImagePoint
    end: ImagePoint


@dataclass(frozen=True, slots=True)
class MaskSlice:
    """A finding's pixels on one image.

    Attributes:
        rows, columns: size of the image.
        runs: lengths of alternating runs in row-major order over the WHOLE image, the first one
            of background (0 where the first pixel is set); they sum to rows × columns.
    """

    image: ImageRef
    rows: int
    columns: int
    runs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Mask:
    """A finding's pixels on all images that it touches, in slice order, empty ones left out."""

    slices: tuple[MaskSlice, ...]


@dataclass(frozen=True, slots=True)
class HeatmapSlice:
    """A score on one image's pixels.

    Attributes:
        values: rows × columns bytes, row-major, 255 is 1.0.
    """

    image: ImageRef
    rows: int
    columns: int
    values: bytes


@dataclass(frozen=True, slots=True)
class Heatmap:
    slices: tuple[HeatmapSlice, ...]


Region = Box | Contour | Line | Mask | Heatmap
