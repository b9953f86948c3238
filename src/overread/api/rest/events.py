"""The live events as SSE and as WebSocket: the same objects, resumable after any id."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response, WebSocket
from starlette.requests import HTTPConnection
from starlette.responses import StreamingResponse
from starlette.websockets import WebSocketDisconnect

from overread.access.role import Permission, Principal
from overread.access.session import Session
from overread.api.gate import SESSION_COOKIE, find_principal, require
from overread.api.rest.answering import PROBLEMS, find_dependencies, find_feed
from overread.api.rest.schema import EventView
from overread.vocabulary.errors import NotAuthenticated, NotPermitted, Rejected

router = APIRouter(tags=["events"], responses=PROBLEMS)
socket_router = APIRouter()

SSE_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_MAX_ID_DIGITS = 18


@router.get(
    "/events",
    responses={200: {"model": EventView, "description": "text/event-stream of `EventView`"}},
)
async def stream_events(
    request: Request,
    last_event_id: Annotated[str | None, Query(description="As the header; it wins.")] = None,
    last_event_id_header: Annotated[str | None, Header(alias="Last-Event-ID")] = None,
) -> Response:
    """Server-sent events after the given id, else from now on."""
    principal = require(request, Permission.VIEW_STUDY)
    # A browser that reconnects by itself sends the header, and the query of its first request.
    after = read_event_id(last_event_id_header or last_event_id)
    return StreamingResponse(
        _write_sse(request, principal, after), 200, SSE_HEADERS, "text/event-stream"
    )


@socket_router.websocket("/ws")
async def follow_events(socket: WebSocket, last_event_id: str | None = None) -> None:
    """The same events as text frames."""
    try:
        principal = find_principal(socket)
        principal.require(Permission.VIEW_STUDY)
        after = read_event_id(last_event_id)
    except (NotPermitted, Rejected):
        await socket.close(4403)
        return
    await socket.accept()
    sending = asyncio.create_task(_send_frames(socket, principal, after))
    try:
        # Nothing is asked by this way; reading is how a closed connection is noticed.
        while (await socket.receive())["type"] != "websocket.disconnect":
            continue
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)


def read_event_id(text: str | None) -> int | None:
    """Raises Rejected for what is no event id."""
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_ID_DIGITS):
        raise Rejected("last_event_id must be the whole number of an event seen before.")
    return int(text)


async def _write_sse(
    request: Request, principal: Principal, after: int | None
) -> AsyncIterator[bytes]:
    yield b": live\n\n"
    async with aclosing(find_feed(request).follow(after, principal)) as events:
        async for item in events:
            if item is None:
                if not await is_still_signed_in(request):
                    return
                yield b": alive\n\n"
                continue
            event_id, kind, text = item
            yield b"id: %d\nevent: %b\ndata: %b\n\n" % (event_id, kind.encode(), text)


async def _send_frames(socket: WebSocket, principal: Principal, after: int | None) -> None:
    try:
        async with aclosing(find_feed(socket).follow(after, principal)) as events:
            async for item in events:
                if item is not None:
                    await socket.send_text(item[2].decode())
                elif not await is_still_signed_in(socket):
                    await socket.close(4401)
                    return
    except WebSocketDisconnect:
        return


async def is_still_signed_in(connection: HTTPConnection) -> bool:
    """Whether the session that opened a stream still stands; asking does not prolong it."""
    if not isinstance(connection.scope["state"].get("session"), Session):
        return True
    secret = connection.cookies.get(SESSION_COOKIE, "")
    try:
        await find_dependencies(connection).identity.find_session(secret, is_activity=False)
    except NotAuthenticated:
        return False
    return True
