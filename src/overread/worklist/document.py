"""A row as JSON for the store. Fields that an older version wrote and this one lacks are left out,
so that a row can always be read."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from typing import Any, TypeVar

from overread.worklist.row import Flag, KeyImage, Mark, Reason, Released, Row, Run, RunState

T = TypeVar("T")


def to_document(row: Row) -> str:
    return json.dumps(asdict(row), ensure_ascii=False, separators=(",", ":"))


def from_document(text: str) -> Row:
    data = json.loads(text)
    return _build(
        Row,
        {
            **data,
            "modalities": tuple(data.get("modalities", ())),
            "runs": tuple(
                _build(Run, {**run, "state": RunState(run["state"])})
                for run in data.get("runs", ())
            ),
            "reasons": tuple(_build(Reason, reason) for reason in data.get("reasons", ())),
            "results": tuple(_read_released(item) for item in data.get("results", ())),
            "marks": tuple(_build(Mark, mark) for mark in data.get("marks", ())),
        },
    )


def _read_released(data: dict[str, Any]) -> Released:
    audience = data["audience"]
    key_image = data["key_image"]
    return _build(
        Released,
        {
            **data,
            "audience": None if audience is None else tuple(audience),
            "flags": tuple(_build(Flag, flag) for flag in data["flags"]),
            "key_image": _build(KeyImage, key_image) if key_image else None,
        },
    )


def _build(kind: type[T], data: dict[str, Any]) -> T:
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]  # T is a dataclass
    return kind(**{name: value for name, value in data.items() if name in names})
