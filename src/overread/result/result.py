"""The one idea: a finding is said once, here, and drawn everywhere.

Encoders (`result.encoding`) write a `Result` as SR, SEG, SC and JSON; viewer, worklist and audit
read it. Nothing else in the system knows a second form of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from overread.model.card import ModelRef, ModelStatus
from overread.result.region import Region
from overread.study.study import ImageRef
from overread.vocabulary.code import Code
from overread.vocabulary.uid import Uid


@dataclass(frozen=True, slots=True)
class Measurement:
    """A number with its unit.

    Attributes:
        uncertainty: half-width of a 95 % interval in the same unit, None where unknown.
    """

    concept: Code
    value: float
    unit: Code
    uncertainty: float | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One claim about one place.

    Attributes:
        output: key of the card's output it answers.
        label: words for people.
        confidence: 0..1, meaning stated by `Result.score_meaning`; None where the model has none.
        is_flagged: whether it raised the worklist's flag (card output critical, above threshold).
        regions: where it lies, each bound to images of the result's series.
        key_image: the image with the largest area of it, None for a finding without a place.
        tracking_id: human-readable tracking identifier (112039, DCM).
        tracking_uid: the same in SR and SEG (112040, DCM; (0062,0021)).
    """

    output: str
    label: str
    finding: Code
    category: Code
    site: Code | None
    laterality: Code | None
    confidence: float | None
    is_flagged: bool
    regions: tuple[Region, ...]
    measurements: tuple[Measurement, ...]
    key_image: ImageRef | None
    tracking_id: str
    tracking_uid: Uid
    color_rgb: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Result:
    """Everything one run of one model claims of one series.

    Attributes:
        result_uid: derived from study, model digest, input digest and versions.
        input_digest: SHA-256 (hex) over sorted SOP Instance UIDs, decoded pixels and geometry.
        started_at: ISO 8601 with offset; the run's journalled start, so that a repeated step
            writes equal bytes.
        source_images: the input's images in slice order.
        findings: strongest first (flagged, then confidence, then volume).
        notices: what a reader must know ("vertex not covered", "spacing uneven, 7 mm").
        flag_text: worklist words of the model, for `is_flagged`.
    """

    result_uid: Uid
    study_instance_uid: Uid
    series_instance_uid: Uid
    frame_of_reference_uid: Uid | None
    model: ModelRef
    model_title: str
    model_manufacturer: str
    model_status: ModelStatus
    algorithm_family: Code
    score_meaning: str
    flag_text: str
    input_digest: str
    started_at: str
    source_images: tuple[ImageRef, ...]
    findings: tuple[Finding, ...]
    notices: tuple[str, ...]

    @property
    def is_flagged(self) -> bool:
        return any(finding.is_flagged for finding in self.findings)
