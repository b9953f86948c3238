"""DICOM unique identifiers (PS3.5 chapter 9, PS3.5 annex B.2 for UUID-derived ones)."""

from __future__ import annotations

import re
import uuid
from typing import NewType

from overread.vocabulary.errors import Rejected

Uid = NewType("Uid", str)

_WELL_FORMED = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))+")
_MAX_LENGTH = 64  # PS3.5 9.1
_NAMESPACE = uuid.UUID("6f2f0a9e-53b4-5c3b-9c55-0d5a6b1d7c11")


def parse_uid(text: str) -> Uid:
    """Check a UID's form (PS3.5 9.1: digits and dots, no leading zeros, at most 64 characters).

    Raises:
        Rejected: `text` is not a well-formed UID.
    """
    if len(text) > _MAX_LENGTH or not _WELL_FORMED.fullmatch(text):
        raise Rejected(
            f"{text[:80]!r} is not a DICOM UID: it must be numbers without leading zeros joined by "
            f"dots, {_MAX_LENGTH} characters at most (PS3.5 9.1)."
        )
    return Uid(text)


def derive_uid(*parts: str) -> Uid:
    """The same parts always give the same UID, so that a repeated step makes no second object.

    A UUIDv5 over the parts, written under the 2.25 root (PS3.5 B.2).
    """
    name = "\x1f".join(parts)
    return Uid(f"2.25.{uuid.uuid5(_NAMESPACE, name).int}")
