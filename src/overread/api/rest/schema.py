"""The wire forms. OpenAPI, and from it the types of the web application, are made of these.

What is large or hot is written past them with orjson; a test holds both to one shape.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

UidText = Annotated[str, Field(max_length=64, pattern=r"^[0-9]+(\.[0-9]+)+$")]
Point = Annotated[list[float], Field(min_length=2, max_length=2)]
Vector = Annotated[list[float], Field(min_length=3, max_length=3)]
MAX_POINTS = 20_000
MAX_REGIONS = 2_000


class Wire(BaseModel):
    """Fields that are not known are refused, so that a misspelt one is found."""

    model_config = ConfigDict(extra="forbid")


class Problem(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    instance: str


class SignIn(Wire):
    username: str = Field(min_length=1, max_length=200)
    password: str = Field(min_length=1, max_length=1024)


class SessionView(Wire):
    user: str
    display_name: str
    roles: list[str]
    permissions: list[str]
    csrf_token: str
    expires_at: str


class FlagView(Wire):
    text: str
    finding: str
    confidence: float | None
    volume_ml: float | None
    model: str
    model_version: str
    model_status: str


class ReasonView(Wire):
    model: str
    reason: str


class AnalysisView(Wire):
    state: Literal[
        "receiving", "waiting", "analysing", "analysed", "not_suitable", "failed", "idle"
    ]
    share: float | None
    message: str
    reasons: list[ReasonView]


VerdictWord = Literal["accept", "reject", "adjust", "withdraw"]


class RowView(Wire):
    """`rank` is null in an event: the order is that of a fresh worklist."""

    study_instance_uid: str
    patient_name: str
    patient_id: str
    patient_age: str
    patient_sex: str
    accession_number: str
    modality: str
    description: str
    body_part: str
    study_datetime: str
    received_at: str
    instances_received: int
    series_count: int
    is_synthetic: bool
    priority: Literal["stat", "high", "routine"]
    rank: int | None
    is_critical: bool
    flag: FlagView | None
    analysis: AnalysisView
    result_uids: list[str]
    verdict: Literal["accept", "reject", "adjust"] | None
    thumbnail_url: str


class WorklistView(Wire):
    rows: list[RowView]
    last_event_id: int
    quarantined: int


class EventView(Wire):
    event_id: int
    kind: str
    study_instance_uid: str | None
    occurred_at: str
    row: RowView | None
    data: dict[str, Any]


class QuarantineItemView(Wire):
    quarantine_id: str
    received_at: str
    source: str
    file_name: str
    reason: str
    remedy: str
    study_instance_uid: str | None


class QuarantineView(Wire):
    items: list[QuarantineItemView]


class CodeView(Wire):
    value: str
    scheme: str
    meaning: str


class ImageRefView(Wire):
    sop_instance_uid: UidText
    frame: int = Field(ge=1)


class BoxView(Wire):
    kind: Literal["box"]
    image: ImageRefView
    top_left: Point
    bottom_right: Point


class ContourView(Wire):
    kind: Literal["contour"]
    image: ImageRefView
    points: list[Point] = Field(min_length=3, max_length=MAX_POINTS)
    is_hole: bool


class LineView(Wire):
    kind: Literal["line"]
    image: ImageRefView
    start: Point
    end: Point


class MaskSliceView(Wire):
    image: ImageRefView
    rows: int
    columns: int
    runs: list[int]


class MaskView(Wire):
    kind: Literal["mask"]
    slices: list[MaskSliceView]


class HeatmapSliceView(Wire):
    image: ImageRefView
    rows: int
    columns: int
    values: str


class HeatmapView(Wire):
    kind: Literal["heatmap"]
    slices: list[HeatmapSliceView]


RegionView = Annotated[
    BoxView | ContourView | LineView | MaskView | HeatmapView, Field(discriminator="kind")
]
DrawnRegion = Annotated[BoxView | ContourView, Field(discriminator="kind")]


class MeasurementView(Wire):
    concept: CodeView
    value: float
    unit: CodeView
    uncertainty: float | None


class FindingView(Wire):
    output: str
    label: str
    finding: CodeView
    category: CodeView
    site: CodeView | None
    laterality: CodeView | None
    confidence: float | None
    is_flagged: bool
    measurements: list[MeasurementView]
    key_image: ImageRefView | None
    tracking_id: str
    tracking_uid: str
    color_rgb: list[int]
    regions: list[RegionView]


class ModelRefView(Wire):
    name: str
    version: str
    digest: str


class ResultDocument(Wire):
    schema_version: int
    result_uid: str
    study_instance_uid: str
    series_instance_uid: str
    frame_of_reference_uid: str | None
    model: ModelRefView
    model_title: str
    model_manufacturer: str
    model_status: Literal["demonstration", "research", "cleared"]
    algorithm_family: CodeView
    score_meaning: str
    flag_text: str
    input_digest: str
    started_at: str
    is_flagged: bool
    notices: list[str]
    source_images: list[ImageRefView]
    findings: list[FindingView]


class ObjectView(Wire):
    kind: Literal["SR", "SEG", "SC", "JSON"]
    series_instance_uid: str | None
    sop_instance_uid: str | None
    is_stored: bool


class VerdictView(Wire):
    verdict_id: str
    result_uid: str
    tracking_uid: str
    kind: VerdictWord
    reason: str
    regions: list[RegionView]
    measurements: list[MeasurementView]
    made_by: str
    made_at: str


class VerdictGiven(Wire):
    verdict_id: str = Field(
        pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$", description="A UUID."
    )
    tracking_uid: UidText
    kind: VerdictWord
    reason: str = Field(default="", max_length=2000)
    regions: list[DrawnRegion] = Field(default_factory=list, max_length=MAX_REGIONS)


class ResultView(Wire):
    result: ResultDocument
    phase: str
    phase_note: str
    verdicts: list[VerdictView]
    objects: list[ObjectView]


class ResultsView(Wire):
    results: list[ResultView]


class PatientView(Wire):
    name: str
    patient_id: str
    birth_date: str
    sex: str
    age: str


class SuitabilityView(Wire):
    model: str
    is_chosen: bool
    reason: str


class SpacingView(Wire):
    """`gaps_mm`: smallest and largest distance along the normal; null where it is no volume."""

    is_volume: bool
    is_tilted: bool
    tilt_degrees: float
    is_even: bool
    gaps_mm: list[float] | None
    note: str


class SeriesView(Wire):
    series_instance_uid: str
    modality: str
    series_number: int | None
    description: str
    body_part: str
    frame_of_reference_uid: str | None
    image_count: int
    is_made_by_overread: bool
    is_displayable: bool
    thumbnail_url: str
    suitability: list[SuitabilityView]
    spacing: SpacingView


class OpenAtView(Wire):
    series_instance_uid: str
    sop_instance_uid: str
    frame: int


class StudyView(Wire):
    study_instance_uid: str
    patient: PatientView
    accession_number: str
    description: str
    study_datetime: str
    is_synthetic: bool
    series: list[SeriesView]
    open_at: OpenAtView | None
    results: list[ResultView]


class PlaneView(Wire):
    position: Vector
    row_cosines: Vector
    column_cosines: Vector
    spacing_between_rows_mm: float
    spacing_between_columns_mm: float


class WindowView(Wire):
    center: float
    width: float
    name: str


class ImageView(Wire):
    sop_instance_uid: str
    frame: int
    instance_number: int | None
    rows: int
    columns: int
    plane: PlaneView | None
    spacing_mm: Annotated[list[float], Field(min_length=2, max_length=2)] | None
    """Between rows, between columns; known without a plane too (a calibrated radiograph)."""
    is_spacing_trustworthy: bool
    spacing_note: str
    photometric_interpretation: str
    samples_per_pixel: int
    bits_allocated: int
    bits_stored: int
    is_signed: bool
    rescale_slope: float
    rescale_intercept: float
    rescale_unit: str
    windows: list[WindowView]
    is_lossy: bool
    lossy_note: str
    pixels_url: str


class ImagesView(Wire):
    images: list[ImageView]
    frame_time_ms: float | None


class VolumeView(Wire):
    """`dimensions` and `spacing_mm` are x, y, z: columns, rows, slices."""

    dimensions: list[int]
    spacing_mm: Vector
    origin: Vector
    directions: list[Vector]
    is_resampled: bool
    note: str
    scalar: Literal["int16"]
    rescaled: bool
    voxels_url: str


class VolumeMaskView(Wire):
    dimensions: list[int]
    runs: list[int]


class InferenceAsked(Wire):
    study_instance_uid: UidText
    series_instance_uid: UidText | None = None
    model: str | None = Field(default=None, max_length=200)


class JobView(Wire):
    job_id: str
    study_instance_uid: str
    series_instance_uid: str | None
    model: str
    state: Literal["queued", "running", "done", "failed"]
    step: str
    share: float | None
    message: str
    result_uid: str | None


class InputView(Wire):
    modalities: list[str]
    body_parts: list[str]
    descriptions_any: list[str]
    descriptions_none: list[str]
    min_images: int
    max_images: int
    max_slice_gap_mm: float | None
    min_extent_mm: float | None
    is_volume: bool
    allows_contrast_agent: bool


class OutputView(Wire):
    key: str
    label: str
    finding: CodeView
    category: CodeView
    site: CodeView | None
    is_critical: bool
    color_rgb: list[int]


class CardView(Wire):
    name: str
    version: str
    digest: str
    title: str
    manufacturer: str
    status: Literal["demonstration", "research", "cleared"]
    intended_use: str
    limits: list[str]
    evidence: str
    score_meaning: str
    flag_text: str
    inputs: InputView
    outputs: list[OutputView]
    thresholds: dict[str, float]
    phase: str
    phase_note: str


class ModelsView(Wire):
    models: list[CardView]


class AuditEventView(Wire):
    sequence: int
    occurred_at: str
    actor: str
    action: str
    outcome: str
    study_instance_uid: str | None
    detail: dict[str, Any]
    previous_hash: str
    hash: str


class AuditView(Wire):
    events: list[AuditEventView]
    is_intact: bool
