"""What came in, written down before the sender is told that it was taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from overread.audit.event import AuditAction
from overread.audit.ports import AuditTrail
from overread.pipeline.ports import (
    Arrivals,
    ArrivedInstance,
    EventLog,
    StudyFacts,
)
from overread.study.ports import QuarantinedFile
from overread.study.receiving import StoredInstance
from overread.vocabulary.event import EventKind

_AGE_UNITS = {"D": "D", "W": "W", "M": "M", "Y": "Y"}


@dataclass(frozen=True, slots=True)
class ReceiptBook:
    """Records arrivals and refusals, for every door alike; telling it twice is harmless."""

    arrivals: Arrivals
    events: EventLog
    audit: AuditTrail
    actor: str

    async def take(self, instances: Sequence[StoredInstance]) -> None:
        """Instances that the archive has confirmed."""
        for arrival in await self.arrivals.record([to_arrived(item) for item in instances]):
            if arrival.is_settled:
                continue
            await self.events.append(
                EventKind.STUDY_RECEIVING, arrival.study_instance_uid, arrival.to_event_data()
            )

    async def note_quarantined(self, files: Sequence[QuarantinedFile]) -> None:
        """Files that were refused: a person must see them."""
        for file in files:
            await self.audit.record(
                self.actor,
                AuditAction.INSTANCE_QUARANTINED,
                study_instance_uid=file.study_instance_uid,
                detail={"quarantine_id": file.quarantine_id, "source": file.source},
            )
            await self.events.append_once(
                f"quarantine:{file.quarantine_id}",
                EventKind.INSTANCE_QUARANTINED,
                None,
                {"quarantine_id": file.quarantine_id, "reason": file.reason},
            )


def to_arrived(instance: StoredInstance) -> ArrivedInstance:
    return ArrivedInstance(
        study_instance_uid=instance.study_instance_uid,
        series_instance_uid=instance.series_instance_uid,
        sop_instance_uid=instance.sop_instance_uid,
        modality=instance.modality,
        facts=StudyFacts(
            patient_name=instance.patient_name,
            patient_id=instance.patient_id,
            patient_age=describe_age(instance.patient_age),
            patient_sex=instance.patient_sex,
            accession_number=instance.accession_number,
            description=instance.description,
            body_part=instance.body_part,
            study_datetime=instance.study_datetime,
            priority=instance.priority,
            is_synthetic=instance.is_synthetic,
        ),
    )


def describe_age(text: str) -> str:
    """ "071Y" as "71 Y", "003M" as "3 M" (PS3.5 6.2, AS); "" where it is no age."""
    number, unit = text[:-1], text[-1:]
    if not number.isdigit() or unit not in _AGE_UNITS:
        return ""
    return f"{int(number)} {unit}"
