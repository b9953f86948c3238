"""Whether two files of one SOP Instance UID say the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom import Dataset, dcmread, uid
from pydicom.encaps import generate_frames
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset

from overread.adapters.archive.framing import cut_native_frame
from overread.study.attributes import MALFORMED
from overread.study.pixels.decode import DecodedFrame, decode_frame
from overread.study.pixels.layout import PixelLayout, read_layout
from overread.vocabulary.errors import OverreadError

_OF_THE_ENCODING = (
    "PixelData",
    "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths",
    "PlanarConfiguration",
    "PhotometricInterpretation",
    "LossyImageCompression",
)
"""What a reversible change of transfer syntax may change."""


def holds_equal_content(one: Path, other: Path) -> bool:
    """Whether the data sets are equal; the file meta information and, for another reversible
    transfer syntax, the encoding of elements and pixels don't count."""
    try:
        first, second = dcmread(one), dcmread(other)
        if first.file_meta.TransferSyntaxUID == second.file_meta.TransferSyntaxUID:
            return bool(first == second)
        if ("PixelData" in first) != ("PixelData" in second):
            return False
        if "PixelData" in first and not _shows_equal_frames(first, second):
            return False
        return _to_plain_bytes(first) == _to_plain_bytes(second)
    except (*MALFORMED, OverreadError):
        return False


def _shows_equal_frames(first: Dataset, second: Dataset) -> bool:
    frames, others = _decode_all(first), _decode_all(second)
    return len(frames) == len(others) and all(
        a.photometric == b.photometric and np.array_equal(a.pixels, b.pixels)
        for a, b in zip(frames, others, strict=True)
    )


def _to_plain_bytes(dataset: Dataset) -> bytes:
    """All elements in one encoding, which hides that one syntax names VRs and another doesn't."""
    for keyword in _OF_THE_ENCODING:
        if keyword in dataset:
            del dataset[keyword]
    out = DicomBytesIO()
    out.is_little_endian, out.is_implicit_VR = True, True
    write_dataset(out, dataset)
    return bytes(out.getvalue())


def _decode_all(dataset: Dataset) -> list[DecodedFrame]:
    layout: PixelLayout = read_layout(dataset)
    syntax = uid.UID(dataset.file_meta.TransferSyntaxUID)
    count = layout.number_of_frames
    if syntax.is_encapsulated:
        encoded = list(generate_frames(dataset.PixelData, number_of_frames=count))
    else:
        encoded = [
            cut_native_frame(dataset.PixelData, layout.native_frame_bits, number)
            for number in range(1, count + 1)
        ]
    return [decode_frame(data, syntax, layout) for data in encoded]
