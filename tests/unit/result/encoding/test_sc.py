from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from painted_results import SOURCES, Painted
from pydicom import dcmread

from overread.model.card import ModelStatus
from overread.result.encoding.objects import encode_all
from overread.result.encoding.sc import (
    AI_COLOR_RGB,
    choose_key_images,
    draw_findings,
    to_sc,
)
from overread.vocabulary.errors import Rejected

GetPainted = Callable[[str], Painted]


def picture_of(painted: Painted, grey: int = 60) -> np.ndarray:
    rows, columns = painted.volume.voxels.shape[1:]
    return np.full((rows, columns, 3), grey, dtype=np.uint8)


def pictures_of(painted: Painted) -> dict:
    return {image: picture_of(painted) for image in choose_key_images(painted.result)}


@pytest.mark.parametrize("name", SOURCES)
def test_dciodvfy_finds_no_error(
    painted: GetPainted, list_dicom_errors: Callable[[bytes], list[str]], name: str
) -> None:
    given = painted(name)
    captures = to_sc(given.result, given.sources, pictures_of(given))
    assert len(captures) >= 1
    for _, data in captures:
        assert list_dicom_errors(data) == []


def test_capture_is_marked_and_linked(painted: GetPainted) -> None:
    given = painted("ct-head")
    ((image, data),) = to_sc(
        given.result, given.sources, {given.result.findings[0].key_image: picture_of(given)}
    )
    capture = dcmread(BytesIO(data))
    assert capture.BurnedInAnnotation == "YES"
    assert list(capture.ImageType[:2]) == ["DERIVED", "SECONDARY"]
    (source,) = capture.SourceImageSequence
    assert source.ReferencedSOPInstanceUID == image.sop_instance_uid
    assert capture.StudyInstanceUID == given.result.study_instance_uid
    assert capture.SeriesInstanceUID != given.result.series_instance_uid
    assert "demonstration, not for primary diagnosis" in capture.DerivationDescription
    assert capture.SpecificCharacterSet == "ISO_IR 192"
    assert capture.ContentQualification == "RESEARCH"


def test_box_is_drawn_round_the_finding_and_nothing_in_it(painted: GetPainted) -> None:
    given = painted("ct-head")
    finding = given.result.findings[0]
    drawn = draw_findings(picture_of(given), [finding], given.result)
    assert drawn.shape[1] == 512
    left, right, top, bottom = 512 // 4, 512 // 2, 512 // 3, 512 // 2
    assert (drawn[top:bottom, left:right] == 60).all()
    is_blue = (drawn[:512] == AI_COLOR_RGB).all(axis=2)
    for edge in (
        is_blue[top - 3 : top, left:right],
        is_blue[bottom : bottom + 3, left:right],
        is_blue[top:bottom, left - 3 : left].T,
        is_blue[top:bottom, right : right + 3].T,
    ):
        along = edge.any(axis=0)
        assert 0.35 < along.mean() < 0.75  # dashed
    assert (drawn[512:] == AI_COLOR_RGB).all(axis=2).any()  # the strip below says what it is


def test_small_pictures_are_enlarged_with_their_boxes(painted: GetPainted) -> None:
    given = painted("enhanced-mr")
    drawn = draw_findings(picture_of(given), given.result.findings[:1], given.result)
    assert drawn.shape[1] == 64 * 8
    top, bottom, left, right = 64 // 3 * 8, 64 // 2 * 8, 64 // 4 * 8, 64 // 2 * 8
    assert (drawn[top:bottom, left:right] == 60).all()
    assert (drawn[bottom : bottom + 3, left:right] == AI_COLOR_RGB).all(axis=2).any()


def test_strip_differs_by_status(painted: GetPainted) -> None:
    given = painted("ct-head")
    drawn = {
        status: draw_findings(
            picture_of(given), [], replace(given.result, model_status=status)
        ).tobytes()
        for status in ModelStatus
    }
    assert len(set(drawn.values())) == 3


def test_long_labels_stay_on_the_picture(painted: GetPainted) -> None:
    given = painted("ct-head")
    finding = replace(given.result.findings[0], label="word " * 60)
    drawn = draw_findings(picture_of(given), [finding] * 3, given.result)
    assert drawn.shape[:2] == draw_findings(picture_of(given), [], given.result).shape[:2]


@pytest.mark.parametrize(
    "picture", [np.zeros((4, 4), dtype=np.uint8), np.zeros((4, 4, 3), dtype=np.float32)]
)
def test_other_arrays_are_rejected(painted: GetPainted, picture: np.ndarray) -> None:
    given = painted("ct-head")
    with pytest.raises(Rejected, match="must be uint8"):
        draw_findings(picture, [], given.result)


def test_all_objects_of_a_result_carry_the_uids_they_are_said_to(painted: GetPainted) -> None:
    given = painted("ct-head")
    objects = encode_all(given.result, given.sources, pictures_of(given))
    assert [item.kind for item in objects][:3] == ["SEG", "SR", "SC"]
    for item in objects:
        dataset = dcmread(BytesIO(item.data))
        assert dataset.SOPInstanceUID == item.sop_instance_uid
        assert dataset.SOPClassUID == item.sop_class_uid
        assert dataset.SeriesInstanceUID == item.series_instance_uid
        assert dataset.StudyInstanceUID == given.result.study_instance_uid
    assert len({item.sop_instance_uid for item in objects}) == len(objects)
    again = encode_all(given.result, given.sources, pictures_of(given))
    assert again == objects
    other = encode_all(replace(given.result, result_uid="1.2.3"), given.sources, pictures_of(given))
    assert not {item.sop_instance_uid for item in objects} & {
        item.sop_instance_uid for item in other
    }


def test_result_without_masks_has_no_segmentation(painted: GetPainted) -> None:
    given = painted("ct-head")
    bare = replace(given.result, findings=given.result.findings[2:])
    assert [item.kind for item in encode_all(bare, given.sources, {})] == ["SR"]
