from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from overread.model.card import ModelCard
from overread.model.prediction import (
    PredictedFinding,
    PredictedLine,
    PredictedMeasurement,
    Prediction,
)
from overread.result.building import build_result, input_digest
from overread.result.region import Box, Contour, Heatmap, Line, Mask
from overread.result.result import Result
from overread.study.study import ImageRef
from overread.study.volume import Volume
from overread.vocabulary import unit
from overread.vocabulary.code import Code
from overread.vocabulary.errors import Defect
from overread.vocabulary.geometry import ImagePoint
from overread.vocabulary.uid import Uid

VOLUME = Code("118565006", "SCT", "Volume")
RIGHT = Code("24028007", "SCT", "Right")
MakeVolume = Callable[..., Volume]


@pytest.fixture
def volume(make_volume: MakeVolume) -> Volume:
    return make_volume(np.zeros((4, 6, 8), dtype=np.float32))


def build(volume: Volume, card: ModelCard, *findings: PredictedFinding, **given: Any) -> Result:
    arguments: dict[str, Any] = {
        "study_instance_uid": Uid("1.2"),
        "input_digest": "cd" * 32,
        "started_at": "2026-03-01T10:00:00+01:00",
        "versions": "1",
        **given,
    }
    return build_result(Prediction(findings, ("a notice",)), card, volume, **arguments)


def paint(*places: tuple[slice | int, slice | int, slice | int]) -> np.ndarray:
    mask = np.zeros((4, 6, 8), dtype=np.bool_)
    for place in places:
        mask[place] = True
    return mask


def test_mask_becomes_runs_contours_and_a_box_on_each_image(
    volume: Volume, card: ModelCard
) -> None:
    mask = paint((1, slice(2, 4), slice(3, 6)), (2, slice(0, 3), slice(3, 6)), (2, 5, 7))
    result = build(volume, card, PredictedFinding("bleed", "Bleed, right", 0.9, mask=mask))
    (finding,) = result.findings
    boxes = [region for region in finding.regions if isinstance(region, Box)]
    assert boxes == [
        Box(ImageRef(Uid("1.2.3.2")), ImagePoint(3, 2), ImagePoint(6, 4)),
        Box(ImageRef(Uid("1.2.3.3")), ImagePoint(3, 0), ImagePoint(8, 6)),
    ]
    assert finding.key_image == ImageRef(Uid("1.2.3.3"))
    assert [type(region) for region in finding.regions].count(Mask) == 1
    assert [type(region) for region in finding.regions].count(Contour) == 3


def test_key_image_of_equal_areas_is_the_lowest(volume: Volume, card: ModelCard) -> None:
    mask = paint((1, 2, 2), (3, 4, 4))
    result = build(volume, card, PredictedFinding("bleed", "Bleed", 0.9, mask=mask))
    assert result.findings[0].key_image == ImageRef(Uid("1.2.3.2"))


def test_key_image_goes_by_area_in_mm(volume: Volume, card: ModelCard) -> None:
    wide = replace(volume.planes[3], spacing_between_rows_mm=2.0)
    uneven = replace(volume, planes=(*volume.planes[:3], wide))
    mask = paint((0, slice(0, 5), 0), (3, 0, 0))
    result = build(uneven, card, PredictedFinding("bleed", "Bleed", 0.9, mask=mask))
    assert result.findings[0].key_image == ImageRef(Uid("1.2.3.1"))
    mask = paint((0, slice(0, 5), 0), (3, 0, 0), (3, 1, 0))
    result = build(uneven, card, PredictedFinding("bleed", "Bleed", 0.9, mask=mask))
    assert result.findings[0].key_image == ImageRef(Uid("1.2.3.4"))


def test_lines_and_heat_maps_are_placed(volume: Volume, card: ModelCard) -> None:
    heatmap = np.zeros((4, 6, 8), dtype=np.float32)
    heatmap[2, 1, 1] = 1.0
    line = PredictedLine(1, (2.0, 3.0), (2.5, 7.0))
    result = build(
        volume, card, PredictedFinding("bleed", "Shift", None, heatmap=heatmap, lines=(line,))
    )
    (finding,) = result.findings
    assert finding.regions[0] == Line(
        ImageRef(Uid("1.2.3.2")), ImagePoint(3.5, 2.5), ImagePoint(7.5, 3.0)
    )
    heat = finding.regions[1]
    assert isinstance(heat, Heatmap)
    assert [(part.image.sop_instance_uid, part.values.count(255)) for part in heat.slices] == [
        ("1.2.3.3", 1)
    ]
    assert finding.key_image == ImageRef(Uid("1.2.3.2"))


def test_findings_come_strongest_first(volume: Volume, card: ModelCard) -> None:
    result = build(
        volume,
        card,
        PredictedFinding("calcium", "Small", 0.9, mask=paint((0, 0, 0))),
        PredictedFinding("calcium", "Large", 0.9, mask=paint((0, 0, slice(0, 4)))),
        PredictedFinding("bleed", "Unsure", 0.49),
        PredictedFinding("bleed", "Sure", 0.5),
        PredictedFinding("calcium", "Unscored", None),
    )
    assert [finding.label for finding in result.findings] == [
        "Sure",
        "Large",
        "Small",
        "Unsure",
        "Unscored",
    ]
    assert [finding.is_flagged for finding in result.findings] == [True] + [False] * 4
    assert result.is_flagged


def test_volume_that_orders_findings_uses_real_extents(
    make_volume: MakeVolume, card: ModelCard
) -> None:
    volume = make_volume(np.zeros((4, 6, 8), dtype=np.float32), (0.0, 1.0, 2.0, 12.0))
    result = build(
        volume,
        card,
        PredictedFinding("calcium", "Three thin", 0.9, mask=paint((0, 0, slice(0, 3)))),
        PredictedFinding("calcium", "One thick", 0.9, mask=paint((3, 0, 0))),
    )
    assert [finding.label for finding in result.findings] == ["One thick", "Three thin"]


def test_site_of_the_claim_goes_before_that_of_the_card(volume: Volume, card: ModelCard) -> None:
    site = Code("83678007", "SCT", "Cerebrum")
    result = build(
        volume,
        card,
        PredictedFinding("bleed", "A", 0.9, site=site, laterality=RIGHT),
        PredictedFinding("bleed", "B", 0.8),
    )
    assert [finding.site for finding in result.findings] == [site, card.outputs[0].site]
    assert result.findings[0].laterality == RIGHT


def test_uids_follow_from_the_input_alone(volume: Volume, card: ModelCard) -> None:
    finding = PredictedFinding("bleed", "A", 0.9)
    first = build(volume, card, finding, finding)
    again = build(volume, card, finding, finding, started_at="2026-03-02T10:00:00+01:00")
    other = build(volume, card, finding, finding, versions="2")
    assert first.result_uid == again.result_uid != other.result_uid
    uids = [finding.tracking_uid for finding in first.findings]
    assert uids == [finding.tracking_uid for finding in again.findings]
    assert len({*uids, *(finding.tracking_uid for finding in other.findings)}) == 4
    assert [finding.tracking_id for finding in first.findings] == ["bleed 1", "bleed 2"]


def nan_heatmap() -> np.ndarray:
    heatmap = np.zeros((4, 6, 8), dtype=np.float32)
    heatmap[0, 0, 0] = np.nan
    return heatmap


@pytest.mark.parametrize(
    ("finding", "named"),
    [
        (PredictedFinding("tumour", "T", 0.9), "'tumour'.*lists no such output"),
        (PredictedFinding("bleed", " ", 0.9), "label is empty"),
        (PredictedFinding("bleed", "B", 1.01), "confidence is 1.01"),
        (PredictedFinding("bleed", "B", float("nan")), "confidence is nan"),
        (
            PredictedFinding("bleed", "B", 0.9, mask=np.zeros((4, 8, 6), dtype=np.bool_)),
            r"mask has shape \(4, 8, 6\)",
        ),
        (
            PredictedFinding("bleed", "B", 0.9, mask=np.zeros((4, 6, 8), dtype=np.uint8)),
            "mask holds uint8",
        ),
        (PredictedFinding("bleed", "B", 0.9, heatmap=nan_heatmap()), "heat map holds values"),
        (
            PredictedFinding("bleed", "B", 0.9, lines=(PredictedLine(4, (0, 0), (1, 1)),)),
            "line lies on slice 4",
        ),
        (
            PredictedFinding("bleed", "B", 0.9, lines=(PredictedLine(0, (0, 0), (6, 1)),)),
            "outside the image",
        ),
        (
            PredictedFinding(
                "bleed",
                "B",
                0.9,
                measurements=(PredictedMeasurement(VOLUME, float("inf"), unit.MILLILITRE),),
            ),
            "Volume is inf",
        ),
        (PredictedFinding("bleed", "B", 0.9, laterality=VOLUME), "laterality is"),
    ],
)
def test_prediction_outside_its_card_is_a_defect(
    volume: Volume, card: ModelCard, finding: PredictedFinding, named: str
) -> None:
    with pytest.raises(Defect, match=named):
        build(volume, card, finding)


def test_start_without_offset_is_a_defect(volume: Volume, card: ModelCard) -> None:
    with pytest.raises(Defect, match="offset"):
        build(volume, card, started_at="2026-03-01T10:00:00")


def test_digest_follows_pixels_place_and_identity(volume: Volume) -> None:
    digest = input_digest(volume)
    assert len(digest) == 64
    assert input_digest(replace(volume, patient_age="071Y")) == digest
    voxels = volume.voxels.copy()
    voxels[2, 3, 4] = 1.0
    moved = replace(volume.planes[0], position=(0.0, 0.0, -0.5))
    for other in (
        replace(volume, voxels=voxels),
        replace(volume, planes=(moved, *volume.planes[1:])),
        replace(volume, images=(ImageRef(Uid("1.2.3.99")), *volume.images[1:])),
        replace(volume, frame_of_reference_uid=None),
    ):
        assert input_digest(other) != digest


def test_digest_does_not_depend_on_the_order_of_slices(make_volume: MakeVolume) -> None:
    voxels = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    volume = make_volume(voxels)
    turned = replace(
        volume,
        voxels=voxels[::-1],
        planes=volume.planes[::-1],
        images=volume.images[::-1],
    )
    assert input_digest(turned) == input_digest(volume)
