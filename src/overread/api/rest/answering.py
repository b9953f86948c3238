"""What every route shares: the dependencies of the application and hot JSON."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import Path, Response
from starlette.requests import HTTPConnection

from overread.api.live import LiveFeed
from overread.api.pictures import Pictures
from overread.api.ports import ApiDependencies
from overread.api.rest.opening import Openings
from overread.api.rest.schema import Problem
from overread.api.volumes import Volumes

UidPath = Annotated[str, Path(max_length=64, pattern=r"^[0-9]+(\.[0-9]+)+$")]
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {
        "description": words,
        "content": {"application/problem+json": {"schema": Problem.model_json_schema()}},
    }
    for status, words in (
        (401, "Not signed in"),
        (403, "Not permitted"),
        (404, "Not found"),
        (413, "Limit exceeded"),
        (422, "Rejected"),
        (503, "Unavailable"),
    )
}

NO_STORE = {"Cache-Control": "no-store"}


def answer(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """JSON past validation; nothing of it is kept by a browser or a proxy."""
    return Response(
        orjson.dumps(content), status, {**NO_STORE, **(headers or {})}, "application/json"
    )


def find_dependencies(connection: HTTPConnection) -> ApiDependencies:
    dependencies: ApiDependencies = connection.app.state.dependencies
    return dependencies


def find_feed(connection: HTTPConnection) -> LiveFeed:
    feed: LiveFeed = connection.app.state.feed
    return feed


def find_pictures(connection: HTTPConnection) -> Pictures:
    pictures: Pictures = connection.app.state.pictures
    return pictures


def find_openings(connection: HTTPConnection) -> Openings:
    openings: Openings = connection.app.state.openings
    return openings


def find_volumes(connection: HTTPConnection) -> Volumes:
    volumes: Volumes = connection.app.state.volumes
    return volumes
