"""The plane between the hemispheres: the network's labels do not say left or right."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from overread.vocabulary.errors import Rejected

_LEAST_WIDTH = 60
"""Only lines across the brain that are this many voxels long say where its middle is."""


def fit_midline(brain: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Coefficients (a, b, c) of the plane i = a + b·j + c·k through the middles of all lines across
    the brain; i is the index that grows to the left.

    Args:
        brain: bool, axes growing to L, I and A.

    Raises:
        Rejected: too little brain to fit.
    """
    first = np.argmax(brain, axis=0)
    last = brain.shape[0] - 1 - np.argmax(brain[::-1], axis=0)
    is_long = brain.any(axis=0) & (last - first >= _LEAST_WIDTH)
    j, k = np.nonzero(is_long)
    if j.size < 1000:
        raise Rejected("Too little of the brain is covered to find its midline.")
    middle = ((first + last) / 2)[is_long]
    terms = np.stack((np.ones(j.size), j, k), axis=1)
    kept = np.ones(j.size, dtype=bool)
    for _ in range(4):  # drop what lies far off, e.g. where the mask is lopsided
        found, *_ = np.linalg.lstsq(terms[kept], middle[kept], rcond=None)
        off = np.abs(terms @ found - middle)
        kept = off <= max(2.0, 2 * float(np.median(off)))
    return (float(found[0]), float(found[1]), float(found[2]))


def find_left(shape: tuple[int, int, int], plane: tuple[float, float, float]) -> NDArray[np.bool_]:
    """Which voxels lie on the patient's left of the plane."""
    i, j, k = np.ogrid[: shape[0], : shape[1], : shape[2]]
    return np.asarray(i > plane[0] + plane[1] * j + plane[2] * k)
