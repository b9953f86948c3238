"""The edge towards whatever takes a released object: an archive, later a report system."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from overread.vocabulary.uid import Uid


@dataclass(frozen=True, slots=True)
class Parcel:
    """One encoded object on its way.

    Attributes:
        kind: "SR", "SEG", "SC".
        digest: SHA-256 (hex) of `data`.
        data: a DICOM Part 10 file.
    """

    kind: str
    sop_class_uid: Uid
    sop_instance_uid: Uid
    series_instance_uid: Uid
    digest: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a destination said of one parcel; `was_there` where it had the same object before."""

    destination: str
    kind: str
    sop_instance_uid: Uid
    series_instance_uid: Uid
    was_there: bool


class Destination(Protocol):
    """Taking the same parcel twice leaves one object there.

    Raises:
        Unavailable: it does not answer.
        Rejected: it refuses this object, with its reason.
    """

    @property
    def name(self) -> str: ...

    async def take(self, parcels: tuple[Parcel, ...]) -> tuple[Receipt, ...]: ...
