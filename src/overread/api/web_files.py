"""The built web application, as static files; its own addresses all answer with its one page."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, Request, Response
from starlette.responses import FileResponse, HTMLResponse

from overread.vocabulary.errors import NotFound

FOLDER = Path(__file__).parent / "web"

PAGES = ("worklist", "studies", "quarantine", "models", "audit", "sign-in")
"""First parts of the addresses that the application itself reads."""

_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}

_NOT_BUILT = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>Overread</title>
<body style="font:16px system-ui;background:#0b0e11;color:#e6e9ec;padding:2rem">
<h1>The web application is not built</h1>
<p>The service runs. In a checkout, <code>make web</code> builds its pages; a released wheel holds
them already.</p>"""


class WebFiles:
    """Only files that were there at the start are served, so no path can lead elsewhere."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder
        self._names = frozenset(
            path.relative_to(folder).as_posix()
            for path in folder.rglob("*")
            if path.is_file() and path.suffix in _MEDIA_TYPES
        )

    def holds(self, path: str) -> bool:
        """Whether this address is the application's: a page or a file of it."""
        name = path.lstrip("/")
        return not name or name.split("/", 1)[0] in PAGES or name in self._names

    def answer(self, path: str) -> Response:
        """Raises NotFound for a file that is not there."""
        name = path.lstrip("/")
        if name in self._names and name != "index.html":
            return self._send(name)
        if not self.holds(path):
            raise NotFound("There is no such page.")
        if "index.html" not in self._names:
            return HTMLResponse(_NOT_BUILT, 503, {"Cache-Control": "no-store"})
        return self._send("index.html")

    def _send(self, name: str) -> Response:
        # Names below assets/ hold a digest of their content; all others are asked for anew.
        is_lasting = name.startswith("assets/")
        kept = "public, max-age=31536000, immutable" if is_lasting else "no-cache"
        path = self._folder / name
        return FileResponse(
            path, 200, {"Cache-Control": kept}, media_type=_MEDIA_TYPES[path.suffix]
        )


def make_router(files: WebFiles) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/{path:path}")
    @router.head("/{path:path}")
    async def read_file(_request: Request, path: str) -> Response:
        return files.answer(path)

    return router
