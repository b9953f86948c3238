"""Typed reading of JSON values: every refusal names the field."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from overread.vocabulary.errors import LimitExceeded, Rejected
from overread.vocabulary.geometry import ImagePoint
from overread.vocabulary.uid import Uid, parse_uid

MAX_ITEMS = 1_000_000
"""Longest list that is read."""
MAX_SIDE_PIXELS = 65_535
"""Rows and Columns are US (PS3.3 C.7.6.3.1)."""
_LARGEST = sys.float_info.max


@dataclass(frozen=True, slots=True)
class JsonReader:
    """Reads the fields of one JSON object.

    Attributes:
        value: what should be an object.
        field: its name in messages, e.g. "result.findings[2]".

    Raises (all methods):
        Rejected: a field is missing or of another type.
        LimitExceeded: a list is too long.
    """

    value: Any
    field: str

    def get(self, name: str) -> Any:
        if not isinstance(self.value, dict):
            raise Rejected(f"{self.field} must be a JSON object.")
        if name not in self.value:
            raise Rejected(f"{self.field}.{name} is missing.")
        return self.value[name]

    def text(self, name: str) -> str:
        found = self.get(name)
        if not isinstance(found, str):
            raise Rejected(f"{self.field}.{name} must be text.")
        return found

    def texts(self, name: str) -> tuple[str, ...]:
        found = self._list(name)
        if not all(isinstance(item, str) for item in found):
            raise Rejected(f"{self.field}.{name} must be a list of texts.")
        return tuple(found)

    def uid(self, name: str) -> Uid:
        return parse_uid(self.text(name))

    def uid_or_none(self, name: str) -> Uid | None:
        return None if self.get(name) is None else self.uid(name)

    def moment(self, name: str) -> str:
        """A time in ISO 8601 with its offset from UTC, as it was written."""
        found = self.text(name)
        try:
            moment = datetime.fromisoformat(found)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            raise Rejected(f"{self.field}.{name} must be an ISO 8601 time with an offset.")
        return found

    def boolean(self, name: str) -> bool:
        found = self.get(name)
        if not isinstance(found, bool):
            raise Rejected(f"{self.field}.{name} must be true or false.")
        return found

    def whole(self, name: str) -> int:
        found = self.get(name)
        if type(found) is not int:
            raise Rejected(f"{self.field}.{name} must be a whole number.")
        return found

    def wholes(self, name: str) -> tuple[int, ...]:
        """Whole numbers of zero or more."""
        found = self._list(name)
        if not all(type(item) is int and item >= 0 for item in found):
            raise Rejected(f"{self.field}.{name} must hold whole numbers of zero or more.")
        return tuple(found)

    def size(self, name: str) -> int:
        found = self.whole(name)
        if not 1 <= found <= MAX_SIDE_PIXELS:
            raise Rejected(f"{self.field}.{name} is {found}; it must be 1 to {MAX_SIDE_PIXELS}.")
        return found

    def number(self, name: str) -> float:
        return _to_number(self.get(name), f"{self.field}.{name}")

    def number_or_none(self, name: str) -> float | None:
        return None if self.get(name) is None else self.number(name)

    def point(self, name: str) -> ImagePoint:
        return _to_point(self.get(name), f"{self.field}.{name}")

    def points(self, name: str) -> tuple[ImagePoint, ...]:
        field = f"{self.field}.{name}"
        return tuple(_to_point(item, field) for item in self._list(name))

    def child(self, name: str) -> JsonReader:
        return JsonReader(self.get(name), f"{self.field}.{name}")

    def child_or_none(self, name: str) -> JsonReader | None:
        return None if self.get(name) is None else self.child(name)

    def children(self, name: str) -> list[JsonReader]:
        field = f"{self.field}.{name}"
        return [JsonReader(item, f"{field}[{i}]") for i, item in enumerate(self._list(name))]

    def _list(self, name: str) -> list[Any]:
        found = self.get(name)
        if not isinstance(found, list):
            raise Rejected(f"{self.field}.{name} must be a list.")
        if len(found) > MAX_ITEMS:
            raise LimitExceeded(f"{self.field}.{name} holds more than {MAX_ITEMS} items.")
        return found


def _to_number(found: Any, field: str) -> float:
    # Compared, not converted: a whole number may be too large for a float; NaN fails too.
    if type(found) not in (int, float) or not -_LARGEST <= found <= _LARGEST:
        raise Rejected(f"{field} must be a finite number.")
    return float(found)


def _to_point(found: Any, field: str) -> ImagePoint:
    if not isinstance(found, list) or len(found) != 2:
        raise Rejected(f"{field} must hold [column, row] for each point.")
    return ImagePoint(_to_number(found[0], field), _to_number(found[1], field))
