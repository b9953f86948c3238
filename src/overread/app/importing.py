"""Files from a disk into the archive, by the same door as all others."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from overread.app.logs import configure_logs
from overread.app.settings import Settings
from overread.app.terminal import say
from overread.app.wiring import Stores, open_archive, open_stores
from overread.study.ports import Archive
from overread.study.receiving import Failure, OnStored, ReceiveReport, StoredInstance, receive
from overread.vocabulary.errors import NotFound

_BATCH = 64
"""Files handed over at once: enough to be quick, few enough that progress is seen."""


def import_paths(settings: Settings, paths: Sequence[Path]) -> int:
    """Take files in; a running server notices and analyses them. 1 where something was refused."""
    configure_logs("warning")
    files = collect_files(paths)

    async def bring() -> ReceiveReport:
        stores, archive = open_stores(settings), open_archive(settings)
        try:
            return await receive_paths(
                stores,
                archive,
                files,
                "import",
                stores.receipts("import").take,
                max_instance_bytes=settings.max_instance_bytes,
                is_shown=True,
            )
        finally:
            stores.database.close()

    report = asyncio.run(bring())
    new = sum(instance.is_new for instance in report.stored)
    say(
        f"{new} images taken in, {len(report.stored) - new} were there before, "
        f"{len(report.failures)} files refused."
    )
    if report.failures:
        say("`overread quarantine` says why, and what to do.")
    return 1 if report.failures else 0


def list_quarantine(settings: Settings) -> int:
    """Print what was refused, newest first."""
    stores = open_stores(settings)
    items = asyncio.run(stores.quarantine.list_items())
    console = Console()
    if not console.is_terminal:
        # For programs: a line a file, never broken or cut to the width of a screen.
        for item in items:
            fields = (item.received_at, item.source, item.file_name, item.reason, item.remedy)
            sys.stdout.write("\t".join(map(_to_printable, fields)) + "\n")
        return 0
    table = Table(title=f"{len(items)} files in quarantine")
    for heading in ("received", "by", "file", "reason", "remedy"):
        table.add_column(heading)
    for item in items:
        name = escape(_to_printable(item.file_name))
        table.add_row(item.received_at[:19], item.source, name, item.reason, item.remedy)
    console.print(table)
    return 0


def _to_printable(text: str) -> str:
    """A file's name may hold anything, and must neither end a line nor steer a terminal."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def collect_files(paths: Sequence[Path]) -> list[Path]:
    """All files below the paths, sorted, each once.

    Raises:
        NotFound: a path is not there, or no file is.
    """
    files: dict[Path, None] = {}
    for path in paths:
        if not path.exists():
            raise NotFound(f"{path} does not exist.")
        below = sorted(path.rglob("*")) if path.is_dir() else [path]
        files.update(dict.fromkeys(p for p in below if p.is_file()))
    if not files:
        raise NotFound("There are no files in these paths.")
    return list(files)


async def receive_paths(
    stores: Stores,
    archive: Archive,
    files: Sequence[Path],
    source: str,
    on_stored: OnStored,
    *,
    max_instance_bytes: int,
    is_shown: bool = False,
) -> ReceiveReport:
    """Hand files to the archive in batches; one report of all of them."""
    stored: list[StoredInstance] = []
    failures: list[Failure] = []
    starts = range(0, len(files), _BATCH)
    for start in track(starts, "taking in", disable=not is_shown, console=Console(stderr=True)):
        report = await receive(
            files[start : start + _BATCH],
            source,
            archive,
            stores.quarantine,
            on_stored,
            on_quarantined=stores.receipts(source).note_quarantined,
            max_instance_bytes=max_instance_bytes,
        )
        stored += report.stored
        failures += report.failures
    return ReceiveReport(tuple(stored), tuple(failures))
