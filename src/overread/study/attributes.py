"""Reading single attributes of a header that anybody may have written: a value that can't be
understood counts as absent, and nothing is raised."""

from __future__ import annotations

import math
import struct

from pydicom import Dataset
from pydicom.errors import BytesLengthException
from pydicom.multival import MultiValue

MALFORMED = (
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    NotImplementedError,
    RecursionError,
    EOFError,
    struct.error,
    BytesLengthException,
)
"""What pydicom raises over values and structures that break the standard."""

_MAX_TEXT = 1024


def read_value(header: Dataset, keyword: str) -> object | None:
    """The value as pydicom gives it; None where absent, empty or malformed."""
    try:
        value = header.get(keyword)
    except MALFORMED:
        return None
    if value is None or (isinstance(value, str | bytes) and not value):
        return None
    return value  # type: ignore[no-any-return]  # pydicom's values are untyped


def read_text(header: Dataset, keyword: str) -> str:
    """The (first) value as text without padding, at most 1024 characters; "" where absent."""
    texts = read_texts(header, keyword)
    return texts[0] if texts else ""


def read_texts(header: Dataset, keyword: str) -> tuple[str, ...]:
    """All values as text."""
    value = read_value(header, keyword)
    if value is None or isinstance(value, bytes):
        return ()
    items = value if isinstance(value, MultiValue | list | tuple) else [value]
    try:
        texts = [str(item).strip(" \0")[:_MAX_TEXT] for item in items]
    except MALFORMED:
        return ()
    return tuple(texts)


def read_int(header: Dataset, keyword: str) -> int | None:
    """The (first) value as a whole number."""
    numbers = read_numbers(header, keyword)
    return int(numbers[0]) if numbers else None


def read_numbers(header: Dataset, keyword: str) -> tuple[float, ...]:
    """All values as finite numbers; () where one is none."""
    value = read_value(header, keyword)
    if value is None or isinstance(value, bytes):
        return ()
    items = value if isinstance(value, MultiValue | list | tuple) else [value]
    try:
        numbers = tuple(float(str(item)) for item in items)
    except MALFORMED:
        return ()
    return numbers if all(math.isfinite(number) for number in numbers) else ()


def read_items(header: Dataset, keyword: str) -> tuple[Dataset, ...]:
    """Items of a sequence, () where it is absent or malformed."""
    value = read_value(header, keyword)
    if value is None or isinstance(value, str | bytes | int | float):
        return ()
    try:
        return tuple(item for item in value if isinstance(item, Dataset))  # type: ignore[attr-defined]
    except MALFORMED:
        return ()
