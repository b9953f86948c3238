"""A small series on disk for the runners' tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

ROWS, COLUMNS = 24, 20


def write_series(folder: Path, count: int = 6) -> Path:
    """An upright CT stack of a bright box (values 500) in water, every 2.5 mm."""
    for number in range(count):
        meta = FileMetaDataset()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        meta.MediaStorageSOPClassUID = CTImageStorage
        meta.MediaStorageSOPInstanceUID = f"1.2.826.0.1.3680043.10.1.{number + 1}"
        ds = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
        ds.SOPClassUID = CTImageStorage
        ds.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
        ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.2.826.0.1.1", "1.2.826.0.1.2"
        ds.FrameOfReferenceUID = "1.2.826.0.1.3"
        ds.Modality, ds.PatientName, ds.PatientID = "CT", "Doe^Jane", "42"
        ds.InstanceNumber = number + 1
        ds.ImagePositionPatient = [-10, -12, 2.5 * number]
        ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        ds.PixelSpacing = [1.0, 1.0]
        ds.Rows, ds.Columns = ROWS, COLUMNS
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 1
        ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
        ds.RescaleSlope, ds.RescaleIntercept = 1, 0
        pixels = np.zeros((ROWS, COLUMNS), "<i2")
        if 1 <= number < count - 1:
            pixels[5:12, 4:10] = 500
        ds.PixelData = pixels.tobytes()
        ds.save_as(folder / f"{number}.dcm", enforce_file_format=True)
    return folder
