"""Simulated bleeds on the real tilted, unevenly spaced scan."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from overread.vocabulary.errors import Rejected
from overread_phantom.bleed import BleedKind, BleedRequest, simulate_bleed
from overread_phantom.dicom import read_hu
from overread_phantom.place import slice_extents


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(kind, marks=[] if kind is BleedKind.INTRAPARENCHYMAL else pytest.mark.slow)
        for kind in BleedKind
    ],
)
def test_the_volume_is_the_one_asked_for_by_real_positions(
    test_data: Path, kind: BleedKind
) -> None:
    hu, planes = read_hu(test_data / "ct-head")
    changed, truth = simulate_bleed(
        hu, planes, BleedRequest(kind, 8.0, 70.0), np.random.default_rng(5)
    )
    assert truth.volume_ml == pytest.approx(8.0, rel=0.02)
    z = np.array([plane.position[2] for plane in planes]) * np.cos(np.deg2rad(18.5))
    middles = 0.5 * (z[1:] + z[:-1])
    edges = np.concatenate([[2 * z[0] - middles[0]], middles, [2 * z[-1] - middles[-1]]])
    by_mask = float(truth.mask.sum(axis=(1, 2)) @ np.diff(edges)) * 0.4882812**2 / 1000
    assert by_mask == pytest.approx(8.0, rel=0.5 if kind is BleedKind.SUBARACHNOID else 0.25)
    assert sum(truth.slice_volumes_ml) == pytest.approx(truth.volume_ml)
    # A sulcus is thinner than a slice: of a voxel half full of blood the rest is fluid or brain.
    least = 0.5 * (70 + 7) if kind is BleedKind.SUBARACHNOID else 55
    assert float(changed[truth.mask].mean()) > least
    assert (changed != hu).any()


def test_extents_of_the_real_stack(test_data: Path) -> None:
    _, planes = read_hu(test_data / "ct-head")
    extents = slice_extents(planes)
    assert extents[5] == pytest.approx(4.002, abs=0.01)
    assert extents[13] == pytest.approx((4.002 + 1.081) / 2, abs=0.01)
    assert extents[20] == pytest.approx(6.999, abs=0.01)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bleed(test_data: Path) -> None:
    hu, planes = read_hu(test_data / "ct-head")
    request = BleedRequest(BleedKind.INTRAPARENCHYMAL, 12.0)
    first = simulate_bleed(hu, planes, request, np.random.default_rng(9))[0]
    second = simulate_bleed(hu, planes, request, np.random.default_rng(9))[0]
    assert np.array_equal(first, second)


def test_an_absurd_volume_is_refused(test_data: Path) -> None:
    hu, planes = read_hu(test_data / "ct-head")
    with pytest.raises(Rejected, match="up to 200"):
        simulate_bleed(
            hu, planes, BleedRequest(BleedKind.EPIDURAL, 900.0), np.random.default_rng(1)
        )
