"""Run the gateway: doors, line and watch in one process."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog
from granian.constants import Interfaces
from granian.server.embed import Server

from overread.adapters.engine.dbos_engine import DbosEngine
from overread.app.doors import build_api
from overread.app.logs import configure_logs
from overread.app.settings import Settings
from overread.app.wiring import Site, read_clock, wire
from overread.pipeline.ports import Engine, Line, OnFailed
from overread.pipeline.scratch import Scratch
from overread.vocabulary.errors import Rejected

OnReady = Callable[[Site], Awaitable[None]]

log = structlog.get_logger()


def serve(settings: Settings, on_ready: OnReady | None = None) -> int:
    """Serve until a signal ends it; `on_ready` is run beside the server once it listens."""
    configure_logs(settings.log_level)
    asyncio.run(_serve(settings, on_ready))
    return 0


async def _serve(settings: Settings, on_ready: OnReady | None) -> None:
    site = wire(settings, _make_engine_factory(settings))
    await site.engine.start()
    watch = asyncio.create_task(site.watch.run())
    server = Server(
        build_api(site),
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        backlog=1024,
        log_enabled=False,
    )
    serving = asyncio.create_task(server.serve())
    beside = asyncio.create_task(_run_beside(site, on_ready))
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    stopped = asyncio.create_task(stopping.wait())
    await asyncio.wait({stopped, serving, watch}, return_when=asyncio.FIRST_COMPLETED)
    for task in (beside, watch):
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    server.stop()
    with suppress(TimeoutError):
        await asyncio.wait_for(serving, 5)
    await site.engine.stop()
    site.stores.database.close()


async def _run_beside(site: Site, on_ready: OnReady | None) -> None:
    await _wait_until_listening(site.settings)
    log.info("listening", host=site.settings.host, port=site.settings.port)
    if on_ready is not None:
        await on_ready(site)


async def _wait_until_listening(settings: Settings) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection(settings.host, settings.port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return


def _make_engine_factory(settings: Settings) -> Callable[[Line, OnFailed], Engine]:
    def make(line: Line, on_failed: OnFailed) -> Engine:
        return DbosEngine(
            line,
            settings.data_dir / "line.sqlite",
            clock=read_clock,
            on_failed=on_failed,
            jobs_at_once=settings.heavy_jobs,
            # What a crash left of images goes before anything runs, and never a live process's; a
            # step fetches again what it lacks.
            on_held=Scratch(settings.scratch_dir).remove_all,
        )

    return make


def require_free_port(settings: Settings) -> None:
    """Raises Rejected where something listens already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise Rejected(
                f"Port {settings.port} of {settings.host} is taken: choose another by --port or "
                "OVERREAD_PORT."
            ) from error
