"""Stored values as HTJ2K: reversible, one tile, progression RPCL, so that a prefix of the stream is
a smaller picture."""

from __future__ import annotations

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from overread.vocabulary.errors import Defect, Rejected

_ENCODABLE = frozenset({np.dtype(code) for code in ("u1", "i1", "<u2", "<i2")})


def encode_htj2k(pixels: NDArray[np.generic]) -> bytes:
    """Encode stored values without loss.

    Args:
        pixels: (rows, columns), or (rows, columns, 3) for RGB; 8 or 16 bits, signed or not.

    Raises:
        Rejected: another shape or dtype.
    """
    is_colour = pixels.ndim == 3 and pixels.shape[2] == 3
    if not (pixels.ndim == 2 or is_colour) or pixels.dtype not in _ENCODABLE or pixels.size == 0:
        raise Rejected(
            f"HTJ2K frames need 8 or 16 bits and one or three samples; got {pixels.dtype} of shape "
            f"{pixels.shape}."
        )
    try:
        # OpenJPH writes RPCL unless told otherwise; a test reads it back from the COD segment.
        return bytes(imagecodecs.htj2k_encode(np.ascontiguousarray(pixels), reversible=True))
    except RuntimeError as error:
        raise Defect(f"OpenJPH could not encode a frame of shape {pixels.shape}.") from error


def decode_htj2k(stream: bytes) -> NDArray[np.generic]:
    """Undo `encode_htj2k`.

    Raises:
        Rejected: no HTJ2K stream.
    """
    try:
        return np.asarray(imagecodecs.htj2k_decode(stream))
    except (RuntimeError, ValueError) as error:
        raise Rejected("These bytes hold no HTJ2K stream.") from error
