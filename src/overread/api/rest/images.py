"""Images of a series, their pixels and pictures, and the series as a volume."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request, Response
from pydicom import Dataset

from overread.access.role import Permission, Principal
from overread.api.gate import require
from overread.api.pictures import THUMBNAIL_PIXELS, find_middle, is_displayable
from overread.api.rest.answering import (
    PROBLEMS,
    UidPath,
    answer,
    find_dependencies,
    find_openings,
    find_pictures,
    find_volumes,
)
from overread.api.rest.forms import API
from overread.api.rest.results import find_shown_result
from overread.api.rest.schema import ImagesView, VolumeMaskView, VolumeView
from overread.api.volumes import to_grid_runs
from overread.result.encoding.json_form import from_json
from overread.result.region import Region
from overread.study.attributes import read_numbers, read_text
from overread.study.pixels.color import is_colour
from overread.study.pixels.frame import HTJ2K_MEDIA_TYPE
from overread.study.pixels.layout import read_layout
from overread.study.pixels.render import read_rescale, read_windows
from overread.study.reading import is_lossy as has_loss
from overread.study.reading import (
    read_lossy_note,
    read_plane,
    read_series,
    read_transfer_syntax,
)
from overread.study.study import ImageRef, Series
from overread.vocabulary.errors import NotFound, Rejected
from overread.vocabulary.uid import Uid
from overread.worklist.showing import show

router = APIRouter(tags=["images"], responses=PROBLEMS)

FrameNumber = Annotated[int, Path(ge=1, le=100_000)]
_PIXELS = "/studies/{study}/series/{series}/instances/{sop}/frames/{frame}"
_FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable", "Vary": "Accept, Cookie"}
_FOR_A_WHILE = {"Cache-Control": "private, max-age=3600", "Vary": "Cookie"}
_STACK_SECONDS = 5.0
"""Grid, voxels and masks are asked for in one breath: they look once what the series holds."""
_JPEG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/jpeg": {}}}}
_USUAL_WINDOWS = {
    "CT": ((40.0, 400.0, "Soft tissue"), (40.0, 80.0, "Brain"), (300.0, 2000.0, "Bone")),
}


@router.get("/studies/{study}/series/{series}/images", response_model=ImagesView)
async def list_images(request: Request, study: UidPath, series: UidPath) -> Response:
    """All images of a series in stack order."""
    await _require_audited(request, study)
    headers = await find_pictures(request).read_headers(study, series)
    # Hundreds of headers are a tenth of a second of work: not on the loop that serves everybody.
    found, images = await asyncio.to_thread(_describe_images, study, series, headers)
    await _fill_windows(request, study, found, images)
    first = next(iter(headers.values()))
    return answer({"images": images, "frame_time_ms": _read_frame_time(first)})


@router.get(
    _PIXELS,
    responses={200: {"content": {"application/octet-stream": {}, HTJ2K_MEDIA_TYPE: {}}}},
)
async def read_pixels(
    request: Request, study: UidPath, series: UidPath, sop: UidPath, frame: FrameNumber
) -> Response:
    """One frame, lossless over what the archive's bytes decode to."""
    await _require_audited(request, study)
    as_htj2k = HTJ2K_MEDIA_TYPE in request.headers.get("accept", "")
    made = await find_pictures(request).prepare(study, series, ImageRef(Uid(sop), frame), as_htj2k)
    headers = {
        **_FOR_EVER,
        "X-Overread-Rows": str(made.rows),
        "X-Overread-Columns": str(made.columns),
        "X-Overread-Samples": str(made.samples),
        "X-Overread-Bits": str(made.bits),
        "X-Overread-Signed": "1" if made.is_signed else "0",
    }
    return Response(made.data, 200, headers, made.media_type)


@router.get(_PIXELS + "/rendered", responses=_JPEG)
async def render_frame(  # noqa: PLR0917  # the path and the query name them
    request: Request,
    study: UidPath,
    series: UidPath,
    sop: UidPath,
    frame: FrameNumber,
    width: Annotated[int | None, Query(ge=1, le=4096)] = None,
) -> Response:
    """A JPEG of a frame with its default window."""
    await _require_audited(request, study)
    image = ImageRef(Uid(sop), frame)
    jpeg = await find_pictures(request).render(study, series, image, width=width)
    return Response(jpeg, 200, _FOR_EVER, "image/jpeg")


@router.get("/studies/{study}/thumbnail", responses=_JPEG)
async def draw_study(request: Request, study: UidPath) -> Response:
    """The flagged slice with the finding's outline, else the middle of the first series."""
    principal = require(request, Permission.VIEW_STUDY)
    flagged = await _find_flagged(request, principal, study)
    if flagged is not None:
        series_uid, image, regions, color = flagged
        jpeg = await find_pictures(request).render(
            study,
            series_uid,
            image,
            width=THUMBNAIL_PIXELS,
            regions=regions,
            color_rgb=color,
        )
        return Response(jpeg, 200, _FOR_A_WHILE, "image/jpeg")
    found = await find_dependencies(request).archive.read_study(study)
    shown = [series for series in found.series if is_displayable(series)]
    own = [series for series in shown if not series.is_made_by_overread]
    return await _draw_middle(request, study, next(iter(own or shown), None))


@router.get("/studies/{study}/series/{series}/thumbnail", responses=_JPEG)
async def draw_series(request: Request, study: UidPath, series: UidPath) -> Response:
    """The middle of the stack."""
    require(request, Permission.VIEW_STUDY)
    found = (await find_dependencies(request).archive.read_study(study)).find_series(series)
    return await _draw_middle(request, study, found)


@router.get("/studies/{study}/series/{series}/volume", response_model=VolumeView)
async def read_grid(request: Request, study: UidPath, series: UidPath) -> Response:
    """The grid of a series for MPR; a tilted or uneven one is resampled, and says so."""
    await _require_audited(request, study)
    sop_uids = list(await find_pictures(request).read_headers(study, series, _STACK_SECONDS))
    made = await find_volumes(request).read(study, series, sop_uids)
    slices, rows, columns = made.grid.array.shape
    return answer(
        {
            "dimensions": [columns, rows, slices],
            "spacing_mm": list(made.grid.spacing),
            "origin": list(made.grid.origin),
            "directions": [list(direction) for direction in made.grid.directions],
            "is_resampled": made.grid.is_resampled,
            "note": made.grid.note,
            "scalar": "int16",
            "rescaled": True,
            "voxels_url": f"{API}/studies/{study}/series/{series}/voxels?v={made.digest}",
        }
    )


@router.get(
    "/studies/{study}/series/{series}/voxels",
    responses={200: {"content": {"application/octet-stream": {}}}},
)
async def read_voxels(request: Request, study: UidPath, series: UidPath) -> Response:
    """int16 little-endian modality values of the grid, gzip; x fastest, then y, then z."""
    await _require_audited(request, study)
    sop_uids = list(await find_pictures(request).read_headers(study, series, _STACK_SECONDS))
    made = await find_volumes(request).read(study, series, sop_uids)
    headers = {**_FOR_A_WHILE, "Content-Encoding": "gzip"}
    return Response(made.voxels, 200, headers, "application/octet-stream")


@router.get("/results/{result}/findings/{tracking_uid}/volume", response_model=VolumeMaskView)
async def read_finding_mask(request: Request, result: UidPath, tracking_uid: UidPath) -> Response:
    """A finding's mask on the grid of its series."""
    principal = require(request, Permission.VIEW_AI)
    stored = await find_shown_result(request, principal, result)
    claim = await asyncio.to_thread(from_json, stored.document)
    finding = next((one for one in claim.findings if one.tracking_uid == tracking_uid), None)
    if finding is None:
        raise NotFound(f"Result {result} has no finding {tracking_uid}.")
    study, series = stored.study_instance_uid, stored.series_instance_uid
    sop_uids = list(await find_pictures(request).read_headers(study, series, _STACK_SECONDS))
    made = await find_volumes(request).read(study, series, sop_uids)
    slices, rows, columns = made.grid.array.shape
    runs = await asyncio.to_thread(to_grid_runs, finding, made)
    return answer({"dimensions": [columns, rows, slices], "runs": runs})


async def _require_audited(request: Request, study: str) -> None:
    """The asker may see the study, and that he does is written down."""
    principal = require(request, Permission.VIEW_STUDY)
    await find_openings(request).ensure(principal, study)


async def _draw_middle(request: Request, study: str, series: Series | None) -> Response:
    image = find_middle(series) if series is not None and is_displayable(series) else None
    if series is None or image is None:
        raise NotFound("There is no image to show here.")
    jpeg = await find_pictures(request).render(
        study, series.series_instance_uid, image, width=THUMBNAIL_PIXELS
    )
    return Response(jpeg, 200, _FOR_A_WHILE, "image/jpeg")


async def _find_flagged(
    request: Request, principal: Principal, study: str
) -> tuple[str, ImageRef, tuple[Region, ...], tuple[int, int, int]] | None:
    dependencies = find_dependencies(request)
    row = (await dependencies.worklist.find_rows([study])).get(study)
    flag = show(row, principal).flag if row else None
    if flag is None:
        return None
    stored = await find_shown_result(request, principal, flag.result_uid)
    claim = await asyncio.to_thread(from_json, stored.document)
    for finding in claim.findings:
        if finding.tracking_uid == flag.tracking_uid and finding.key_image is not None:
            return (
                stored.series_instance_uid,
                finding.key_image,
                finding.regions,
                finding.color_rgb,
            )
    return None


def _describe_images(
    study: str, series: str, headers: dict[str, Dataset]
) -> tuple[Series, list[dict[str, Any]]]:
    found = read_series(list(headers.values()))
    images = [
        _describe_image(study, series, headers[instance.sop_instance_uid], frame)
        for instance in found.instances
        if instance.rows and instance.columns
        for frame in range(1, instance.number_of_frames + 1)
    ]
    return found, images


def _describe_image(study: str, series: str, header: Dataset, frame: int) -> dict[str, Any]:
    reading = read_plane(header, frame)
    plane, syntax = reading.plane, read_transfer_syntax(header)
    rescale = read_rescale(header, frame)
    sop = read_text(header, "SOPInstanceUID")
    number = read_numbers(header, "InstanceNumber")
    return {
        "sop_instance_uid": sop,
        "frame": frame,
        "instance_number": int(number[0]) if number else None,
        "plane": None
        if plane is None
        else {
            "position": list(plane.position),
            "row_cosines": list(plane.row_cosines),
            "column_cosines": list(plane.column_cosines),
            "spacing_between_rows_mm": plane.spacing_between_rows_mm,
            "spacing_between_columns_mm": plane.spacing_between_columns_mm,
        },
        "spacing_mm": None if reading.spacing_mm is None else list(reading.spacing_mm),
        "is_spacing_trustworthy": reading.spacing_mm is not None,
        "spacing_note": reading.note,
        **_describe_layout(header),
        "rescale_slope": rescale.slope,
        "rescale_intercept": rescale.intercept,
        "rescale_unit": rescale.unit,
        "windows": _list_windows(header, frame),
        "is_lossy": has_loss(header, syntax),
        "lossy_note": read_lossy_note(header, syntax),
        "pixels_url": (
            f"{API}/studies/{quote(study)}/series/{quote(series)}/instances/{quote(sop)}"
            f"/frames/{frame}"
        ),
    }


def _describe_layout(header: Dataset) -> dict[str, Any]:
    """What `pixels_url` will send: colour comes as RGB in 8 bits."""
    layout = read_layout(header)
    is_rgb = is_colour(layout.photometric)
    return {
        "rows": layout.rows,
        "columns": layout.columns,
        "photometric_interpretation": "RGB" if is_rgb else layout.photometric,
        "samples_per_pixel": 3 if is_rgb else 1,
        "bits_allocated": 8 if is_rgb else min(16, max(8, layout.bits_allocated)),
        "bits_stored": 8 if is_rgb else min(16, layout.bits_stored),
        "is_signed": False if is_rgb else layout.is_signed,
    }


def _list_windows(header: Dataset, frame: int) -> list[dict[str, Any]]:
    offered = [
        {"center": window.center, "width": window.width, "name": window.name}
        for window in read_windows(header, frame)
    ]
    usual = _USUAL_WINDOWS.get(read_text(header, "Modality"), ())
    if offered or not usual:
        return offered
    return [{"center": center, "width": width, "name": name} for center, width, name in usual]


async def _fill_windows(
    request: Request, study: str, series: Series, images: list[dict[str, Any]]
) -> None:
    """Images that offer no window get one and the same, from the middle of the stack, so that
    the picture does not change its brightness from slice to slice."""
    bare = [image for image in images if not image["windows"] and image["samples_per_pixel"] == 1]
    middle = find_middle(series)
    if not bare or middle is None:
        return
    try:
        window = await find_pictures(request).choose_window(
            study, series.series_instance_uid, middle
        )
    except Rejected:
        return  # its pixels can't be read: the frame itself will say so
    for image in bare:
        image["windows"] = [{"center": window.center, "width": window.width, "name": "Auto"}]


def _read_frame_time(header: Dataset) -> float | None:
    """Frame Time (0018,1063) in ms, else by Cine Rate or Recommended Display Frame Rate."""
    times = read_numbers(header, "FrameTime")
    if times and times[0] > 0:
        return times[0]
    for keyword in ("RecommendedDisplayFrameRate", "CineRate"):
        rates = read_numbers(header, keyword)
        if rates and rates[0] > 0:
            return 1000.0 / rates[0]
    return None
