"""DICOM JSON and multipart answers, and what a client says that it accepts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any
from uuid import uuid4

import orjson
from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from pydicom import DataElement, Dataset
from pydicom.uid import UID

from overread.api.problems import to_problem
from overread.study.attributes import MALFORMED
from overread.study.multipart import parse_content_type, write_end, write_part_head
from overread.study.reading import read_transfer_syntax
from overread.vocabulary.errors import Rejected

DICOM_JSON = "application/dicom+json"
_INLINE_BYTES = 65536
_MAX_ACCEPT_LENGTH = 4096

Part = tuple[str, AsyncIterator[bytes]]
"""A part's Content-Type and its bytes."""


def answer_json(found: Any, status: int = 200) -> Response:
    """DICOM JSON (PS3.18 annex F)."""
    return Response(orjson.dumps(found), status, media_type=DICOM_JSON)


def answer_multipart(part_type: str, parts: AsyncIterator[Part]) -> Response:
    """multipart/related, sent as it comes."""
    boundary = uuid4().hex

    async def write() -> AsyncIterator[bytes]:
        async for content_type, body in parts:
            yield write_part_head(boundary, content_type)
            async for chunk in body:
                yield chunk
        yield write_end(boundary)

    media_type = f'multipart/related; type="{part_type}"; boundary={boundary}'
    return StreamingResponse(
        write(),
        media_type=media_type,
        headers={"Cache-Control": "private, no-store"},
    )


def answer_not_acceptable(offered: str) -> Response:
    """406 with what there is."""
    return to_problem(406, "Not acceptable", f"Only {offered} can be sent from here.")


def read_accepted(request: Request) -> list[tuple[str, dict[str, str]]]:
    """Media types a client accepts with their parameters; multipart/related is replaced by the
    type of its parts. [] for "anything".

    Raises:
        Rejected: longer than anybody needs.
    """
    text = request.query_params.get("accept") or request.headers.get("accept", "")
    if len(text) > _MAX_ACCEPT_LENGTH:
        raise Rejected(f"The Accept header is longer than {_MAX_ACCEPT_LENGTH} characters.")
    accepted = []
    for item in _split(text):
        media_type, parameters = parse_content_type(item)
        if media_type == "multipart/related":
            # The part's type may bring its own parameters within the quotes.
            media_type, inner = parse_content_type(parameters.get("type", "*/*") or "*/*")
            parameters = {**parameters, **inner}
        accepted.append((media_type if "/" in item else "*/*", parameters))
    return accepted


def accepts(request: Request, *media_types: str) -> bool:
    """Whether a client takes one of these media types."""
    accepted = read_accepted(request)
    if not accepted:
        return True
    wild = {"*/*", *(f"{name.split('/')[0]}/*" for name in media_types)}
    return any(name in media_types or name in wild for name, _ in accepted)


def _split(text: str) -> Iterable[str]:
    """Split at commas outside quotes."""
    item, is_quoted = "", False
    for character in text:
        if character == '"':
            is_quoted = not is_quoted
        if character == "," and not is_quoted:
            if item.strip():
                yield item.strip()
            item = ""
        else:
            item += character
    if item.strip():
        yield item.strip()


def to_json(dataset: Dataset, write_uri: Callable[[str], str] | None = None) -> dict[str, Any]:
    """A Dataset as DICOM JSON; values that break the standard are left out.

    Args:
        write_uri: gives the BulkDataURI of a top-level element by its tag ("00281201"); elements
            longer than 64 KiB and the pixel data of images then stand behind one.
    """

    def refer(element: DataElement) -> str:
        return write_uri(f"{element.tag:08X}") if write_uri is not None else ""

    found: dict[str, Any] = {}
    for element in _read_elements(dataset):
        is_long = isinstance(element.value, bytes) and len(element.value) > _INLINE_BYTES
        if is_long and write_uri is not None:
            found[f"{element.tag:08X}"] = {"vr": element.VR, "BulkDataURI": refer(element)}
            continue
        try:
            found[f"{element.tag:08X}"] = element.to_json_dict(None, _INLINE_BYTES)
        except MALFORMED:
            continue
    syntax = read_transfer_syntax(dataset)
    if syntax and write_uri is not None:
        found["00083002"] = {"vr": "UI", "Value": [str(UID(syntax))]}
    if write_uri is not None and "Rows" in dataset and "BitsAllocated" in dataset:
        found["7FE00010"] = {"vr": "OW", "BulkDataURI": write_uri("7FE00010")}
    return found


def _read_elements(dataset: Dataset) -> Iterable[DataElement]:
    for tag in sorted(dataset.keys()):
        try:
            element = dataset[tag]
        except MALFORMED:
            continue
        if tag.group not in (0x0000, 0x0002) and tag.element != 0:
            yield element
