"""QIDO-RS (PS3.18 10.6): searching for studies, series and instances."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request, Response
from pydicom import Dataset
from pydicom.datadict import keyword_for_tag

from overread.access.role import Permission
from overread.api.dicomweb.answers import DICOM_JSON, accepts, answer_json, answer_not_acceptable
from overread.api.dicomweb.answers import to_json as to_dicom_json
from overread.api.dicomweb.door import DicomWebDoor
from overread.vocabulary.errors import Rejected
from overread.vocabulary.uid import parse_uid

_NO_KEYS = frozenset({"limit", "offset", "includefield", "fuzzymatching", "accept"})
_DEFAULT_LIMIT = 100
_MAX_LIMIT = 1000
_MAX_VALUE_LENGTH = 8192


def make_router(door: DicomWebDoor) -> APIRouter:
    """Search routes."""
    router = APIRouter()

    @router.get("/studies")
    async def find_studies(request: Request) -> Response:
        door.require(request, Permission.VIEW_STUDY)
        if not accepts(request, DICOM_JSON, "application/json"):
            return answer_not_acceptable(DICOM_JSON)
        limit, offset = read_page(request)
        found = await door.archive.find_studies(read_matching(request), limit, offset)
        return await _answer(found, request)

    @router.get("/studies/{study}/series")
    async def find_series(request: Request, study: str) -> Response:
        await door.open_study(request, parse_uid(study))
        if not accepts(request, DICOM_JSON, "application/json"):
            return answer_not_acceptable(DICOM_JSON)
        found = await door.archive.find_series(study, read_matching(request))
        return await _answer(_cut(found, request), request)

    @router.get("/studies/{study}/instances")
    async def find_study_instances(request: Request, study: str) -> Response:
        return await find_instances(request, study, None)

    @router.get("/studies/{study}/series/{series}/instances")
    async def find_series_instances(request: Request, study: str, series: str) -> Response:
        return await find_instances(request, study, parse_uid(series))

    async def find_instances(request: Request, study: str, series: str | None) -> Response:
        await door.open_study(request, parse_uid(study))
        if not accepts(request, DICOM_JSON, "application/json"):
            return answer_not_acceptable(DICOM_JSON)
        found = await door.archive.find_instances(study, series, read_matching(request))
        return await _answer(_cut(found, request), request)

    return router


def read_matching(request: Request) -> dict[str, str]:
    """Matching keys by keyword, given as keyword or tag ("00100020").

    Raises:
        Rejected: no attribute of the dictionary, or a value that is too long.
    """
    matching = {}
    for name, value in request.query_params.items():
        if name in _NO_KEYS:
            continue
        keyword = name
        if len(name) == 8 and all(c in "0123456789abcdefABCDEF" for c in name):
            keyword = keyword_for_tag(int(name, 16))
        if not keyword.isidentifier() or len(keyword) > 64 or len(value) > _MAX_VALUE_LENGTH:
            raise Rejected(f"{name[:64]!r} is no attribute that can be searched by (PS3.18 8.3.4).")
        matching[keyword] = value
    return matching


def read_page(request: Request) -> tuple[int, int]:
    """(limit, offset).

    Raises:
        Rejected: one is no whole number from 0 on.
    """
    return (
        min(_read_count(request, "limit", _DEFAULT_LIMIT), _MAX_LIMIT),
        _read_count(request, "offset", 0),
    )


def _read_count(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise Rejected(f"{name} must be a whole number from 0 on.")
    return int(text)


def _cut(found: list[Dataset], request: Request) -> list[Dataset]:
    """Series and instances are paged only where the client asks for it."""
    offset = _read_count(request, "offset", 0)
    if "limit" not in request.query_params:
        return found[offset:]
    return found[offset : offset + _read_count(request, "limit", _MAX_LIMIT)]


async def _answer(found: list[Dataset], request: Request) -> Response:
    root = str(request.base_url).rstrip("/")

    def write() -> list[dict[str, Any]]:
        return [_with_url(to_dicom_json(item), item, root) for item in found]

    return answer_json(await asyncio.to_thread(write))


def _with_url(found: dict[str, Any], item: Dataset, root: str) -> dict[str, Any]:
    """Retrieve URL (0008,1190) at this server, whatever the archive wrote there."""
    url = f"{root}/studies/{item.get('StudyInstanceUID', '')}"
    if "SeriesInstanceUID" in item:
        url += f"/series/{item.SeriesInstanceUID}"
    if "SOPInstanceUID" in item:
        url += f"/instances/{item.SOPInstanceUID}"
    found["00081190"] = {"vr": "UR", "Value": [url]}
    return found
