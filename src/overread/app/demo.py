"""`overread demo`: a whole gateway with a synthetic patient, and nobody else's data."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from overread.adapters.identity.local import DemoUser
from overread.app.importing import collect_files, receive_paths
from overread.app.serving import require_free_port, serve
from overread.app.settings import Settings, read_settings
from overread.app.terminal import say
from overread.app.wiring import Site, open_stores
from overread_phantom.bleed import BleedKind, BleedRequest
from overread_phantom.dicom import write_study
from overread_phantom.head import make_head

_POLICY = """# The policy of the demonstration: the bundled models act by themselves, which at a
# hospital needs a checkpoint with evidence and two signatures.
version = "demonstration 1"

[models.head-ct-hyperdensity]
phase = "automatic"
note = "demonstration, no checkpoint"
audience = ["reader", "referring", "administrator"]
stores_to_archive = true

[models.brain-mr-volumes]
phase = "automatic"
note = "demonstration, no checkpoint"
audience = ["reader", "referring", "administrator"]
stores_to_archive = true
"""


@dataclass(frozen=True, slots=True)
class _Patient:
    """Somebody who never was: the same seed gives the same files, so nothing comes twice."""

    name: str
    seed: int
    bleeds: tuple[BleedRequest, ...]

    def write(self, folder: Path) -> list[Path]:
        head = make_head(self.seed, self.bleeds)
        return write_study(head, folder / str(self.seed), name=self.name)


_PATIENTS = (
    _Patient("SYNTHETIC^ONE", 7, ()),
    _Patient("SYNTHETIC^TWO", 11, (BleedRequest(BleedKind.INTRAPARENCHYMAL, 18.0, side="right"),)),
    _Patient("SYNTHETIC^THREE", 23, (BleedRequest(BleedKind.SUBDURAL, 30.0, side="left"),)),
)


def run_demo(data: Path | None, data_dir: Path | None, host: str, port: int) -> int:
    """Start the demonstration and say what to try."""
    folder = (data_dir or Path("~/.local/share/overread-demo")).expanduser().resolve()
    environment = {
        **os.environ,
        "OVERREAD_DATA_DIR": str(folder),
        "OVERREAD_HOST": host,
        "OVERREAD_PORT": str(port),
        "OVERREAD_LOG_LEVEL": os.environ.get("OVERREAD_LOG_LEVEL", "warning"),
    }
    settings = read_settings(environment)
    require_free_port(settings)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not settings.policy_file.exists():
        settings.policy_file.write_text(_POLICY, encoding="utf-8")
    users = asyncio.run(_seed_users(settings))
    files = collect_files([data]) if data is not None else None

    async def begin(site: Site) -> None:
        _say_welcome(settings, users, data)
        await _fill(site, files)

    return serve(settings, on_ready=begin)


async def _seed_users(settings: Settings) -> list[DemoUser]:
    """The same passwords at every start, kept beside the data for their owner alone."""
    kept = settings.data_dir / "demo-users.json"
    passwords = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else None
    stores = open_stores(settings)
    try:
        users = await stores.identity.seed_demo_users(passwords)
    finally:
        stores.database.close()
    descriptor = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump({user.name: user.password for user in users}, file)
    return users


async def _fill(site: Site, files: Sequence[Path] | None) -> None:
    """Bring in the given files, or the synthetic patients where the archive knows none yet."""
    if files is not None:
        report = await receive_paths(
            site.stores,
            site.archive,
            files,
            "demo --data",
            site.take,
            max_instance_bytes=site.settings.max_instance_bytes,
        )
        say(f"Took {len(report.stored)} images in; {len(report.failures)} files were refused.")
        return
    rows, _ = await site.stores.worklist.list_rows(1)
    if rows:
        return
    with tempfile.TemporaryDirectory(dir=site.scratch.root, prefix="demo-") as folder:
        say("Making synthetic patients (some seconds each) ...")
        for patient in _PATIENTS:
            files = await asyncio.to_thread(patient.write, Path(folder))
            await receive_paths(
                site.stores,
                site.archive,
                files,
                "demo",
                site.take,
                max_instance_bytes=site.settings.max_instance_bytes,
            )
    say("They are in the worklist; the analysis runs by itself.")


def _say_welcome(settings: Settings, users: Sequence[DemoUser], data: Path | None) -> None:
    shown = "your files" if data else "three synthetic head CTs, two with a simulated bleed"
    say()
    say(f"  Overread demonstration: http://{settings.host}:{settings.port}")
    say()
    say("  Sign in as           password")
    for user in users:
        say(f"    {user.name:18} {user.password:20} {user.display_name}")
    say()
    say(f"  In the worklist: {shown}.")
    say("  Try: open the flagged study, press N for the next finding, hold A for the bare image,")
    say("  press Enter to accept or Backspace to reject, E to adjust, ? for all keys.")
    say("  The models are demonstrations and no medical devices. Ctrl-C ends it.")
    say()
