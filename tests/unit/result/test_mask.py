from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from overread.result.mask import decode_runs, encode_runs, to_array, to_mask
from overread.result.region import MaskSlice
from overread.study.study import ImageRef
from overread.vocabulary.errors import Rejected
from overread.vocabulary.uid import Uid

masks = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=3, max_dims=3, max_side=7))


@given(masks)
def test_mask_survives_a_round_trip(mask: NDArray[np.bool_]) -> None:
    images = [ImageRef(Uid(f"1.2.{index}")) for index in range(len(mask))]
    coded = to_mask(mask, images)
    assert np.array_equal(to_array(coded, images, *mask.shape[1:]), mask)
    assert [part.image for part in coded.slices] == [
        image for image, part in zip(images, mask, strict=True) if part.any()
    ]


@given(hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9)))
def test_runs_alternate_and_start_with_background(pixels: NDArray[np.bool_]) -> None:
    runs = encode_runs(pixels)
    assert sum(runs) == pixels.size
    assert all(run > 0 for run in runs[1:])
    assert (runs[0] == 0) == bool(pixels.flat[0])
    assert sum(runs[1::2]) == np.count_nonzero(pixels)


def test_runs_of_a_known_image() -> None:
    assert encode_runs(np.array([[False, True, True], [True, False, False]])) == (1, 3, 2)
    assert encode_runs(np.array([[True, False]])) == (0, 1, 1)


@pytest.mark.parametrize("runs", [(5,), (3, 4), (7, -1)])
def test_runs_that_do_not_fill_the_image_are_rejected(runs: tuple[int, ...]) -> None:
    with pytest.raises(Rejected, match="sum to"):
        decode_runs(MaskSlice(ImageRef(Uid("1.2")), 2, 3, runs))


def test_mask_on_a_foreign_image_is_rejected() -> None:
    mask = to_mask(np.ones((1, 2, 2), dtype=np.bool_), [ImageRef(Uid("1.2"))])
    with pytest.raises(Rejected, match="does not belong"):
        to_array(mask, [ImageRef(Uid("1.3"))], 2, 2)
