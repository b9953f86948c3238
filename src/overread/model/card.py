"""A model's card: what it is, what it takes, what it may say, and how far it may be believed."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from overread.vocabulary.code import Code


@dataclass(frozen=True, slots=True)
class ModelRef:
    """Exactly which model made a claim.

    Attributes:
        digest: SHA-256 (hex) over what decides its output: code and weights.
    """

    name: str
    version: str
    digest: str


class ModelStatus(StrEnum):
    """How far the model may be believed; shown on card, result and screen."""

    DEMONSTRATION = "demonstration"
    RESEARCH = "research"
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True)
class InputRequirement:
    """Which series the model accepts; an empty tuple or None places no demand.

    Attributes:
        descriptions_any: lower-case words of which the study or series description, protocol or
            body part must hold one.
        descriptions_none: lower-case words that none of them may hold.
        is_volume: whether all slices need positions in one frame of reference.
    """

    modalities: tuple[str, ...]
    body_parts: tuple[str, ...] = ()
    descriptions_any: tuple[str, ...] = ()
    descriptions_none: tuple[str, ...] = ()
    min_images: int = 1
    max_images: int = 5000
    max_slice_gap_mm: float | None = None
    min_extent_mm: float | None = None
    is_volume: bool = True
    allows_contrast_agent: bool = True


@dataclass(frozen=True, slots=True)
class OutputCode:
    """One kind of thing the model may claim.

    Attributes:
        key: the word the model itself uses for it, unique within the card.
        finding: SR finding (121071, DCM).
        category: segmented property category (PS3.16 CID 7150).
        site: finding site (363698007, SCT).
        is_critical: whether such a claim flags the study as critical when above its threshold.
    """

    key: str
    label: str
    finding: Code
    category: Code
    site: Code | None = None
    is_critical: bool = False
    color_rgb: tuple[int, int, int] = (86, 180, 233)


@dataclass(frozen=True, slots=True)
class ModelCard:
    ref: ModelRef
    title: str
    manufacturer: str
    status: ModelStatus
    intended_use: str
    limits: tuple[str, ...]
    evidence: str
    score_meaning: str
    flag_text: str
    """What the worklist says when it flags, e.g. "suspected intracranial haemorrhage"."""
    algorithm_family: Code
    """CID 7162."""
    inputs: InputRequirement
    outputs: tuple[OutputCode, ...]
    thresholds: dict[str, float] = field(default_factory=dict)
    """Parameters by name; "flag" is the confidence from which a claim flags the study."""
    timeout_seconds: float = 300.0
    memory_bytes: int = 4 * 1024**3

    def find_output(self, key: str) -> OutputCode | None:
        return next((output for output in self.outputs if output.key == key), None)
