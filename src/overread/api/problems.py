"""Errors as RFC 9457 problem documents: one place, for all doors."""

from __future__ import annotations

import math
import uuid
from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from overread.vocabulary.errors import (
    Conflict,
    Defect,
    LimitExceeded,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    OverreadError,
    Rejected,
    TooManyAttempts,
    Unavailable,
)

MEDIA_TYPE = "application/problem+json"

_STATUS: tuple[tuple[type[OverreadError], int, str], ...] = (
    (NotFound, 404, "Not found"),
    (NotAuthenticated, 401, "Not signed in"),
    (NotPermitted, 403, "Not permitted"),
    (TooManyAttempts, 429, "Too many attempts"),
    (LimitExceeded, 413, "Limit exceeded"),
    (Rejected, 422, "Rejected"),
    (Conflict, 409, "Conflict"),
    (Unavailable, 503, "Unavailable"),
    (Defect, 500, "Defect"),
)

log = structlog.get_logger()


def to_problem(
    status: int, title: str, detail: str, headers: dict[str, str] | None = None
) -> Response:
    body = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": f"urn:uuid:{uuid.uuid4()}",
    }
    return Response(orjson.dumps(body), status, headers, media_type=MEDIA_TYPE)


def describe_error(error: OverreadError) -> Response:
    """The problem document of one of our errors."""
    status, title = next(
        ((status, title) for kind, status, title in _STATUS if isinstance(error, kind)),
        (500, "Defect"),
    )
    headers: dict[str, str] = {}
    if isinstance(error, Unavailable | TooManyAttempts):
        headers["Retry-After"] = str(math.ceil(error.retry_after_seconds))
    if isinstance(error, NotAuthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    return to_problem(status, title, error.message, headers)


def install(app: FastAPI) -> None:
    """Have all errors of an application answered as problem documents."""
    app.add_exception_handler(OverreadError, _answer_ours)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(Exception, _answer_unforeseen)


async def _answer_ours(_request: Request, error: Exception) -> Response:
    if not isinstance(error, OverreadError):
        raise error
    if isinstance(error, Defect):
        log.error("defect", error=error.message)
    return describe_error(error)


async def _answer_invalid(_request: Request, error: Exception) -> Response:
    """Says which fields break which rule, and never repeats what they held."""
    details: Any = error.errors() if isinstance(error, RequestValidationError) else []
    rules = "; ".join(
        f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in details[:10]
    )
    return to_problem(422, "Rejected", rules or "The request breaks the form of this route.")


async def _answer_http(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    headers = dict(error.headers or {})
    return to_problem(error.status_code, str(error.detail), str(error.detail), headers)


async def _answer_unforeseen(_request: Request, error: Exception) -> Response:
    # The message may quote anything; class and place are enough to find it.
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = "" if place is None else f"{place.tb_frame.f_code.co_qualname}:{place.tb_lineno}"
    log.error("unforeseen error", error=type(error).__name__, where=where)
    return to_problem(500, "Defect", "Overread broke on this request; the log says where.")
