"""Who may pass: every request is refused that is neither public nor signed in."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from overread.access.ports import Identity
from overread.access.role import Permission, Principal
from overread.access.session import Session
from overread.api.problems import describe_error
from overread.vocabulary.errors import NotAuthenticated, NotPermitted, OverreadError

SESSION_COOKIE = "overread_session"
CSRF_HEADER = "x-overread-csrf"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_MAX_SECRET_LENGTH = 512


class Gate:
    """ASGI middleware: puts the asker into the request's state, or answers 401 or 403.

    Args:
        is_public: (method, path) that may pass without an identity.
    """

    def __init__(
        self, app: ASGIApp, identity: Identity, is_public: Callable[[str, str], bool]
    ) -> None:
        self._app = app
        self._identity = identity
        self._is_public = is_public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        method = scope.get("method", "GET")
        if scope["type"] == "http" and self._is_public(method, scope["path"]):
            await self._app(scope, receive, send)
            return
        try:
            principal, session = await identify(scope, self._identity)
        except OverreadError as error:
            await _refuse(error, scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state["principal"] = principal
        state["session"] = session
        await self._app(scope, receive, send)


async def identify(scope: Scope, identity: Identity) -> tuple[Principal, Session | None]:
    """The asker by bearer token, else by cookie; a cookie alone is not enough for what changes
    something, nor for a WebSocket of another origin.

    Raises:
        NotAuthenticated: neither is there or valid.
        NotPermitted: the request relies on the cookie and does not prove that our page sent it.
    """
    headers = Headers(scope=scope)
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        if not 0 < len(token) <= _MAX_SECRET_LENGTH:
            raise NotAuthenticated("The bearer token is not known here: make one and use that.")
        return await identity.find_bearer(token.strip()), None
    secret = HTTPConnection(scope).cookies.get(SESSION_COOKIE, "")
    if not 0 < len(secret) <= _MAX_SECRET_LENGTH:
        raise NotAuthenticated("Nobody is signed in: sign in or send a bearer token.")
    session = await identity.find_session(secret)
    if scope["type"] == "websocket":
        require_same_origin(headers)
    elif scope["method"] not in _SAFE_METHODS:
        require_same_origin(headers)
        given = headers.get(CSRF_HEADER, "")
        if not hmac.compare_digest(given.encode(), session.csrf_token.encode()):
            raise NotPermitted(
                "This request relies on the cookie and must carry the session's csrf_token in "
                "the header X-Overread-CSRF."
            )
    return session.principal, session


def require_same_origin(headers: Headers) -> None:
    """Browsers always name the origin here; programs send none.

    Raises:
        NotPermitted: the page that asks is not ours.
    """
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != headers.get("host"):
        raise NotPermitted("The request comes from a page of another origin.")


def require(connection: HTTPConnection, permission: Permission) -> Principal:
    """The asker, who has this permission.

    Raises:
        NotPermitted: it is lacking.
    """
    principal = find_principal(connection)
    principal.require(permission)
    return principal


def find_principal(connection: HTTPConnection) -> Principal:
    """The asker that the gate let in.

    Raises:
        NotAuthenticated: the gate saw nobody.
    """
    principal = connection.scope.get("state", {}).get("principal")
    if not isinstance(principal, Principal):
        raise NotAuthenticated("Nobody is signed in: sign in or send a bearer token.")
    return principal


async def _refuse(error: OverreadError, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()  # the connect message must be taken before it may be refused
        await send({"type": "websocket.close", "code": 4401, "reason": ""})
        return
    await describe_error(error)(scope, receive, send)
