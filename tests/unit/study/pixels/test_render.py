"""Values to the screen: windows by the formulas of the standard, inversion, palettes, pictures."""

from __future__ import annotations

import io
import math
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from pydicom import Dataset, dcmread
from pydicom.encaps import generate_frames
from pydicom.sequence import Sequence

from overread.study.pixels.decode import DecodedFrame, decode_frame
from overread.study.pixels.layout import read_layout
from overread.study.pixels.render import (
    Window,
    apply_window,
    choose_window,
    read_rescale,
    read_windows,
    render_jpeg,
    to_modality_values,
    to_screen,
)
from overread.vocabulary.errors import Rejected


def by_the_standard(x: float, c: float, w: float, function: str) -> float:
    """Output of PS3.3 C.11.2.1.2.1, C.11.2.1.3.1 and C.11.2.1.3.2 for y from 0 to 255."""
    if function == "SIGMOID":
        return 255 / (1 + math.exp(max(-700.0, min(700.0, -4 * (x - c) / w))))
    middle, span = (c, w) if function == "LINEAR_EXACT" else (c - 0.5, w - 1)
    if x <= middle - span / 2:
        return 0
    return 255 if x > middle + span / 2 else ((x - middle) / span + 0.5) * 255


@given(
    x=st.integers(-4096, 4096),
    c=st.integers(-1000, 1000),
    w=st.integers(1, 4000),
    function=st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID"]),
)
def test_windows_follow_the_standard(x: int, c: int, w: int, function: str) -> None:
    grey = int(apply_window(np.array([[x]], np.float32), Window(c, w, function=function))[0, 0])
    if function == "LINEAR" and w == 1:
        # A threshold: the standard gives black at c - 0.5 and below, white above.
        assert grey == (255 if x > c - 0.5 else 0) or x == c
        return
    assert abs(grey - by_the_standard(x, c, w, function)) <= 0.51


@pytest.mark.parametrize(
    ("center", "width", "values", "greys"),
    [
        # The example of PS3.3 C.11.2.1.2.1: c 2048, w 4096 over 0..4095 is the whole scale.
        (2048, 4096, [0, 4095, 2047, 2048], [0, 255, 127, 128]),
        (40, 80, [0, 1, 79, 80, -500, 500], [0, 3, 255, 255, 0, 255]),
    ],
)
def test_windows_at_known_values(
    center: float, width: float, values: list[int], greys: list[int]
) -> None:
    found = apply_window(np.array([values], np.float32), Window(center, width))
    assert found.tolist() == [greys]


def make_header(**changes: object) -> Dataset:
    header = Dataset()
    header.Modality = "CT"
    for keyword, value in changes.items():
        setattr(header, keyword, value)
    return header


def grey_frame(values: NDArray[np.generic], photometric: str = "MONOCHROME2") -> DecodedFrame:
    return DecodedFrame(values, photometric)


def test_monochrome1_is_the_inverse_of_monochrome2() -> None:
    values = np.arange(256, dtype="<u2").reshape(16, 16)
    header = make_header(Modality="CR", WindowCenter=128, WindowWidth=256)
    bright = to_screen(grey_frame(values), header)
    dark = to_screen(grey_frame(values, "MONOCHROME1"), header)
    assert bright[0, 0] == 0
    assert bright[15, 15] == 255
    assert np.array_equal(dark, 255 - bright)


def test_a_real_radiograph_of_monochrome1_has_a_black_background(test_data: Path) -> None:
    dataset = dcmread(test_data / "xray" / "tibia.dcm")
    stream = next(iter(generate_frames(dataset.PixelData, number_of_frames=1)))
    frame = decode_frame(stream, dataset.file_meta.TransferSyntaxUID, read_layout(dataset))
    screen = to_screen(frame, dataset)
    stored = frame.pixels.astype(np.int64)
    # Whatever is stored higher (more film density) is never brighter on the screen.
    assert int(screen[stored == stored.max()].max()) < int(screen[stored == stored.min()].min())


def test_palette_indices_become_the_colours_of_their_table() -> None:
    header = make_header(
        Modality="US",
        BitsAllocated=8,
        BitsStored=8,
        PixelRepresentation=0,
        SamplesPerPixel=1,
        PhotometricInterpretation="PALETTE COLOR",
    )
    tables = {"Red": (10, 20, 30), "Green": (40, 50, 60), "Blue": (70, 80, 90)}
    for colour, entries in tables.items():
        setattr(header, f"{colour}PaletteColorLookupTableDescriptor", [3, 5, 16])
        words = struct.pack("<3H", *(entry << 8 for entry in entries))
        setattr(header, f"{colour}PaletteColorLookupTableData", words)
    # The first entry stands for 5 and what is below, the last for 7 and above (C.7.6.3.1.5).
    indices = np.array([[0, 5, 6, 7, 200]], np.uint8)
    screen = to_screen(DecodedFrame(indices, "PALETTE COLOR"), header)
    assert screen.tolist() == [
        [[10, 40, 70], [10, 40, 70], [20, 50, 80], [30, 60, 90], [30, 60, 90]]
    ]


def expand_segments(words: list[int]) -> NDArray[np.int64]:
    """Discrete and linear segments of a palette (PS3.3 C.7.9.2)."""
    table: list[float] = []
    at = 0
    while at < len(words):
        kind, count = words[at], words[at + 1]
        if kind == 0:
            table += words[at + 2 : at + 2 + count]
            at += 2 + count
        else:
            assert kind == 1
            start, end = table[-1], words[at + 2]
            table += [start + (end - start) * (n + 1) / count for n in range(count)]
            at += 3
    return np.rint(table).astype(np.int64)


def test_a_real_16_bit_palette_is_applied(test_data: Path) -> None:
    dataset = dcmread(test_data / "ultrasound" / "burned-in-text-palette.dcm")
    frame = decode_frame(
        dataset.PixelData, dataset.file_meta.TransferSyntaxUID, read_layout(dataset)
    )
    screen = to_screen(frame, dataset)
    assert (screen.shape, screen.dtype) == ((480, 640, 3), np.uint8)
    first = int(dataset.RedPaletteColorLookupTableDescriptor[1])
    for channel, colour in enumerate(("Red", "Green", "Blue")):
        data = dataset[f"Segmented{colour}PaletteColorLookupTableData"].value
        table = expand_segments(np.frombuffer(data, "<u2").tolist())
        at = np.clip(frame.pixels.astype(np.int64) - first, 0, len(table) - 1)
        expected = table[at].astype(np.int64)
        expected = expected >> 8 if table.max() > 255 else expected
        # Rounding between the ends of a linear segment may differ by one.
        assert np.abs(screen[..., channel].astype(np.int64) - expected).max() <= 1


def test_luminance_and_colour_differences_become_rgb() -> None:
    """The equations of PS3.3 C.7.6.3.1.2 inverted (ITU-R BT.601)."""
    pixels = np.array([[[76, 85, 255], [150, 44, 21], [29, 255, 107], [128, 128, 128]]], np.uint8)
    screen = to_screen(DecodedFrame(pixels, "YBR_FULL"), make_header(BitsStored=8))
    for found, (y, b, r) in zip(screen[0].tolist(), pixels[0].tolist(), strict=True):
        red = y + 1.402 * (r - 128)
        green = y - 0.344136 * (b - 128) - 0.714136 * (r - 128)
        blue = y + 1.772 * (b - 128)
        expected = np.clip([red, green, blue], 0, 255)
        assert np.abs(np.array(found) - expected).max() <= 1


def test_colour_that_is_not_known_is_refused() -> None:
    with pytest.raises(Rejected, match="YBR_PARTIAL_420"):
        to_screen(DecodedFrame(np.zeros((2, 2, 3), np.uint8), "YBR_PARTIAL_420"), make_header())


def test_rescale_counts_and_a_slope_of_zero_does_not() -> None:
    stored = np.array([[0, 1000]], "<i2")
    header = make_header(RescaleSlope="2", RescaleIntercept="-1024")
    assert to_modality_values(stored, header).tolist() == [[-1024, 976]]
    assert read_rescale(header).unit == "HU"
    broken = make_header(Modality="MR", RescaleSlope="0", RescaleIntercept="3")
    assert to_modality_values(stored, broken).tolist() == [[3, 1003]]
    assert read_rescale(broken).unit == ""


def test_a_modality_table_replaces_rescale() -> None:
    item = Dataset()
    item.LUTDescriptor = [4, 0, 16]
    item.add_new("LUTData", "OW", struct.pack("<4H", 100, 90, 40, 7))
    header = make_header(ModalityLUTSequence=Sequence([item]), BitsStored=8, PixelRepresentation=0)
    values = to_modality_values(np.array([[0, 1, 2, 3, 9]], np.uint8), header)
    assert values.tolist() == [[100, 90, 40, 7, 7]]


def test_a_voi_table_is_used_where_there_is_no_window() -> None:
    item = Dataset()
    item.LUTDescriptor = [3, 10, 8]
    item.add_new("LUTData", "OW", bytes([0, 200, 255, 0]))
    header = make_header(
        Modality="CR",
        VOILUTSequence=Sequence([item]),
        BitsAllocated=16,
        BitsStored=16,
        PixelRepresentation=0,
    )
    screen = to_screen(grey_frame(np.array([[3, 10, 11, 12, 90]], "<u2")), header)
    assert screen.tolist() == [[0, 0, 200, 255, 255]]


def test_tables_of_8_bits_may_have_more_than_256_entries_and_begin_below_zero() -> None:
    item = Dataset()
    item.add_new("LUTDescriptor", "SS", [1000, -500, 8])
    item.add_new("LUTData", "OW", bytes(n // 4 for n in range(1000)))
    header = make_header(Modality="MR", VOILUTSequence=Sequence([item]))
    stored = np.array([[-9000, -500, -100, 0, 100, 499, 9000]], "<i2")
    assert to_screen(grey_frame(stored), header).tolist() == [[0, 0, 100, 125, 150, 249, 249]]


@pytest.mark.parametrize("descriptor", [[1000, 0, 8], [4, 0], [4, 0, 0], [4, 0, 17]])
def test_broken_tables_are_refused(descriptor: list[int]) -> None:
    item = Dataset()
    item.add_new("LUTDescriptor", "US", descriptor)
    item.add_new("LUTData", "US", [1, 2, 3, 4])
    for keyword in ("VOILUTSequence", "ModalityLUTSequence"):
        header = make_header(Modality="CR", **{keyword: Sequence([item])})
        with pytest.raises(Rejected, match="LUT"):
            to_screen(grey_frame(np.zeros((2, 2), "<u2")), header)


def test_windows_that_make_no_sense_are_left_out() -> None:
    header = make_header(WindowCenter=[40, 50, 60], WindowWidth=[80, 0, 400])
    header.WindowCenterWidthExplanation = ["BRAIN", "NONE", "SOFT"]
    assert [(w.center, w.width, w.name) for w in read_windows(header)] == [
        (40, 80, "BRAIN"),
        (60, 400, "SOFT"),
    ]
    assert read_windows(make_header()) == ()


def test_padding_does_not_count_for_a_window() -> None:
    values = np.full((100, 100), -2000, np.float32)
    values[:, 50:] = np.linspace(0, 100, 5000).reshape(100, 50)
    window = choose_window(values, padding=-2000)
    assert 45 < window.center < 55
    assert 90 < window.width < 105
    assert choose_window(np.zeros((4, 4), np.float32)).width == 1


def test_pictures_have_the_asked_width_and_round_things_stay_round() -> None:
    values = np.tile(np.arange(200, dtype="<u2"), (100, 1))
    header = make_header(WindowCenter=100, WindowWidth=200)
    with Image.open(io.BytesIO(render_jpeg(grey_frame(values), header, width=50))) as image:
        assert (image.format, image.mode, image.size) == ("JPEG", "L", (50, 25))
    with Image.open(io.BytesIO(render_jpeg(grey_frame(values), header, width=4000))) as image:
        assert image.size == (200, 100)
    header.PixelSpacing = [2, 1]
    with Image.open(io.BytesIO(render_jpeg(grey_frame(values), header))) as image:
        assert image.size == (200, 200)
    for width in (0, 4097):
        with pytest.raises(Rejected):
            render_jpeg(grey_frame(values), header, width=width)
