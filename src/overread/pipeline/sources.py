"""What the encoders need of the images in scratch: headers in slice order, and pictures."""

from __future__ import annotations

from pathlib import Path

import pydicom
from pydicom import Dataset

from overread.result.result import Result


def read_sources(folder: Path, result: Result) -> list[Dataset]:
    """Headers without pixels of the result's source instances, in the result's slice order."""
    by_uid = {}
    for path in sorted(folder.iterdir()):
        header = pydicom.dcmread(path, stop_before_pixels=True)
        by_uid[str(header.SOPInstanceUID)] = header
    ordered = dict.fromkeys(image.sop_instance_uid for image in result.source_images)
    return [by_uid[uid] for uid in ordered]
