"""What the encoders need of the images in scratch: headers in slice order, and pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.pixels.utils import pixel_array

from overread.result.encoding.sc import choose_key_images
from overread.result.result import Result
from overread.study.pixels.decode import DecodedFrame
from overread.study.pixels.pydicom_plugin import register
from overread.study.pixels.render import to_screen
from overread.study.study import ImageRef
from overread.vocabulary.errors import NotFound


def read_sources(folder: Path, result: Result) -> list[Dataset]:
    """Headers without pixels of the result's source instances, in the result's slice order.

    Raises:
        NotFound: the folder lacks one of them.
    """
    by_uid = {
        str(header.SOPInstanceUID): header
        for header in (
            pydicom.dcmread(path, stop_before_pixels=True) for path in sorted(folder.iterdir())
        )
    }
    wanted = dict.fromkeys(image.sop_instance_uid for image in result.source_images)
    missing = [uid for uid in wanted if uid not in by_uid]
    if missing:
        raise NotFound(f"{len(missing)} of {len(wanted)} source images are gone.")
    return [by_uid[uid] for uid in wanted]


def read_key_pictures(folder: Path, result: Result) -> dict[ImageRef, NDArray[np.uint8]]:
    """The key images as a reader sees them: uint8 RGB (rows, columns, 3), the object's first
    window."""
    register()
    wanted = choose_key_images(result)
    pictures: dict[ImageRef, NDArray[np.uint8]] = {}
    for path in sorted(folder.iterdir()):
        header = pydicom.dcmread(path, stop_before_pixels=True)
        for image in wanted:
            if image.sop_instance_uid == header.SOPInstanceUID:
                pictures[image] = _render(pydicom.dcmread(path), image.frame)
    return pictures


def _render(dataset: Dataset, frame: int) -> NDArray[np.uint8]:
    is_multi_frame = int(dataset.get("NumberOfFrames") or 1) > 1
    pixels = np.asarray(pixel_array(dataset, index=frame - 1 if is_multi_frame else None))
    decoded = DecodedFrame(pixels, str(dataset.PhotometricInterpretation))
    screen = to_screen(decoded, dataset, frame)
    return screen if screen.ndim == 3 else np.repeat(screen[:, :, None], 3, axis=2)
