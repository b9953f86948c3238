"""Frames and small pictures for the viewer: read from the archive, decoded, never kept on disk."""

from __future__ import annotations

import asyncio
import io
import os
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from PIL import Image, ImageDraw
from pydicom import Dataset

from overread.result.contour import trace_outlines
from overread.result.mask import decode_runs
from overread.result.region import Box, Contour, Mask, Region
from overread.study.attributes import read_text
from overread.study.pixels.frame import DisplayFrame, prepare_frame, read_pixels
from overread.study.pixels.render import (
    Window,
    choose_window,
    render_jpeg,
    to_modality_values,
)
from overread.study.ports import Archive
from overread.study.study import ImageRef, Series
from overread.vocabulary.errors import NotFound

T = TypeVar("T")

THUMBNAIL_PIXELS = 128
_DRAWN_PIXELS = 384
"""Outlines are drawn at this width and made small with the picture, so that they stay smooth."""

_HEADERS_SECONDS = 60.0
_MAX_HEADERS = 20_000

_NOT_SHOWN = ("SR", "SEG", "PR", "KO", "RTSTRUCT", "RTPLAN", "RTDOSE", "REG", "FID", "RWV", "AU")
"""Modalities whose objects are drawn over images or read, and are no images themselves."""


@dataclass(frozen=True, slots=True)
class _Headers:
    by_sop: dict[str, Dataset]
    read_at: float


class Pictures:
    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._threads = ThreadPoolExecutor(os.cpu_count() or 2, thread_name_prefix="pictures")
        self._headers: OrderedDict[tuple[str, str], _Headers] = OrderedDict()

    async def read_headers(
        self, study: str, series: str, max_age_seconds: float = 0.0
    ) -> dict[str, Dataset]:
        """Headers of a series by SOP Instance UID, fresh from the archive.

        Args:
            max_age_seconds: how old what is remembered may be.

        Raises:
            NotFound: no such series.
            Unavailable: the archive does not answer.
        """
        kept = self._headers.get((study, series))
        if kept is not None and time.monotonic() - kept.read_at < max_age_seconds:
            return kept.by_sop
        headers = await self._archive.read_headers(study, series)
        if not headers:
            raise NotFound(f"Series {series} is not in the archive.")
        found = {read_text(header, "SOPInstanceUID"): header for header in headers}
        self._headers[study, series] = _Headers(found, time.monotonic())
        self._headers.move_to_end((study, series))
        while (
            len(self._headers) > 1
            and sum(len(kept.by_sop) for kept in self._headers.values()) > _MAX_HEADERS
        ):
            self._headers.popitem(last=False)
        return found

    async def prepare(
        self, study: str, series: str, image: ImageRef, as_htj2k: bool
    ) -> DisplayFrame:
        """One frame for the viewer.

        Raises:
            NotFound, Unavailable: as the archive says.
            Rejected: it can't be decoded.
        """
        header = await self._find_header(study, series, image.sop_instance_uid)
        encoded = await self._archive.read_frame(study, series, image.sop_instance_uid, image.frame)
        return await self._run(prepare_frame, encoded, header, as_htj2k)

    async def render(
        self,
        study: str,
        series: str,
        image: ImageRef,
        *,
        width: int | None,
        regions: tuple[Region, ...] = (),
        color_rgb: tuple[int, int, int] = (86, 180, 233),
    ) -> bytes:
        """A JPEG with the image's first window, and outlines of regions that lie on it.

        Raises: as `prepare`.
        """
        header = await self._find_header(study, series, image.sop_instance_uid)
        encoded = await self._archive.read_frame(study, series, image.sop_instance_uid, image.frame)

        def make() -> bytes:
            frame = read_pixels(encoded, header)
            outlines = list_outlines(regions, image)
            if not outlines:
                return render_jpeg(frame, header, number=image.frame, width=width, quality=85)
            drawn = render_jpeg(frame, header, number=image.frame, width=_DRAWN_PIXELS, quality=95)
            rows, columns = frame.pixels.shape[:2]
            scaled = _scale(outlines, rows, columns)
            return _draw(drawn, scaled, width or _DRAWN_PIXELS, color_rgb)

        return await self._run(make)

    async def choose_window(self, study: str, series: str, image: ImageRef) -> Window:
        """A window for a series whose objects offer none, from the values of one image.

        Raises: as `prepare`.
        """
        header = await self._find_header(study, series, image.sop_instance_uid)
        encoded = await self._archive.read_frame(study, series, image.sop_instance_uid, image.frame)

        def choose() -> Window:
            pixels = read_pixels(encoded, header).pixels
            return choose_window(to_modality_values(pixels, header, image.frame))

        return await self._run(choose)

    def close(self) -> None:
        self._headers.clear()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _find_header(self, study: str, series: str, sop: str) -> Dataset:
        header = (await self.read_headers(study, series, _HEADERS_SECONDS)).get(sop)
        if header is None:  # it may have come since
            header = (await self.read_headers(study, series)).get(sop)
        if header is None:
            raise NotFound(f"Instance {sop} is not in series {series}.")
        return header

    async def _run(self, work: Callable[..., T], *arguments: Any) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, work, *arguments)


def is_displayable(series: Series) -> bool:
    """Whether the series holds images that a viewer shows by themselves."""
    return series.modality not in _NOT_SHOWN and any(
        instance.rows and instance.columns for instance in series.instances
    )


def find_middle(series: Series) -> ImageRef | None:
    """The image in the middle of the stack."""
    shown = [instance for instance in series.instances if instance.rows and instance.columns]
    images = [
        ImageRef(instance.sop_instance_uid, frame)
        for instance in shown
        for frame in range(1, instance.number_of_frames + 1)
    ]
    return images[len(images) // 2] if images else None


def list_outlines(regions: tuple[Region, ...], image: ImageRef) -> list[list[tuple[float, float]]]:
    """Polygons of what lies on one image, (column, row) in the SCOORD convention."""
    outlines: list[list[tuple[float, float]]] = []
    for region in regions:
        if isinstance(region, Contour) and region.image == image:
            outlines.append([(point.column, point.row) for point in region.points])
        elif isinstance(region, Mask):
            for part in region.slices:
                if part.image == image:
                    traced = trace_outlines(decode_runs(part)[None])
                    outlines.extend([(p.column, p.row) for p in one.points] for one in traced)
    if outlines:
        return outlines
    return [
        [
            (box.top_left.column, box.top_left.row),
            (box.bottom_right.column, box.top_left.row),
            (box.bottom_right.column, box.bottom_right.row),
            (box.top_left.column, box.bottom_right.row),
        ]
        for box in regions
        if isinstance(box, Box) and box.image == image
    ]


def _scale(
    outlines: list[list[tuple[float, float]]], rows: int, columns: int
) -> list[list[tuple[float, float]]]:
    """From pixels to shares of the whole width and height."""
    return [[(column / columns, row / rows) for column, row in one] for one in outlines]


def _draw(
    jpeg: bytes,
    outlines: list[list[tuple[float, float]]],
    width: int,
    color_rgb: tuple[int, int, int],
) -> bytes:
    picture = Image.open(io.BytesIO(jpeg)).convert("RGB")
    pen = ImageDraw.Draw(picture)
    for outline in outlines:
        # Columns and rows scale apart: a pixel need not be square.
        points = [(x * picture.width, y * picture.height) for x, y in outline]
        pen.line([*points, points[0]], fill=color_rgb, width=max(2, picture.width // 96))
    width = min(width, picture.width)
    height = max(1, round(picture.height * width / picture.width))
    picture = picture.resize((width, height), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=85)
    return out.getvalue()
