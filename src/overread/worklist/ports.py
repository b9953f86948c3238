"""The edge towards where rows are kept."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from overread.worklist.row import Row


class Worklist(Protocol):
    """Reads alone: rows are written with the events they come from. Raises Unavailable."""

    async def list_rows(self, limit: int) -> tuple[list[Row], int]:
        """The studies received last, `limit` at most, newest first, and the id of the last event
        that they reflect: both from one consistent picture."""
        ...

    async def find_rows(self, study_instance_uids: Collection[str]) -> dict[str, Row]:
        """Rows by study; what is not known is left out."""
        ...
