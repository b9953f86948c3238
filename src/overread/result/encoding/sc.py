"""Key images of a `Result` as Secondary Captures: for displays that show nothing else of AI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

from overread import __version__
from overread.result.encoding.header import (
    MANUFACTURER,
    MODEL_NAME,
    STATUS_TEXT,
    UTF_8,
    describe_equipment,
    device_uid_of,
    instance_uid_of,
    series_uid_of,
    stamp,
    to_bytes,
    to_concept,
    to_long_string,
)
from overread.result.encoding.source_header import is_multi_frame, prepare_sources
from overread.result.region import Box
from overread.result.result import Finding, Result
from overread.study.study import ImageRef
from overread.vocabulary.code import Code
from overread.vocabulary.errors import Rejected

SOP_CLASS_UID = str(SecondaryCaptureImageStorage)
SERIES_NUMBER = 9803
MAX_KEY_IMAGES = 6
AI_COLOR_RGB = (86, 180, 233)
"""Sky blue: what AI drew, nothing else on the image is of this colour."""

_LEAST_SIDE_PIXELS = 512  # smaller images are enlarged, or the text covers them
_STRIP_LINES = 3
_DASH_PIXELS = 8
_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
_SOURCE_IMAGE = Code("121322", "DCM", "Source image for image processing operation")


def choose_key_images(result: Result) -> tuple[ImageRef, ...]:
    """The images that deserve a capture: those of the strongest findings, each once."""
    keys = dict.fromkeys(
        finding.key_image for finding in result.findings if finding.key_image is not None
    )
    return tuple(keys)[:MAX_KEY_IMAGES]


def to_sc(
    result: Result, sources: Sequence[Dataset], pictures: Mapping[ImageRef, NDArray[np.uint8]]
) -> list[tuple[ImageRef, bytes]]:
    """One Secondary Capture for each picture of a key image, in the order of the findings.

    Args:
        pictures: anatomy as a reader sees it, uint8 RGB (rows, columns, 3), pixel for pixel the
            source image; usually of `choose_key_images`.

    Raises:
        Rejected: a picture is no uint8 RGB image, or the sources are not those of the result.
    """
    prepared = {str(source.SOPInstanceUID): source for source in prepare_sources(result, sources)}
    keys = dict.fromkeys(finding.key_image for finding in result.findings)
    shown_images = [key for key in keys if key is not None and key in pictures]
    captures = []
    for number, image in enumerate(shown_images, start=1):
        shown = [finding for finding in result.findings if finding.key_image == image]
        pixels = draw_findings(pictures[image], shown, result)
        capture = _describe(result, prepared[image.sop_instance_uid], image, number)
        _set_pixels(capture, pixels)
        captures.append((image, to_bytes(capture)))
    return captures


def draw_findings(
    picture: NDArray[np.uint8], findings: Sequence[Finding], result: Result
) -> NDArray[np.uint8]:
    """The picture with dashed boxes and labels, and a strip below that says what it is.

    Returns:
        uint8 RGB (rows, columns, 3): the picture enlarged by a whole number where it is small,
        and the strip, which covers no anatomy.

    Raises:
        Rejected: `picture` is not uint8 (rows, columns, 3).
    """
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
        raise Rejected(
            f"A key picture must be uint8 (rows, columns, 3); this is {picture.dtype} "
            f"{picture.shape}."
        )
    rows, columns = picture.shape[:2]
    scale = max(1, -(-_LEAST_SIDE_PIXELS // min(rows, columns)))
    anatomy = Image.fromarray(picture).resize(
        (columns * scale, rows * scale), Image.Resampling.BICUBIC
    )
    font_size = max(14, anatomy.width // 42)
    font = ImageFont.load_default(font_size)
    line_height = round(font_size * 1.4)
    canvas = Image.new("RGB", (anatomy.width, anatomy.height + _STRIP_LINES * line_height + 8))
    canvas.paste(anatomy, (0, 0))
    pen = ImageDraw.Draw(canvas)
    for finding in findings:
        _draw_box(pen, finding, scale, font, anatomy.size)
    for index, text in enumerate(_write_strip(findings, result)):
        place = (8, anatomy.height + 4 + index * line_height)
        pen.text(place, _fit(pen, text, font, anatomy.width - 16), fill=AI_COLOR_RGB, font=font)
    return np.asarray(canvas, dtype=np.uint8)


def _write_strip(findings: Sequence[Finding], result: Result) -> tuple[str, str, str]:
    return (
        STATUS_TEXT[result.model_status],
        "; ".join(_write_label(finding) for finding in findings),
        f"{result.model_title}, version {result.model.version}",
    )


def _fit(pen: ImageDraw.ImageDraw, text: str, font: _Font, width: int) -> str:
    """The text, shortened with an ellipsis where it is too wide."""
    if pen.textlength(text, font=font) <= width:
        return text
    while text and pen.textlength(text + "…", font=font) > width:
        text = text[:-1]
    return text + "…"


def _write_label(finding: Finding) -> str:
    if finding.confidence is None:
        return finding.label
    return f"{finding.label} ({finding.confidence:.2f})"


def _draw_box(
    pen: ImageDraw.ImageDraw,
    finding: Finding,
    scale: int,
    font: _Font,
    size: tuple[int, int],
) -> None:
    """Dashes just outside the finding's pixels; SCOORD corners are pixel edges, so they scale."""
    for region in finding.regions:
        if not isinstance(region, Box) or region.image != finding.key_image:
            continue
        left, top = region.top_left.column * scale - 2, region.top_left.row * scale - 2
        right, bottom = region.bottom_right.column * scale + 1, region.bottom_right.row * scale + 1
        corners = ((left, top), (right, top), (right, bottom), (left, bottom), (left, top))
        for start, end in pairwise(corners):
            _draw_dashes(pen, start, end)
        text = _write_label(finding)
        x0, y0, x1, y1 = pen.textbbox((0, 0), text, font=font)
        height = y1 - y0 + 6
        above = top - height if top >= height else min(bottom + 2, size[1] - height)
        place = (max(0.0, min(left, size[0] - (x1 - x0) - 4)), above)
        pen.text(place, text, fill=AI_COLOR_RGB, font=font, stroke_width=2, stroke_fill=(0, 0, 0))


def _draw_dashes(
    pen: ImageDraw.ImageDraw, start: tuple[float, float], end: tuple[float, float]
) -> None:
    """A dashed line along one axis, two pixels wide."""
    length = abs(end[0] - start[0]) + abs(end[1] - start[1])
    if length == 0:
        return
    step = ((end[0] - start[0]) / length, (end[1] - start[1]) / length)
    for offset in np.arange(0, length, 2 * _DASH_PIXELS).tolist():
        stop = min(offset + _DASH_PIXELS, length)
        pen.line(
            (
                start[0] + step[0] * offset,
                start[1] + step[1] * offset,
                start[0] + step[0] * stop,
                start[1] + step[1] * stop,
            ),
            fill=AI_COLOR_RGB,
            width=2,
        )


def _describe(result: Result, source: Dataset, image: ImageRef, number: int) -> Dataset:
    """All modules of the Secondary Capture Image IOD (PS3.3 A.8.1) but its pixels."""
    capture = Dataset()
    capture.SpecificCharacterSet = UTF_8
    capture.SOPClassUID = SOP_CLASS_UID
    capture.SOPInstanceUID = instance_uid_of(result, "SC", image.sop_instance_uid, str(image.frame))
    _copy_patient_and_study(capture, source)
    _describe_series(capture, result, number)
    capture.ImageType = ["DERIVED", "SECONDARY"]
    capture.BurnedInAnnotation = "YES"
    capture.DerivationDescription = (
        f"Key image with findings of {result.model.name} {result.model.version} drawn on it. "
        f"{STATUS_TEXT[result.model_status]}."
    )
    capture.ImageComments = STATUS_TEXT[result.model_status]
    capture.SourceImageSequence = [_refer(source, image)]
    # A capture of a lossy image is lossy for ever (PS3.3 C.7.6.1.1.5).
    if source.get("LossyImageCompression") == "01":
        capture.LossyImageCompression = "01"
        for keyword in ("LossyImageCompressionRatio", "LossyImageCompressionMethod"):
            if keyword in source:
                setattr(capture, keyword, source[keyword].value)
    capture.ContributingEquipmentSequence = describe_equipment(result)
    stamp(capture, result)
    capture.file_meta = FileMetaDataset()
    capture.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    capture.file_meta.MediaStorageSOPInstanceUID = capture.SOPInstanceUID
    capture.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return capture


def _copy_patient_and_study(capture: Dataset, source: Dataset) -> None:
    for keyword in (
        "PatientID",
        "IssuerOfPatientID",
        "PatientName",
        "PatientBirthDate",
        "PatientSex",
        "PatientAge",
        "StudyInstanceUID",
        "AccessionNumber",
        "StudyID",
        "StudyDate",
        "StudyTime",
        "StudyDescription",
        "ReferringPhysicianName",
    ):
        if keyword in source:
            setattr(capture, keyword, source[keyword].value)


def _describe_series(capture: Dataset, result: Result, number: int) -> None:
    started = datetime.fromisoformat(result.started_at)
    date, time = started.strftime("%Y%m%d"), started.strftime("%H%M%S")
    capture.SeriesInstanceUID = series_uid_of(result, "SC")
    capture.SeriesNumber = SERIES_NUMBER
    capture.SeriesDescription = to_long_string(f"AI {result.model_title}")
    capture.SeriesDate, capture.SeriesTime = date, time
    capture.ContentDate, capture.ContentTime = date, time
    capture.Modality = "OT"
    capture.ConversionType = "WSD"
    capture.InstanceNumber = number
    capture.PatientOrientation = ""
    capture.Laterality = ""
    capture.Manufacturer = MANUFACTURER
    capture.ManufacturerModelName = MODEL_NAME
    capture.SoftwareVersions = __version__
    capture.DeviceSerialNumber = to_long_string(device_uid_of(result))


def _refer(source: Dataset, image: ImageRef) -> Dataset:
    reference = Dataset()
    reference.ReferencedSOPClassUID = source.SOPClassUID
    reference.ReferencedSOPInstanceUID = source.SOPInstanceUID
    if is_multi_frame(source):
        reference.ReferencedFrameNumber = image.frame
    reference.PurposeOfReferenceCodeSequence = [to_concept(_SOURCE_IMAGE)]
    return reference


def _set_pixels(capture: Dataset, pixels: NDArray[np.uint8]) -> None:
    capture.Rows, capture.Columns = pixels.shape[:2]
    capture.SamplesPerPixel = 3
    capture.PhotometricInterpretation = "RGB"
    capture.PlanarConfiguration = 0
    capture.BitsAllocated = capture.BitsStored = 8
    capture.HighBit = 7
    capture.PixelRepresentation = 0
    data = np.ascontiguousarray(pixels).tobytes()
    capture.PixelData = data + b"\0" * (len(data) % 2)
