"""One thing that somebody did, as the audit keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class AuditAction(StrEnum):
    SIGNED_IN = "signed in"
    SIGNED_OUT = "signed out"
    STUDY_OPENED = "study opened"
    RESULT_SHOWN = "result shown"
    VERDICT_GIVEN = "verdict given"
    STUDY_STORED = "study stored"
    RESULT_STORED = "result stored"
    INSTANCE_QUARANTINED = "instance quarantined"
    INFERENCE_ASKED = "inference asked"
    AUDIT_READ = "audit read"


class Outcome(StrEnum):
    SUCCESS = "success"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One row of the audit.

    Attributes:
        sequence: 1, 2, 3 … without a gap.
        occurred_at: ISO 8601 with offset.
        actor: user name, or the name of the part of Overread that acted.
        action, outcome: one of AuditAction and Outcome, as text: what was tampered with must be
            readable too.
        study_instance_uid: None where no study is meant.
        detail: JSON without patient identifiers: UIDs, model names, counts, reasons.
    """

    sequence: int
    occurred_at: str
    actor: str
    action: str
    outcome: str
    study_instance_uid: str | None
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SealedEvent:
    """An event in the chain; hashes are SHA-256 in hex."""

    event: AuditEvent
    previous_hash: str
    hash: str
