"""Words in the pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

_INK_HU = 1000
_MARGIN_SHARE = 0.02


def burn_text(hu: NDArray[np.int16], text: str) -> None:
    """Write `text` into the top left corner of every slice, in place.

    The letters are 1/32 of the image high, and lie in air in any head CT.
    """
    rows, columns = hu.shape[1:]
    size = max(8, rows // 32)
    canvas = Image.new("L", (columns, rows), 0)
    margin = int(rows * _MARGIN_SHARE)
    font = ImageFont.load_default(size=size)
    ImageDraw.Draw(canvas).text((margin, margin), text, fill=255, font=font)
    hu[:, np.asarray(canvas) > 127] = _INK_HU
