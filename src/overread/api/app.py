"""The doors as one ASGI application, made of ports alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI, Request, Response

from overread import __version__
from overread.api import problems
from overread.api.envelope import AccessLog, BoundedBody, SecurityHeaders
from overread.api.gate import Gate, find_principal
from overread.api.live import LiveFeed
from overread.api.pictures import Pictures
from overread.api.ports import ApiDependencies
from overread.api.rest import (
    audit,
    events,
    images,
    inference,
    models,
    results,
    session,
    studies,
    worklist,
)
from overread.api.rest.answering import answer
from overread.api.rest.forms import API
from overread.api.rest.opening import Openings
from overread.api.volumes import Volumes
from overread.api.web_files import WebFiles, make_router

_DICOMWEB = "/dicomweb"
_ROUTERS = (session, worklist, events, studies, images, results, inference, models, audit)


def create_app(dependencies: ApiDependencies, files: WebFiles | None = None) -> FastAPI:
    """Everything a browser or a program can reach. Nothing runs before the server starts it."""
    files = files or WebFiles()
    app = FastAPI(
        title="Overread",
        version=__version__,
        description="AI findings, on the image, in the viewer that is already open.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=_live,
    )
    app.state.dependencies = dependencies
    problems.install(app)
    _add_routes(app, dependencies, files)
    # The last one added is the first one asked.
    app.add_middleware(
        Gate,
        identity=dependencies.identity,
        is_public=lambda method, path: is_public(method, path, files),
    )
    bounds = dependencies.bounds
    app.add_middleware(
        BoundedBody,
        find_bound=lambda path: (
            bounds.stow_bytes if path.startswith(_DICOMWEB) else bounds.body_bytes
        ),
    )
    app.add_middleware(SecurityHeaders)
    app.add_middleware(AccessLog)
    return app


def is_public(method: str, path: str, files: WebFiles) -> bool:
    """What answers without an identity: health, signing in, and the application's own files."""
    if path == f"{API}/session":
        return method == "POST"
    if method not in ("GET", "HEAD"):
        return False
    return path == "/healthz" or files.holds(path)


@asynccontextmanager
async def _live(app: FastAPI) -> AsyncIterator[None]:
    dependencies: ApiDependencies = app.state.dependencies
    bounds = dependencies.bounds
    app.state.feed = LiveFeed(dependencies.events, dependencies.worklist)
    app.state.pictures = Pictures(dependencies.archive)
    app.state.volumes = Volumes(
        dependencies.archive,
        dependencies.scratch_dir,
        bounds.volume_cache_bytes,
        bounds.volume_cache_seconds,
    )
    app.state.openings = Openings(dependencies.audit)
    for start in dependencies.start_up:
        await start()
    await app.state.feed.start()
    try:
        yield
    finally:
        await app.state.feed.stop()
        for stop in reversed(dependencies.shut_down):
            await stop()
        app.state.pictures.close()
        app.state.volumes.clear()


def add_rest(app: FastAPI) -> None:
    """The JSON interface: what OpenAPI describes."""
    rest = APIRouter(prefix=API)
    for module in _ROUTERS:
        rest.include_router(module.router)
    rest.include_router(events.socket_router)
    app.include_router(rest)

    @app.get("/healthz", tags=["health"])
    async def read_health() -> dict[str, str]:
        """That the process answers; nothing of what it holds."""
        return {"status": "ok"}


def _add_routes(app: FastAPI, dependencies: ApiDependencies, files: WebFiles) -> None:
    add_rest(app)

    @app.get("/openapi.json", include_in_schema=False)
    async def read_openapi(request: Request) -> Response:
        find_principal(request)
        return answer(app.openapi())

    if dependencies.dicomweb is not None:
        app.mount(_DICOMWEB, dependencies.dicomweb)
    app.include_router(make_router(files))
