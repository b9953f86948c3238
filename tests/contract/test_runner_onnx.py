"""A site's own ONNX file: fed as its card says, read as its card says, refused with a remedy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from conftest_runner import write_series
from onnx import TensorProto, helper, numpy_helper

from overread.adapters.runner.model_runner import ModelRunner
from overread.model.ports import RunRequest
from overread.model.prediction import Prediction
from overread.model.registry import Registry, read_card_model
from overread.study.volume import read_volume
from overread.vocabulary.errors import Rejected

HEAD = """
name = "bright"
version = "1"
title = "Bright things"
manufacturer = "tests"
status = "demonstration"
intended_use = "tests"
limits = ["none"]
evidence = "none"
score_meaning = "none"
[inputs]
modalities = ["CT"]
[[outputs]]
key = "bright"
label = "Bright"
finding = ["50960005", "SCT", "Hemorrhage"]
[onnx]
file = "model.onnx"
"""

THREE_AXES = ["N", 1, "a", "b", "c"]


def write_model(
    path: Path, weights: list[float], bias: list[float], shape: list[str | int], *, last: str = ""
) -> None:
    """A convolution of one voxel: channel i is weights[i] × value + bias[i]; `last` follows it."""
    ones = [1] * (len(shape) - 2)
    kernel = np.array(weights, np.float32).reshape(len(weights), 1, *ones)
    nodes = [helper.make_node("Conv", ["x", "w", "b"], ["scores"])]
    if last:
        nodes.append(helper.make_node(last, ["scores"], ["y"]))
    else:
        nodes.append(helper.make_node("Identity", ["scores"], ["y"]))
    graph = helper.make_graph(
        nodes,
        "bright",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [
            helper.make_tensor_value_info(
                "y", TensorProto.FLOAT, [shape[0], len(weights), *shape[2:]]
            )
        ],
        [
            numpy_helper.from_array(kernel, "w"),
            numpy_helper.from_array(np.array(bias, np.float32), "b"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_series(tmp_path_factory.mktemp("series"))


async def run(folder: Path, series: Path, onnx_keys: str) -> Prediction:
    card = folder / "card.toml"
    card.write_text(HEAD + onnx_keys)
    model = read_card_model(card)
    scratch = folder / "scratch"
    scratch.mkdir()
    runner = ModelRunner(Registry((model,)), folder / "models")
    return await runner.run(RunRequest(model.card, series, scratch), lambda *_: None)


SAYS = 'normalise = "window"\nwindow = [0, 500]\noutput = "probabilities"\nclasses = ["bright"]\n'


@pytest.mark.parametrize(
    "lattice",
    [
        "",
        'axis_order = "xyz"\n',
        "per_slice = true\n",
        'orientation = "LPS"\nspacing_mm = [1, 1, 2.5]\nshape = [8, 24, 20]\n',
        'orientation = "RAI"\nspacing_mm = [1, 1, 2.5]\naxis_order = "xyz"\n',
        'orientation = "SLA"\nspacing_mm = [2.5, 1, 1]\n',
    ],
)
async def test_the_mask_lies_where_the_values_are(
    tmp_path: Path, series: Path, lattice: str
) -> None:
    shape = ["N", 1, "r", "c"] if "per_slice" in lattice else list(THREE_AXES)
    write_model(tmp_path / "model.onnx", [20.0], [-10.0], shape, last="Sigmoid")
    prediction = await run(tmp_path, series, SAYS + lattice)
    volume = read_volume(series)
    (finding,) = prediction.findings
    assert finding.mask is not None
    assert np.array_equal(finding.mask, volume.voxels > 250)
    assert finding.confidence == pytest.approx(1 / (1 + np.exp(-10)))
    # 7 rows of 6 columns on 4 slices of 1 × 1 × 2.5 mm.
    assert finding.measurements[0].value == pytest.approx(7 * 6 * 4 * 2.5 / 1000)
    assert (finding.output, finding.label) == ("bright", "Bright")


async def test_the_tensor_has_the_axes_that_the_card_names(tmp_path: Path, series: Path) -> None:
    """A model that takes fixed sizes alone proves the order: 8 × 24 × 20 as z, y, x."""
    lattice = 'orientation = "LPS"\nspacing_mm = [1, 1, 2.5]\nshape = [8, 24, 20]\n'
    write_model(tmp_path / "model.onnx", [20.0], [-10.0], [1, 1, 20, 24, 8], last="Sigmoid")
    prediction = await run(tmp_path, series, SAYS + lattice + 'axis_order = "xyz"\n')
    assert len(prediction.findings) == 1


async def test_several_classes_go_by_the_largest(tmp_path: Path, series: Path) -> None:
    write_model(tmp_path / "model.onnx", [0.0, 1.0], [0.0, -100.0], THREE_AXES)
    prediction = await run(tmp_path, series, 'output = "logits"\nclasses = ["", "bright"]\n')
    (finding,) = prediction.findings
    assert finding.mask is not None
    assert np.array_equal(finding.mask, read_volume(series).voxels > 100)
    assert finding.confidence == pytest.approx(1.0)


async def test_labels_are_read_as_numbers(tmp_path: Path, series: Path) -> None:
    write_model(tmp_path / "model.onnx", [1 / 500], [0.0], THREE_AXES)
    prediction = await run(tmp_path, series, 'output = "labels"\nclasses = ["", "bright"]\n')
    (finding,) = prediction.findings
    assert finding.mask is not None
    assert np.array_equal(finding.mask, read_volume(series).voxels > 250)
    assert finding.confidence is None


async def test_nothing_bright_is_no_finding(tmp_path: Path, series: Path) -> None:
    write_model(tmp_path / "model.onnx", [20.0], [-100.0], THREE_AXES, last="Sigmoid")
    assert (await run(tmp_path, series, SAYS)).findings == ()


@pytest.mark.parametrize(
    ("keys", "shape", "words"),
    [
        (SAYS, [1, 1, 4, 4, 4], "set shape, axis_order or per_slice"),
        (SAYS, ["N", 1, "r", "c"], "set shape, axis_order or per_slice"),
        ('output = "logits"\nclasses = ["", "bright"]\n', THREE_AXES, "1 channels .* 2 classes"),
    ],
)
async def test_a_card_that_does_not_fit_its_file_is_told_how(
    tmp_path: Path, series: Path, keys: str, shape: list[str | int], words: str
) -> None:
    write_model(tmp_path / "model.onnx", [1.0], [0.0], shape)
    with pytest.raises(Rejected, match=words):
        await run(tmp_path, series, keys)


async def test_a_file_that_is_no_model_is_refused(tmp_path: Path, series: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"this is no model")
    with pytest.raises(Rejected, match=r"model\.onnx is no ONNX model"):
        await run(tmp_path, series, SAYS)


async def test_a_file_that_is_not_there_is_said_before_the_run(
    tmp_path: Path, series: Path
) -> None:
    with pytest.raises(Rejected, match=r"model\.onnx does not lie beside the card"):
        await run(tmp_path, series, SAYS)
