"""The suitable series is chosen, and every other one gets its reason."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.model.acceptance import choose_series, find_objection
from overread.model.card import InputRequirement, ModelCard, ModelRef, ModelStatus
from overread.study.study import Instance, Patient, Series, Study
from overread.vocabulary.code import Code
from overread.vocabulary.geometry import PlaneGeometry
from overread.vocabulary.uid import Uid

CT = Uid("1.2.840.10008.5.1.4.1.1.2")


def make_plane(z: float, tilt: float = 0.0) -> PlaneGeometry:
    return PlaneGeometry((0, z * tilt, z), (1, 0, 0), (0, 1, 0), 0.5, 0.5, 512, 512)


def make_series(number: int, gap_mm: float = 5.0, count: int = 30, **changes: object) -> Series:
    instances = tuple(
        Instance(
            sop_instance_uid=Uid(f"1.2.{number}.{i + 1}"),
            sop_class_uid=CT,
            transfer_syntax_uid=Uid("1.2.840.10008.1.2.1"),
            instance_number=i + 1,
            number_of_frames=1,
            rows=512,
            columns=512,
            planes=(make_plane(i * gap_mm),),
            is_lossy=False,
        )
        for i in range(count)
    )
    series = Series(
        series_instance_uid=Uid(f"1.2.{number}"),
        modality="CT",
        series_number=number,
        description=f"HEAD {gap_mm:g} mm",
        body_part="HEAD",
        frame_of_reference_uid=Uid("1.2.99"),
        manufacturer="",
        image_type=("ORIGINAL", "PRIMARY", "AXIAL"),
        has_contrast_agent=False,
        convolution_kernel="",
        is_made_by_overread=False,
        instances=instances,
    )
    return replace(series, **changes)  # type: ignore[arg-type]


def make_study(*series: Series) -> Study:
    return Study(
        Uid("1.2"), "", "CT head", "20260101", "", "", Patient("", "", "", "", ""), tuple(series)
    )


def make_card(**changes: object) -> ModelCard:
    requirement = InputRequirement(
        modalities=("CT",),
        descriptions_any=("head", "brain"),
        min_images=10,
        max_slice_gap_mm=8,
        min_extent_mm=80,
        allows_contrast_agent=False,
    )
    return ModelCard(
        ModelRef("m", "1", "0"), "M", "x", ModelStatus.RESEARCH, "x", (), "x", "x", "x",
        Code("123110", "DCM", "Artificial Intelligence"),
        replace(requirement, **changes), (),  # type: ignore[arg-type]
    )  # fmt: skip


def test_the_thinnest_suitable_series_is_chosen() -> None:
    study = make_study(
        make_series(1, image_type=("ORIGINAL", "PRIMARY", "LOCALIZER"), count=2),
        make_series(2, gap_mm=5, count=30),
        make_series(3, gap_mm=1.25, count=120),
        make_series(4, gap_mm=0.6, count=250, has_contrast_agent=True),
        make_series(5, gap_mm=0.5, count=300, is_made_by_overread=True),
        make_series(6, gap_mm=0.5, count=300, image_type=("DERIVED", "SECONDARY", "MPR")),
    )
    acceptance = choose_series(make_card(), study)
    assert acceptance.series_instance_uid == "1.2.3"
    assert acceptance.reason == (
        "Read series 3 (HEAD 1.25 mm, 120 images): of 2 that suit, the one with the thinnest "
        "slices."
    )
    said = {verdict.series_instance_uid: verdict.reason for verdict in acceptance.series}
    assert "localizer" in said[Uid("1.2.1")]
    assert said[Uid("1.2.2")] == "Suits."
    assert "contrast" in said[Uid("1.2.4")]
    assert "made by Overread" in said[Uid("1.2.5")]
    assert "mpr" in said[Uid("1.2.6")]


def test_an_original_comes_before_a_derived_one() -> None:
    derived = make_series(1, gap_mm=1, count=120, image_type=("DERIVED", "SECONDARY", "AXIAL"))
    assert choose_series(make_card(), make_study(derived)).series_instance_uid == "1.2.1"
    study = make_study(derived, make_series(2))
    assert choose_series(make_card(), study).series_instance_uid == "1.2.2"


@pytest.mark.parametrize(
    ("series", "words"),
    [
        (make_series(1, modality="MR"), "modality is MR, not CT"),
        (make_series(1, count=5), "5 images; at least 10"),
        (make_series(1, gap_mm=10), "10.0 mm apart"),
        (make_series(1, gap_mm=1, count=30), "covers 29 mm"),
        (make_series(1, instances=()), "no images"),
        (
            make_series(1, instances=(*make_series(1).instances, make_series(1).instances[0])),
            "same place",
        ),
        (
            make_series(
                1,
                instances=(
                    *make_series(1).instances,
                    replace(make_series(1).instances[0], planes=(None,)),
                ),
            ),
            "position",
        ),
        (
            make_series(
                1,
                instances=tuple(
                    replace(i, sop_class_uid=Uid("1.2.840.10008.5.1.4.1.1.7.2"))
                    for i in make_series(1).instances
                ),
            ),
            "secondary capture",
        ),
    ],
)
def test_what_does_not_suit_gets_its_reason(series: Series, words: str) -> None:
    acceptance = choose_series(make_card(), make_study(series))
    assert acceptance.series_instance_uid is None
    assert words in acceptance.reason


def test_words_count_wherever_they_stand() -> None:
    study = make_study(make_series(1, description="", body_part=""))
    assert find_objection(make_card().inputs, study.series[0], study) is None
    other = replace(study, description="CT chest")
    objection = find_objection(make_card().inputs, other.series[0], other)
    assert objection == "None of its descriptions holds one of: head, brain."
    unwanted = find_objection(
        make_card(descriptions_none=("chest",)).inputs, make_series(1, description="Chest"), study
    )
    assert unwanted is not None
    assert "'chest'" in unwanted
    part = find_objection(
        make_card(body_parts=("HEAD",)).inputs, make_series(1, body_part="KNEE"), study
    )
    assert part == "Its body part is KNEE, not HEAD."


def test_none_of_several_suits_and_each_is_named() -> None:
    study = make_study(make_series(1, modality="MR"), make_series(2, count=3))
    reason = choose_series(make_card(), study).reason
    assert "series 1 (HEAD 5 mm, 30 images): Its modality is MR" in reason
    assert "series 2" in reason
    assert choose_series(make_card(), make_study()).reason == "The study holds no series."


@given(st.permutations([0, 1, 2, 3]))
def test_the_choice_does_not_depend_on_the_order_of_series(order: list[int]) -> None:
    series = [make_series(i + 1, gap_mm=gap, count=40) for i, gap in enumerate((5, 2.5, 2.5, 4))]
    study = make_study(*(series[i] for i in order))
    assert choose_series(make_card(), study).series_instance_uid == "1.2.2"
