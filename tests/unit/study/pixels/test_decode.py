"""Every transfer syntax of the sample set against its uncompressed original."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from pydicom import Dataset, dcmread
from pydicom.encaps import generate_frames
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

from overread.study.pixels.decode import COMPRESSED_SYNTAXES, DecodedFrame, decode_frame
from overread.study.pixels.layout import PixelLayout, read_layout
from overread.study.reading import is_lossy
from overread.vocabulary.errors import LimitExceeded, Rejected

REVERSIBLE = ("J2KR", "JLSL", "JPLL", "RLE")
GREATEST_ERROR = {"JLSN": 4, "J2KI": 402, "JPLY": 116}
IMAGES = {
    "CT1": ("J2KI", "J2KR", "JLSL", "JLSN", "JPLL", "RLE"),
    "CT2": ("J2KI", "J2KR", "JLSL", "JLSN", "JPLL", "RLE"),
    "MR4": ("J2KI", "J2KR", "JLSL", "JLSN", "JPLL", "JPLY", "RLE"),
    "NM1": ("J2KI", "J2KR", "JLSL", "JLSN", "JPLL", "JPLY", "RLE"),
    "US1": ("J2KI", "J2KR", "RLE"),
    "XA1": ("J2KI", "J2KR", "JLSL", "JLSN", "JPLL", "JPLY", "RLE"),
}
VARIANTS = [(image, kind) for image, kinds in IMAGES.items() for kind in kinds]


def read_first_stream(dataset: Dataset) -> bytes:
    if dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        return next(iter(generate_frames(dataset.PixelData, number_of_frames=1)))
    return bytes(dataset.PixelData)


def decode_file(path: Path) -> DecodedFrame:
    dataset = dcmread(path)
    syntax = dataset.file_meta.TransferSyntaxUID
    return decode_frame(read_first_stream(dataset), syntax, read_layout(dataset))


def read_original(folder: Path, image: str) -> NDArray[np.int64]:
    """The uncompressed values, by numpy alone."""
    dataset = dcmread(folder / f"{image}_UNC.dcm")
    sign = "i" if dataset.PixelRepresentation else "u"
    cells = np.frombuffer(dataset.PixelData, f"<{sign}{dataset.BitsAllocated // 8}")
    shape = (dataset.Rows, dataset.Columns, *([3] if dataset.SamplesPerPixel == 3 else []))
    return cells[: int(np.prod(shape))].reshape(shape).astype(np.int64)


def test_the_list_of_samples_is_whole(test_data: Path) -> None:
    names = {path.stem for path in (test_data / "transfer-syntaxes").glob("*.dcm")}
    listed = {f"{image}_{kind}" for image, kind in VARIANTS}
    listed |= {f"{image}_UNC" for image in IMAGES}
    assert names == listed | {"HTJ2K_08_RGB", "HTJ2KLossless_08_RGB"}


@pytest.mark.parametrize("image", IMAGES)
def test_uncompressed_pixels_are_their_bytes(test_data: Path, image: str) -> None:
    folder = test_data / "transfer-syntaxes"
    assert np.array_equal(
        decode_file(folder / f"{image}_UNC.dcm").pixels, read_original(folder, image)
    )


@pytest.mark.parametrize(("image", "kind"), VARIANTS)
def test_each_variant_shows_the_original(test_data: Path, image: str, kind: str) -> None:
    folder = test_data / "transfer-syntaxes"
    path = folder / f"{image}_{kind}.dcm"
    found = decode_file(path)
    original = read_original(folder, image)
    assert found.pixels.shape == original.shape
    if image == "US1":
        assert found.photometric == "RGB"
    difference = int(np.abs(found.pixels.astype(np.int64) - original).max())
    header = dcmread(path, stop_before_pixels=True)
    lossy = is_lossy(header, header.file_meta.TransferSyntaxUID)
    if kind in REVERSIBLE:
        assert difference == 0
        assert not lossy
    else:
        assert 0 < difference <= GREATEST_ERROR[kind]
        assert lossy


def test_htj2k_colour_is_decoded_and_the_lossy_one_marked(test_data: Path) -> None:
    folder = test_data / "transfer-syntaxes"
    lossless = decode_file(folder / "HTJ2KLossless_08_RGB.dcm")
    lossy = decode_file(folder / "HTJ2K_08_RGB.dcm")
    for frame in (lossless, lossy):
        assert (frame.photometric, frame.pixels.shape) == ("RGB", (480, 640, 3))
        assert frame.pixels.dtype == np.uint8
        assert len(np.unique(frame.pixels)) > 100
    # Both show one picture.
    difference = lossless.pixels.astype(int) - lossy.pixels
    assert np.abs(difference).mean() < 5
    assert np.abs(difference).max() <= 4  # nothing wraps around at white
    for name, frame in (("HTJ2KLossless_08_RGB", lossless), ("HTJ2K_08_RGB", lossy)):
        stream = read_first_stream(dcmread(folder / f"{name}.dcm"))
        with Image.open(io.BytesIO(stream)) as reference:
            assert np.abs(np.asarray(reference).astype(int) - frame.pixels).max() <= 1
    assert not is_lossy(Dataset(), "1.2.840.10008.1.2.4.201")
    assert is_lossy(Dataset(), "1.2.840.10008.1.2.4.203")


def test_a_cine_of_jpeg_baseline_has_natural_colours(test_data: Path) -> None:
    dataset = dcmread(test_data / "us-echo" / "a4c-cine-acuson-sequoia.dcm")
    streams = list(generate_frames(dataset.PixelData, number_of_frames=65))
    frame = decode_frame(streams[64], JPEGBaseline8Bit, read_layout(dataset))
    assert (frame.photometric, frame.pixels.shape) == ("RGB", (456, 576, 3))
    # A grey ultrasound image: had colour differences stayed as they are, they would stand near 128.
    pixels = frame.pixels.astype(int)
    greyish = np.abs(pixels.max(axis=2) - pixels.min(axis=2)) < 24
    assert greyish.mean() > 0.8
    assert np.median(pixels) < 20


def make_layout(**changes: object) -> PixelLayout:
    values: dict[str, object] = {
        "rows": 2,
        "columns": 4,
        "samples": 1,
        "bits_allocated": 16,
        "bits_stored": 12,
        "high_bit": 11,
        "is_signed": False,
        "photometric": "MONOCHROME2",
        "planar": False,
        "number_of_frames": 1,
    }
    return PixelLayout(**{**values, **changes})  # type: ignore[arg-type]  # by name


@settings(max_examples=100)
@given(
    bits=st.integers(1, 16),
    shift=st.integers(0, 15),
    signed=st.booleans(),
    values=st.lists(st.integers(0, 0xFFFF), min_size=8, max_size=8),
    noise=st.integers(0, 0xFFFF),
    big=st.booleans(),
)
def test_stored_bits_are_cut_out_of_their_cells(  # noqa: PLR0917  # drawn by name
    bits: int, shift: int, signed: bool, values: list[int], noise: int, big: bool
) -> None:
    shift = min(shift, 16 - bits)
    mask = ((1 << bits) - 1) << shift
    cells = [(value << shift) & mask | (noise & ~mask & 0xFFFF) for value in values]
    expected = [value & ((1 << bits) - 1) for value in values]
    if signed:
        expected = [v - (1 << bits) if v >> (bits - 1) else v for v in expected]
    layout = make_layout(bits_stored=bits, high_bit=bits - 1 + shift, is_signed=signed)
    data = np.array(cells, ">u2" if big else "<u2").tobytes()
    syntax = ExplicitVRBigEndian if big else ExplicitVRLittleEndian
    assert decode_frame(data, syntax, layout).pixels.reshape(-1).tolist() == expected


def test_one_bit_pixels_run_from_the_least_significant_bit() -> None:
    layout = make_layout(bits_allocated=1, bits_stored=1, high_bit=0)
    frame = decode_frame(bytes([0b0110_0001]), ExplicitVRLittleEndian, layout)
    assert frame.pixels.tolist() == [[1, 0, 0, 0], [0, 1, 1, 0]]


def test_planes_of_colour_are_interleaved() -> None:
    layout = make_layout(
        samples=3, planar=True, photometric="RGB", bits_allocated=8, bits_stored=8, high_bit=7
    )
    data = bytes(range(24))
    pixels = decode_frame(data, ExplicitVRLittleEndian, layout).pixels
    assert pixels[0, 1].tolist() == [1, 9, 17]
    assert pixels[1, 3].tolist() == [7, 15, 23]


def test_half_colour_is_spread_over_pairs() -> None:
    layout = make_layout(
        rows=1, samples=3, photometric="YBR_FULL_422", bits_allocated=8, bits_stored=8, high_bit=7
    )
    frame = decode_frame(
        bytes([10, 20, 100, 200, 30, 40, 101, 201]), ExplicitVRLittleEndian, layout
    )
    assert frame.photometric == "YBR_FULL"
    assert frame.pixels.tolist() == [
        [[10, 100, 200], [20, 100, 200], [30, 101, 201], [40, 101, 201]]
    ]


def test_a_stream_that_claims_another_size_is_refused_before_it_is_decoded(
    test_data: Path,
) -> None:
    for kind in ("J2KR", "JLSL", "JPLL"):
        dataset = dcmread(test_data / "transfer-syntaxes" / f"CT1_{kind}.dcm")
        stream = read_first_stream(dataset)
        dataset.Rows = 64
        with pytest.raises(LimitExceeded, match="512 × 512"):
            decode_frame(stream, dataset.file_meta.TransferSyntaxUID, read_layout(dataset))


def test_an_unknown_syntax_is_refused_by_name() -> None:
    with pytest.raises(Rejected, match=r"1\.2\.840\.10008\.1\.2\.4\.102"):
        decode_frame(b"", "1.2.840.10008.1.2.4.102", make_layout())


def test_a_short_native_frame_is_refused() -> None:
    with pytest.raises(Rejected, match="15 of 16 bytes"):
        decode_frame(bytes(15), ExplicitVRLittleEndian, make_layout())


@settings(max_examples=60)
@given(syntax=st.sampled_from(sorted(COMPRESSED_SYNTAXES)), data=st.binary(max_size=300))
def test_rubbish_is_refused_and_never_crashes(syntax: str, data: bytes) -> None:
    try:
        frame = decode_frame(data, syntax, make_layout())
    except Rejected:
        return
    assert frame.pixels.shape == (2, 4)


@pytest.mark.parametrize(
    ("kind", "syntax"),
    [("CT1_JLSL", JPEGLSLossless), ("CT1_J2KR", JPEG2000Lossless), ("CT1_RLE", RLELossless)],
)
def test_damaged_streams_are_refused_or_decoded_in_shape(
    test_data: Path, kind: str, syntax: str
) -> None:
    dataset = dcmread(test_data / "transfer-syntaxes" / f"{kind}.dcm")
    layout, stream = read_layout(dataset), read_first_stream(dataset)
    random = np.random.default_rng(7)
    for _ in range(12):
        damaged = bytearray(stream)
        for at in random.integers(0, len(damaged), 20):
            damaged[int(at)] = int(random.integers(0, 256))
        cut = bytes(damaged[: int(random.integers(1, len(damaged)))])
        for data in (bytes(damaged), cut):
            try:
                frame = decode_frame(data, syntax, layout)
            except Rejected:
                continue
            assert frame.pixels.shape == (512, 512)
