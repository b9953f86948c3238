"""Brain MR volumes: known weights, the trained axes, sides parted at the midline.

The truth on the real scan is slow; the axis order is held by a quick test on the turned array.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overread.adapters.runner.model_runner import ModelRunner
from overread.model.ports import RunRequest
from overread.model.registry import read_registry
from overread.study.conforming import bring_back, conform
from overread.study.study import ImageRef
from overread.study.volume import Volume, read_volume, volume_of_mask_ml
from overread.vocabulary.errors import Rejected
from overread.vocabulary.geometry import PlaneGeometry
from overread.vocabulary.uid import Uid
from overread_models.brain_mr_volumes import plugin
from overread_models.brain_mr_volumes.brain_mask import find_brain
from overread_models.brain_mr_volumes.card import STRUCTURES
from overread_models.brain_mr_volumes.midline import find_left, fit_midline
from overread_models.brain_mr_volumes.network import Network
from overread_models.brain_mr_volumes.predict import ORIENTATION, estimate_uncertainty_ml
from overread_models.brain_mr_volumes.weights import find_missing, install, load_weights


def make_volume(voxels: np.ndarray, gap_mm: float = 1.0) -> Volume:
    """A sagittal stack: columns to the back, rows to the feet, slices from left to right."""
    count, rows, columns = voxels.shape
    planes = tuple(
        PlaneGeometry((-gap_mm * i + 40, -60, 70), (0, 1, 0), (0, 0, -1), 1, 1, rows, columns)
        for i in range(count)
    )
    return Volume(
        voxels=voxels.astype(np.float32),
        planes=planes,
        images=tuple(ImageRef(Uid(f"1.2.{i + 1}")) for i in range(count)),
        series_instance_uid=Uid("1.2"),
        frame_of_reference_uid=None,
        modality="MR",
    )


def test_the_models_axes_point_left_down_and_forward() -> None:
    """The trap: in another order the deep nuclei vanish without an error."""
    voxels = np.zeros((80, 140, 120), np.float32)
    # Marks in patient space: x = 40 - slice, y = column - 60, z = 70 - row.
    voxels[10, 60, 50] = 1  # farther left than the reference
    voxels[30, 20, 50] = 2  # higher
    voxels[30, 60, 90] = 3  # farther back
    voxels[30, 60, 50] = 4  # the reference
    conformed = conform(make_volume(voxels), ORIENTATION, (1, 1, 1), (256, 256, 256)).array
    assert ORIENTATION == "LIA"
    place = {v: np.argwhere(conformed > v - 0.5) for v in (4,)}[4][0]
    left = np.argwhere(np.isclose(conformed, 1, atol=0.4))[0]
    high = np.argwhere(np.isclose(conformed, 2, atol=0.4))[0]
    back = np.argwhere(np.isclose(conformed, 3, atol=0.4))[0]
    assert (left - place).tolist() == [20, 0, 0]  # index 0 grows to the left
    assert (high - place).tolist() == [0, -40, 0]  # index 1 grows to the feet
    assert (back - place).tolist() == [0, 0, -40]  # index 2 grows to the front


@given(seed=st.integers(0, 2**31), gap=st.sampled_from([0.9, 1.0, 1.2]))
@settings(max_examples=8, deadline=None)
def test_labels_come_back_where_they_were(seed: int, gap: float) -> None:
    random = np.random.default_rng(seed)
    voxels = np.zeros((24, 20, 22), np.float32)
    z, y, x = (int(random.integers(4, 12)) for _ in range(3))
    voxels[z : z + 6, y : y + 5, x : x + 7] = 1
    volume = make_volume(voxels, gap)
    conformed = conform(volume, "LIA", (0.5, 0.5, 0.5))
    labels = (conformed.array > 0.5).astype(np.uint8)
    back = bring_back(labels, conformed.affine, volume)
    assert (back.astype(bool) != voxels.astype(bool)).sum() <= 0.1 * voxels.sum()


def test_an_orientation_of_two_axes_is_refused() -> None:
    volume = make_volume(np.zeros((4, 4, 4)))
    for wrong in ("LRS", "LP", "XYZ"):
        with pytest.raises(Rejected, match="orientation"):
            conform(volume, wrong, (1, 1, 1))


def test_the_midline_of_a_turned_ellipsoid_is_found() -> None:
    i, j, k = np.ogrid[:120, :100, :140]
    # Turned: the middle moves by 0.1 a step of j and -0.05 a step of k.
    middle = 60 + 0.1 * (j - 50) - 0.05 * (k - 70)
    brain = ((i - middle) / 50) ** 2 + ((j - 50) / 40) ** 2 + ((k - 70) / 60) ** 2 <= 1
    a, b, c = fit_midline(brain)
    assert a + b * 50 + c * 70 == pytest.approx(60, abs=0.3)
    assert (b, c) == (pytest.approx(0.1, abs=0.01), pytest.approx(-0.05, abs=0.01))
    is_left = find_left((120, 100, 140), (a, b, c))
    share = (brain & is_left).sum() / brain.sum()
    assert share == pytest.approx(0.5, abs=0.01)
    assert is_left[119, 50, 70]
    with pytest.raises(Rejected, match="midline"):
        fit_midline(np.zeros((50, 20, 20), bool))


def test_no_head_gives_no_brain() -> None:
    with pytest.raises(Rejected, match="no head"):
        find_brain(np.zeros((60, 60, 60), np.float32))
    noise = np.random.default_rng(1).random((110, 110, 110)).astype(np.float32)
    with pytest.raises(Rejected, match="skull"):
        find_brain(noise)


def test_the_uncertainty_of_a_ball_is_its_shell() -> None:
    z, y, x = np.ogrid[:60, :60, :60]
    ball = (z - 30) ** 2 + (y - 30) ** 2 + (x - 30) ** 2 <= 20**2
    volume = make_volume(np.zeros(ball.shape))
    shell_ml = 4 * np.pi * 20**2 * 0.25 / 1000
    assert estimate_uncertainty_ml(ball, volume) == pytest.approx(shell_ml, rel=0.06)


def test_the_card_is_honest_and_says_what_is_missing(tmp_path: Path) -> None:
    given_plugin = plugin()
    assert given_plugin.card.status == "demonstration"
    assert "not for diagnosis" in given_plugin.card.intended_use
    assert "overread models install brainchop" in given_plugin.find_missing(tmp_path)
    registry = read_registry(tmp_path)
    assert not registry.find_model("brain-mr-volumes").is_available
    assert "brain-mr-volumes" not in [card.ref.name for card in registry.list_ready()]


def test_weights_are_installed_and_read_without_pickle(test_data: Path, tmp_path: Path) -> None:
    folder = install(test_data / "models" / "brainchop", tmp_path)
    assert find_missing(tmp_path) == ""
    architecture, tensors = load_weights(tmp_path)
    assert len(architecture["layers"]) == 10
    assert tensors["model.18.weight"].shape == (18, 21, 1, 1, 1)
    (folder / "model.pth").write_bytes(b"\x80\x04K\x01.")
    with pytest.raises(Rejected, match="SHA-256"):
        load_weights(tmp_path)


def test_other_weights_are_not_installed(test_data: Path, tmp_path: Path) -> None:
    source = tmp_path / "source" / "model18cls"
    shutil.copytree(test_data / "models" / "brainchop" / "model30chan50cls", source)
    with pytest.raises(Rejected, match="another version"):
        install(tmp_path / "source", tmp_path / "models")
    assert not (tmp_path / "models").exists()
    with pytest.raises(Rejected, match="holds no"):
        install(tmp_path, tmp_path / "models")


def test_the_network_labels_a_small_box(test_data: Path, tmp_path: Path) -> None:
    install(test_data / "models" / "brainchop", tmp_path)
    network = Network(*load_weights(tmp_path), (24, 24, 24))
    voxels = np.zeros((24, 24, 24), np.float32)
    labels = network.label(voxels)
    assert labels.dtype == np.uint8
    assert labels.shape == (24, 24, 24)
    assert labels.max() < 18
    assert np.array_equal(labels, network.label(voxels))


def test_damaged_tensors_are_refused(test_data: Path, tmp_path: Path) -> None:
    install(test_data / "models" / "brainchop", tmp_path)
    architecture, tensors = load_weights(tmp_path)
    tensors["model.2.weight"] = tensors["model.2.weight"][:3]
    with pytest.raises(Rejected, match="Layer 1"):
        Network(architecture, tensors, (16, 16, 16))


@pytest.mark.slow
async def test_the_deep_volumes_of_a_normal_brain(test_data: Path, tmp_path: Path) -> None:
    install(test_data / "models" / "brainchop", tmp_path)
    registry = read_registry(tmp_path)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    request = RunRequest(registry.find("brain-mr-volumes"), test_data / "mr-brain", scratch)
    prediction = await ModelRunner(registry, tmp_path).run(request, lambda *_: None)
    volume = read_volume(test_data / "mr-brain")
    sizes: dict[str, list[float]] = {}
    for finding in prediction.findings:
        assert finding.mask is not None
        assert finding.mask.shape == volume.voxels.shape
        size = finding.measurements[0].value
        assert size == pytest.approx(volume_of_mask_ml(finding.mask, volume), abs=0.01)
        sizes.setdefault(finding.output, []).append(size)
    assert set(sizes) == {structure.key for structure in STRUCTURES}
    assert sum(sizes["thalamus"]) == pytest.approx(17, abs=1.5)
    assert sum(sizes["hippocampus"]) == pytest.approx(7, abs=1.0)
    assert sum(sizes["lateral-ventricle"]) == pytest.approx(18, abs=1.5)
    for key in ("thalamus", "putamen", "caudate-nucleus", "hippocampus"):
        left, right = sizes[key]
        assert left == pytest.approx(right, rel=0.2)


@pytest.mark.slow
async def test_another_axis_order_loses_the_deep_nuclei(test_data: Path, tmp_path: Path) -> None:
    """What the right order guards against, seen on the same scan."""
    install(test_data / "models" / "brainchop", tmp_path)
    volume = read_volume(test_data / "mr-brain")
    conformed = conform(volume, ORIENTATION, (1, 1, 1), (256, 256, 256))
    brain = find_brain(conformed.array)
    box = tuple(slice(int(side.min()), int(side.max()) + 1) for side in np.nonzero(brain))
    scaled = np.where(brain, conformed.array, 0)[box] / conformed.array[brain].max()
    turned = np.ascontiguousarray(scaled.transpose(2, 1, 0)).astype(np.float32)
    labels = Network(*load_weights(tmp_path), turned.shape).label(turned)
    assert (labels == 7).sum() / 1000 < 8  # thalami, 17 mL in the right order
