"""May this file come in? A check of its structure, identity and pixels before anything keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydicom import Dataset

from overread.study.attributes import read_int, read_text
from overread.study.part10 import FileMap, read_header
from overread.study.pixels.decode import READABLE_SYNTAXES
from overread.study.pixels.layout import PixelLayout, read_layout
from overread.vocabulary.errors import Rejected
from overread.vocabulary.uid import Uid, parse_uid

_IDENTITY = {
    "SOPClassUID": "SOP Class UID (0008,0016)",
    "SOPInstanceUID": "SOP Instance UID (0008,0018)",
    "StudyInstanceUID": "Study Instance UID (0020,000D)",
    "SeriesInstanceUID": "Series Instance UID (0020,000E)",
}
_SEND_AGAIN = "Send it again from where it was made."


@dataclass(frozen=True, slots=True)
class Admitted:
    """A file that may be kept.

    Attributes:
        header: its attributes before the pixel data, with `file_meta`.
    """

    file: Path
    header: Dataset
    study_instance_uid: Uid
    series_instance_uid: Uid
    sop_instance_uid: Uid
    sop_class_uid: Uid


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that goes to quarantine; no field holds a patient identifier.

    Attributes:
        remedy: what a person can do about it.
        sop_class_uid, sop_instance_uid, study_instance_uid: where the file names them, else "".
    """

    file: Path
    reason: str
    remedy: str
    sop_class_uid: str = ""
    sop_instance_uid: str = ""
    study_instance_uid: str = ""


def admit(file: Path, max_bytes: int) -> Admitted | Refused:
    """Check one file. Nothing is decoded; at most its element headers and its header are read.

    Raises:
        OSError: the file can't be opened.
    """
    size = file.stat().st_size
    if size > max_bytes:
        return Refused(
            file,
            f"The file holds {size} bytes; at most {max_bytes} are taken.",
            "Raise OVERREAD_MAX_INSTANCE_BYTES if such files are meant to come in.",
        )
    try:
        found, header = read_header(file)
    except Rejected as error:
        reason, remedy = _split(error.message)
        return Refused(file, reason, remedy)
    return (
        _check_identity(file, header) or _check_pixels(file, found, header) or _accept(file, header)
    )


def _accept(file: Path, header: Dataset) -> Admitted:
    return Admitted(
        file=file,
        header=header,
        study_instance_uid=parse_uid(read_text(header, "StudyInstanceUID")),
        series_instance_uid=parse_uid(read_text(header, "SeriesInstanceUID")),
        sop_instance_uid=parse_uid(read_text(header, "SOPInstanceUID")),
        sop_class_uid=parse_uid(read_text(header, "SOPClassUID")),
    )


def _check_identity(file: Path, header: Dataset) -> Refused | None:
    missing = [name for keyword, name in _IDENTITY.items() if not read_text(header, keyword)]
    if missing:
        return _refuse(
            file,
            header,
            f"{_join(missing)} {'is' if len(missing) == 1 else 'are'} missing.",
            "The file was probably stripped by an anonymiser: export it again with new UIDs.",
        )
    for keyword, name in _IDENTITY.items():
        try:
            parse_uid(read_text(header, keyword))
        except Rejected:
            return _refuse(
                file,
                header,
                f"{name} is not a well-formed UID (PS3.5 9.1).",
                "Export the file again with new UIDs.",
            )
    return _check_meta(file, header)


def _check_meta(file: Path, header: Dataset) -> Refused | None:
    meta = header.file_meta
    for meta_keyword, keyword in (
        ("MediaStorageSOPClassUID", "SOPClassUID"),
        ("MediaStorageSOPInstanceUID", "SOPInstanceUID"),
    ):
        said = read_text(meta, meta_keyword)
        if said and said != read_text(header, keyword):
            return _refuse(
                file,
                header,
                f"{_IDENTITY[keyword]} differs from the file meta information (PS3.10 7.1).",
                "The file was changed after it was written: export it again.",
            )
    return None


def _check_pixels(file: Path, found: FileMap, header: Dataset) -> Refused | None:
    if found.pixel_offset is None or _has_float_pixels(header):
        return None
    try:
        layout = read_layout(header)
    except Rejected as error:
        reason, remedy = _split(error.message)
        return _refuse(file, header, reason, remedy)
    wrong = _compare_length(found, layout)
    return _refuse(file, header, wrong, _SEND_AGAIN) if wrong else None


def _has_float_pixels(header: Dataset) -> bool:
    """Floating point pixels have no Bits Stored (PS3.3 C.7.6.24)."""
    return read_int(header, "BitsAllocated") in (32, 64) and read_int(header, "BitsStored") is None


def _compare_length(found: FileMap, layout: PixelLayout) -> str:
    """What is wrong with the length of the pixel data, "" where it is plausible.

    Video and syntaxes that we can't decode are kept all the same: others may read them.
    """
    if found.transfer_syntax_uid not in READABLE_SYNTAXES:
        return ""
    frames = layout.number_of_frames
    if found.pixel_length is None:
        if found.fragments >= frames:
            return ""
        return f"Pixel Data has {found.fragments} fragments for {frames} frames (PS3.5 A.4)."
    expected = (layout.native_frame_bits * frames + 7) // 8
    if found.pixel_length >= expected:
        return ""
    return (
        f"Pixel Data holds {found.pixel_length} bytes; rows, columns, samples, bits and frames ask "
        f"for {expected}."
    )


def _refuse(file: Path, header: Dataset, reason: str, remedy: str) -> Refused:
    def well_formed(keyword: str) -> str:
        text = read_text(header, keyword)
        try:
            return parse_uid(text) if text else ""
        except Rejected:
            return ""

    return Refused(
        file,
        reason,
        remedy,
        sop_class_uid=well_formed("SOPClassUID"),
        sop_instance_uid=well_formed("SOPInstanceUID"),
        study_instance_uid=well_formed("StudyInstanceUID"),
    )


def _split(message: str) -> tuple[str, str]:
    """A message's last sentence is the remedy where it asks for something."""
    for ask in ("Send it again.", "Send the file again.", "Export it again as DICOM."):
        if message.endswith(ask):
            return message[: -len(ask)].rstrip(), ask
    return message, _SEND_AGAIN


def _join(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
