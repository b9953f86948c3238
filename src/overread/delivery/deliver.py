"""Hand over what was released. A `Release` is asked for by type: nothing ungated can leave."""

from __future__ import annotations

from overread.delivery.ports import Destination, Parcel, Receipt
from overread.governance.gate import Release


async def deliver(
    release: Release, parcels: tuple[Parcel, ...], destinations: tuple[Destination, ...]
) -> tuple[Receipt, ...]:
    """Send the parcels of a released result to every destination that the release allows.

    Raises:
        Unavailable, Rejected: as a destination says; what was taken before stays taken, and a
            repeated call sends it again without making a second object.
    """
    if not release.stores_to_archive:
        return ()
    receipts: list[Receipt] = []
    for destination in destinations:
        receipts.extend(await destination.take(parcels))
    return tuple(receipts)
