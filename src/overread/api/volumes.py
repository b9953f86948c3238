"""Volumes on a regular grid for MPR: made from the archive, kept in memory for a while, never on
disk longer than it takes to read them."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import tempfile
import time
import zlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from overread.result.contour import fill_outlines
from overread.result.mask import encode_runs, to_array
from overread.result.region import Contour, Mask
from overread.result.result import Finding
from overread.study.ports import Archive
from overread.study.resampling import RegularGrid, mask_to_grid, to_regular_grid
from overread.study.volume import Volume, read_volume
from overread.vocabulary.errors import NotFound

_GZIP_LEVEL = 1  # a slow line gains little from more, and the reader waits for it
_GZIP_WINDOW = zlib.MAX_WBITS | 16


@dataclass(frozen=True, slots=True)
class MadeVolume:
    """A grid ready to be sent.

    Attributes:
        digest: names the images it was made of.
        stack, grid: geometry alone; their voxels are a single repeated zero.
        voxels: gzip of int16 little-endian modality values, x fastest, then y, then z.
    """

    digest: str
    stack: Volume
    grid: RegularGrid
    voxels: bytes


class Volumes:
    """Bounded by the size of what is kept and by time; the one unused longest goes first."""

    def __init__(
        self, archive: Archive, scratch_dir: Path, max_bytes: int, max_seconds: float
    ) -> None:
        self._archive = archive
        self._scratch_dir = scratch_dir
        self._max_bytes = max_bytes
        self._max_seconds = max_seconds
        self._kept: OrderedDict[tuple[str, str, str], tuple[MadeVolume, float]] = OrderedDict()
        self._making = asyncio.Lock()

    async def read(self, study: str, series: str, sop_uids: Sequence[str]) -> MadeVolume:
        """The volume of a series as it is now.

        Args:
            sop_uids: of all its instances, in any order: another set makes another volume.

        Raises:
            NotFound, Unavailable: as the archive says.
            Rejected: the series is no volume.
        """
        digest = hashlib.sha256("\n".join(sorted(sop_uids)).encode()).hexdigest()[:32]
        key = (study, series, digest)
        # One at a time: several at once would need several times the memory.
        async with self._making:
            self._forget_old()
            if key in self._kept:
                made = self._kept[key][0]
            else:
                made = await self._make(study, series, digest)
            self._kept[key] = (made, time.monotonic())
            self._kept.move_to_end(key)
            self._forget_surplus()
        return made

    def clear(self) -> None:
        self._kept.clear()

    async def _make(self, study: str, series: str, digest: str) -> MadeVolume:
        self._scratch_dir.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="volume-", dir=self._scratch_dir))
        try:
            async for _ in self._archive.retrieve(study, series, folder):
                pass
            return await asyncio.to_thread(_make_volume, folder, digest)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _forget_old(self) -> None:
        now = time.monotonic()
        for key, (_, used_at) in list(self._kept.items()):
            if now - used_at > self._max_seconds:
                del self._kept[key]

    def _forget_surplus(self) -> None:
        while (
            len(self._kept) > 1
            and sum(len(made.voxels) for made, _ in self._kept.values()) > self._max_bytes
        ):
            self._kept.popitem(last=False)


def to_grid_runs(finding: Finding, made: MadeVolume) -> list[int]:
    """A finding's pixels on the grid: alternating run lengths, x fastest, background first.

    Raises:
        NotFound: the finding has neither mask nor contours.
        Rejected: they lie on other images than the volume's.
    """
    mask = _rasterise(finding, made.stack)
    on_grid = np.asarray(mask_to_grid(mask, made.stack, made.grid), dtype=np.bool_)
    return list(encode_runs(on_grid))


def _rasterise(finding: Finding, stack: Volume) -> NDArray[np.bool_]:
    _, rows, columns = stack.voxels.shape
    masks = [region for region in finding.regions if isinstance(region, Mask)]
    if masks:
        parts = tuple(part for mask in masks for part in mask.slices)
        return to_array(Mask(parts), stack.images, rows, columns)
    contours = [region for region in finding.regions if isinstance(region, Contour)]
    if not contours:
        raise NotFound("This finding has neither a mask nor contours: it has no volume.")
    pixels = np.zeros(stack.voxels.shape, dtype=np.bool_)
    for index, image in enumerate(stack.images):
        outlines = [(c.points, c.is_hole) for c in contours if c.image == image]
        if outlines:
            pixels[index] = fill_outlines(outlines, rows, columns)
    return pixels


def _make_volume(folder: Path, digest: str) -> MadeVolume:
    stack = read_volume(folder)
    grid = to_regular_grid(stack)
    voxels = _to_int16(grid.array)
    compress = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
    packed = compress.compress(voxels.tobytes()) + compress.flush()
    return MadeVolume(
        digest=digest,
        stack=replace(stack, voxels=np.broadcast_to(np.float32(0), stack.voxels.shape)),
        grid=replace(grid, array=np.broadcast_to(np.int16(0), grid.array.shape)),
        voxels=packed,
    )


def _to_int16(array: NDArray[np.int16] | NDArray[np.float32]) -> NDArray[np.int16]:
    if array.dtype == np.dtype("<i2"):
        return np.ascontiguousarray(array, dtype="<i2")
    limits = np.iinfo(np.int16)
    rounded = np.clip(np.rint(array), limits.min, limits.max)
    return np.ascontiguousarray(rounded, dtype="<i2")
