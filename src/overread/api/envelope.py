"""What holds for every answer: security headers, a bounded body, a line in the log."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from overread.api.problems import describe_error
from overread.vocabulary.errors import LimitExceeded

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "worker-src 'self' blob:",
        "img-src 'self' blob: data:",
        "style-src 'self' 'unsafe-inline'",
        "connect-src 'self' blob: data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)

_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}

_MOST_DISCARDED_BYTES = 64 * 1024**2

log = structlog.get_logger()


class SecurityHeaders:
    """ASGI middleware: the same headers on every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)


class BoundedBody:
    """ASGI middleware: refuses a body beyond the bound of its address, said or sent.

    Args:
        find_bound: most bytes for a path.
    """

    def __init__(self, app: ASGIApp, find_bound: Callable[[str], int]) -> None:
        self._app = app
        self._find_bound = find_bound

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        bound = self._find_bound(scope["path"])
        said = Headers(scope=scope).get("content-length", "0")
        if not said.isdigit() or int(said) > bound:
            await _discard(receive)
            await describe_error(_too_large(bound))(scope, receive, send)
            return
        received, is_refused, is_answered = 0, False, False

        async def receive_bounded() -> Message:
            nonlocal received, is_refused
            message = await receive()
            if message["type"] == "http.request":
                received += len(message.get("body", b""))
                if received > bound:
                    is_refused = True
                    raise _too_large(bound)
            return message

        async def send_unless_refused(message: Message) -> None:
            # What reads the body may have made something else of the refusal.
            nonlocal is_answered
            if is_refused and not is_answered:
                is_answered = True
                await _discard(receive)
                await describe_error(_too_large(bound))(scope, receive, send)
            elif not is_refused:
                is_answered = True
                await send(message)

        await self._app(scope, receive_bounded, send_unless_refused)


async def _discard(receive: Receive) -> None:
    """Take what is still coming, within reason: a client reads no answer while it sends."""
    discarded = 0
    while discarded < _MOST_DISCARDED_BYTES:
        message = await receive()
        if message["type"] != "http.request" or not message.get("more_body", False):
            return
        discarded += len(message.get("body", b""))


class AccessLog:
    """ASGI middleware: one line a request, with the route's template and never the path."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 500

        async def send_noting_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_noting_status)
        finally:
            log.info(
                "request",
                method=scope["method"],
                route=_find_template(scope),
                status=status,
                milliseconds=round((time.perf_counter() - began) * 1000, 1),
            )


def _find_template(scope: Scope) -> str:
    """The route with its parameters' names and none of their values."""
    template: str | None = getattr(scope.get("route"), "path", None)
    if template is None:
        return "none"
    if ":path}" in template:
        return template
    # A route knows its own part alone; what its routers and mounts put before it is fixed text.
    given = scope["path"].split("/")
    before = len(given) - template.count("/") - 1
    return "/".join(given[: before + 1]) + template if before > 0 else template


def _too_large(bound: int) -> LimitExceeded:
    return LimitExceeded(f"The body is larger than {bound} bytes, the most this address takes.")
