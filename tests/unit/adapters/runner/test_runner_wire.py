"""A prediction crosses between processes unharmed, and a damaged one is a defect."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from overread.adapters.runner.wire import (
    ARRAYS_NAME,
    JSON_NAME,
    read_prediction,
    write_prediction,
)
from overread.model.card import InputRequirement, ModelCard, ModelRef, ModelStatus, OutputCode
from overread.model.prediction import PredictedFinding, Prediction
from overread.vocabulary.code import Code
from overread.vocabulary.errors import Defect, LimitExceeded

CODE = Code("50960005", "SCT", "Hemorrhage")
CARD = ModelCard(
    ModelRef("m", "1", "0"), "M", "x", ModelStatus.RESEARCH, "x", (), "x", "x", "x", CODE,
    InputRequirement(("CT",)), (OutputCode("a", "A", CODE, CODE),),
)  # fmt: skip


@given(
    shape=st.tuples(*[st.integers(1, 7)] * 3),
    seed=st.integers(0, 2**32 - 1),
    confidence=st.none() | st.floats(0, 1),
    label=st.text(max_size=40),
)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_round_trip_changes_nothing(
    tmp_path: Path,
    shape: tuple[int, int, int],
    seed: int,
    confidence: float | None,
    label: str,
) -> None:
    random = np.random.default_rng(seed)
    finding = PredictedFinding(
        "a",
        label,
        confidence,
        mask=random.random(shape) > 0.5,
        heatmap=random.random(shape).astype(np.float32),
    )
    write_prediction(Prediction((finding, PredictedFinding("a", "b", None))), tmp_path)
    read, bare = read_prediction(tmp_path, CARD).findings
    assert (read.label, read.confidence) == (label, confidence)
    assert np.array_equal(read.mask, finding.mask)
    assert np.array_equal(read.heatmap, finding.heatmap)
    assert bare.mask is None
    assert bare.heatmap is None


def change(folder: Path, **changes: object) -> None:
    write_prediction(
        Prediction((PredictedFinding("a", "b", 0.5, mask=np.ones((2, 2, 2), bool)),)), folder
    )
    document = json.loads((folder / JSON_NAME).read_text())
    document["findings"][0].update(changes)
    (folder / JSON_NAME).write_text(json.dumps(document))


@pytest.mark.parametrize(
    "changes",
    [
        {"output": "b"},
        {"confidence": 1.01},
        {"confidence": "high"},
        {"mask_shape": [2, 2]},
        {"mask_shape": [2, 2, 300]},
        {"mask_shape": [-1, 2, 2]},
        {"lines": [{"slice": 0, "start": [0, float("inf")], "end": [0, 0]}]},
        {"measurements": [{}]},
        {"site": ["", "", ""]},
        {"site": ["only one"]},
    ],
)
def test_a_wrong_answer_is_a_defect(tmp_path: Path, changes: dict[str, object]) -> None:
    change(tmp_path, **changes)
    with pytest.raises((Defect, LimitExceeded)):
        read_prediction(tmp_path, CARD)


def test_compressed_and_pickled_arrays_are_not_taken(tmp_path: Path) -> None:
    change(tmp_path)
    np.savez_compressed(tmp_path / ARRAYS_NAME, mask0=np.zeros(1, np.uint8))
    with pytest.raises(Defect):
        read_prediction(tmp_path, CARD)
    np.savez(tmp_path / ARRAYS_NAME, mask0=np.array([{}], dtype=object))
    with pytest.raises(Defect):
        read_prediction(tmp_path, CARD)


@pytest.mark.parametrize("name", [JSON_NAME, ARRAYS_NAME])
def test_a_missing_or_cut_file_is_a_defect(tmp_path: Path, name: str) -> None:
    change(tmp_path)
    data = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(data[: len(data) // 2])
    with pytest.raises(Defect):
        read_prediction(tmp_path, CARD)
    (tmp_path / name).unlink()
    with pytest.raises(Defect):
        read_prediction(tmp_path, CARD)
