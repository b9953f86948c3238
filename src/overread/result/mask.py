"""Masks as run lengths, bound to their images, and back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from overread.result.region import Mask, MaskSlice
from overread.study.study import ImageRef
from overread.vocabulary.errors import Rejected


def encode_runs(pixels: NDArray[np.bool_]) -> tuple[int, ...]:
    """Lengths of alternating runs in row-major order, background first.

    Args:
        pixels: bool (rows, columns).

    Returns:
        Lengths that sum to rows × columns; the first is 0 where the first pixel is set.
    """
    flat = np.ascontiguousarray(pixels).ravel()
    if flat.size == 0:
        return ()
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    edges = np.concatenate(([0], changes, [flat.size]))
    lengths: list[int] = np.diff(edges).tolist()
    return (0, *lengths) if flat[0] else tuple(lengths)


def decode_runs(part: MaskSlice) -> NDArray[np.bool_]:
    """The pixels of a mask on one image, bool (rows, columns).

    Raises:
        Rejected: a run is negative, or they do not sum to rows × columns.
    """
    if any(run < 0 for run in part.runs) or sum(part.runs) != part.rows * part.columns:
        raise Rejected(
            f"A mask's runs must be zero or more and sum to rows × columns "
            f"({part.rows} × {part.columns}); these sum to {sum(part.runs)}."
        )
    values = np.arange(len(part.runs)) % 2 == 1
    flat = np.repeat(values, np.asarray(part.runs, dtype=np.intp))
    return np.asarray(flat.reshape(part.rows, part.columns), dtype=np.bool_)


def to_mask(pixels: NDArray[np.bool_], images: Sequence[ImageRef]) -> Mask:
    """Bind a mask array to its images; slices without a pixel are left out.

    Args:
        pixels: bool (slices, rows, columns), one slice for each of `images`.
    """
    _, rows, columns = pixels.shape
    touched = np.flatnonzero(pixels.any(axis=(1, 2))).tolist()
    return Mask(
        tuple(
            MaskSlice(images[index], rows, columns, encode_runs(pixels[index])) for index in touched
        )
    )


def to_array(mask: Mask, images: Sequence[ImageRef], rows: int, columns: int) -> NDArray[np.bool_]:
    """The mask as bool (slices, rows, columns) on a stack of images; the inverse of `to_mask`.

    Raises:
        Rejected: the mask lies on an image that is not in `images`, or of another size.
    """
    places = {image: index for index, image in enumerate(images)}
    array = np.zeros((len(images), rows, columns), dtype=np.bool_)
    for part in mask.slices:
        index = places.get(part.image)
        if index is None or (part.rows, part.columns) != (rows, columns):
            raise Rejected(
                f"A mask of {part.rows} × {part.columns} pixels on image "
                f"{part.image.sop_instance_uid} frame {part.image.frame} does not belong to this "
                f"stack of {len(images)} images of {rows} × {columns}."
            )
        array[index] = decode_runs(part)
    return array
