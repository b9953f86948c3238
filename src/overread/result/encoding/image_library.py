"""The images that a report speaks of, as an Image Library (TID 1600)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from highdicom.sr import (
    CodeContentItem,
    ContainerContentItem,
    ContentSequence,
    ImageContentItem,
    NumContentItem,
    RelationshipTypeValues,
    UIDRefContentItem,
)
from pydicom import Dataset

from overread.result.encoding.header import to_concept
from overread.vocabulary import unit
from overread.vocabulary.code import Code

_IMAGE_LIBRARY = Code("111028", "DCM", "Image Library")
_IMAGE_LIBRARY_GROUP = Code("126200", "DCM", "Image Library Group")
_MODALITY = Code("121139", "DCM", "Modality")
_FRAME_OF_REFERENCE = Code("112227", "DCM", "Frame of Reference UID")
_ROWS = Code("110910", "DCM", "Pixel Data Rows")
_COLUMNS = Code("110911", "DCM", "Pixel Data Columns")
_SOURCE = Code("260753009", "SCT", "Source")

# CID 29, the modalities whose images are likely to be read; others go by their own code.
_MODALITY_MEANINGS = {
    "CR": "Computed Radiography",
    "CT": "Computed Tomography",
    "DX": "Digital Radiography",
    "MG": "Mammography",
    "MR": "Magnetic Resonance",
    "NM": "Nuclear Medicine",
    "PT": "Positron emission tomography",
    "US": "Ultrasound",
    "XA": "X-Ray Angiography",
    "XC": "External-camera Photography",
    "OT": "Other Modality",
}


def build_image_library(sources: Sequence[Dataset]) -> Any:
    """All source instances in one group; what they share stands once (TID 1602)."""
    first = sources[0]
    context = RelationshipTypeValues.HAS_ACQ_CONTEXT
    modality = str(first.get("Modality") or "OT")
    group = ContainerContentItem(
        name=to_concept(_IMAGE_LIBRARY_GROUP), relationship_type=RelationshipTypeValues.CONTAINS
    )
    content = ContentSequence()
    content.append(
        CodeContentItem(
            name=to_concept(_MODALITY),
            value=to_concept(Code(modality, "DCM", _MODALITY_MEANINGS.get(modality, modality))),
            relationship_type=context,
        )
    )
    if first.get("FrameOfReferenceUID"):
        content.append(
            UIDRefContentItem(
                name=to_concept(_FRAME_OF_REFERENCE),
                value=first.FrameOfReferenceUID,
                relationship_type=context,
            )
        )
    for name, value in ((_ROWS, first.Rows), (_COLUMNS, first.Columns)):
        content.append(
            NumContentItem(
                name=to_concept(name),
                value=int(value),
                unit=to_concept(unit.PIXEL),
                relationship_type=context,
            )
        )
    content.extend(_refer(source) for source in sources)
    group.ContentSequence = content
    library = ContainerContentItem(
        name=to_concept(_IMAGE_LIBRARY), relationship_type=RelationshipTypeValues.CONTAINS
    )
    library.ContentSequence = ContentSequence([group])
    return library


def _refer(source: Dataset) -> Any:
    return ImageContentItem(
        name=to_concept(_SOURCE),
        referenced_sop_class_uid=source.SOPClassUID,
        referenced_sop_instance_uid=source.SOPInstanceUID,
        relationship_type=RelationshipTypeValues.CONTAINS,
    )
