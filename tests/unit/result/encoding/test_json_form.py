from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema_rs
import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overread.model.card import ModelRef, ModelStatus
from overread.result.encoding.json_form import (
    from_json,
    measurement_from_dict,
    measurement_to_dict,
    region_from_dict,
    region_to_dict,
    result_to_dict,
    to_json,
)
from overread.result.mask import encode_runs
from overread.result.region import (
    Box,
    Contour,
    Heatmap,
    HeatmapSlice,
    Line,
    Mask,
    MaskSlice,
    Region,
)
from overread.result.result import Finding, Measurement, Result
from overread.study.study import ImageRef
from overread.vocabulary.code import Code
from overread.vocabulary.errors import Rejected
from overread.vocabulary.geometry import ImagePoint
from overread.vocabulary.uid import Uid

SCHEMA = Path(__file__).parents[4] / "docs" / "result.schema.json"

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
words = texts.filter(bool)
numbers = st.floats(allow_nan=False, allow_infinity=False)
uids = st.lists(st.integers(0, 10**9), min_size=2, max_size=6).map(
    lambda parts: Uid(".".join(map(str, parts)))
)
codes = st.builds(Code, words, words, words)
images = st.builds(ImageRef, uids, st.integers(1, 9999))
points = st.builds(ImagePoint, numbers, numbers)


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    left, top = draw(st.integers(-9, 9)), draw(st.integers(-9, 9))
    wide, high = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    return Box(draw(images), ImagePoint(left, top), ImagePoint(left + wide, top + high))


@st.composite
def mask_slices(draw: st.DrawFn) -> MaskSlice:
    rows, columns = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    bits = draw(st.lists(st.booleans(), min_size=rows * columns, max_size=rows * columns))
    runs = encode_runs(np.array(bits, dtype=np.bool_).reshape(rows, columns))
    return MaskSlice(draw(images), rows, columns, runs)


@st.composite
def heatmap_slices(draw: st.DrawFn) -> HeatmapSlice:
    rows, columns = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    values = draw(st.binary(min_size=rows * columns, max_size=rows * columns))
    return HeatmapSlice(draw(images), rows, columns, values)


contours = st.builds(
    Contour, images, st.lists(points, min_size=3, max_size=6).map(tuple), st.booleans()
)
regions: st.SearchStrategy[Region] = st.one_of(
    boxes(),
    contours,
    st.builds(Line, images, points, points),
    st.builds(Mask, st.lists(mask_slices(), max_size=3).map(tuple)),
    st.builds(Heatmap, st.lists(heatmap_slices(), max_size=3).map(tuple)),
)
measurements = st.builds(Measurement, codes, numbers, codes, st.none() | numbers)
findings = st.builds(
    Finding,
    output=texts,
    label=texts,
    finding=codes,
    category=codes,
    site=st.none() | codes,
    laterality=st.none() | codes,
    confidence=st.none() | st.floats(0, 1),
    is_flagged=st.booleans(),
    regions=st.lists(regions, max_size=4).map(tuple),
    measurements=st.lists(measurements, max_size=3).map(tuple),
    key_image=st.none() | images,
    tracking_id=texts,
    tracking_uid=uids,
    color_rgb=st.tuples(*[st.integers(0, 255)] * 3),
)
results = st.builds(
    Result,
    result_uid=uids,
    study_instance_uid=uids,
    series_instance_uid=uids,
    frame_of_reference_uid=st.none() | uids,
    model=st.builds(ModelRef, texts, texts, texts),
    model_title=texts,
    model_manufacturer=texts,
    model_status=st.sampled_from(ModelStatus),
    algorithm_family=codes,
    score_meaning=texts,
    flag_text=texts,
    input_digest=texts,
    started_at=st.datetimes(timezones=st.timezones()).map(lambda time: time.isoformat()),
    source_images=st.lists(images, max_size=4).map(tuple),
    findings=st.lists(findings, max_size=3).map(tuple),
    notices=st.lists(texts, max_size=3).map(tuple),
)


@pytest.fixture(scope="module")
def schema() -> Any:
    return jsonschema_rs.validator_for(orjson.loads(SCHEMA.read_bytes()))


@settings(max_examples=60)
@given(results)
def test_result_survives_a_round_trip_and_keeps_the_schema(schema: Any, result: Result) -> None:
    data = to_json(result)
    assert from_json(data) == result
    assert to_json(from_json(data)) == data
    schema.validate(orjson.loads(data))


@given(regions)
def test_region_survives_a_round_trip(region: Region) -> None:
    assert region_from_dict(orjson.loads(orjson.dumps(region_to_dict(region)))) == region


@given(measurements)
def test_measurement_survives_a_round_trip(measurement: Measurement) -> None:
    assert measurement_from_dict(measurement_to_dict(measurement)) == measurement


@settings(max_examples=40)
@given(results, st.data())
def test_each_missing_field_is_named(schema: Any, result: Result, data: st.DataObject) -> None:
    document = result_to_dict(result)
    name = data.draw(st.sampled_from(sorted(document)))
    del document[name]
    with pytest.raises(Rejected, match=rf"result\.{name} is missing"):
        from_json(orjson.dumps(document))
    assert not schema.is_valid(document)


@given(st.recursive(st.none() | st.booleans() | numbers | texts, st.lists) | st.binary())
def test_other_json_is_rejected(value: Any) -> None:
    data = value if isinstance(value, bytes) else orjson.dumps(value)
    with pytest.raises(Rejected):
        from_json(data)


IMAGE = {"sop_instance_uid": "1.2", "frame": 1}


@pytest.mark.parametrize(
    ("region", "named"),
    [
        ({"kind": "star"}, "kind is 'star'"),
        ({"kind": "box", "image": IMAGE, "top_left": [2, 2], "bottom_right": [2, 3]}, "above"),
        ({"kind": "box", "image": IMAGE, "top_left": [1], "bottom_right": [2, 3]}, "top_left"),
        ({"kind": "line", "image": IMAGE, "start": [0, 0], "end": [1, "2"]}, "finite number"),
        ({"kind": "line", "image": IMAGE, "start": [0, 0], "end": [1, True]}, "finite number"),
        (
            {"kind": "line", "image": {**IMAGE, "frame": 0}, "start": [0, 0], "end": [1, 1]},
            "frames count from 1",
        ),
        (
            {"kind": "contour", "image": IMAGE, "points": [[0, 0], [1, 1]], "is_hole": False},
            "a contour needs 3",
        ),
        (
            {"kind": "mask", "slices": [{"image": IMAGE, "rows": 2, "columns": 2, "runs": [3]}]},
            r"slices\[0\].runs must sum",
        ),
        (
            {"kind": "mask", "slices": [{"image": IMAGE, "rows": 0, "columns": 2, "runs": []}]},
            "rows is 0",
        ),
        (
            {
                "kind": "heatmap",
                "slices": [{"image": IMAGE, "rows": 1, "columns": 1, "values": "!"}],
            },
            "base64",
        ),
    ],
)
def test_broken_region_is_rejected_by_name(region: dict[str, Any], named: str) -> None:
    with pytest.raises(Rejected, match=named):
        region_from_dict(region)


def test_number_beyond_a_float_is_rejected() -> None:
    with pytest.raises(Rejected, match="finite number"):
        region_from_dict({"kind": "line", "image": IMAGE, "start": [0, 10**400], "end": [1, 1]})


@settings(max_examples=20)
@given(results, st.sampled_from(["", "yesterday", "2026-03-01T10:00:00"]))
def test_start_without_offset_is_rejected(result: Result, started_at: str) -> None:
    document = result_to_dict(result) | {"started_at": started_at}
    with pytest.raises(Rejected, match="started_at must be"):
        from_json(orjson.dumps(document))


def test_wire_form_is_the_documented_one() -> None:
    image = ImageRef(Uid("1.2.3"), 4)
    assert region_to_dict(Box(image, ImagePoint(1, 2), ImagePoint(3, 4))) == {
        "kind": "box",
        "image": {"sop_instance_uid": "1.2.3", "frame": 4},
        "top_left": [1, 2],
        "bottom_right": [3, 4],
    }
    assert region_to_dict(Mask((MaskSlice(image, 1, 3, (1, 2)),))) == {
        "kind": "mask",
        "slices": [
            {"image": {"sop_instance_uid": "1.2.3", "frame": 4}}
            | {"rows": 1, "columns": 3, "runs": [1, 2]}
        ],
    }
    assert (
        region_to_dict(Heatmap((HeatmapSlice(image, 1, 2, b"\x00\xff"),)))["slices"][0]["values"]
        == "AP8="
    )
