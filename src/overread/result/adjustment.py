"""What a person's own boxes and contours measure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from overread.result.contour import measure_area_px
from overread.result.extent import measure_extents_mm, measure_pixel_area_mm2
from overread.result.region import Box, Contour, Region
from overread.result.result import Measurement
from overread.study.study import ImageRef
from overread.vocabulary import unit
from overread.vocabulary.code import Code
from overread.vocabulary.errors import Rejected
from overread.vocabulary.geometry import ImagePoint, PlaneGeometry

AREA = Code("42798000", "SCT", "Area")
VOLUME = Code("118565006", "SCT", "Volume")

MAX_POINTS = 100_000
"""Most points of all regions of one adjustment together."""


def measure_adjustment(
    regions: Sequence[Region], planes: Mapping[ImageRef, PlaneGeometry | None]
) -> tuple[Measurement, ...]:
    """The largest area on one image, and the volume of contours over the stack.

    On an image with contours those are measured, else its boxes are. Overlapping outlines count
    once. The volume is area times the slice's real extent along the normal, summed; boxes alone
    have none.

    Args:
        regions: boxes and contours, as a person drew them.
        planes: every image of the series, with None where its spacing is not to be trusted: then
            the area is in pixels and there is no volume.

    Returns:
        Area in mm² (or pixels), then volume in mL where it can be known; empty without regions.

    Raises:
        Rejected: a region of another kind, on an image that is not of the series, or beyond its
            edges.
    """
    by_image = _group_by_image(regions, planes)
    if not by_image:
        return ()
    areas_px = {image: measure_area_px(outlines) for image, outlines in by_image.items()}
    areas_mm2 = _to_mm2(areas_px, planes)
    if areas_mm2 is None:
        return (Measurement(AREA, max(areas_px.values()), unit.PIXEL),)
    area = Measurement(AREA, max(areas_mm2.values()), unit.SQUARE_MILLIMETRE)
    outlined = {region.image for region in regions if isinstance(region, Contour)}
    extents = _measure_extents(planes)
    if not outlined or extents is None:
        return (area,)
    volume_mm3 = math.fsum(areas_mm2[image] * extents[image] for image in outlined)
    return (area, Measurement(VOLUME, volume_mm3 / 1000, unit.MILLILITRE))


def _group_by_image(
    regions: Sequence[Region], planes: Mapping[ImageRef, PlaneGeometry | None]
) -> dict[ImageRef, list[tuple[tuple[ImagePoint, ...], bool]]]:
    outlined = {region.image for region in regions if isinstance(region, Contour)}
    grouped: dict[ImageRef, list[tuple[tuple[ImagePoint, ...], bool]]] = {}
    point_count = 0
    for region in regions:
        if not isinstance(region, Box | Contour):
            raise Rejected(
                f"An adjustment holds boxes and contours; this one holds a "
                f"{type(region).__name__.lower()}."
            )
        points, is_hole = _outline(region)
        point_count += len(points)
        if point_count > MAX_POINTS:
            raise Rejected(f"An adjustment holds more than {MAX_POINTS} points; draw fewer.")
        _check_place(region.image, points, planes)
        if isinstance(region, Contour) or region.image not in outlined:
            grouped.setdefault(region.image, []).append((points, is_hole))
    return grouped


def _outline(region: Box | Contour) -> tuple[tuple[ImagePoint, ...], bool]:
    if isinstance(region, Contour):
        return region.points, region.is_hole
    first, last = region.top_left, region.bottom_right
    corners = (
        first,
        ImagePoint(last.column, first.row),
        last,
        ImagePoint(first.column, last.row),
    )
    return corners, False


def _check_place(
    image: ImageRef,
    points: Sequence[ImagePoint],
    planes: Mapping[ImageRef, PlaneGeometry | None],
) -> None:
    if image not in planes:
        raise Rejected(
            f"A region lies on image {image.sop_instance_uid} frame {image.frame}, which is not "
            f"one of the {len(planes)} images of the result's series."
        )
    plane = planes[image]
    rows, columns = (plane.rows, plane.columns) if plane is not None else (65_535, 65_535)
    if not all(0 <= p.column <= columns and 0 <= p.row <= rows for p in points):
        raise Rejected(
            f"A region reaches beyond the edges of image {image.sop_instance_uid} frame "
            f"{image.frame} ({columns} columns, {rows} rows)."
        )


def _to_mm2(
    areas_px: Mapping[ImageRef, float], planes: Mapping[ImageRef, PlaneGeometry | None]
) -> dict[ImageRef, float] | None:
    areas_mm2: dict[ImageRef, float] = {}
    for image, area in areas_px.items():
        plane = planes[image]
        if plane is None:
            return None
        areas_mm2[image] = area * measure_pixel_area_mm2(plane)
    return areas_mm2


def _measure_extents(
    planes: Mapping[ImageRef, PlaneGeometry | None],
) -> dict[ImageRef, float] | None:
    known = [plane for plane in planes.values() if plane is not None]
    extents = measure_extents_mm(known) if len(known) == len(planes) else None
    return None if extents is None else dict(zip(planes, extents, strict=True))
