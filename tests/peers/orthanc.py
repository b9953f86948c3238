"""Orthanc, a real PACS, on loopback and free ports for the length of a test."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

_READY_SECONDS = 60.0
_PLUGIN = "libOrthancDicomWeb.so"


@dataclass(frozen=True, slots=True)
class Orthanc:
    """A running server.

    Attributes:
        dicomweb_url: base of its DICOMweb services, without a trailing slash.
        rest_url: base of its own REST interface.
        dicom_port: of its C-STORE SCP; `aet` is its AE title.
    """

    dicomweb_url: str
    rest_url: str
    dicom_port: int
    aet: str
    log_file: Path

    def clear(self) -> None:
        """Remove all studies."""
        for patient in httpx.get(f"{self.rest_url}/patients").json():
            httpx.delete(f"{self.rest_url}/patients/{patient}").raise_for_status()


@contextmanager
def run_orthanc(folder: Path) -> Iterator[Orthanc]:
    """Start Orthanc with its DICOMweb plug-in in a folder; fails the test with its log where it
    can't be started."""
    program = shutil.which("Orthanc") or shutil.which("Orthanc", path="/usr/sbin:/usr/local/sbin")
    plugin = _find_plugin()
    if program is None or plugin is None:
        pytest.fail(
            "Orthanc or its DICOMweb plug-in is not installed: "
            "`apt-get install orthanc orthanc-dicomweb`."
        )
    http_port, dicom_port = _find_free_ports(2)
    configuration = folder / "orthanc.json"
    configuration.write_text(json.dumps(_configure(folder, plugin, http_port, dicom_port)))
    log_file = folder / "orthanc.log"
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            [program, str(configuration)],
            stdout=log,
            stderr=subprocess.STDOUT,
            # Without it every C-STORE answer waits 40 ms for a delayed acknowledgement.
            env={**os.environ, "TCP_NODELAY": "1"},
        )
    rest_url = f"http://127.0.0.1:{http_port}"
    server = Orthanc(f"{rest_url}/dicom-web", rest_url, dicom_port, "ORTHANC", log_file)
    try:
        _wait_until_ready(server, process)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _configure(folder: Path, plugin: Path, http_port: int, dicom_port: int) -> dict[str, object]:
    return {
        "Name": "peer",
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "storage"),
        "HttpPort": http_port,
        "HttpBindAddresses": ["127.0.0.1"],
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "DicomServerEnabled": True,
        "DicomPort": dicom_port,
        "DicomAet": "ORTHANC",
        "DicomCheckCalledAet": False,
        "DicomAlwaysAllowEcho": True,
        "DicomAlwaysAllowStore": True,
        "DicomAlwaysAllowFind": True,
        "DicomAlwaysAllowMove": True,
        "OverwriteInstances": True,
        "StableAge": 1,
        "Plugins": [str(plugin)],
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "Ssl": False},
    }


def _find_plugin() -> Path | None:
    for folder in (
        "/usr/share/orthanc/plugins",
        "/usr/lib/orthanc",
        "/usr/local/share/orthanc/plugins",
    ):
        path = Path(folder) / _PLUGIN
        if path.exists():
            return path
    return None


def _find_free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for item in sockets:
            item.bind(("127.0.0.1", 0))
        return [int(item.getsockname()[1]) for item in sockets]
    finally:
        for item in sockets:
            item.close()


def _wait_until_ready(server: Orthanc, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _READY_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        try:
            if httpx.get(f"{server.dicomweb_url}/studies?limit=1").status_code in (200, 204):
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    log = server.log_file.read_text(errors="replace")[-4000:]
    pytest.fail(f"Orthanc did not get ready within {_READY_SECONDS:.0f} s. Its log:\n{log}")
