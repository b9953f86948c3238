"""WADO-RS (PS3.18 10.4): metadata, instances, frames, rendered pictures and bulk data."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from pydicom import Dataset, uid
from starlette.concurrency import iterate_in_threadpool

from overread.api.dicomweb.answers import (
    DICOM_JSON,
    Part,
    accepts,
    answer_json,
    answer_multipart,
    answer_not_acceptable,
    read_accepted,
    to_json,
)
from overread.api.dicomweb.door import DicomWebDoor
from overread.study.attributes import MALFORMED, read_int, read_text
from overread.study.pixels.encode import encode_htj2k
from overread.study.pixels.frame import read_pixels
from overread.study.pixels.render import Window, render_jpeg
from overread.study.ports import EncodedFrame
from overread.vocabulary.errors import NotFound, Rejected
from overread.vocabulary.uid import parse_uid

_MEDIA_TYPES = {
    uid.JPEGBaseline8Bit: "image/jpeg",
    uid.JPEGExtended12Bit: "image/jpeg",
    uid.JPEGLossless: "image/jpeg",
    uid.JPEGLosslessSV1: "image/jpeg",
    uid.JPEGLSLossless: "image/jls",
    uid.JPEGLSNearLossless: "image/jls",
    uid.JPEG2000Lossless: "image/jp2",
    uid.JPEG2000: "image/jp2",
    uid.HTJ2KLossless: "image/jphc",
    uid.HTJ2KLosslessRPCL: "image/jphc",
    uid.HTJ2K: "image/jphc",
    uid.RLELossless: "image/dicom-rle",
}
"""PS3.18 table 8.7.3-5."""

_MAX_FRAMES_ASKED = 4096


def make_router(door: DicomWebDoor) -> APIRouter:
    """Retrieve routes."""
    router = APIRouter()
    _add_metadata(router, door)
    _add_instances(router, door)
    _add_frames(router, door)
    _add_rendered(router, door)
    return router


def _add_metadata(router: APIRouter, door: DicomWebDoor) -> None:
    @router.get("/studies/{study}/metadata")
    async def read_study_metadata(request: Request, study: str) -> Response:
        return await read_metadata(request, study, None, None)

    @router.get("/studies/{study}/series/{series}/metadata")
    async def read_series_metadata(request: Request, study: str, series: str) -> Response:
        return await read_metadata(request, study, series, None)

    @router.get("/studies/{study}/series/{series}/instances/{sop}/metadata")
    async def read_one(request: Request, study: str, series: str, sop: str) -> Response:
        return await read_metadata(request, study, series, sop)

    async def read_metadata(
        request: Request, study: str, series: str | None, sop: str | None
    ) -> Response:
        await door.open_study(request, parse_uid(study))
        if not accepts(request, DICOM_JSON, "application/json"):
            return answer_not_acceptable(DICOM_JSON)
        if sop is not None and series is not None:
            headers = [await door.archive.read_header(study, parse_uid(series), parse_uid(sop))]
        else:
            headers = await door.archive.read_headers(
                study, parse_uid(series) if series is not None else None
            )
        root = str(request.base_url).rstrip("/")
        return answer_json(await asyncio.to_thread(_write_metadata, headers, root))


def _write_metadata(headers: Sequence[Dataset], root: str) -> list[dict[str, Any]]:
    return [to_json(header, partial(_write_bulk_uri, header, root)) for header in headers]


def _write_bulk_uri(header: Dataset, root: str, tag: str) -> str:
    return (
        f"{root}/studies/{read_text(header, 'StudyInstanceUID')}"
        f"/series/{read_text(header, 'SeriesInstanceUID')}"
        f"/instances/{read_text(header, 'SOPInstanceUID')}/bulkdata/{tag}"
    )


def _add_instances(router: APIRouter, door: DicomWebDoor) -> None:
    @router.get("/studies/{study}")
    async def read_study(request: Request, study: str) -> Response:
        await door.open_study(request, parse_uid(study))
        found = await door.archive.find_series(study, {})
        return stream(request, study, [str(item.SeriesInstanceUID) for item in found])

    @router.get("/studies/{study}/series/{series}")
    async def read_series(request: Request, study: str, series: str) -> Response:
        await door.open_study(request, parse_uid(study))
        if not await door.archive.find_instances(study, parse_uid(series), {}):
            raise NotFound(f"Series {series} is not in the archive.")
        return stream(request, study, [series])

    @router.get("/studies/{study}/series/{series}/instances/{sop}")
    async def read_instance(request: Request, study: str, series: str, sop: str) -> Response:
        await door.open_study(request, parse_uid(study))
        if not accepts(request, "application/dicom"):
            return answer_not_acceptable("application/dicom")
        data = await door.archive.read_instance(study, parse_uid(series), parse_uid(sop))
        return answer_multipart("application/dicom", _one_part("application/dicom", data))

    def stream(request: Request, study: str, series: Sequence[str]) -> Response:
        if not accepts(request, "application/dicom"):
            return answer_not_acceptable("application/dicom")
        return answer_multipart("application/dicom", _read_files(door, study, series))


async def _read_files(door: DicomWebDoor, study: str, series: Sequence[str]) -> AsyncIterator[Part]:
    """Instances one by one through a folder of their own; none stays."""
    door.scratch_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(prefix="wado-", dir=door.scratch_dir) as folder:
        for series_uid in series:
            async for path in door.archive.retrieve(study, series_uid, Path(folder)):
                yield "application/dicom", _read_chunks(path)
                path.unlink(missing_ok=True)


async def _read_chunks(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        async for chunk in iterate_in_threadpool(iter(lambda: file.read(1 << 20), b"")):
            yield chunk


def _add_frames(router: APIRouter, door: DicomWebDoor) -> None:
    instance = "/studies/{study}/series/{series}/instances/{sop}"

    @router.get(instance + "/frames/{frames}")
    async def read_frames(
        request: Request, study: str, series: str, sop: str, frames: str
    ) -> Response:
        await door.open_study(request, parse_uid(study))
        uids = (parse_uid(study), parse_uid(series), parse_uid(sop))
        numbers = read_frame_numbers(frames)
        encode = _choose_encoding(request)
        header = await door.archive.read_header(*uids) if encode is not _keep else Dataset()

        async def read(number: int) -> tuple[str, bytes]:
            frame = await door.archive.read_frame(*uids, number)
            return await asyncio.to_thread(encode, frame, header)

        # The first one is read before the answer begins, so that it can still say 404.
        first = await read(numbers[0])

        async def parts() -> AsyncIterator[Part]:
            yield first[0], _once(first[1])
            for number in numbers[1:]:
                content_type, data = await read(number)
                yield content_type, _once(data)

        return answer_multipart(first[0].split(";")[0], parts())

    @router.get(instance + "/bulkdata/{tag}")
    async def read_bulk(request: Request, study: str, series: str, sop: str, tag: str) -> Response:
        await door.open_study(request, parse_uid(study))
        uids = (parse_uid(study), parse_uid(series), parse_uid(sop))
        header = await door.archive.read_header(*uids)
        if tag.upper() == "7FE00010":
            count = max(1, min(read_int(header, "NumberOfFrames") or 1, _MAX_FRAMES_ASKED))
            frames = ",".join(str(number) for number in range(1, count + 1))
            return await read_frames(request, study, series, sop, frames)
        data = _read_bulk_value(header, tag)
        kind = "application/octet-stream"
        return answer_multipart(kind, _one_part(kind, data))


def _read_bulk_value(header: Dataset, tag: str) -> bytes:
    try:
        value = header[int(tag, 16)].value
    except (*MALFORMED, OverflowError) as error:
        raise NotFound("The instance has no such bulk data.") from error
    if not isinstance(value, bytes):
        raise NotFound("The instance has no such bulk data.")
    return value


def read_frame_numbers(text: str) -> list[int]:
    """ "1,3,4" as numbers.

    Raises:
        Rejected: something else.
    """
    items = text.split(",")
    if len(items) > _MAX_FRAMES_ASKED or not all(
        item.isascii() and item.isdigit() and 0 < len(item) <= 9 for item in items
    ):
        raise Rejected(
            f"Frames are named by up to {_MAX_FRAMES_ASKED} numbers from 1 on, with commas between."
        )
    return [int(item) for item in items]


def _choose_encoding(request: Request) -> Any:
    """How frames leave: as stored unless the client asks for plain or HTJ2K pixels alone."""
    accepted = read_accepted(request)
    if not accepted or any(
        parameters.get("transfer-syntax") == "*" or name == "*/*" for name, parameters in accepted
    ):
        return _keep
    for name, parameters in accepted:
        syntax = parameters.get("transfer-syntax", "")
        if name == "image/jphc" and syntax in ("", uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL):
            return _to_htj2k
        if name == "application/octet-stream" and syntax in ("", uid.ExplicitVRLittleEndian):
            return _to_plain
    return _keep


def _keep(frame: EncodedFrame, _header: Dataset) -> tuple[str, bytes]:
    kind = _MEDIA_TYPES.get(uid.UID(frame.transfer_syntax_uid), "application/octet-stream")
    return f"{kind}; transfer-syntax={frame.transfer_syntax_uid}", frame.data


def _to_plain(frame: EncodedFrame, header: Dataset) -> tuple[str, bytes]:
    data = read_pixels(frame, header).pixels.tobytes()
    return f"application/octet-stream; transfer-syntax={uid.ExplicitVRLittleEndian}", data


def _to_htj2k(frame: EncodedFrame, header: Dataset) -> tuple[str, bytes]:
    data = encode_htj2k(read_pixels(frame, header).pixels)
    return f"image/jphc; transfer-syntax={uid.HTJ2KLosslessRPCL}", data


def _add_rendered(router: APIRouter, door: DicomWebDoor) -> None:
    instance = "/studies/{study}/series/{series}/instances/{sop}"

    @router.get(instance + "/rendered")
    async def render_instance(request: Request, study: str, series: str, sop: str) -> Response:
        return await render(request, study, series, sop, "1")

    @router.get(instance + "/frames/{frame}/rendered")
    async def render(request: Request, study: str, series: str, sop: str, frame: str) -> Response:
        await door.open_study(request, parse_uid(study))
        if not accepts(request, "image/jpeg"):
            return answer_not_acceptable("image/jpeg")
        uids = (parse_uid(study), parse_uid(series), parse_uid(sop))
        number = read_frame_numbers(frame)[0]
        header = await door.archive.read_header(*uids)
        encoded = await door.archive.read_frame(*uids, number)
        width, window = _read_viewport(request), _read_window(request)

        def draw() -> bytes:
            pixels = read_pixels(encoded, header)
            return render_jpeg(pixels, header, number=number, width=width, window=window)

        return Response(
            await asyncio.to_thread(draw),
            media_type="image/jpeg",
            headers={"Cache-Control": "private, max-age=3600"},
        )


def _read_viewport(request: Request) -> int | None:
    """Width asked for by `viewport=width,height` (PS3.18 8.3.5.1.3)."""
    text = request.query_params.get("viewport")
    if text is None:
        return None
    width = text.split(",")[0]
    if not (width.isascii() and width.isdigit() and len(width) <= 5):
        raise Rejected("viewport must be width,height in pixels (PS3.18 8.3.5.1.3).")
    return int(width)


def _read_window(request: Request) -> Window | None:
    """`window=center,width,function` (PS3.18 8.3.5.1.4)."""
    text = request.query_params.get("window")
    if text is None:
        return None
    parts = text.split(",")
    names = {"linear": "LINEAR", "linear-exact": "LINEAR_EXACT", "sigmoid": "SIGMOID"}
    try:
        center, width = float(parts[0]), float(parts[1])
        function = names[parts[2].lower()] if len(parts) > 2 else "LINEAR"
    except (ValueError, IndexError, KeyError) as error:
        raise Rejected("window must be center,width,function (PS3.18 8.3.5.1.4).") from error
    if not (abs(center) < 1e9 and 0 < width < 1e9):
        raise Rejected("window needs a finite center and a width above zero.")
    return Window(center, width, function=function)


async def _one_part(content_type: str, data: bytes) -> AsyncIterator[Part]:
    yield content_type, _once(data)


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
