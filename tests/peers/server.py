"""`overread serve` as a process of its own, on a free port, with a data folder of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

_READY_SECONDS = 60.0

POLICY = """version = "test 1"

[models.head-ct-hyperdensity]
phase = "automatic"
note = "test, no checkpoint"
audience = ["reader", "referring", "administrator"]
stores_to_archive = true

[models.brain-mr-volumes]
phase = "automatic"
note = "test, no checkpoint"
audience = ["reader", "referring", "administrator"]
stores_to_archive = true
"""


@dataclass(slots=True)
class OverreadServer:
    """A running server and what is needed to talk to it.

    Attributes:
        url: without a trailing slash.
        environment: settings of its processes beside those made here.
    """

    url: str
    data_dir: Path
    environment: dict[str, str]
    log_file: Path
    users: dict[str, str] = field(default_factory=dict)
    """Names and passwords of those added by `add_user`."""
    process: subprocess.Popen[bytes] | None = None

    def command(self, *arguments: str, answer: str = "") -> str:
        """Run `overread …` with this server's settings and return what it printed; fails the test
        where it fails."""
        done = subprocess.run(
            [sys.executable, "-m", "overread", *arguments],
            env=self._whole_environment(),
            input=answer,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode != 0:
            pytest.fail(f"overread {arguments[0]} ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def add_user(self, name: str, roles: Sequence[str]) -> str:
        """Add a local user, whose password is then in `users`; returns a bearer token of theirs."""
        password = f"correct horse {name}"
        flags = [flag for role in roles for flag in ("--role", role)]
        self.command("users", "add", name, *flags, answer=f"{password}\n")
        self.users[name] = password
        return self.command("users", "token", name).strip()

    def client(self, token: str, timeout_seconds: float = 60.0) -> httpx.Client:
        """A program's HTTP client."""
        return httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=timeout_seconds,
        )

    def start(self) -> None:
        """Start it and wait until it answers; fails the test with its log where it does not."""
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "overread", "serve"],
                env=self._whole_environment(),
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        end = time.monotonic() + _READY_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            try:
                if httpx.get(f"{self.url}/healthz").status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        pytest.fail(f"The server did not get ready. Its log:\n{self.read_log()}")

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End it as an administrator would."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.kill()
            pytest.fail(f"The server did not stop when asked to. Its log:\n{self.read_log()}")

    def read_log(self) -> str:
        """The last of what it logged."""
        return self.log_file.read_text(errors="replace")[-6000:]

    def _whole_environment(self) -> dict[str, str]:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("OVERREAD_")}
        return {**inherited, **self.environment}


@contextmanager
def run_server(folder: Path, **settings: str) -> Iterator[OverreadServer]:
    """Start a server that keeps everything in `folder`.

    Args:
        settings: by their names in `app/settings.py`, e.g. `archive="http://127.0.0.1:1/dicom-web"`.
    """
    server = prepare_server(folder, **settings)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def prepare_server(folder: Path, **settings: str) -> OverreadServer:
    """As `run_server`, not yet started: for users that must be there before."""
    data_dir = folder / "data"
    data_dir.mkdir(parents=True, exist_ok=True)
    (data_dir / "policy.toml").write_text(POLICY, encoding="utf-8")
    port = find_free_port()
    environment = {
        "OVERREAD_DATA_DIR": str(data_dir),
        "OVERREAD_HOST": "127.0.0.1",
        "OVERREAD_PORT": str(port),
        **{f"OVERREAD_{name.upper()}": value for name, value in settings.items()},
    }
    return OverreadServer(
        url=f"http://127.0.0.1:{port}",
        data_dir=data_dir,
        environment=environment,
        log_file=folder / "server.log",
    )


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
