"""The card: what the model is, what it reads, what it may say."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from overread.model.card import InputRequirement, ModelCard, ModelRef, ModelStatus, OutputCode
from overread.vocabulary.code import Code
from overread_models.brain_mr_volumes.weights import DIGESTS

VERSION = "0.1.0"

VOLUME = Code("118565006", "SCT", "Volume")
_ANATOMY = Code("123037004", "SCT", "Anatomical Structure")


@dataclass(frozen=True, slots=True)
class Structure:
    """One structure of the label map.

    Attributes:
        label: its number in the network's answer.
        is_paired: whether there is one on each side; the network does not tell them apart.
    """

    key: str
    words: str
    label: int
    code: Code
    is_paired: bool
    color_rgb: tuple[int, int, int]


def _sct(value: str, meaning: str) -> Code:
    return Code(value, "SCT", meaning)


STRUCTURES = (
    Structure(
        "lateral-ventricle", "Lateral ventricle", 3,
        _sct("66720007", "Lateral Ventricle"), True, (86, 180, 233),
    ),
    Structure(
        "inferior-horn", "Inferior horn of lateral ventricle", 4,
        _sct("53118009", "Inferior Horn of Lateral Ventricle"), True, (0, 114, 178),
    ),
    Structure("thalamus", "Thalamus", 7, _sct("42695009", "Thalamus"), True, (0, 158, 115)),
    Structure(
        "caudate-nucleus", "Caudate nucleus", 8,
        _sct("11000004", "Caudate Nucleus"), True, (122, 186, 220),
    ),
    Structure("putamen", "Putamen", 9, _sct("89278009", "Putamen"), True, (236, 130, 176)),
    Structure(
        "globus-pallidus", "Globus pallidus", 10,
        _sct("14738005", "Globus Pallidus"), True, (90, 110, 255),
    ),
    Structure(
        "third-ventricle", "Third ventricle", 11,
        _sct("49841001", "Third ventricle"), False, (204, 182, 142),
    ),
    Structure(
        "fourth-ventricle", "Fourth ventricle", 12,
        _sct("35918002", "Fourth Ventricle"), False, (90, 204, 164),
    ),
    Structure(
        "brain-stem", "Brain stem", 13, _sct("119238007", "Brain Stem"), False, (170, 170, 190),
    ),
    Structure(
        "hippocampus", "Hippocampus", 14, _sct("5366008", "Hippocampus"), True, (240, 228, 66),
    ),
    Structure("amygdala", "Amygdala", 15, _sct("4958002", "Amygdala"), True, (103, 255, 255)),
    Structure(
        "nucleus-accumbens", "Nucleus accumbens", 16,
        _sct("427667007", "Nucleus Accumbens"), True, (255, 165, 0),
    ),
)  # fmt: skip
"""Cortex, white matter and cerebellum are in the label map too; their edge follows the crude brain
mask, so no volume of them is claimed."""


@lru_cache(maxsize=1)
def make_card() -> ModelCard:
    """The card; its digest covers this package's code and the known weights."""
    return ModelCard(
        ref=ModelRef("brain-mr-volumes", VERSION, _digest()),
        title="Brain MR volumes",
        manufacturer="Overread (network weights: brainchop, MIT licence)",
        status=ModelStatus.DEMONSTRATION,
        intended_use=(
            "Shows where named deep brain structures lie on an unenhanced T1-weighted 3D MR and "
            "how large the marked regions are. It demonstrates the line from a segmenting "
            "network to SEG and SR and is not for diagnosis."
        ),
        limits=(
            "Not a cleared device. Checked on one normal scan; no accuracy is known.",
            "Trained on adult brains of research scans; children, tumours, surgery and large "
            "ventricles are outside what it has seen.",
            "The network does not tell left from right: sides are parted by a plane fitted to the "
            "midline, and structures that cross it are cut there.",
            "No reference values by age are given: a volume alone means little.",
            "The brain is masked by a simple threshold and morphology; where much skull remains or "
            "brain is lost, the run is refused.",
        ),
        evidence=(
            "One normal scan: thalami 17, hippocampi 6.5, lateral ventricles 18 mL, both sides "
            "together, within the usual range. Not compared with manual outlines."
        ),
        score_meaning="It gives no score: each voxel takes the network's most likely label.",
        flag_text="",
        algorithm_family=Code("123110", "DCM", "Artificial Intelligence"),
        inputs=InputRequirement(
            modalities=("MR",),
            descriptions_any=("t1", "mprage", "mp-rage", "mp2rage", "spgr", "bravo", "tfl", "tfe"),
            descriptions_none=("t2", "flair", "spine", "knee", "post-gd", "with contrast"),
            min_images=80,
            max_images=1024,
            max_slice_gap_mm=2.0,
            min_extent_mm=110,
            allows_contrast_agent=False,
        ),
        outputs=tuple(
            OutputCode(
                key=structure.key,
                label=structure.words,
                finding=structure.code,
                category=_ANATOMY,
                site=structure.code,
                color_rgb=structure.color_rgb,
            )
            for structure in STRUCTURES
        ),
        timeout_seconds=300.0,
        memory_bytes=5 * 1024**3,
    )


def _digest() -> str:
    sha = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        sha.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    for name in sorted(DIGESTS):
        sha.update(bytes.fromhex(DIGESTS[name]))
    return sha.hexdigest()
