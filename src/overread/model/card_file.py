"""A model's card as a TOML file, for models that are no Python plug-in (docs/models.md).

Every key is checked; an error names the key, the rule and what to write instead.
"""

from __future__ import annotations

import hashlib
import math
import re
import shutil
import tomllib
from dataclasses import dataclass
from pathlib import Path

from overread.model.card import InputRequirement, ModelCard, ModelRef, ModelStatus, OutputCode
from overread.model.card_keys import Keys
from overread.vocabulary.code import Code
from overread.vocabulary.errors import Rejected

MAX_CARD_BYTES = 256 * 1024
ARTIFICIAL_INTELLIGENCE = Code("123110", "DCM", "Artificial Intelligence")  # CID 7162
_ANATOMY = Code("123037004", "SCT", "Anatomical Structure")  # CID 7150

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


@dataclass(frozen=True, slots=True)
class OnnxSpec:
    """How an ONNX file is fed and read.

    Attributes:
        file: of the model, absolute.
        orientation: three letters, one for each of x, y and z: the side towards which the index
            grows (L or R, P or A, S or I in any order); "" keeps the series' own slices.
        spacing_mm: along x, y and z; None keeps the series' own. Needs an orientation.
        shape: (z, y, x) to which the grid is padded or cut around its middle; None keeps it.
        axis_order: "zyx" or "xyz", how the tensor's last three axes follow each other.
        is_per_slice: whether the model takes one slice a time (N, C, y, x).
        normalise: "window" (clip to `window`, then 0 to 1), "z-score", "min-max" or "none".
        output: "labels" (one number a voxel), "probabilities" or "logits" (one channel a class).
        classes: the card's output key for each label or channel, "" where it claims nothing.
        threshold: least probability of a claimed voxel, where there is one class a voxel may
            belong to beside others; labels and several classes go by the largest.
    """

    file: Path
    orientation: str
    spacing_mm: tuple[float, float, float] | None
    shape: tuple[int, int, int] | None
    axis_order: str
    is_per_slice: bool
    normalise: str
    window: tuple[float, float] | None
    output: str
    classes: tuple[str, ...]
    threshold: float


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """A program that reads a folder of DICOM and writes JSON, SEG or SR.

    Attributes:
        program: with arguments; `{input}` and `{output}` stand for the two folders.
        folder: where the card lies; the program runs in an empty folder of its own.
        disk_bytes: of everything it writes.
        segments: the card's output key for each segment label of a SEG, or finding code value of
            an SR; empty means that they are the keys themselves.
        may_reach_network: whether it may run where the network can't be cut off.
    """

    program: tuple[str, ...]
    folder: Path
    disk_bytes: int
    segments: tuple[tuple[str, str], ...]
    may_reach_network: bool


@dataclass(frozen=True, slots=True)
class CardFile:
    """A card and how its model is run: exactly one of `onnx` and `command`."""

    card: ModelCard
    onnx: OnnxSpec | None
    command: CommandSpec | None

    def find_missing(self) -> str:
        """ "" where the model can run, else what is missing."""
        if self.onnx is not None and not self.onnx.file.is_file():
            return f"The file {self.onnx.file.name} does not lie beside the card."
        if self.command is not None:
            program = self.command.program[0]
            if not resolve_program(self.command):
                return f"The program {program} is not found on PATH or beside the card."
        return ""


def resolve_program(spec: CommandSpec) -> str | None:
    """The program's path: beside the card, else on PATH; None where there is none."""
    beside = spec.folder / spec.program[0]
    return str(beside) if beside.is_file() else shutil.which(spec.program[0])


def read_card_file(path: Path) -> CardFile:
    """Read and check a card file.

    Raises:
        Rejected: naming the file, the key, the rule and what to write instead.
    """
    try:
        data = path.read_bytes()[: MAX_CARD_BYTES + 1]
    except OSError as error:
        raise Rejected(f"The card {path.name} can't be read: {error.strerror}.") from error
    if len(data) > MAX_CARD_BYTES:
        raise Rejected(f"The card {path.name} has more than {MAX_CARD_BYTES} bytes.")
    try:
        document = tomllib.loads(data.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Rejected(f"The card {path.name} is not TOML in UTF-8: {error}.") from error
    keys = Keys(path.name, "", document)
    onnx = _read_onnx(keys.find_table("onnx"), path.parent)
    command = _read_command(keys.find_table("command"), path.parent)
    if (onnx is None) == (command is None):
        raise Rejected(
            f"The card {path.name} needs exactly one of the tables [onnx] and [command]: they say "
            "how the model is run."
        )
    digest = _digest(data, onnx, keys, path.parent)
    card = _read_card(keys, digest)
    keys.refuse_unread()
    for key in _list_claimed(onnx, command):
        if key and card.find_output(key) is None:
            raise Rejected(
                f"The card {path.name} maps to {key!r}, which no table [[outputs]] has as key."
            )
    return CardFile(card, onnx, command)


def _list_claimed(onnx: OnnxSpec | None, command: CommandSpec | None) -> tuple[str, ...]:
    if onnx is not None:
        return onnx.classes
    return tuple(key for _, key in command.segments) if command is not None else ()


def _read_card(keys: Keys, digest: str) -> ModelCard:
    name = keys.read_text("name")
    if not _NAME.fullmatch(name):
        raise keys.reject("name", "lower-case letters, digits and hyphens, 63 at most")
    family = keys.find_code("algorithm_family") or ARTIFICIAL_INTELLIGENCE
    outputs = tuple(_read_output(table) for table in keys.read_tables("outputs"))
    if len({output.key for output in outputs}) != len(outputs):
        raise keys.reject("outputs", "tables with a key each of its own")
    return ModelCard(
        ref=ModelRef(name, keys.read_text("version"), digest),
        title=keys.read_text("title"),
        manufacturer=keys.read_text("manufacturer"),
        status=ModelStatus(keys.read_choice("status", [str(s) for s in ModelStatus])),
        intended_use=keys.read_text("intended_use"),
        limits=keys.read_texts("limits"),
        evidence=keys.read_text("evidence"),
        score_meaning=keys.read_text("score_meaning"),
        flag_text=keys.read_text("flag_text", ""),
        algorithm_family=family,
        inputs=_read_inputs(keys.read_table("inputs")),
        outputs=outputs,
        thresholds=_read_thresholds(keys.find_table("thresholds")),
        timeout_seconds=keys.read_number("timeout_seconds", 300.0, 1, 86400),
        memory_bytes=int(keys.read_number("memory_mib", 4096, 64, 2**20)) * 1024**2,
    )


def _read_inputs(keys: Keys) -> InputRequirement:
    inputs = InputRequirement(
        modalities=keys.read_texts("modalities"),
        body_parts=keys.read_texts("body_parts", ()),
        descriptions_any=keys.read_texts("descriptions_any", ()),
        descriptions_none=keys.read_texts("descriptions_none", ()),
        min_images=int(keys.read_number("min_images", 1, 1, 10**6)),
        max_images=int(keys.read_number("max_images", 5000, 1, 10**6)),
        max_slice_gap_mm=keys.find_number("max_slice_gap_mm", 0, 1000),
        min_extent_mm=keys.find_number("min_extent_mm", 0, 10_000),
        is_volume=keys.read_flag("is_volume", True),
        allows_contrast_agent=keys.read_flag("allows_contrast_agent", True),
    )
    keys.refuse_unread()
    return inputs


def _read_output(keys: Keys) -> OutputCode:
    color = keys.read_numbers("color_rgb", 3, (86, 180, 233))
    if any(not (0 <= part <= 255 and part == int(part)) for part in color):
        raise keys.reject("color_rgb", "three whole numbers of 0 to 255")
    output = OutputCode(
        key=keys.read_text("key"),
        label=keys.read_text("label"),
        finding=keys.read_code("finding"),
        category=keys.find_code("category") or _ANATOMY,
        site=keys.find_code("site"),
        is_critical=keys.read_flag("is_critical", False),
        color_rgb=(int(color[0]), int(color[1]), int(color[2])),
    )
    keys.refuse_unread()
    return output


def _read_thresholds(keys: Keys | None) -> dict[str, float]:
    if keys is None:
        return {}
    return {name: keys.read_number(name, None, -math.inf, math.inf) for name in keys.names}


def _read_onnx(keys: Keys | None, folder: Path) -> OnnxSpec | None:
    if keys is None:
        return None
    file = _beside(keys, folder)
    orientation = keys.read_text("orientation", "").upper()
    sides = sorted("LR" if c in "LR" else "PA" if c in "PA" else "SI" for c in orientation)
    if orientation and (set(orientation) - set("LRPASI") or sides != ["LR", "PA", "SI"]):
        raise keys.reject("orientation", 'three letters such as "LPS" or "LIA", or left out')
    spacing = keys.find_numbers("spacing_mm", 3)
    shape = keys.find_numbers("shape", 3)
    if (spacing or shape) and not orientation:
        raise keys.reject("orientation", "given where spacing_mm or shape is")
    if spacing and min(spacing) <= 0:
        raise keys.reject("spacing_mm", "three numbers above 0")
    if shape and any(not (1 <= side <= 1024 and side == int(side)) for side in shape):
        raise keys.reject("shape", "three whole numbers of 1 to 1024, as z, y, x")
    normalise = keys.read_choice("normalise", ["none", "window", "z-score", "min-max"], "none")
    window = keys.find_numbers("window", 2)
    if normalise == "window" and (window is None or window[0] >= window[1]):
        raise keys.reject("window", "two numbers, the lower first")
    spec = OnnxSpec(
        file=file,
        orientation=orientation,
        spacing_mm=(spacing[0], spacing[1], spacing[2]) if spacing else None,
        shape=(int(shape[0]), int(shape[1]), int(shape[2])) if shape else None,
        axis_order=keys.read_choice("axis_order", ["zyx", "xyz"], "zyx"),
        is_per_slice=keys.read_flag("per_slice", False),
        normalise=normalise,
        window=(window[0], window[1]) if window else None,
        output=keys.read_choice("output", ["labels", "probabilities", "logits"]),
        classes=keys.read_texts("classes"),
        threshold=keys.read_number("threshold", 0.5, 0, 1),
    )
    expected = keys.read_text("sha256", "")
    if expected and file.is_file() and _digest_file(file) != expected.lower():
        raise keys.reject("sha256", f"the digest of {file.name}, which is another file")
    keys.refuse_unread()
    return spec


def _read_command(keys: Keys | None, folder: Path) -> CommandSpec | None:
    if keys is None:
        return None
    program = keys.read_texts("program")
    if not program or not any("{input}" in word for word in program):
        raise keys.reject("program", 'a list such as ["./run.sh", "{input}", "{output}"]')
    keys.read_texts("files", ())
    segments = keys.find_table("segments")
    spec = CommandSpec(
        program=program,
        folder=folder.resolve(),
        disk_bytes=int(keys.read_number("disk_mib", 1024, 1, 2**20)) * 1024**2,
        segments=tuple((name, segments.read_text(name)) for name in segments.names)
        if segments
        else (),
        may_reach_network=keys.read_flag("may_reach_network", False),
    )
    keys.refuse_unread()
    return spec


def _beside(keys: Keys, folder: Path) -> Path:
    name = keys.read_text("file")
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise keys.reject("file", "a file beside the card or below it")
    return path


def _digest(data: bytes, onnx: OnnxSpec | None, keys: Keys, folder: Path) -> str:
    """Over the card and every file that decides what the model says."""
    sha = hashlib.sha256(data)
    command = keys.find_table("command")
    names: list[Path] = [onnx.file] if onnx else []
    if command is not None:
        names += [folder / name for name in command.read_texts("files", ())]
        names += [folder / word for word in command.read_texts("program") if _is_plain(word)]
    for path in names:
        if path.is_file():
            sha.update(bytes.fromhex(_digest_file(path)))
    return sha.hexdigest()


def _is_plain(word: str) -> bool:
    return "{" not in word and not Path(word).is_absolute()


def _digest_file(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
