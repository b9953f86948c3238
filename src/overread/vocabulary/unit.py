"""Units of measurement as UCUM codes (PS3.16 CID 82)."""

from __future__ import annotations

from typing import Final

from overread.vocabulary.code import Code

MILLIMETRE: Final = Code("mm", "UCUM", "millimeter")
SQUARE_MILLIMETRE: Final = Code("mm2", "UCUM", "square millimeter")
MILLILITRE: Final = Code("mL", "UCUM", "milliliter")
HOUNSFIELD: Final = Code("[hnsf'U]", "UCUM", "Hounsfield unit")
RATIO: Final = Code("1", "UCUM", "no units")
PIXEL: Final = Code("{pixels}", "UCUM", "pixels")
DEGREE: Final = Code("deg", "UCUM", "degree")
