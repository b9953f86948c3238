"""The imaginary patients of `overread demo`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from overread_phantom.bleed import BleedKind, BleedRequest
from overread_phantom.dicom import write_study
from overread_phantom.head import make_head


@dataclass(frozen=True, slots=True)
class ImaginaryPatient:
    """One study of the demonstration; `bleeds` may be empty."""

    seed: int
    name: str
    study_time: str
    bleeds: tuple[BleedRequest, ...]


PATIENTS = (
    ImaginaryPatient(
        seed=101,
        name="SYNTHETIC^BASAL GANGLIA",
        study_time="081500",
        bleeds=(BleedRequest(BleedKind.INTRAPARENCHYMAL, 28.0, 64.0, "left"),),
    ),
    ImaginaryPatient(seed=102, name="SYNTHETIC^NOTHING ADDED", study_time="083000", bleeds=()),
)


async def write_demonstration(folder: Path) -> AsyncIterator[list[Path]]:
    """Write each patient's study into a folder of its own below `folder`, one list of paths at a
    time; equal at every call.

    Raises:
        NotFound: the head template was not built.
    """
    for patient in PATIENTS:
        yield await asyncio.to_thread(_write, patient, folder / str(patient.seed))


def _write(patient: ImaginaryPatient, folder: Path) -> list[Path]:
    head = make_head(patient.seed, patient.bleeds)
    return write_study(head, folder, name=patient.name, study_time=patient.study_time)
