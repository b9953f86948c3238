"""imagecodecs behind pydicom's own pixel interface, so that `Dataset.pixel_array` reads every
syntax that `decode_frame` reads. `register` adds it; it is asked first."""

from __future__ import annotations

from pydicom import uid
from pydicom.pixels.decoders.base import DecodeRunner, get_decoder

from overread.study.pixels.decode import COMPRESSED_SYNTAXES, decode_frame
from overread.study.pixels.layout import PixelLayout

LABEL = "imagecodecs"

DECODER_DEPENDENCIES = dict.fromkeys(COMPRESSED_SYNTAXES, ("imagecodecs>=2026.3.6",))


def is_available(syntax: str) -> bool:
    """Whether this plug-in reads the transfer syntax (asked by pydicom)."""
    return syntax in COMPRESSED_SYNTAXES


def decode_for_pydicom(data: bytes, runner: DecodeRunner) -> bytes | bytearray:
    """One frame for pydicom's runner: samples interleaved, little endian.

    Raises:
        Rejected: as `decode_frame`; pydicom reports it as a decoding failure.
    """
    layout = PixelLayout(
        rows=runner.rows,
        columns=runner.columns,
        samples=runner.samples_per_pixel,
        bits_allocated=runner.bits_allocated,
        bits_stored=runner.bits_stored,
        high_bit=runner.bits_stored - 1,
        is_signed=runner.pixel_representation == 1,
        photometric=str(runner.photometric_interpretation),
        planar=False,
        number_of_frames=runner.number_of_frames,
    )
    frame = decode_frame(bytes(data), runner.transfer_syntax, layout)
    if layout.samples > 1:
        runner.set_option("planar_configuration", 0)
        runner.set_option("photometric_interpretation", frame.photometric)
    return frame.pixels.tobytes()


def register() -> None:
    """Make pydicom use imagecodecs for all compressed syntaxes; calling it again does nothing."""
    for syntax in COMPRESSED_SYNTAXES:
        decoder = get_decoder(uid.UID(syntax))
        if LABEL not in decoder.available_plugins:
            decoder.add_plugin(LABEL, (__name__, "decode_for_pydicom"))
