"""A PACS or VNA behind DICOMweb (PS3.18): STOW-RS in, QIDO-RS to find, WADO-RS out, all streamed.

`Accept-Encoding: identity` is asked for always: compressing images again costs servers seven times
the time of sending them. Foreign failures become ours here and nowhere else.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4
from weakref import WeakKeyDictionary

import httpx
from pydicom import Dataset

from overread.adapters.archive import rows, wire
from overread.adapters.archive.content import holds_equal_content
from overread.adapters.archive.framing import cut_frame, cut_header
from overread.study import reading
from overread.study.multipart import (
    MultipartReader,
    PartBegun,
    PartData,
    PartEvent,
    parse_content_type,
    read_boundary,
    write_end,
    write_part_head,
)
from overread.study.part10 import read_header
from overread.study.ports import EncodedFrame, StoreFailure, StoreReport
from overread.study.receiving import CANNOT_UNDERSTAND, DUPLICATE_INSTANCE
from overread.study.study import Study
from overread.vocabulary.errors import LimitExceeded, NotFound, Rejected, Unavailable
from overread.vocabulary.uid import Uid, parse_uid

_JSON = {"Accept": "application/dicom+json"}
_ANY_INSTANCE = {"Accept": 'multipart/related; type="application/dicom"; transfer-syntax=*'}
_ANY_FRAME = {"Accept": 'multipart/related; type="application/octet-stream"; transfer-syntax=*'}
_BULK = {"Accept": 'multipart/related; type="application/octet-stream"'}
_MAX_JSON_BYTES = 1 << 30
_MAX_INSTANCE_BYTES = 4 << 30
_MAX_BULK_BYTES = 64 << 20
_MAX_REQUEST_BYTES = 256 << 20
_MAX_REQUEST_FILES = 64
_CHUNK_BYTES = 1 << 20
_STUDY_FIELDS = "00081030"  # Study Description, which servers need not return by themselves
_SERIES_FIELDS = "00180015,0008103E"  # Body Part Examined, Series Description
_INSTANCE_FIELDS = "00083002"  # Available Transfer Syntax UID

T = TypeVar("T")
Uids = tuple[Uid, Uid, Uid]


@dataclass(frozen=True, slots=True)
class _Outgoing:
    file: Path
    uids: Uids
    sop_class_uid: str
    size_bytes: int


class DicomWebArchive:
    """An `Archive` over HTTP. Safe to use from several event loops, one client for each."""

    def __init__(
        self,
        base_url: str,
        *,
        bearer_token: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float = 60.0,
        transport: Callable[[], httpx.AsyncBaseTransport] | None = None,
    ) -> None:
        """
        Args:
            base_url: of the DICOMweb services, e.g. "https://pacs.example/dicom-web".
            headers: sent with every request.
            timeout_seconds: for connecting and between two pieces of an answer.
            transport: makes the transport of a client; the network where None.
        """
        self._base_url = base_url.rstrip("/")
        self._headers = {"Accept-Encoding": "identity", **(headers or {})}
        if bearer_token:
            self._headers["Authorization"] = f"Bearer {bearer_token}"
        self._timeout = httpx.Timeout(timeout_seconds)
        self._transport = transport
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, httpx.AsyncClient] = (
            WeakKeyDictionary()
        )

    async def close(self) -> None:
        """Close this event loop's connections."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()

    # Storing

    async def store(self, files: Sequence[Path]) -> StoreReport:
        """See `Archive.store`. What the PACS holds already is asked for first and never sent
        again, so that a PACS that overwrites can't lose the first of two instances of one UID."""
        stored: list[Uids] = []
        already: list[Uids] = []
        failures: list[StoreFailure] = []
        outgoing, unreadable = await asyncio.to_thread(_read_outgoing, files)
        failures += unreadable
        for batch in _cut_batches(outgoing):
            report = await self._store_batch(batch)
            stored += report.stored
            already += report.already_there
            failures += report.failures
        return StoreReport(tuple(stored), tuple(already), tuple(failures))

    async def _store_batch(self, batch: Sequence[_Outgoing]) -> StoreReport:
        known = await self._find_known(batch)
        already: list[Uids] = []
        failures: list[StoreFailure] = []
        new: dict[Uid, _Outgoing] = {}
        for item in batch:
            first = new.get(item.uids[2])
            if item.uids[2] in known:
                same = await self._holds_equal(item, known[item.uids[2]])
            elif first is not None:
                same = await asyncio.to_thread(holds_equal_content, first.file, item.file)
            else:
                new[item.uids[2]] = item
                continue
            if same:
                already.append(item.uids)
            else:
                failures.append(_duplicate(item))
        if not new:
            return StoreReport((), tuple(already), tuple(failures))
        failed = await self._send(list(new.values()))
        stored = [item.uids for uid, item in new.items() if uid not in failed]
        return StoreReport(tuple(stored), tuple(already), (*failures, *failed.values()))

    async def _find_known(self, batch: Sequence[_Outgoing]) -> dict[Uid, Uids]:
        """Which of these SOP Instance UIDs the PACS holds, in whichever study."""
        found: dict[Uid, Uids] = {}
        wanted = sorted({item.uids[2] for item in batch})
        answer = await self._query("/instances", {"SOPInstanceUID": ",".join(wanted)}, "")
        for item in answer:
            uids = wire.read_uids(item)
            if uids is not None and uids[2] in wanted:
                found[uids[2]] = uids
        return found

    async def _holds_equal(self, item: _Outgoing, held: Uids) -> bool:
        if held != item.uids:
            return False
        with tempfile.TemporaryDirectory(prefix="overread-") as folder:
            path = Path(folder) / "held.dcm"
            path.write_bytes(await self.read_instance(*held))
            return await asyncio.to_thread(holds_equal_content, path, item.file)

    async def _send(self, items: Sequence[_Outgoing]) -> dict[Uid, StoreFailure]:
        """One STOW-RS request; returns those that were refused."""
        boundary = uuid4().hex
        head = write_part_head(boundary, "application/dicom")
        length = sum(len(head) + item.size_bytes for item in items) + len(write_end(boundary))

        async def body() -> AsyncIterator[bytes]:
            for item in items:
                yield head
                with item.file.open("rb") as file:
                    while chunk := await asyncio.to_thread(file.read, _CHUNK_BYTES):
                        yield chunk
            yield write_end(boundary)

        headers = {
            **_JSON,
            "Content-Type": f'multipart/related; type="application/dicom"; boundary={boundary}',
            "Content-Length": str(length),
        }
        with _translated():
            answer = await self._client.post(
                f"{self._base_url}/studies", content=body(), headers=headers
            )
        # Some servers answer 400 where they could not parse one of several instances, and list
        # those that they took.
        is_report = answer.status_code in (200, 202, 409) or (
            answer.status_code == 400 and wire.is_stow_answer(answer.content)
        )
        if not is_report:
            _raise_for_status(answer.status_code, "store instances")
        return wire.read_stow_answer(
            _parse_json(answer.content), {item.uids[2]: item.sop_class_uid for item in items}
        )

    # Finding

    async def find_studies(
        self, matching: dict[str, str], limit: int, offset: int
    ) -> list[Dataset]:
        paged = {**matching, "limit": str(limit), "offset": str(offset)}
        found = await self._query("/studies", paged, _STUDY_FIELDS)
        return await asyncio.to_thread(wire.to_datasets, found[:limit])

    async def find_series(self, study_uid: str, matching: dict[str, str]) -> list[Dataset]:
        path = f"/studies/{parse_uid(study_uid)}/series"
        found = await self._query(path, matching, _SERIES_FIELDS)
        if not found:
            await self._require_study(study_uid)
        return await asyncio.to_thread(wire.to_datasets, found)

    async def find_instances(
        self, study_uid: str, series_uid: str | None, matching: dict[str, str]
    ) -> list[Dataset]:
        found = await self._query(
            f"{_path_of(study_uid, series_uid)}/instances", matching, _INSTANCE_FIELDS
        )
        if not found:
            await self._require_study(study_uid)
        return await asyncio.to_thread(wire.to_datasets, found)

    async def _require_study(self, study_uid: str) -> None:
        if not await self._query("/studies", {"StudyInstanceUID": study_uid, "limit": "1"}, ""):
            raise NotFound(f"Study {study_uid} is not in the archive.")

    async def _query(
        self, path: str, matching: Mapping[str, str], fields: str
    ) -> list[dict[str, Any]]:
        parameters = {key: value for key, value in matching.items() if value != ""}
        if fields:
            parameters["includefield"] = fields
        answer = await self._get(path, _JSON, parameters, what="search")
        found = _parse_json(answer) if answer else []
        return wire.require_objects(found)

    # Reading

    async def read_headers(self, study_uid: str, series_uid: str | None = None) -> list[Dataset]:
        return await self._read_metadata(_path_of(study_uid, series_uid))

    async def read_header(self, study_uid: str, series_uid: str, sop_uid: str) -> Dataset:
        path = f"{_path_of(study_uid, series_uid)}/instances/{parse_uid(sop_uid)}"
        return (await self._read_metadata(path))[0]

    async def _read_metadata(self, path: str) -> list[Dataset]:
        answer = await self._get(f"{path}/metadata", _JSON, {}, what=f"read {path}")
        found = wire.require_objects(await asyncio.to_thread(_parse_json, answer))
        if not found:
            raise NotFound(f"{path.lstrip('/')} is not in the archive.")
        for header in found:
            await self._fill_in_tables(header)
        datasets = await asyncio.to_thread(wire.to_datasets, found)
        return [
            await self._read_whole_header(dataset) if wire.lacks_palette(dataset) else dataset
            for dataset in datasets
        ]

    async def _read_whole_header(self, header: Dataset) -> Dataset:
        """From the instance itself, for servers whose metadata leave out palette descriptors."""
        uids = (header.StudyInstanceUID, header.SeriesInstanceUID, header.SOPInstanceUID)
        data = await self.read_instance(*(str(uid) for uid in uids))
        return await asyncio.to_thread(cut_header, data)

    async def _fill_in_tables(self, header: dict[str, Any]) -> None:
        """Fetch the lookup tables that a server left behind as BulkDataURI; images can't be shown
        without them. The address is put on our own base: servers behind a proxy name themselves
        wrongly, and no answer may send us elsewhere."""
        for element in wire.find_tables(header):
            path = wire.to_service_path(element.pop("BulkDataURI"))
            parts = await self._read_parts(path, _BULK, max_bytes=_MAX_BULK_BYTES)
            element["InlineBinary"] = wire.to_base64(parts[0][1] if parts else b"")

    async def read_study(self, study_uid: str) -> Study:
        headers = await self.read_headers(study_uid)
        return await asyncio.to_thread(reading.read_study, headers)

    async def retrieve(self, study_uid: str, series_uid: str, into: Path) -> AsyncIterator[Path]:
        path = _path_of(study_uid, series_uid)
        async with self._stream(path, _ANY_INSTANCE) as (answer, parts):
            staged = into / f"{uuid4().hex}.part"
            size = 0
            async for chunk in answer.aiter_raw(_CHUNK_BYTES):
                for event in _feed(parts, chunk):
                    if isinstance(event, PartBegun):
                        await asyncio.to_thread(staged.write_bytes, b"")
                        size = 0
                    elif isinstance(event, PartData):
                        size += len(event.data)
                        _check_size(size, _MAX_INSTANCE_BYTES)
                        await asyncio.to_thread(_append, staged, event.data)
                    else:
                        yield await asyncio.to_thread(_name_by_uid, staged)
            _require_complete(parts)

    async def read_instance(self, study_uid: str, series_uid: str, sop_uid: str) -> bytes:
        path = f"{_path_of(study_uid, series_uid)}/instances/{parse_uid(sop_uid)}"
        parts = await self._read_parts(path, _ANY_INSTANCE, max_bytes=_MAX_INSTANCE_BYTES)
        if not parts:
            raise NotFound(f"Instance {sop_uid} is not in that series of the archive.")
        return parts[0][1]

    async def read_frame(
        self, study_uid: str, series_uid: str, sop_uid: str, frame: int
    ) -> EncodedFrame:
        if frame < 1:
            raise NotFound(f"Frame {frame} is not there: frames count from 1.")
        instance = f"{_path_of(study_uid, series_uid)}/instances/{parse_uid(sop_uid)}"
        path = f"{instance}/frames/{frame}"
        try:
            parts = await self._read_parts(path, _ANY_FRAME, max_bytes=_MAX_INSTANCE_BYTES)
        except LimitExceeded:
            raise
        except Rejected as error:
            # Servers answer 400 for a frame number beyond the last.
            raise NotFound(f"Frame {frame} of {sop_uid} is not in the archive.") from error
        except _ServerFailure:
            # A server that can't cut frames of this syntax may still hand out the whole.
            data = await self.read_instance(study_uid, series_uid, sop_uid)
            return await asyncio.to_thread(cut_frame, data, frame)
        if not parts:
            raise NotFound(f"Frame {frame} of {sop_uid} is not in the archive.")
        return EncodedFrame(parts[0][1], wire.read_frame_syntax(parts[0][0]))

    async def ping(self) -> str:
        started = time.monotonic()
        await self._query("/studies", {"limit": "1"}, "")
        elapsed_ms = (time.monotonic() - started) * 1000
        return f"DICOMweb at {httpx.URL(self._base_url).host} answered in {elapsed_ms:.0f} ms"

    # The wire

    @property
    def _client(self) -> httpx.AsyncClient:
        loop = asyncio.get_running_loop()
        client = self._clients.get(loop)
        if client is None:
            client = httpx.AsyncClient(
                headers=self._headers,
                timeout=self._timeout,
                transport=self._transport() if self._transport else None,
                limits=httpx.Limits(max_connections=16, max_keepalive_connections=8),
                follow_redirects=False,
            )
            self._clients[loop] = client
        return client

    async def _get(
        self, path: str, headers: Mapping[str, str], parameters: Mapping[str, str], *, what: str
    ) -> bytes:
        """A whole answer in memory; b"" where there is no content."""
        query = wire.write_query(parameters)
        url = f"{self._base_url}{path}?{query}" if query else self._base_url + path
        request = self._client.build_request("GET", url, headers=headers)
        with _translated():
            answer = await self._client.send(request, stream=True)
            try:
                if answer.status_code == 204:
                    return b""
                if answer.status_code != 200:
                    _raise_for_status(answer.status_code, what)
                body = bytearray()
                async for chunk in answer.aiter_raw():
                    body += chunk
                    _check_size(len(body), _MAX_JSON_BYTES)
                return bytes(body)
            finally:
                await answer.aclose()

    @asynccontextmanager
    async def _stream(
        self, path: str, headers: Mapping[str, str]
    ) -> AsyncIterator[tuple[httpx.Response, MultipartReader]]:
        """An answer in parts, to be read as it comes."""
        request = self._client.build_request("GET", self._base_url + path, headers=headers)
        with _translated():
            answer = await self._client.send(request, stream=True)
            try:
                if answer.status_code != 200:
                    _raise_for_status(answer.status_code, f"read {path}")
                try:
                    boundary = read_boundary(answer.headers.get("content-type", ""))
                except Rejected as error:
                    raise _nonsense("an answer that is not multipart/related") from error
                yield answer, MultipartReader(boundary)
            finally:
                await answer.aclose()

    async def _read_parts(
        self, path: str, headers: Mapping[str, str], *, max_bytes: int
    ) -> list[tuple[str, bytes]]:
        """Each part's Content-Type and bytes; the type names the transfer syntax where known."""
        found: list[tuple[str, bytearray]] = []
        size = 0
        async with self._stream(path, headers) as (answer, parts):
            whole = parse_content_type(answer.headers.get("content-type", ""))[1].get("type", "")
            async for chunk in answer.aiter_raw(_CHUNK_BYTES):
                for event in _feed(parts, chunk):
                    if isinstance(event, PartBegun):
                        own = event.headers.get("content-type", "")
                        kind = own if "transfer-syntax" in own else whole or own
                        found.append((kind, bytearray()))
                    elif isinstance(event, PartData):
                        size += len(event.data)
                        _check_size(size, max_bytes)
                        found[-1][1].extend(event.data)
            _require_complete(parts)
        return [(kind, bytes(body)) for kind, body in found]


class _translated:  # noqa: N801  # reads as a verb where it is used: `with _translated():`
    """httpx's failures in our own words."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, httpx.TimeoutException):
            raise Unavailable("The PACS did not answer in time.") from error
        if isinstance(error, httpx.HTTPError | httpx.StreamError | httpx.InvalidURL):
            raise Unavailable(
                f"The PACS can't be reached ({type(error).__name__}): check OVERREAD_ARCHIVE."
            ) from error


class _ServerFailure(Unavailable):
    """The server broke on this request; another way to ask may work."""


def _raise_for_status(status: int, what: str) -> None:
    if status in (404, 410):
        raise NotFound(f"The PACS does not hold what was asked for ({what}).")
    if status in (401, 403):
        raise Unavailable(
            f"The PACS refuses us (HTTP {status}): check OVERREAD_ARCHIVE_TOKEN_FILE.", 60.0
        )
    if status in (500, 501):
        raise _ServerFailure(f"The PACS failed to {what} (HTTP {status}).")
    if status >= 500 or status in (408, 425, 429):
        raise Unavailable(f"The PACS failed to {what} (HTTP {status}).")
    raise Rejected(f"The PACS refused to {what} (HTTP {status}).")


def _nonsense(what: str) -> Unavailable:
    return Unavailable(
        f"The PACS sent {what}: check that OVERREAD_ARCHIVE names its DICOMweb root."
    )


def _feed(parts: MultipartReader, chunk: bytes) -> list[PartEvent]:
    try:
        return parts.feed(chunk)
    except Rejected as error:
        raise _nonsense("a broken multipart answer") from error


def _parse_json(body: bytes) -> Any:
    try:
        return wire.parse_json(body)
    except ValueError as error:
        raise _nonsense("something that is no DICOM JSON") from error


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise LimitExceeded(f"An answer of the PACS is larger than {limit} bytes.")


def _require_complete(parts: MultipartReader) -> None:
    if not parts.is_complete:
        raise Unavailable("The PACS broke off in the middle of an answer.")


def _path_of(study_uid: str, series_uid: str | None) -> str:
    """Path of a study or series; malformed UIDs never reach an address."""
    path = f"/studies/{parse_uid(study_uid)}"
    return path if series_uid is None else f"{path}/series/{parse_uid(series_uid)}"


def _read_outgoing(files: Sequence[Path]) -> tuple[list[_Outgoing], list[StoreFailure]]:
    outgoing: list[_Outgoing] = []
    failures: list[StoreFailure] = []
    for file in files:
        try:
            _, header = read_header(file)
            uids = rows.read_identity(header)
        except Rejected as error:
            failures.append(StoreFailure("", "", CANNOT_UNDERSTAND, error.message))
            continue
        outgoing.append(_Outgoing(file, uids, str(header.SOPClassUID), file.stat().st_size))
    return outgoing, failures


def _cut_batches(items: Sequence[_Outgoing]) -> list[list[_Outgoing]]:
    batches: list[list[_Outgoing]] = []
    size = 0
    for item in items:
        full = not batches or len(batches[-1]) >= _MAX_REQUEST_FILES
        if full or size + item.size_bytes > _MAX_REQUEST_BYTES:
            batches.append([])
            size = 0
        batches[-1].append(item)
        size += item.size_bytes
    return batches


def _duplicate(item: _Outgoing) -> StoreFailure:
    return StoreFailure(
        item.sop_class_uid,
        item.uids[2],
        DUPLICATE_INSTANCE,
        "duplicate SOP Instance UID with other content",
    )


def _append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def _name_by_uid(staged: Path) -> Path:
    try:
        _, header = read_header(staged)
        target = staged.with_name(f"{rows.read_identity(header)[2]}.dcm")
    except Rejected as error:
        raise _nonsense("an instance that can't be read") from error
    staged.rename(target)
    return target
