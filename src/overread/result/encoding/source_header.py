"""The sources' headers, made fit to be written from: complete, thin and never the caller's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import DataElement, Dataset
from pydicom.datadict import dictionary_VR
from pydicom.valuerep import DA, TM

from overread.result.result import Result
from overread.vocabulary.errors import Rejected

_PATIENT_GROUPS = (0x0010, 0x0012)
_FUNCTIONAL_GROUPS = 0x5200
_PIXELS = 0x7FE0
# Type 2 in the Patient and General Study modules (PS3.3 C.7.1.1, C.7.2.1): empty where unknown.
_TYPE_2 = (
    "PatientID",
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "AccessionNumber",
    "StudyID",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
)
_SEXES = ("", "F", "M", "O")  # PS3.3 C.7.1.1
_LEAST_GAP_MM = 0.01
_SPACINGS = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")


def prepare_sources(result: Result, sources: Sequence[Dataset]) -> list[Dataset]:
    """New headers of the result's instances, in its order; `sources` stay as they are.

    They hold every type 2 attribute of patient and study (empty where absent or unreadable), no
    private one, no spacing of zero, and the geometry of each frame in one known place.

    Raises:
        Rejected: `sources` are not the images of the result.
    """
    expected = list(dict.fromkeys(image.sop_instance_uid for image in result.source_images))
    by_uid = {str(source.SOPInstanceUID): source for source in sources}
    missing = [uid for uid in expected if uid not in by_uid]
    if missing or not expected:
        raise Rejected(
            f"The result was made from {len(expected)} instances and {len(missing)} of them are "
            f"not among the {len(sources)} sources given: encode it with the headers of its own "
            f"series."
        )
    prepared = [_prepare(by_uid[uid]) for uid in expected]
    _state_thickness(prepared)
    return prepared


def take_name(prepared: Sequence[Dataset]) -> Any:
    """Empty the patient's name in prepared headers and return it.

    The library that writes the objects prints a name that it finds unusual; a name belongs in
    the object and in no log. Set it on the object when that is made.
    """
    name = prepared[0].PatientName
    for header in prepared:
        _put(header, "PatientName", "")
    return name


def is_multi_frame(source: Dataset) -> bool:
    return int(source.get("NumberOfFrames") or 1) > 1


def _prepare(source: Dataset) -> Dataset:
    prepared = Dataset()
    for tag in sorted(source.keys()):
        if tag.is_private or tag.group in (_FUNCTIONAL_GROUPS, _PIXELS):
            continue
        element = source[tag]
        # An empty optional attribute may be required not to be (Deidentification Method is 1C).
        if tag.group in _PATIENT_GROUPS and element.is_empty:
            continue
        prepared.add(element)
    for keyword in _TYPE_2:
        if prepared.get(keyword) is None or not _is_readable(keyword, prepared):
            _put(prepared, keyword, "")
    if prepared.get("PatientIdentityRemoved") == "YES" and not (
        "DeidentificationMethod" in prepared or "DeidentificationMethodCodeSequence" in prepared
    ):
        _put(prepared, "DeidentificationMethod", "not stated by the source")  # 1C, C.7.1.1
    for keyword in _SPACINGS:
        if any(float(value) <= 0 for value in prepared.get(keyword) or ()):
            del prepared[keyword]
    if "PerFrameFunctionalGroupsSequence" in source or "SharedFunctionalGroupsSequence" in source:
        _place_frames(prepared, source)
    return prepared


def _state_thickness(prepared: Sequence[Dataset]) -> None:
    """Slice Thickness where the source has none, which it may (type 2, PS3.3 C.7.6.2).

    Readers of SEG demand it. It becomes the middle distance between neighbouring slices: what a
    frame stands for. A single image gets its distance between rows.
    """
    lacking = [
        header
        for header in prepared
        if not is_multi_frame(header)
        and len(header.get("PixelSpacing") or ()) == 2
        and not header.get("SliceThickness")
    ]
    if not lacking:
        return
    gaps = _measure_gaps_mm(prepared)
    for header in lacking:
        thickness = float(np.median(gaps)) if gaps.size else float(header.PixelSpacing[0])
        _put(header, "SliceThickness", round(thickness, 4))


def _measure_gaps_mm(headers: Sequence[Dataset]) -> NDArray[np.float64]:
    """Between neighbouring places along the normal of the first image; empty where unknown."""
    placed = [
        header
        for header in headers
        if len(header.get("ImagePositionPatient") or ()) == 3
        and len(header.get("ImageOrientationPatient") or ()) == 6
    ]
    if not placed:
        return np.empty(0)
    cosines = np.array([float(number) for number in placed[0].ImageOrientationPatient])
    normal = np.cross(cosines[:3], cosines[3:])
    along = [
        float(normal @ np.array([float(number) for number in header.ImagePositionPatient]))
        for header in placed
    ]
    gaps = np.diff(np.sort(along))
    return np.asarray(gaps[gaps > _LEAST_GAP_MM], dtype=np.float64)


def _is_readable(keyword: str, header: Dataset) -> bool:
    value = header.get(keyword)
    if keyword == "PatientSex":
        return value in _SEXES
    representation = {"DA": DA, "TM": TM}.get(dictionary_VR(keyword))
    if representation is None:
        return True
    try:
        representation(value)
    except ValueError:
        return False
    return True


def _put(header: Dataset, keyword: str, value: Any) -> None:
    """Set an attribute without touching the element, which the source shares."""
    header.add(DataElement(keyword, dictionary_VR(keyword), value))


def _place_frames(prepared: Dataset, source: Dataset) -> None:
    """Spacing and orientation shared, position for each frame, wherever the source has them.

    Enhanced objects may give each of the three per frame or once for all (PS3.3 C.7.6.16).
    """
    shared = (source.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
    frames = source.get("PerFrameFunctionalGroupsSequence") or []
    count = int(source.get("NumberOfFrames") or 1)
    if len(frames) != count:
        frames = [Dataset()] * count
    common, own = Dataset(), [Dataset() for _ in range(count)]
    for keyword in ("PixelMeasuresSequence", "PlaneOrientationSequence"):
        found = [frame.get(keyword) or shared.get(keyword) for frame in frames]
        if all(found) and all(_is_same(item[0], found[0][0]) for item in found):
            _put(common, keyword, found[0])
    for item, frame in zip(own, frames, strict=True):
        position = frame.get("PlanePositionSequence") or shared.get("PlanePositionSequence")
        if position:
            _put(item, "PlanePositionSequence", position)
    _put(prepared, "SharedFunctionalGroupsSequence", [common])
    _put(prepared, "PerFrameFunctionalGroupsSequence", own)


def _is_same(first: Dataset, second: Dataset) -> bool:
    keywords = ("PixelSpacing", "ImageOrientationPatient")
    return all(
        [float(value) for value in first.get(keyword) or ()]
        == [float(value) for value in second.get(keyword) or ()]
        for keyword in keywords
    )
