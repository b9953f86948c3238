"""Which series of a study a model reads, and why not the others, in words for the panel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from overread.model.card import InputRequirement, ModelCard
from overread.study.study import Series, Study
from overread.study.volume import measure_positions_mm, order_planes
from overread.vocabulary.errors import Rejected
from overread.vocabulary.geometry import PlaneGeometry
from overread.vocabulary.uid import Uid

_MADE_OF_OTHERS = frozenset(
    {"LOCALIZER", "SCOUT", "PROJECTION IMAGE", "MIP", "MINIP", "MPR", "REFORMATTED", "SCREEN SAVE"}
)
"""Image Type (0008,0008) values that mark an overview or a picture made of others. DERIVED is not
among them: lossy compression and synthetic data bear it too (PS3.3 C.7.6.1.1.2). It counts in the
rank."""

_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
"""SOP class Secondary Capture; its multi-frame kin are numbered below it."""


@dataclass(frozen=True, slots=True)
class SeriesVerdict:
    """Whether one series suits, in words that name it by number and never by patient."""

    series_instance_uid: Uid
    is_suitable: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The choice for one model.

    Attributes:
        series_instance_uid: of the chosen series, None where none suits.
        reason: one sentence: why this one, or why none.
        series: one verdict for each series of the study, in its order.
    """

    series_instance_uid: Uid | None
    reason: str
    series: tuple[SeriesVerdict, ...]


def choose_series(card: ModelCard, study: Study) -> Acceptance:
    """The best suited series: of those that the card accepts, original ones first, then the one
    with the smallest largest gap, then most images, then the lowest series number."""
    verdicts = []
    suitable: list[tuple[tuple[bool, float, int, int, str], Series]] = []
    for series in study.series:
        reason = find_objection(card.inputs, series, study)
        is_suitable = reason is None
        verdicts.append(SeriesVerdict(series.series_instance_uid, is_suitable, reason or "Suits."))
        if is_suitable:
            suitable.append((_rank(series), series))
    if not suitable:
        return Acceptance(None, _say_why_none(study, verdicts), tuple(verdicts))
    suitable.sort(key=lambda item: item[0])
    chosen = suitable[0][1]
    return Acceptance(chosen.series_instance_uid, _say_why(chosen, len(suitable)), tuple(verdicts))


def find_objection(inputs: InputRequirement, series: Series, study: Study) -> str | None:
    """The first demand of a card that a series does not meet, as a sentence; None where it
    meets all."""
    checks = (
        _object_to_kind(inputs, series),
        _object_to_words(inputs, series, study),
        _object_to_count(inputs, series),
    )
    objection = next((check for check in checks if check is not None), None)
    if objection is None and inputs.is_volume:
        objection = _object_to_stack(inputs, series)
    return objection


def count_images(series: Series) -> int:
    """Frames of all instances together."""
    return sum(instance.number_of_frames for instance in series.instances)


def describe_series(series: Series) -> str:
    """A series in words: "series 3 (HEAD STD+, 28 images)"."""
    number = "series" if series.series_number is None else f"series {series.series_number}"
    count = count_images(series)
    images = f"{count} image{'' if count == 1 else 's'}"
    words = f"{series.description}, {images}" if series.description else images
    return f"{number} ({words})"


def _object_to_kind(inputs: InputRequirement, series: Series) -> str | None:
    if series.is_made_by_overread:
        return "It was made by Overread."
    if inputs.modalities and series.modality not in inputs.modalities:
        wanted = " or ".join(inputs.modalities)
        return f"Its modality is {series.modality or 'not stated'}, not {wanted}."
    if not series.instances:
        return "It holds no images."
    if series.has_contrast_agent and not inputs.allows_contrast_agent:
        return "A contrast agent was given."
    return _object_to_origin(series)


def _object_to_origin(series: Series) -> str | None:
    kinds = {value.upper() for value in series.image_type}
    if marks := sorted(kinds & _MADE_OF_OTHERS):
        return f"Its image type says {marks[0].lower()}: it is no original stack."
    if any(_is_capture(instance.sop_class_uid) for instance in series.instances):
        return "It is a secondary capture: its grey values are not trustworthy."
    return None


def _is_capture(uid: str) -> bool:
    return uid == _SECONDARY_CAPTURE or uid.startswith(f"{_SECONDARY_CAPTURE}.")


def _object_to_words(inputs: InputRequirement, series: Series, study: Study) -> str | None:
    texts = (study.description, series.description, series.body_part)
    words = " ".join(texts).lower()
    part = series.body_part.upper()
    if inputs.body_parts and part and part not in {p.upper() for p in inputs.body_parts}:
        return f"Its body part is {part}, not {' or '.join(inputs.body_parts)}."
    if inputs.descriptions_any and not any(word in words for word in inputs.descriptions_any):
        wanted = ", ".join(inputs.descriptions_any)
        return f"None of its descriptions holds one of: {wanted}."
    unwanted = next((word for word in inputs.descriptions_none if word in words), None)
    return f"Its description holds {unwanted!r}." if unwanted else None


def _object_to_count(inputs: InputRequirement, series: Series) -> str | None:
    count = count_images(series)
    if count < inputs.min_images:
        return f"It has {count} images; at least {inputs.min_images} are needed."
    if count > inputs.max_images:
        return f"It has {count} images; at most {inputs.max_images} are read."
    return None


def _object_to_stack(inputs: InputRequirement, series: Series) -> str | None:
    planes = _list_planes(series)
    if planes is None:
        return "Not every image has a position, an orientation and a pixel spacing."
    try:
        order_planes(planes)
    except Rejected as error:
        return error.message
    positions = np.sort(measure_positions_mm(planes))
    gaps = np.diff(positions)
    if inputs.max_slice_gap_mm is not None and gaps.size:
        largest = float(gaps.max())
        if largest > inputs.max_slice_gap_mm:
            return (
                f"Its slices lie up to {largest:.1f} mm apart; at most "
                f"{inputs.max_slice_gap_mm:.1f} mm is read."
            )
    extent = float(positions[-1] - positions[0])
    if inputs.min_extent_mm is not None and extent < inputs.min_extent_mm:
        return (
            f"It covers {extent:.0f} mm along the normal; at least {inputs.min_extent_mm:.0f} mm "
            "are needed."
        )
    return None


def _list_planes(series: Series) -> list[PlaneGeometry] | None:
    planes = [plane for instance in series.instances for plane in instance.planes]
    known = [plane for plane in planes if plane is not None]
    return known if known and len(known) == len(planes) else None


def _rank(series: Series) -> tuple[bool, float, int, int, str]:
    """Originals, thin slices first, then many, then the series that the scanner numbered first."""
    planes = _list_planes(series)
    largest = float("inf")
    if planes is not None and len(planes) > 1:
        largest = float(np.diff(np.sort(measure_positions_mm(planes))).max())
    number = series.series_number if series.series_number is not None else 2**31
    is_derived = "DERIVED" in {value.upper() for value in series.image_type}
    return (
        is_derived,
        round(largest, 1),
        -count_images(series),
        number,
        series.series_instance_uid,
    )


def _say_why(chosen: Series, count: int) -> str:
    words = describe_series(chosen)
    if count == 1:
        return f"Read {words}: the only series that suits."
    return f"Read {words}: of {count} that suit, the one with the thinnest slices."


def _say_why_none(study: Study, verdicts: list[SeriesVerdict]) -> str:
    if not verdicts:
        return "The study holds no series."
    if len(verdicts) == 1:
        return verdicts[0].reason
    said = [
        f"{describe_series(series)}: {verdict.reason}"
        for series, verdict in zip(study.series, verdicts, strict=True)
    ]
    return f"No series suits. {' '.join(said[:10])}"
