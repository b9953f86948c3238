"""What a person says of a claim: kept beside it, never over it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from overread.result.region import Region
from overread.result.result import Measurement
from overread.vocabulary.uid import Uid


class VerdictKind(StrEnum):
    ACCEPT = "accept"
    REJECT = "reject"
    ADJUST = "adjust"
    WITHDRAW = "withdraw"
    """Undo: the person takes the last verdict on this finding back; both rows stay."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One person's judgement of one finding; rows are only ever added, the newest speaks.

    Attributes:
        verdict_id: chosen by the client, so that a repeated send is one verdict.
        regions: the person's own regions, for `ADJUST`; else empty.
        measurements: recomputed from those regions on the server.
        made_at: ISO 8601 with offset, the server's clock.
    """

    verdict_id: str
    result_uid: Uid
    tracking_uid: Uid
    kind: VerdictKind
    reason: str
    regions: tuple[Region, ...]
    measurements: tuple[Measurement, ...]
    made_by: str
    made_at: str
