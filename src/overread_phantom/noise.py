"""CT noise: not white, but smoothed by the reconstruction kernel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_KERNEL_PIXELS = 0.85
"""Gaussian sigma of a standard head kernel, in pixels of 0.45 mm."""


def make_noise(
    rng: np.random.Generator, shape: tuple[int, ...], sigma_hu: float, pixels_ratio: float = 1.0
) -> NDArray[np.float32]:
    """Noise of standard deviation `sigma_hu`, correlated in the plane and not between slices.

    Args:
        shape: (slices, rows, columns).
        pixels_ratio: pixels per 0.45 mm; below 1 for coarser images.
    """
    noise = rng.standard_normal(shape, dtype=np.float32)
    width = _KERNEL_PIXELS * pixels_ratio
    noise = ndimage.gaussian_filter(noise, (0, width, width))
    spread = float(noise.std())
    return noise * np.float32(sigma_hu / spread) if spread > 0 else noise


def measure_noise(hu: NDArray[np.float32], inside: NDArray[np.bool_]) -> float:
    """Robust standard deviation in HU of the fine texture where `inside` is set."""
    detail = hu - ndimage.gaussian_filter(hu, (0, 1.6, 1.6))
    values = detail[inside]
    if values.size == 0:
        return 0.0
    # 1.4826 turns a median deviation into a standard deviation, 0.75 is what the filter leaves.
    return float(np.median(np.abs(values - np.median(values))) * 1.4826 / 0.75)
