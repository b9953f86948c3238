"""Each event's hash covers its content and the hash before it: what is changed, taken out or
slipped in later breaks every hash from there on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

from overread.audit.event import AuditEvent, SealedEvent

FIRST_HASH = "0" * 64
"""What stands before the first event."""


@dataclass(frozen=True, slots=True)
class Intact:
    """Nothing was changed. `last_hash`, kept elsewhere, also proves that nothing was cut off."""

    length: int
    last_hash: str


@dataclass(frozen=True, slots=True)
class Broken:
    """The chain does not hold from this sequence on."""

    sequence: int
    reason: str


def seal(event: AuditEvent, previous_hash: str) -> SealedEvent:
    return SealedEvent(event, previous_hash, hash_event(event, previous_hash))


def hash_event(event: AuditEvent, previous_hash: str) -> str:
    """SHA-256 over canonical JSON (sorted keys, no spaces, ASCII) of the event and the hash
    before it."""
    content = {
        "sequence": event.sequence,
        "occurred_at": event.occurred_at,
        "actor": event.actor,
        "action": event.action,
        "outcome": event.outcome,
        "study_instance_uid": event.study_instance_uid,
        "detail": event.detail,
        "previous_hash": previous_hash,
    }
    text = json.dumps(
        content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    )
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def verify(
    events: Iterable[SealedEvent], previous_hash: str = FIRST_HASH, length: int = 0
) -> Intact | Broken:
    """Follow the chain from its start, or from where a piece verified before ended.

    Args:
        previous_hash, length: of the piece before; as at the start where left out.
    """
    for sealed in events:
        expected = length + 1
        if sealed.event.sequence != expected:
            return Broken(expected, f"event {expected} is missing")
        if sealed.previous_hash != previous_hash:
            return Broken(expected, "it does not follow the event before it")
        if hash_event(sealed.event, previous_hash) != sealed.hash:
            return Broken(expected, "its content is not what was sealed")
        previous_hash, length = sealed.hash, expected
    return Intact(length, previous_hash)
