"""HTJ2K out and in again: nothing is lost, whatever the size, the bits and the sign."""

from __future__ import annotations

import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overread.study.pixels.encode import decode_htj2k, encode_htj2k
from overread.vocabulary.errors import Rejected

RANGES = {
    "u1": (0, 255),
    "i1": (-128, 127),
    "<u2": (0, 65535),
    "<i2": (-32768, 32767),
    "12 unsigned": (0, 4095),
    "12 signed": (-2048, 2047),
}


@settings(max_examples=120)
@given(
    kind=st.sampled_from(sorted(RANGES)),
    rows=st.integers(1, 70),
    columns=st.integers(1, 70),
    colour=st.booleans(),
    smooth=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_nothing_is_lost(  # noqa: PLR0917  # drawn by name
    kind: str, rows: int, columns: int, colour: bool, smooth: bool, seed: int
) -> None:
    low, high = RANGES[kind]
    dtype = {"12 unsigned": "<u2", "12 signed": "<i2"}.get(kind, kind)
    shape: tuple[int, ...] = (rows, columns)
    if colour:
        shape, dtype, low, high = (rows, columns, 3), "u1", 0, 255
    random = np.random.default_rng(seed)
    if smooth:
        ramp = np.linspace(low, high, int(np.prod(shape))).reshape(shape)
        pixels = ramp.astype(dtype)
    else:
        pixels = random.integers(low, high + 1, shape).astype(dtype)
        pixels.flat[0], pixels.flat[-1] = low, high
    stream = encode_htj2k(pixels)
    back = decode_htj2k(stream)
    assert back.dtype == pixels.dtype
    assert back.shape == pixels.shape
    assert np.array_equal(back, pixels)


def test_the_stream_is_high_throughput_reversible_and_by_resolution() -> None:
    pixels = np.arange(64 * 48, dtype="<u2").reshape(64, 48)
    stream = encode_htj2k(pixels)
    assert stream[:4] == b"\xff\x4f\xff\x51"  # SOC, SIZ: a bare codestream
    assert b"\xff\x50" in stream[:128]  # CAP: Part 15
    cod = stream.index(b"\xff\x52")
    assert stream[cod + 5] == 2  # progression order RPCL (T.800 table A.16)
    assert stream[cod + 13] == 1  # the reversible 5-3 filter (T.800 table A.20)
    assert np.array_equal(imagecodecs.htj2k_decode(stream), pixels)


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((4, 4), "f4"),
        np.zeros((4, 4), "<u4"),
        np.zeros((4, 4, 4), "u1"),
        np.zeros(4, "u1"),
        np.zeros((0, 4), "u1"),
    ],
)
def test_what_cannot_be_encoded_is_refused(pixels: np.ndarray) -> None:
    with pytest.raises(Rejected):
        encode_htj2k(pixels)


@given(st.binary(max_size=200))
def test_rubbish_is_no_stream(data: bytes) -> None:
    with pytest.raises(Rejected):
        decode_htj2k(data)
