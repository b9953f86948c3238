"""Outlines of masks along the pixel edges: the outline is the mask, not beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overread.vocabulary.geometry import ImagePoint

# The four pixels round a lattice point as bits: 1 top-left, 2 top-right, 4 bottom-left,
# 8 bottom-right. One or three set: the edge turns here. Two set across a diagonal: it turns
# twice. All others: it passes straight or is not there.
_TURNS = np.array([0, 1, 1, 0, 1, 0, 2, 1, 1, 2, 0, 1, 0, 1, 1, 0], dtype=np.intp)
_FALLING_DIAGONAL = 9  # top-left and bottom-right set
_RISING_DIAGONAL = 6  # top-right and bottom-left set


@dataclass(frozen=True, slots=True)
class Outline:
    """One closed polygon round pixels (or a hole in them) of one slice.

    Attributes:
        slice_index: 0-based.
        points: corners only, SCOORD convention (whole numbers), from the top-left one;
            clockwise on the screen, holes counter-clockwise, so that both the even-odd and the
            non-zero rule fill it right. Pixels that touch at a corner alone are apart.
    """

    slice_index: int
    points: tuple[ImagePoint, ...]
    is_hole: bool


def trace_outlines(mask: NDArray[np.bool_]) -> list[Outline]:
    """Trace the exact outlines of a mask, in slice order, from top to bottom.

    Args:
        mask: bool (slices, rows, columns).
    """
    box = find_bounds(mask)
    if box is None:
        return []
    first_slice, first_row, first_column = (part.start for part in box)
    inside = mask[box]
    corner_code = _code_corners(inside)
    turns = _TURNS[corner_code.ravel()]
    places = np.flatnonzero(turns)
    corners = np.repeat(places, turns[places])
    slices, rows, columns = np.unravel_index(corners, corner_code.shape)
    partner = _pair_vertically(corner_code.ravel()[corners], corners, slices, rows, columns)
    inside_below_right = (corner_code.ravel()[corners] & 8) != 0
    return _walk(
        partner.tolist(),
        (slices + first_slice).tolist(),
        (rows + first_row).tolist(),
        (columns + first_column).tolist(),
        inside_below_right.tolist(),
    )


def fill_outlines(
    outlines: list[tuple[tuple[ImagePoint, ...], bool]], rows: int, columns: int
) -> NDArray[np.bool_]:
    """The pixels whose centres lie inside polygons on one image, bool (rows, columns).

    Inside is what lies in more outer polygons than holes, so an island in a hole counts. Each
    polygon is filled by the even-odd rule.

    Args:
        outlines: (points in SCOORD convention, is_hole) each.
    """
    depth = np.zeros((rows, columns), dtype=np.int32)
    for points, is_hole in outlines:
        depth += np.where(_fill_polygon(points, rows, columns), -1 if is_hole else 1, 0)
    return np.asarray(depth > 0, dtype=np.bool_)


def find_bounds(mask: NDArray[np.bool_]) -> tuple[slice, slice, slice] | None:
    """The smallest box of indices (slices, rows, columns) that holds the mask, None if empty."""
    on_rows = np.flatnonzero(mask.any(axis=(0, 2)))
    on_columns = np.flatnonzero(mask.any(axis=(0, 1)))
    if on_rows.size == 0:
        return None
    on_slices = np.flatnonzero(mask.any(axis=(1, 2)))
    spans = (on_slices, on_rows, on_columns)
    first, second, third = (slice(int(on[0]), int(on[-1]) + 1) for on in spans)
    return (first, second, third)


def _code_corners(inside: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Each lattice point's four pixels as bits, (slices, rows + 1, columns + 1)."""
    padded = np.pad(inside, ((0, 0), (1, 1), (1, 1))).view(np.uint8)
    return np.asarray(
        padded[:, :-1, :-1]
        | padded[:, :-1, 1:] << 1
        | padded[:, 1:, :-1] << 2
        | padded[:, 1:, 1:] << 3,
        dtype=np.uint8,
    )


def _pair_vertically(
    codes: NDArray[np.uint8],
    corners: NDArray[np.intp],
    slices: NDArray[np.intp],
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
) -> NDArray[np.intp]:
    """The other end of each corner's vertical edge.

    Corners are in row-major order, so along a row each even one is joined with the next by a
    horizontal edge; sorted by column the same holds for vertical edges. A diagonal corner stands
    twice: first the end of the edge from the left, then the start of the one to the right. Which
    of the two also ends the edge from above depends on the diagonal.
    """
    is_second = np.zeros(corners.size, dtype=np.intp)
    is_second[1:] = corners[1:] == corners[:-1]
    starts_below = np.where(codes == _RISING_DIAGONAL, 1 - is_second, is_second)
    starts_below[~np.isin(codes, (_FALLING_DIAGONAL, _RISING_DIAGONAL))] = 0
    order = np.lexsort((starts_below, rows, columns, slices))
    partner = np.empty(corners.size, dtype=np.intp)
    partner[order[0::2]] = order[1::2]
    partner[order[1::2]] = order[0::2]
    return partner


def _walk(
    vertical_partner: list[int],
    slices: list[int],
    rows: list[int],
    columns: list[int],
    inside_below_right: list[bool],
) -> list[Outline]:
    """Follow horizontal and vertical edges in turn until each polygon closes."""
    outlines: list[Outline] = []
    is_seen = bytearray(len(slices))
    for start in range(len(slices)):
        if is_seen[start]:
            continue
        points: list[ImagePoint] = []
        corner = start
        while not is_seen[corner]:
            across = corner ^ 1
            is_seen[corner] = is_seen[across] = 1
            points.append(ImagePoint(float(columns[corner]), float(rows[corner])))
            points.append(ImagePoint(float(columns[across]), float(rows[across])))
            corner = vertical_partner[across]
        # The first corner met in row-major order is the top-left one of its polygon: what lies
        # below and right of it is inside the polygon.
        is_hole = not inside_below_right[start]
        if is_hole:
            points[1:] = points[:0:-1]
        outlines.append(Outline(slices[start], tuple(points), is_hole))
    return outlines


def _fill_polygon(points: tuple[ImagePoint, ...], rows: int, columns: int) -> NDArray[np.bool_]:
    """Pixels whose centre lies inside one polygon, by the even-odd rule, bool (rows, columns)."""
    filled = np.zeros((rows, columns), dtype=np.bool_)
    if len(points) < 3:
        return filled
    crossings: dict[int, list[float]] = {}
    for start, end in zip(points, (*points[1:], points[0]), strict=True):
        upper, lower = (start, end) if start.row <= end.row else (end, start)
        # Half-open in rows, so that a vertex on a centre line counts once.
        first = max(0, int(np.ceil(upper.row - 0.5)))
        last = min(rows, int(np.ceil(lower.row - 0.5)))
        for row in range(first, last):
            share = (row + 0.5 - upper.row) / (lower.row - upper.row)
            crossings.setdefault(row, []).append(
                upper.column + share * (lower.column - upper.column)
            )
    for row, places in crossings.items():
        places.sort()
        for left, right in zip(places[0::2], places[1::2], strict=True):
            first = max(0, int(np.ceil(left - 0.5)))
            filled[row, first : max(first, min(columns, int(np.ceil(right - 0.5))))] = True
    return filled


def measure_area_px(outlines: list[tuple[tuple[ImagePoint, ...], bool]]) -> float:
    """The area in pixels inside polygons, by the rule of `fill_outlines`.

    Polygons may overlap and cross themselves. The area is summed along lines that are exact in
    the column's direction and `_LINES_PER_ROW` to a row, so outlines along pixel edges come out
    exactly.

    Args:
        outlines: (points in SCOORD convention, is_hole) each.
    """
    places = [point.row for points, _ in outlines for point in points]
    if not places:
        return 0.0
    top, bottom = int(np.floor(min(places))), int(np.ceil(max(places)))
    edges: dict[int, list[tuple[float, int]]] = {}
    for points, is_hole in outlines:
        entering = -1 if is_hole else 1
        crossed = _cross_lines(points, top, (bottom - top) * _LINES_PER_ROW)
        for line, columns in crossed.items():
            edges.setdefault(line, []).extend(
                (column, entering if index % 2 == 0 else -entering)
                for index, column in enumerate(sorted(columns))
            )
    return sum(_measure_inside(line) for line in edges.values()) / _LINES_PER_ROW


_LINES_PER_ROW = 16


def _cross_lines(
    points: tuple[ImagePoint, ...], top: int, line_count: int
) -> dict[int, list[float]]:
    """Columns where a polygon crosses each of the lines below row `top`."""
    crossings: dict[int, list[float]] = {}
    for start, end in zip(points, (*points[1:], points[0]), strict=True):
        upper, lower = (start, end) if start.row <= end.row else (end, start)
        first = max(0, int(np.ceil((upper.row - top) * _LINES_PER_ROW - 0.5)))
        last = min(line_count, int(np.ceil((lower.row - top) * _LINES_PER_ROW - 0.5)))
        for line in range(first, last):
            row = top + (line + 0.5) / _LINES_PER_ROW
            share = (row - upper.row) / (lower.row - upper.row)
            crossings.setdefault(line, []).append(
                upper.column + share * (lower.column - upper.column)
            )
    return crossings


def _measure_inside(edges: list[tuple[float, int]]) -> float:
    """The length of a line that lies in more outer polygons than holes."""
    total, depth, reached = 0.0, 0, 0.0
    for column, change in sorted(edges):
        if depth > 0:
            total += column - reached
        depth, reached = depth + change, column
    return total
