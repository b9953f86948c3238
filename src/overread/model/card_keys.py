"""Reading one table of a card file, key by key, so that every error names file, key and remedy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from overread.vocabulary.code import Code
from overread.vocabulary.errors import Rejected


class Keys:
    """One table. What was never asked for is refused at the end: a misspelt key is an error."""

    def __init__(self, file: str, path: str, table: dict[str, Any]) -> None:
        self._file = file
        self._path = path
        self._table = table
        self._read: set[str] = set()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._table)

    def reject(self, name: str, wanted: str) -> Rejected:
        """The error for a key that holds the wrong thing."""
        return Rejected(f"The card {self._file}: {self._path}{name} must be {wanted}.")

    def refuse_unread(self) -> None:
        """Raises Rejected where the table holds a key that nothing reads."""
        unknown = sorted(set(self._table) - self._read)
        if unknown:
            names = ", ".join(self._path + name for name in unknown)
            raise Rejected(
                f"The card {self._file} has unknown keys {names}; known are "
                f"{', '.join(sorted(self._read))}."
            )

    def read_text(self, name: str, default: str | None = None) -> str:
        value = self._find(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or not value.strip():
            raise self.reject(name, "a text in quotes")
        return value

    def read_choice(self, name: str, allowed: Sequence[str], default: str | None = None) -> str:
        value = self._find(name)
        if value is None and default is not None:
            return default
        if value not in allowed:
            raise self.reject(name, f"one of {', '.join(allowed)}")
        return str(value)

    def read_texts(self, name: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        value = self._find(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.reject(name, 'a list of texts, e.g. ["CT"]')
        return tuple(value)

    def read_flag(self, name: str, default: bool) -> bool:
        value = self._find(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.reject(name, "true or false")
        return value

    def find_number(self, name: str, least: float, most: float) -> float | None:
        if self._find(name) is None:
            return None
        return self.read_number(name, None, least, most)

    def read_number(self, name: str, default: float | None, least: float, most: float) -> float:
        value = self._find(name)
        if value is None and default is not None:
            return default
        if not _is_number(value) or not least <= value <= most:
            bounds = "" if math.isinf(least) else f" of {least:g} to {most:g}"
            raise self.reject(name, f"a number{bounds}")
        return float(value)

    def read_numbers(self, name: str, count: int, default: tuple[float, ...]) -> tuple[float, ...]:
        return self.find_numbers(name, count) or default

    def find_numbers(self, name: str, count: int) -> tuple[float, ...] | None:
        value = self._find(name)
        if value is None:
            return None
        is_list = isinstance(value, list) and len(value) == count
        if not is_list or not all(_is_number(item) for item in value):
            raise self.reject(name, f"a list of {count} numbers")
        return tuple(float(item) for item in value)

    def read_code(self, name: str) -> Code:
        code = self.find_code(name)
        if code is None:
            raise self.reject(name, 'a code, e.g. ["50960005", "SCT", "Hemorrhage"]')
        return code

    def find_code(self, name: str) -> Code | None:
        value = self._find(name)
        if value is None:
            return None
        is_triple = isinstance(value, list) and len(value) == 3
        if not is_triple or not all(isinstance(word, str) and word for word in value):
            raise self.reject(name, 'a code, e.g. ["50960005", "SCT", "Hemorrhage"]')
        return Code(*value)

    def read_table(self, name: str) -> Keys:
        table = self.find_table(name)
        if table is None:
            raise self.reject(name, f"a table [{self._path}{name}]")
        return table

    def find_table(self, name: str) -> Keys | None:
        value = self._find(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.reject(name, f"a table [{self._path}{name}]")
        return Keys(self._file, f"{self._path}{name}.", value)

    def read_tables(self, name: str) -> list[Keys]:
        value = self._find(name)
        is_list = isinstance(value, list) and value
        if not is_list or not all(isinstance(item, dict) for item in value):
            raise self.reject(name, f"one table [[{self._path}{name}]] or more")
        return [
            Keys(self._file, f"{self._path}{name}[{number}].", item)
            for number, item in enumerate(value)
        ]

    def _find(self, name: str) -> Any:
        self._read.add(name)
        return self._table.get(name)


def _is_number(value: object) -> bool:
    is_real = isinstance(value, int | float) and not isinstance(value, bool)
    return is_real and math.isfinite(float(value))  # type: ignore[arg-type]  # a number by now
