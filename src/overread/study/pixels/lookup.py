"""Lookup tables over grey values: Modality LUT and VOI LUT (PS3.3 C.11.1.1, C.11.2.1.1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, uid

from overread.study.attributes import read_numbers, read_value
from overread.vocabulary.errors import Rejected

_MAX_ENTRIES = 65536


@dataclass(frozen=True, slots=True)
class LookupTable:
    """One table.

    Attributes:
        entries: what values map to, the first of them standing for `first_value` and all below,
            the last one for all values beyond the table.
        bits: of an entry; 2**bits - 1 is white where the table leads to the screen.
    """

    entries: NDArray[np.uint16]
    first_value: int
    bits: int

    def apply(self, values: NDArray[np.generic]) -> NDArray[np.uint16]:
        """Map whole numbers of any type; the shape stays."""
        # Wide enough for any value less any first value, or small types would wrap around.
        at = values.astype(np.int64) - self.first_value
        return np.asarray(self.entries[np.clip(at, 0, len(self.entries) - 1)])


def read_table(item: Dataset, header: Dataset) -> LookupTable:
    """The table of an item of Modality LUT Sequence or VOI LUT Sequence.

    Args:
        header: that holds the item; tables of a big-endian file are read as such.

    Raises:
        Rejected: its descriptor or its data break the standard.
    """
    descriptor = [int(number) for number in read_numbers(item, "LUTDescriptor")]
    if len(descriptor) != 3 or not 1 <= descriptor[2] <= 16 or descriptor[0] < 0:
        raise Rejected("LUT Descriptor must hold the entries, the first value and the bits.")
    count, first_value, bits = descriptor[0] or _MAX_ENTRIES, descriptor[1], descriptor[2]
    entries = _read_entries(item, header, count)
    if not 1 <= count <= _MAX_ENTRIES or len(entries) < count:
        raise Rejected(f"LUT Data holds {len(entries)} of the {count} entries it announces.")
    return LookupTable(entries[:count], first_value, bits)


def _read_entries(item: Dataset, header: Dataset, count: int) -> NDArray[np.uint16]:
    data = read_value(item, "LUTData")
    if isinstance(data, bytes):
        # 8-bit entries may be packed two to a word (C.11.1.1.1).
        if len(data) in (count, count + count % 2):
            return np.frombuffer(data, np.uint8).astype(np.uint16)
        order = ">" if _is_big_endian(header) else "<"
        return np.frombuffer(data[: len(data) // 2 * 2], f"{order}u2").astype(np.uint16)
    numbers = np.asarray(read_numbers(item, "LUTData"), dtype=np.int64)
    return (numbers & 0xFFFF).astype(np.uint16)


def _is_big_endian(header: Dataset) -> bool:
    meta = getattr(header, "file_meta", None)
    return meta is not None and meta.get("TransferSyntaxUID") == uid.ExplicitVRBigEndian
