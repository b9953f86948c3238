"""Store back into the archive (STOW-RS for a PACS, PS3.18 10.5)."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path

from overread.delivery.ports import Parcel, Receipt
from overread.study.ports import Archive
from overread.vocabulary.errors import Rejected


@dataclass(frozen=True, slots=True)
class ArchiveDestination:
    """Puts parcels into an `Archive`; our derived UIDs make a second delivery the same objects."""

    archive: Archive
    scratch: Path
    name: str = "archive"

    async def take(self, parcels: tuple[Parcel, ...]) -> tuple[Receipt, ...]:
        """Raises Rejected where the archive refuses an object, naming the DICOM failure reason."""
        with tempfile.TemporaryDirectory(dir=self.scratch, prefix="delivery-") as folder:
            paths = await asyncio.to_thread(_write_all, parcels, Path(folder))
            report = await self.archive.store(paths)
        if report.failures:
            first = report.failures[0]
            raise Rejected(
                f"The archive refused {len(report.failures)} of {len(parcels)} objects; the "
                f"first with failure reason {first.failure_reason:#06x}: {first.explanation}"
            )
        was_there = {str(sop) for _, _, sop in report.already_there}
        return tuple(
            Receipt(
                destination=self.name,
                kind=parcel.kind,
                sop_instance_uid=parcel.sop_instance_uid,
                series_instance_uid=parcel.series_instance_uid,
                was_there=parcel.sop_instance_uid in was_there,
            )
            for parcel in parcels
        )


def _write_all(parcels: tuple[Parcel, ...], folder: Path) -> list[Path]:
    paths = []
    for number, parcel in enumerate(parcels):
        path = folder / f"{number:04d}.dcm"
        path.write_bytes(parcel.data)
        paths.append(path)
    return paths
