"""Write released objects into a folder, for work without a server."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from overread.delivery.ports import Parcel, Receipt
from overread.vocabulary.errors import Rejected


@dataclass(frozen=True, slots=True)
class FolderDestination:
    """One file a parcel, named by kind and the end of its UID; the same parcel gives the same
    file."""

    folder: Path
    name: str = "folder"

    async def take(self, parcels: tuple[Parcel, ...]) -> tuple[Receipt, ...]:
        """Raises Rejected where the folder can't be written."""
        return tuple([await asyncio.to_thread(self._write, parcel) for parcel in parcels])

    def _write(self, parcel: Parcel) -> Receipt:
        path = self.folder / f"{parcel.kind}-{parcel.sop_instance_uid[-12:]}.dcm"
        was_there = path.exists() and path.read_bytes() == parcel.data
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            path.write_bytes(parcel.data)
        except OSError as error:
            raise Rejected(f"{self.folder} can't be written: {error.strerror}.") from error
        return Receipt(
            destination=self.name,
            kind=parcel.kind,
            sop_instance_uid=parcel.sop_instance_uid,
            series_instance_uid=parcel.series_instance_uid,
            was_there=was_there,
        )
