"""The tissue template: an average brain (MNI152) as grey and white matter, on a 1 mm grid.

Axes are (slices, rows, columns) = (inferior to superior, anterior to posterior, patient's right
to left), so that index differences are LPS millimetres. The anterior commissure, MNI's origin,
lies at index `ORIGIN`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from overread.vocabulary.errors import NotFound

ORIGIN = (72, 98, 98)
_FILE = Path(__file__).parent / "data" / "head-template.npz"
_LEVELS = 15.0
_VENTRICLE = 2
_SKULL_BASE_MM = -27.0
"""Above it the gaps between lobes are fluid, below it the petrous and sphenoid bones fill them."""


@dataclass(frozen=True, slots=True)
class Template:
    """Fields on the 1 mm grid, float32.

    Attributes:
        grey, white: share of the voxel, 0 to 1.
        ventricles: share of the lateral and third ventricles.
        cavity_mm: signed distance to the inside of the skull, negative inside.
        base_mm: signed distance to the bulk of the skull base (petrous, sphenoid, clivus).
    """

    grey: NDArray[np.float32]
    white: NDArray[np.float32]
    ventricles: NDArray[np.float32]
    cavity_mm: NDArray[np.float32]
    base_mm: NDArray[np.float32]


@lru_cache(maxsize=1)
def load_template() -> Template:
    """Read the template and derive the inside of the skull from it.

    Raises:
        NotFound: it was not built (`make setup` does).
    """
    if not _FILE.is_file():
        raise NotFound(
            "The head template is not there. `make setup` builds it "
            "(scripts/make_head_template.py)."
        )
    with np.load(_FILE) as stored:
        grey = stored["grey"].astype(np.float32) / _LEVELS
        white = stored["white"].astype(np.float32) / _LEVELS
        region = stored["region"]
    cavity, base = _derive_cavity(region > 0)
    ventricles = ndimage.gaussian_filter((region == _VENTRICLE).astype(np.float32), 0.6)
    return Template(grey, white, ventricles, cavity, base)


def coordinates(shape: tuple[int, ...]) -> tuple[NDArray[np.float32], ...]:
    """(up, back, left): open grids of LPS z, y, x in mm from the anterior commissure."""
    z, y, x = np.ogrid[: shape[0], : shape[1], : shape[2]]
    return tuple((a - o).astype(np.float32) for a, o in zip((z, y, x), ORIGIN, strict=True))


def _derive_cavity(brain: NDArray[np.bool_]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    coarse = (
        ndimage.zoom(brain.astype(np.float32), 0.5, order=1, grid_mode=True, mode="grid-constant")
        > 0.5
    )
    tight = _close(coarse, 4.0)
    wide = _close(coarse, 22.0)
    up, back, _ = coordinates(brain.shape)
    lifted = np.broadcast_to(up[::2][: coarse.shape[0]], coarse.shape)
    posterior = np.broadcast_to(back[:, ::2][:, : coarse.shape[1]], coarse.shape)
    cavity = tight | (wide & (lifted > _SKULL_BASE_MM))
    base = wide & ~cavity & (lifted > -58) & (posterior > -28)
    return _enlarge(_signed_distance(cavity) - 1.5, brain.shape), _enlarge(
        _signed_distance(base) - 1.0, brain.shape
    )


def _close(mask: NDArray[np.bool_], radius_mm: float) -> NDArray[np.bool_]:
    """Morphological closing by a ball, on the 2 mm grid."""
    margin = int(radius_mm // 2) + 2
    padded = np.pad(mask, margin)
    grown = ndimage.distance_transform_edt(~padded, sampling=2.0) <= radius_mm
    closed = ndimage.distance_transform_edt(grown, sampling=2.0) > radius_mm
    inner = (slice(margin, -margin),) * 3
    return np.asarray(closed[inner], dtype=np.bool_)


def _signed_distance(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    outside = ndimage.distance_transform_edt(~mask, sampling=2.0)
    inside = ndimage.distance_transform_edt(mask, sampling=2.0)
    return np.asarray(ndimage.gaussian_filter(outside - inside, 1.5), dtype=np.float32)


def _enlarge(coarse: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    factors = [size / small for size, small in zip(shape, coarse.shape, strict=True)]
    return np.asarray(
        ndimage.zoom(coarse, factors, order=1, grid_mode=True, mode="nearest"), dtype=np.float32
    )
