"""`python -m overread.api.openapi` prints the OpenAPI document that web types are made from."""

from __future__ import annotations

import sys

import orjson
from fastapi import FastAPI

from overread import __version__
from overread.api.app import add_rest


def describe() -> bytes:
    """The OpenAPI document as JSON, indented; equal code gives equal bytes."""
    app = FastAPI(title="Overread", version=__version__, docs_url=None, redoc_url=None)
    add_rest(app)
    return orjson.dumps(app.openapi(), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)


if __name__ == "__main__":
    sys.stdout.buffer.write(describe() + b"\n")
