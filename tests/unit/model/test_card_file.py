"""Card files: what is right is read whole; what is wrong names the key and the remedy."""

from __future__ import annotations

import contextlib
import hashlib
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from overread.model.card import ModelStatus
from overread.model.card_file import read_card_file
from overread.vocabulary.errors import Rejected

HEAD = """
name = "bright-things"
version = "2.1"
title = "Bright things"
manufacturer = "A hospital"
status = "research"
intended_use = "Marks bright things."
limits = ["Not for children."]
evidence = "None."
score_meaning = "None."
flag_text = "a bright thing"
timeout_seconds = 30
memory_mib = 512

[inputs]
modalities = ["CT"]
max_slice_gap_mm = 5.5

[[outputs]]
key = "bright"
label = "Bright"
finding = ["50960005", "SCT", "Hemorrhage"]
is_critical = true
color_rgb = [255, 0, 10]

[thresholds]
flag = 0.4
"""
ONNX = """
[onnx]
file = "model.onnx"
orientation = "LPS"
spacing_mm = [1, 1, 2.5]
shape = [64, 128, 128]
normalise = "window"
window = [0, 80]
output = "probabilities"
classes = ["", "bright"]
"""
COMMAND = """
[command]
program = ["./run.sh", "{input}", "{output}"]
disk_mib = 10
[command.segments]
"Bright thing" = "bright"
"""


def write(folder: Path, text: str) -> Path:
    (folder / "model.onnx").write_bytes(b"onnx")
    (folder / "run.sh").write_bytes(b"#!/bin/sh")
    path = folder / "card.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_onnx_card_is_read_whole(tmp_path: Path) -> None:
    read = read_card_file(write(tmp_path, HEAD + ONNX))
    card = read.card
    assert (card.ref.name, card.ref.version, card.status) == (
        "bright-things",
        "2.1",
        ModelStatus.RESEARCH,
    )
    assert card.inputs.max_slice_gap_mm == 5.5
    assert card.outputs[0].is_critical
    assert card.outputs[0].color_rgb == (255, 0, 10)
    assert card.thresholds == {"flag": 0.4}
    assert card.memory_bytes == 512 * 1024**2
    assert read.onnx is not None
    assert read.onnx.spacing_mm == (1, 1, 2.5)
    assert read.onnx.shape == (64, 128, 128)
    assert read.onnx.classes == ("", "bright")
    assert read.find_missing() == ""


def test_a_command_card_is_read_whole(tmp_path: Path) -> None:
    read = read_card_file(write(tmp_path, HEAD + COMMAND))
    assert read.command is not None
    assert read.command.program == ("./run.sh", "{input}", "{output}")
    assert read.command.segments == (("Bright thing", "bright"),)
    assert read.command.disk_bytes == 10 * 1024**2
    assert not read.command.may_reach_network
    (tmp_path / "run.sh").unlink()
    assert "run.sh is not found" in read.find_missing()


@pytest.mark.parametrize("name", ["card.toml", "model.onnx"])
def test_the_digest_follows_card_and_weights(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, HEAD + ONNX)
    before = read_card_file(path).card.ref.digest
    assert re.fullmatch("[0-9a-f]{64}", before)
    assert read_card_file(path).card.ref.digest == before
    with (tmp_path / name).open("ab") as stream:
        stream.write(b"\n")
    assert read_card_file(path).card.ref.digest != before


def test_the_digest_follows_a_program(tmp_path: Path) -> None:
    path = write(tmp_path, HEAD + COMMAND)
    before = read_card_file(path).card.ref.digest
    (tmp_path / "run.sh").write_bytes(b"other")
    assert read_card_file(path).card.ref.digest != before


def test_a_stated_digest_is_checked(tmp_path: Path) -> None:
    right = hashlib.sha256(b"onnx").hexdigest()
    read_card_file(write(tmp_path, HEAD + ONNX + f'sha256 = "{right}"\n'))
    with pytest.raises(Rejected, match="another file"):
        read_card_file(write(tmp_path, HEAD + ONNX + f'sha256 = "{"0" * 64}"\n'))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('name = "bright-things"', 'name = "Bright things"', "name must be lower-case"),
        ('version = "2.1"', "version = 2.1", "version must be a text"),
        ('version = "2.1"', "", "version must be a text"),
        ('status = "research"', 'status = "certified"', "demonstration, research, cleared"),
        ('finding = ["50960005", "SCT", "Hemorrhage"]', "", "outputs[0].finding must be a code"),
        ("timeout_seconds = 30", "timeout_seconds = 0", "1 to 86400"),
        ("memory_mib = 512", "memory_mib = nan", "memory_mib must be a number"),
        ("is_critical = true", "is_critical = 1", "true or false"),
        ("color_rgb = [255, 0, 10]", "color_rgb = [255, 0, 300]", "0 to 255"),
        ('modalities = ["CT"]', 'modalities = "CT"', "inputs.modalities must be a list"),
        ("max_slice_gap_mm", "max_slice_gap", "unknown keys inputs.max_slice_gap"),
        ('orientation = "LPS"', 'orientation = "LRS"', "three letters"),
        ('orientation = "LPS"', "", "orientation must be given"),
        ("window = [0, 80]", "window = [80, 0]", "lower first"),
        ('classes = ["", "bright"]', 'classes = ["", "dark"]', "maps to 'dark'"),
        ('file = "model.onnx"', 'file = "../../etc/passwd"', "beside the card"),
        ("[onnx]", "[onyx]", "exactly one of the tables"),
        ("shape = [64, 128, 128]", "shape = [64, 128, 1e9]", "1 to 1024"),
        ('key = "bright"', 'key = "bright', "not TOML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, old: str, new: str, words: str) -> None:
    text = HEAD + ONNX
    assert old in text
    with pytest.raises(Rejected, match=re.escape(words)) as caught:
        read_card_file(write(tmp_path, text.replace(old, new, 1)))
    assert "card.toml" in str(caught.value)


def test_both_tables_are_too_many(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="exactly one"):
        read_card_file(write(tmp_path, HEAD + ONNX + COMMAND))


@given(cut=st.integers(0, len(HEAD + ONNX)), byte=st.binary(min_size=0, max_size=3))
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_damaged_card_is_refused_or_read(tmp_path: Path, cut: int, byte: bytes) -> None:
    path = write(tmp_path, "")
    data = (HEAD + ONNX).encode()
    path.write_bytes(data[:cut] + byte + data[cut + len(byte) :])
    with contextlib.suppress(Rejected):
        assert read_card_file(path).card.outputs
