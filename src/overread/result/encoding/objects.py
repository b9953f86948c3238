"""All DICOM objects of a result, ready to store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from overread.result.encoding import sc, seg, sr
from overread.result.encoding.header import instance_uid_of, series_uid_of
from overread.result.result import Result
from overread.study.study import ImageRef
from overread.vocabulary.uid import Uid

ENCODER_VERSION = "1"
"""Part of every result UID: raised when equal results are written as other bytes."""

Kind = Literal["SR", "SEG", "SC"]


@dataclass(frozen=True, slots=True)
class EncodedObject:
    """One object of a result.

    Attributes:
        data: a DICOM Part 10 file.
    """

    kind: Kind
    sop_class_uid: Uid
    sop_instance_uid: Uid
    series_instance_uid: Uid
    data: bytes


def encode_all(
    result: Result,
    sources: Sequence[Dataset],
    key_pictures: Mapping[ImageRef, NDArray[np.uint8]],
) -> tuple[EncodedObject, ...]:
    """The SEG (where a finding has a mask), the SR, and a capture for each key picture.

    The SEG comes first, so that what the SR refers to is stored before it.

    Args:
        sources: headers of the result's instances, pixels not needed.
        key_pictures: uint8 RGB (rows, columns, 3) by image, usually of `sc.choose_key_images`.

    Raises:
        Rejected: the sources or pictures are not those of the result.
    """
    objects = []
    if seg.list_segments(result):
        data = seg.to_seg(result, sources)
        objects.append(_wrap(result, "SEG", seg.SOP_CLASS_UID, data))
    objects.append(_wrap(result, "SR", sr.SOP_CLASS_UID, sr.to_sr(result, sources)))
    for image, data in sc.to_sc(result, sources, key_pictures):
        parts = (image.sop_instance_uid, str(image.frame))
        objects.append(_wrap(result, "SC", sc.SOP_CLASS_UID, data, *parts))
    return tuple(objects)


def _wrap(
    result: Result, kind: Kind, sop_class_uid: str, data: bytes, *parts: str
) -> EncodedObject:
    return EncodedObject(
        kind=kind,
        sop_class_uid=Uid(sop_class_uid),
        sop_instance_uid=instance_uid_of(result, kind, *parts),
        series_instance_uid=series_uid_of(result, kind),
        data=data,
    )
