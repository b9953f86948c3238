"""`overread analyze`: the same line as the server's, over files, into a folder."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from overread.access.role import Role
from overread.adapters.archive.embedded import EmbeddedArchive
from overread.adapters.destination.folder import FolderDestination
from overread.adapters.engine.in_process import InProcessEngine
from overread.app.importing import collect_files, receive_paths
from overread.app.logs import configure_logs
from overread.app.settings import Settings, read_settings
from overread.app.wiring import Site, read_clock, wire
from overread.governance.gate import PhaseRule, Policy
from overread.governance.phase import Phase
from overread.model.acceptance import choose_series
from overread.pipeline.ports import Job, JobEnd
from overread.result.encoding.json_form import from_json
from overread.result.result import Result
from overread.study.receiving import ReceiveReport
from overread.vocabulary.errors import NotFound, Rejected

_POLL_SECONDS = 0.1


def analyze(paths: Sequence[Path], model: str, out: Path) -> int:
    """Run one model on DICOM files; writes SR, SEG, SC and result.json into `out`.

    Raises:
        NotFound: no such model, or a path that is not there.
        Rejected: nothing in the files suits the model, with the reason for each series.
    """
    base = read_settings()
    configure_logs("warning")
    files = collect_files(paths)
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="overread-analyze-") as folder:
        settings = replace(base, data_dir=Path(folder))
        return asyncio.run(_analyze(settings, files, model, out, console))


async def _analyze(
    settings: Settings, files: list[Path], model: str, out: Path, console: Console
) -> int:
    site = wire(
        settings,
        lambda line, on_failed: InProcessEngine(line, clock=read_clock, on_failed=on_failed),
        archive=EmbeddedArchive(settings.data_dir / "archive"),
        destinations=(FolderDestination(out),),
        policy=_allow(model),
    )
    card = site.models.find_model(model)
    if not card.is_available:
        raise Rejected(f"{model} can't run yet: {card.missing}")
    await site.engine.start()
    try:
        report = await receive_paths(
            site.stores,
            site.archive,
            files,
            "analyze",
            site.take,
            max_instance_bytes=settings.max_instance_bytes,
        )
        _say_refused(console, report)
        jobs = await _start_jobs(site, model)
        ended = [await _follow(site, job, console) for job in jobs]
    finally:
        await site.engine.stop()
        site.stores.database.close()
    results = [from_json(document) for document in ended]
    out.mkdir(parents=True, exist_ok=True)
    for number, document in enumerate(ended):
        name = "result.json" if len(ended) == 1 else f"result-{number + 1}.json"
        (out / name).write_bytes(document)
    for result in results:
        _say_result(console, result, out)
    return 0


def _allow(model: str) -> Policy:
    """The person at the terminal asked for it: the result goes to the folder named, and no
    further."""
    rule = PhaseRule(model, Phase.OPTIONAL, "on request", frozenset({Role.READER}), True)
    return Policy("analyze", (rule,))


async def _start_jobs(site: Site, model: str) -> list[Job]:
    card = site.models.find(model)
    jobs, reasons = [], []
    arrivals = await site.stores.arrivals.list_unsettled()
    if not arrivals:
        raise NotFound("No DICOM image could be taken from these paths.")
    for arrival in arrivals:
        study = await site.archive.read_study(arrival.study_instance_uid)
        acceptance = choose_series(card, study)
        series = study.find_series(acceptance.series_instance_uid or "")
        if series is None:
            reasons.append(acceptance.reason)
        else:
            jobs.append(await site.dispatcher.start(study, series, card, "stat"))
    if not jobs:
        raise Rejected(f"{model} does not suit: {' '.join(reasons)}")
    return jobs


async def _follow(site: Site, job: Job, console: Console) -> bytes:
    waiting = asyncio.create_task(site.engine.wait(job.job_id))
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("starting", total=1.0)
        while not waiting.done():
            await asyncio.wait({waiting}, timeout=_POLL_SECONDS)
            now = await site.stores.jobs.read(job.job_id)
            words = f"{now.step}: {now.message}" if now.step else "waiting"
            progress.update(task, description=words, completed=now.share or 0.0)
        progress.update(task, description="done", completed=1.0)
    outcome = waiting.result()
    if outcome.end is not JobEnd.DONE:
        raise outcome.error or Rejected(f"The run was {outcome.end}.")
    return (await site.stores.results.read(outcome.value["result_uid"])).document


def _say_refused(console: Console, report: ReceiveReport) -> None:
    for refused in report.failures:
        console.print(f"not read: {refused.file.name}: {refused.reason}", style="yellow")


def _say_result(console: Console, result: Result, out: Path) -> None:
    table = Table(
        title=f"{result.model_title} {result.model.version} ({result.model_status}) "
        "- AI suggestion, not for primary diagnosis"
    )
    for heading in ("finding", "confidence", "measurements", "flag"):
        table.add_column(heading)
    for finding in result.findings:
        measured = ", ".join(
            f"{m.value:.1f}{'' if m.uncertainty is None else f' ± {m.uncertainty:.1f}'} "
            f"{m.unit.value}"
            for m in finding.measurements
        )
        confidence = "" if finding.confidence is None else f"{finding.confidence:.2f}"
        flag = result.flag_text if finding.is_flagged else ""
        table.add_row(finding.label, confidence, measured, flag)
    console.print(table)
    if not result.findings:
        console.print("Analysed without finding.")
    for notice in result.notices:
        console.print(f"note: {notice}")
    console.print(f"Written to {out}")
