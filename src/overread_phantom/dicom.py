"""Synthetic heads and altered series as DICOM files that can't be taken for a patient's.

SYNTHETIC stands in the pixels (a corner, in air) and in the header, wherever a reader or a program
looks: study and series description, patient name, image comments.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian

from overread.study.pixels.pydicom_plugin import register
from overread.vocabulary.errors import Rejected
from overread.vocabulary.geometry import PlaneGeometry
from overread.vocabulary.uid import derive_uid
from overread_phantom.bleed import BleedRequest, BleedTruth, simulate_bleed
from overread_phantom.head import SyntheticHead
from overread_phantom.lettering import burn_text

_IMPLEMENTATION = derive_uid("overread phantom", "implementation")
_NOTE = "SYNTHETIC: made by a program, no patient. Not for diagnosis."
_MAX_FILES = 2000
_FILL_IN = {
    "PatientBirthDate": "",
    "PatientSex": "",
    "DeidentificationMethod": "Not stated by the source",
    "StudyDate": "20260102",
    "StudyTime": "081500",
    "StudyID": "SYNTHETIC",
}
"""What de-identified series often lack and a CT Image must hold (PS3.3 C.7.1.1, C.7.2.1)."""
_DEMO_DATE, _DEMO_TIME = "20260102", "081500"


def write_study(
    head: SyntheticHead,
    folder: Path,
    *,
    name: str = "SYNTHETIC^DEMO",
    study_date: str = _DEMO_DATE,
    study_time: str = _DEMO_TIME,
    series_description: str = "SYNTHETIC axial 5 mm",
) -> list[Path]:
    """Write a head as CT Image objects (PS3.3 A.3), one file per slice; equal heads give equal
    files. Returns the paths in ascending slice order.

    Args:
        folder: made where it is missing.
        name: Patient's Name; must say SYNTHETIC.

    Raises:
        Rejected: the name does not say SYNTHETIC.
    """
    if "SYNTHETIC" not in name:
        raise Rejected("The name of an imaginary patient must hold the word SYNTHETIC.")
    folder.mkdir(parents=True, exist_ok=True)
    key = f"{head.seed}|{name}|{study_date}|{study_time}|{_fingerprint(head)}"
    pixels = head.hu.copy()
    burn_text(pixels, "SYNTHETIC")
    paths = []
    for index, plane in enumerate(head.planes):
        dataset = _describe_study(head, key, name, study_date, study_time)
        dataset.SeriesDescription = series_description
        _describe_image(dataset, plane, index, head.thickness_mm[index], key)
        _set_pixels(dataset, pixels[index])
        path = folder / f"{index + 1:03d}.dcm"
        _save(dataset, path)
        paths.append(path)
    return paths


def write_bleed_into_series(
    source_folder: Path,
    into: Path,
    request: BleedRequest,
    *,
    seed: int,
    new_uids: bool = True,
) -> BleedTruth:
    """Write a copy of a real CT series with one simulated bleed, marked SYNTHETIC in pixels and
    header. The truth's mask is in ascending order along the normal, as a `Volume` has its slices.

    Args:
        new_uids: give study, series, frame of reference and instances UIDs derived from the
            source's and the seed, so that the copy never meets its source in an archive.

    Raises:
        Rejected: the folder holds no CT series with positions, or the bleed can't be placed.
    """
    datasets = _read_series(source_folder)
    planes = tuple(_read_plane(dataset) for dataset in datasets)
    hu = np.stack([_to_hu(dataset) for dataset in datasets])
    thickness = tuple(float(dataset.get("SliceThickness") or 0) for dataset in datasets)
    rng = np.random.default_rng([seed, 2])
    values, truth = simulate_bleed(
        hu,
        planes,
        request,
        rng,
        thickness_mm=thickness if all(t > 0 for t in thickness) else None,
    )
    burn_text(values, "SYNTHETIC")
    into.mkdir(parents=True, exist_ok=True)
    for index, dataset in enumerate(datasets):
        _mark_synthetic(dataset, request)
        if new_uids:
            _renew_uids(dataset, seed, request)
        _set_pixels(dataset, values[index])
        _save(dataset, into / f"{index + 1:03d}.dcm")
    return truth


def read_hu(folder: Path) -> tuple[NDArray[np.int16], tuple[PlaneGeometry, ...]]:
    """A CT series as HU (slices, rows, columns) and planes, ascending along the normal.

    Raises:
        Rejected: the folder holds no CT series with positions.
    """
    datasets = _read_series(folder)
    return (
        np.stack([_to_hu(dataset) for dataset in datasets]),
        tuple(_read_plane(dataset) for dataset in datasets),
    )


def _fingerprint(head: SyntheticHead) -> str:
    first, last = head.planes[0], head.planes[-1]
    bleeds = ",".join(f"{b.kind}:{b.volume_ml:.3f}:{b.density_hu}" for b in head.bleeds)
    return f"{first}|{last}|{len(head.planes)}|{bleeds}|{int(head.hu.astype(np.int64).sum())}"


def _describe_study(head: SyntheticHead, key: str, name: str, date: str, time: str) -> Dataset:
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.PatientName = name
    dataset.PatientID = f"SYNTHETIC-{head.seed:04d}"
    dataset.PatientBirthDate = ""
    dataset.PatientSex = "O"
    dataset.PatientAge = "060Y"
    dataset.PatientComments = _NOTE
    dataset.StudyInstanceUID = derive_uid("phantom study", key)
    dataset.StudyDate, dataset.StudyTime = date, time
    dataset.StudyID = "SYNTHETIC"
    dataset.AccessionNumber = f"SYN{head.seed:04d}"
    dataset.ReferringPhysicianName = ""
    dataset.StudyDescription = "SYNTHETIC Head CT"
    dataset.Modality = "CT"
    dataset.SeriesInstanceUID = derive_uid("phantom series", key)
    dataset.SeriesNumber = 2
    dataset.SeriesDate, dataset.SeriesTime = date, time
    dataset.BodyPartExamined = "HEAD"
    dataset.PatientPosition = "HFS"
    dataset.FrameOfReferenceUID = derive_uid("phantom frame of reference", key)
    dataset.PositionReferenceIndicator = ""
    dataset.Manufacturer = "Overread phantom"
    dataset.ManufacturerModelName = "SYNTHETIC head"
    dataset.SoftwareVersions = "1"
    return dataset


def _describe_image(
    dataset: Dataset, plane: PlaneGeometry, index: int, thickness_mm: float, key: str
) -> None:
    dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = derive_uid("phantom image", key, str(index))
    dataset.InstanceNumber = index + 1
    dataset.AcquisitionNumber = 1
    dataset.AcquisitionDate, dataset.AcquisitionTime = dataset.StudyDate, dataset.StudyTime
    dataset.ContentDate, dataset.ContentTime = dataset.StudyDate, dataset.StudyTime
    # DERIVED, since no scanner acquired it (PS3.3 C.7.6.1.1.2).
    dataset.ImageType = ["DERIVED", "SECONDARY", "AXIAL"]
    dataset.DerivationDescription = "Synthetic image computed from a brain template"
    dataset.ImageComments = _NOTE
    dataset.BurnedInAnnotation = "YES"
    dataset.LossyImageCompression = "00"
    dataset.KVP = 120
    dataset.ConvolutionKernel = "SYNTHETIC"
    dataset.SliceThickness = f"{thickness_mm:g}"
    dataset.PixelSpacing = [
        f"{plane.spacing_between_rows_mm:.6g}",
        f"{plane.spacing_between_columns_mm:.6g}",
    ]
    dataset.ImagePositionPatient = [f"{value:.6f}" for value in plane.position]
    cosines = (*plane.row_cosines, *plane.column_cosines)
    dataset.ImageOrientationPatient = [f"{value:.8f}" for value in cosines]
    dataset.SliceLocation = f"{plane.position[2]:.4f}"
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.WindowCenter, dataset.WindowWidth = "40", "80"
    dataset.RescaleIntercept, dataset.RescaleSlope = "0", "1"
    dataset.RescaleType = "HU"


def _set_pixels(dataset: Dataset, hu: NDArray[np.int16]) -> None:
    slope = float(dataset.get("RescaleSlope", 1))
    intercept = float(dataset.get("RescaleIntercept", 0))
    stored = np.round((hu.astype(np.float64) - intercept) / slope)
    is_signed = int(dataset.get("PixelRepresentation", 1)) == 1
    dataset.Rows, dataset.Columns = hu.shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
    dataset.PixelRepresentation = int(is_signed)
    limits = np.iinfo(np.int16 if is_signed else np.uint16)
    kind = "<i2" if is_signed else "<u2"
    dataset.PixelData = np.clip(stored, limits.min, limits.max).astype(kind).tobytes()
    dataset["PixelData"].VR = "OW"
    for keyword in ("SmallestImagePixelValue", "LargestImagePixelValue"):
        if keyword in dataset:
            delattr(dataset, keyword)


def _save(dataset: Dataset, path: Path) -> None:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = UID(_IMPLEMENTATION)
    meta.ImplementationVersionName = "OVERREADPHANTOM"
    plain = dataset if not isinstance(dataset, FileDataset) else Dataset(dict(dataset))
    plain.file_meta = meta
    plain.save_as(path, enforce_file_format=True)


def _read_series(folder: Path) -> list[Dataset]:
    paths = sorted(path for path in folder.iterdir() if path.is_file())[:_MAX_FILES]
    datasets: list[Dataset] = [pydicom.dcmread(path) for path in paths if _is_dicom(path)]
    datasets = [d for d in datasets if d.get("Modality") == "CT" and "ImagePositionPatient" in d]
    if len(datasets) < 2 or len({d.SeriesInstanceUID for d in datasets}) != 1:
        raise Rejected("The folder must hold one CT series with image positions.")
    normal = _read_plane(datasets[0]).normal
    return sorted(
        datasets, key=lambda d: float(normal @ np.array([float(v) for v in d.ImagePositionPatient]))
    )


def _is_dicom(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"


def _read_plane(dataset: Dataset) -> PlaneGeometry:
    position = [float(value) for value in dataset.ImagePositionPatient]
    cosines = [float(value) for value in dataset.ImageOrientationPatient]
    return PlaneGeometry(
        position=(position[0], position[1], position[2]),
        row_cosines=(cosines[0], cosines[1], cosines[2]),
        column_cosines=(cosines[3], cosines[4], cosines[5]),
        spacing_between_rows_mm=float(dataset.PixelSpacing[0]),
        spacing_between_columns_mm=float(dataset.PixelSpacing[1]),
        rows=int(dataset.Rows),
        columns=int(dataset.Columns),
    )


def _to_hu(dataset: Dataset) -> NDArray[np.int16]:
    slope = float(dataset.get("RescaleSlope", 1))
    intercept = float(dataset.get("RescaleIntercept", 0))
    register()
    return np.round(dataset.pixel_array * slope + intercept).astype(np.int16)


def _mark_synthetic(dataset: Dataset, request: BleedRequest) -> None:
    dataset.PatientName = "SYNTHETIC^BLEED"
    dataset.PatientID = f"SYNTHETIC-{request.kind}"[:64]
    for keyword, value in _FILL_IN.items():
        if not dataset.get(keyword):
            setattr(dataset, keyword, value)
    dataset.StudyDescription = "SYNTHETIC Head CT"
    dataset.SeriesDescription = "SYNTHETIC simulated bleed"
    dataset.ImageComments = (
        f"SYNTHETIC: simulated {request.kind} bleed of {request.volume_ml:g} mL. Not for diagnosis."
    )
    kinds = [str(value) for value in dataset.get("ImageType", [])]
    dataset.ImageType = ["DERIVED", "SECONDARY", *(kinds[2:3] or ["AXIAL"])]
    dataset.DerivationDescription = "A simulated bleed was written into the pixels"
    dataset.BurnedInAnnotation = "YES"


def _renew_uids(dataset: Dataset, seed: int, request: BleedRequest) -> None:
    salt = f"{seed}|{request.kind}|{request.volume_ml}|{request.density_hu}|{request.side}"
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        value = str(dataset.get(keyword))
        setattr(dataset, keyword, derive_uid("phantom bleed", keyword, value, salt))
    if dataset.get("FrameOfReferenceUID"):
        value = str(dataset.FrameOfReferenceUID)
        frame = derive_uid("phantom bleed", "frame", value, salt)
        dataset.FrameOfReferenceUID = UID(frame)
