"""The bundled head CT model, on the real plain scan and on bleeds simulated in it."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from overread.model.card import ModelStatus
from overread.model.prediction import PredictedFinding, Prediction
from overread.study.study import ImageRef
from overread.study.volume import Volume
from overread.vocabulary.errors import Rejected
from overread.vocabulary.geometry import PlaneGeometry
from overread.vocabulary.uid import Uid
from overread_models.head_ct_hyperdensity import plugin
from overread_phantom.bleed import BleedKind, BleedRequest, BleedTruth, simulate_bleed
from overread_phantom.dicom import read_hu

Stack = tuple[NDArray[np.int16], tuple[PlaneGeometry, ...]]


@lru_cache(maxsize=1)
def read_head(folder: Path) -> Stack:
    return read_hu(folder)


@pytest.fixture
def head(test_data: Path) -> Stack:
    return read_head(test_data / "ct-head")


def make_volume(hu: NDArray[np.int16], planes: tuple[PlaneGeometry, ...]) -> Volume:
    return Volume(
        voxels=hu.astype(np.float32),
        planes=planes,
        images=tuple(ImageRef(Uid(f"2.25.{i + 1}")) for i in range(len(planes))),
        series_instance_uid=Uid("2.25.1"),
        frame_of_reference_uid=None,
        modality="CT",
    )


def predict(volume: Volume) -> Prediction:
    shares: list[float] = []
    prediction = plugin().load().predict(volume, lambda share, words: shares.append(share))
    assert shares == sorted(shares)
    return prediction


def bleed(
    head: Stack, kind: BleedKind, volume_ml: float, side: str = ""
) -> tuple[Volume, BleedTruth]:
    return _keep_bleed(_Kept(head), BleedRequest(kind, volume_ml, 68.0, side))


class _Kept:
    """Arrays have no hash; the one head of these tests stands for itself."""

    def __init__(self, head: Stack) -> None:
        self.head = head

    def __hash__(self) -> int:
        return id(self.head)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Kept) and other.head is self.head


@lru_cache(maxsize=4)
def _keep_bleed(kept: _Kept, request: BleedRequest) -> tuple[Volume, BleedTruth]:
    hu, truth = simulate_bleed(*kept.head, request, np.random.default_rng(3))
    return make_volume(hu, kept.head[1]), truth


def dice(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    return float(2 * (first & second).sum() / (first.sum() + second.sum()))


def find_hit(prediction: Prediction, truth: BleedTruth) -> PredictedFinding:
    hits = [f for f in prediction.findings if f.mask is not None and (f.mask & truth.mask).any()]
    assert hits, "the simulated bleed was not found"
    return max(hits, key=lambda f: 0 if f.mask is None else int((f.mask & truth.mask).sum()))


def test_the_plain_head_with_calcified_plexus_and_pineal_raises_nothing(head: Stack) -> None:
    card = plugin().card
    prediction = predict(make_volume(*head))
    flagged = [f for f in prediction.findings if (f.confidence or 0) >= card.thresholds["flag"]]
    assert flagged == []
    assert any("unevenly" in notice for notice in prediction.notices)


@pytest.mark.parametrize("side", ["left", pytest.param("right", marks=pytest.mark.slow)])
def test_a_parenchymal_bleed_is_found_measured_and_sided(head: Stack, side: str) -> None:
    volume, truth = bleed(head, BleedKind.INTRAPARENCHYMAL, 15.0, side)
    finding = find_hit(predict(volume), truth)
    assert finding.mask is not None
    assert dice(finding.mask, truth.mask) > 0.85
    assert finding.measurements[0].value == pytest.approx(truth.volume_ml, rel=0.2)
    assert finding.laterality is not None
    assert finding.laterality.meaning.lower() == side
    # No other type; the card allows "undetermined".
    assert finding.output in {"intraparenchymal", "undetermined"}


@pytest.mark.parametrize(
    "kind", [pytest.param(BleedKind.EPIDURAL, marks=pytest.mark.slow), BleedKind.SUBDURAL]
)
def test_blood_under_the_bone_is_found(head: Stack, kind: BleedKind) -> None:
    volume, truth = bleed(head, kind, 30.0, "left")
    finding = find_hit(predict(volume), truth)
    assert finding.mask is not None
    assert dice(finding.mask, truth.mask) > 0.75
    assert finding.measurements[0].value == pytest.approx(truth.volume_ml, rel=0.3)
    assert finding.laterality is not None
    assert finding.laterality.meaning == "Left"


@pytest.mark.slow
@pytest.mark.parametrize("kind", [BleedKind.INTRAVENTRICULAR, BleedKind.SUBARACHNOID])
def test_blood_in_fluid_spaces_is_found(head: Stack, kind: BleedKind) -> None:
    volume, truth = bleed(head, kind, 20.0)
    find_hit(predict(volume), truth)


def test_the_volume_is_the_sum_over_real_slice_extents(head: Stack) -> None:
    volume, truth = bleed(head, BleedKind.INTRAPARENCHYMAL, 15.0, "left")
    finding = find_hit(predict(volume), truth)
    assert finding.mask is not None
    # Computed here from the header's numbers: steps along z times the cosine of the tilt.
    z = np.array([plane.position[2] for plane in head[1]])
    along = z * np.cos(np.deg2rad(18.5))
    middles = 0.5 * (along[1:] + along[:-1])
    edges = np.concatenate([[2 * along[0] - middles[0]], middles, [2 * along[-1] - middles[-1]]])
    expected = float(finding.mask.sum(axis=(1, 2)) @ np.diff(edges)) * 0.4882812**2 / 1000
    assert finding.measurements[0].value == pytest.approx(expected, rel=2e-3)


def test_equal_input_gives_equal_output(head: Stack) -> None:
    volume, _ = bleed(head, BleedKind.INTRAPARENCHYMAL, 15.0, "left")
    first, second = predict(volume), predict(volume)
    assert [f.confidence for f in first.findings] == [f.confidence for f in second.findings]
    for one, other in zip(first.findings, second.findings, strict=True):
        assert one.mask is not None
        assert other.mask is not None
        assert np.array_equal(one.mask, other.mask)


def test_every_output_is_on_the_card_and_says_demonstration(head: Stack) -> None:
    card = plugin().card
    assert card.status is ModelStatus.DEMONSTRATION
    assert len(card.ref.digest) == 64
    volume, truth = bleed(head, BleedKind.SUBDURAL, 30.0, "left")
    finding = find_hit(predict(volume), truth)
    assert card.find_output(finding.output) is not None
    assert 0 <= (finding.confidence or -1) <= 1


def test_another_modality_is_refused(head: Stack) -> None:
    with pytest.raises(Rejected, match="reads CT"):
        predict(replace(make_volume(*head), modality="MR"))


def test_a_ct_without_a_skull_is_refused(head: Stack) -> None:
    soft = np.clip(head[0], -1024, 60).astype(np.int16)
    with pytest.raises(Rejected, match="No skull"):
        predict(make_volume(soft, head[1]))


def test_too_few_slices_are_refused(head: Stack) -> None:
    with pytest.raises(Rejected, match="10 or more"):
        predict(make_volume(head[0][:5], head[1][:5]))
