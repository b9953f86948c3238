"""Bringing the MeshNet weights to this machine, and reading them without running any code."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from overread.vocabulary.errors import Rejected, Unavailable

FOLDER = "model18cls"
DIGESTS = {
    "model.json": "fe0f89503d9f412e6b79a8f55ea0cb074f7c3668e0344ab2e00efc2debec6f6e",
    "model.pth": "0798b61d58626010708284cab719f2674c817c789acb84e8eec5265a46e8fbbc",
}
"""SHA-256 of the files that this model was measured with. `model.pth` is safetensors in spite of
its name: a header in JSON and plain numbers, nothing that could run."""

MAX_BYTES = 16 * 1024**2
REMEDY = (
    "The weights are not installed. Bring them with `overread models install brainchop --from DIR` "
    "(DIR holds model18cls/model.json and model18cls/model.pth of brainchop-models, MIT licence)."
)


def find_missing(models_dir: Path) -> str:
    """ "" where the weights are installed, else the remedy. Digests are checked on loading."""
    folder = models_dir / "brainchop" / FOLDER
    return "" if all((folder / name).is_file() for name in DIGESTS) else REMEDY


def install(source: Path | str, into: Path) -> Path:
    """Copy the weights from a folder or a base URL, after checking their digests.

    Args:
        source: folder or http(s) address that holds `model18cls/` (or is it).
        into: folder of installed weights.

    Returns:
        The folder in which they now lie.

    Raises:
        Rejected: a file is absent, too large, or not the one whose digest is known.
        Unavailable: the address does not answer.
    """
    files = {name: _fetch(str(source), name) for name in DIGESTS}
    for name, data in files.items():
        _check(name, data)
    folder = into / "brainchop" / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        part = folder / f"{name}.part"
        part.write_bytes(data)
        part.replace(folder / name)
    return folder


def load_weights(models_dir: Path) -> tuple[dict[str, Any], dict[str, NDArray[np.float32]]]:
    """The architecture and the tensors, checked against their digests.

    Raises:
        Rejected: not installed, or another file than the known one.
    """
    if missing := find_missing(models_dir):
        raise Rejected(missing)
    folder = models_dir / "brainchop" / FOLDER
    data = {name: (folder / name).read_bytes() for name in DIGESTS}
    for name, content in data.items():
        _check(name, content)
    try:
        tensors = load(data["model.pth"])
    except SafetensorError as error:
        raise Rejected("model.pth is not in the safetensors form.") from error
    architecture: dict[str, Any] = json.loads(data["model.json"])
    return architecture, tensors


def _check(name: str, data: bytes) -> None:
    found = hashlib.sha256(data).hexdigest()
    if found != DIGESTS[name]:
        raise Rejected(
            f"{name} has the SHA-256 {found}, and the measured one is {DIGESTS[name]}: it is "
            "another version, or damaged. It was not used."
        )


def _fetch(source: str, name: str) -> bytes:
    if source.startswith(("http://", "https://")):
        return _download(f"{source.rstrip('/')}/{FOLDER}/{name}")
    folder = Path(source).expanduser()
    for path in (folder / FOLDER / name, folder / name):
        if path.is_file():
            if path.stat().st_size > MAX_BYTES:
                raise Rejected(f"{name} has more than {MAX_BYTES} bytes: not the known file.")
            return path.read_bytes()
    raise Rejected(f"{source} holds no {FOLDER}/{name}.")


def _download(url: str) -> bytes:
    # Only where a person asked for an address: the client is not loaded otherwise.
    import httpx  # noqa: PLC0415

    try:
        with httpx.stream("GET", url, follow_redirects=True, timeout=30) as answer:
            answer.raise_for_status()
            data = bytearray()
            for chunk in answer.iter_bytes():
                data += chunk
                if len(data) > MAX_BYTES:
                    raise Rejected(f"{url} sends more than {MAX_BYTES} bytes: not the known file.")
            return bytes(data)
    except httpx.HTTPStatusError as error:
        raise Rejected(f"{url} answered {error.response.status_code}.") from error
    except httpx.HTTPError as error:
        raise Unavailable(f"{url} does not answer ({type(error).__name__}).") from error
