"""Which real thing stands behind each port. Nothing is constructed at import time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from overread.adapters.archive.dicomweb import DicomWebArchive
from overread.adapters.archive.embedded import EmbeddedArchive
from overread.adapters.archive.quarantine import FolderQuarantine
from overread.adapters.destination.archive import ArchiveDestination
from overread.adapters.identity.local import LocalIdentity
from overread.adapters.runner.model_runner import ModelRunner
from overread.adapters.store.arrivals import SqlArrivals
from overread.adapters.store.artefacts import FileArtefacts
from overread.adapters.store.audit_trail import SqlAuditTrail
from overread.adapters.store.database import Database
from overread.adapters.store.event_log import SqlEventLog, SqlWorklist
from overread.adapters.store.jobs import SqlJobs
from overread.adapters.store.migrate import migrate
from overread.adapters.store.results import SqlResults
from overread.adapters.store.users import SqlAccounts
from overread.app.settings import Settings
from overread.delivery.ports import Destination
from overread.governance.gate import Policy
from overread.governance.policy_text import parse_policy
from overread.model.registry import Registry, read_registry
from overread.pipeline.arriving import ArrivalWatch
from overread.pipeline.dispatch import Dispatcher
from overread.pipeline.failing import FailureReport
from overread.pipeline.line import ClinicalLine
from overread.pipeline.ports import Engine, Line, OnFailed
from overread.pipeline.receipt import ReceiptBook
from overread.pipeline.scratch import Scratch
from overread.study.ports import Archive
from overread.study.receiving import StoredInstance

EngineFactory = Callable[[Line, OnFailed], Engine]


def read_clock() -> datetime:
    """Now, with its offset."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Stores:
    """What is kept in our own database and folders."""

    database: Database
    events: SqlEventLog
    worklist: SqlWorklist
    results: SqlResults
    jobs: SqlJobs
    arrivals: SqlArrivals
    audit: SqlAuditTrail
    artefacts: FileArtefacts
    identity: LocalIdentity
    quarantine: FolderQuarantine

    def receipts(self, actor: str) -> ReceiptBook:
        """Where a door writes down what it took; the actor is named in the audit."""
        return ReceiptBook(self.arrivals, self.events, self.audit, actor)


@dataclass(frozen=True, slots=True)
class Site:
    """Everything wired: what doors and commands reach for."""

    settings: Settings
    stores: Stores
    archive: Archive
    models: Registry
    policy: Callable[[], Policy]
    runner: ModelRunner
    scratch: Scratch
    engine: Engine
    dispatcher: Dispatcher
    watch: ArrivalWatch

    async def take(self, instances: Sequence[StoredInstance]) -> None:
        """What every door of this process calls once the archive has taken instances."""
        await self.stores.receipts("gateway").take(instances)
        self.watch.wake()


def open_stores(settings: Settings) -> Stores:
    """Open (and bring up to date) what a data folder holds."""
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    database = Database(settings.database_url)
    migrate(database)
    return Stores(
        database=database,
        events=SqlEventLog(database),
        worklist=SqlWorklist(database),
        results=SqlResults(database),
        jobs=SqlJobs(database),
        arrivals=SqlArrivals(database),
        audit=SqlAuditTrail(database),
        artefacts=FileArtefacts(settings.data_dir / "artefacts"),
        identity=LocalIdentity(SqlAccounts(database)),
        quarantine=FolderQuarantine(
            settings.data_dir / "quarantine", settings.quarantine_max_bytes
        ),
    )


def open_archive(settings: Settings) -> Archive:
    """The embedded archive, or the site's PACS by DICOMweb."""
    if settings.archive == "embedded":
        return EmbeddedArchive(settings.data_dir / "archive")
    return DicomWebArchive(settings.archive, bearer_token=settings.archive_token)


def read_policy(path: Path) -> Policy:
    """The site's policy; a site without one has every model silent."""
    if not path.exists():
        return Policy(version="none", rules=())
    return parse_policy(path.read_text(encoding="utf-8"))


def wire(
    settings: Settings,
    engine_factory: EngineFactory,
    *,
    archive: Archive | None = None,
    destinations: tuple[Destination, ...] | None = None,
    policy: Policy | None = None,
) -> Site:
    """Put the parts together.

    Args:
        archive, destinations: else those of the settings: the site's archive, and back to it.
        policy: else the site's own.
    """
    stores = open_stores(settings)
    images = archive or open_archive(settings)
    scratch = Scratch(settings.scratch_dir)
    scratch.root.mkdir(parents=True, exist_ok=True, mode=0o700)
    models = read_registry(settings.models_dir, settings.cards_dir)
    runner = ModelRunner(models, settings.models_dir)
    rules = policy or read_policy(settings.policy_file)
    line = ClinicalLine(
        archive=images,
        models=models,
        runner=runner,
        policy=lambda: rules,
        destinations=destinations
        if destinations is not None
        else (ArchiveDestination(images, settings.scratch_dir),),
        results=stores.results,
        jobs=stores.jobs,
        events=stores.events,
        artefacts=stores.artefacts,
        scratch=scratch,
    )
    engine = engine_factory(line.to_line(), FailureReport(stores.jobs, stores.events, scratch))
    dispatcher = Dispatcher(
        archive=images,
        models=models,
        policy=lambda: rules,
        jobs=stores.jobs,
        events=stores.events,
        engine=engine,
        now=lambda: read_clock().isoformat(),
    )
    return Site(
        settings=settings,
        stores=stores,
        archive=images,
        models=models,
        policy=lambda: rules,
        runner=runner,
        scratch=scratch,
        engine=engine,
        dispatcher=dispatcher,
        watch=ArrivalWatch(
            arrivals=stores.arrivals,
            events=stores.events,
            dispatcher=dispatcher,
            quiet_seconds=settings.quiet_seconds,
            now=read_clock,
        ),
    )
