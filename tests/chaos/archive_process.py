"""A process that stores files in an embedded archive and dies at a chosen moment, to be started by
test_archive_killed.py."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from overread.adapters.archive import embedded
from overread.adapters.archive.embedded import EmbeddedArchive


def die(*_arguments: Any, **_keywords: Any) -> Any:
    """What a power cut does."""
    os.kill(os.getpid(), signal.SIGKILL)


def die_after(function: Callable[..., Any], calls: int) -> Callable[..., Any]:
    """Let some calls through and die right after the last of them."""
    left = [calls]

    def call(*arguments: Any, **keywords: Any) -> Any:
        value = function(*arguments, **keywords)
        left[0] -= 1
        if left[0] == 0:
            die()
        return value

    return call


def arm(moment: str) -> None:
    """Put death in its place."""
    # Between two copies, between copies and names, between names and index, within the index.
    archive: Any = EmbeddedArchive
    if moment == "while copying":
        archive._stage = die_after(archive._stage, 2)
    elif moment == "copied":
        archive._place = die
    elif moment == "while naming":
        path_of = archive._path_of
        archive._path_of = die_after(path_of, 3)
    elif moment == "named":
        archive._place = die_after(archive._place, 1)
    elif moment == "names made durable":
        embedded._sync_folder = die_after(embedded._sync_folder, 1)
    elif moment == "while indexing":
        archive._insert = die_after(archive._insert, 2)
    elif moment == "indexed, not committed":
        archive._index = die_after(archive._index, 1)
    elif moment == "committed":
        archive._store_batch = die_after(archive._store_batch, 1)
    else:
        raise ValueError(moment)


if __name__ == "__main__":
    arm(sys.argv[1])
    asyncio.run(EmbeddedArchive(Path(sys.argv[2])).store([Path(name) for name in sys.argv[3:]]))
