"""Where images lie while a model reads them, and not a moment longer."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Scratch:
    """One folder a job below `root`, named by a digest so that no identifier becomes a path."""

    root: Path

    def input_folder(self, job_id: str) -> Path:
        return self._folder(job_id) / "input"

    def work_folder(self, job_id: str) -> Path:
        return self._folder(job_id) / "work"

    def make_empty(self, folder: Path) -> Path:
        """The folder, readable by its owner alone, with nothing in it."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, mode=0o700)
        return folder

    def remove(self, job_id: str) -> None:
        """Take the job's images away; absent already is well."""
        shutil.rmtree(self._folder(job_id), ignore_errors=True)

    def remove_all(self) -> None:
        """What a crash left behind: called before anything runs."""
        shutil.rmtree(self.root, ignore_errors=True)
        self.root.mkdir(parents=True, mode=0o700)

    def _folder(self, job_id: str) -> Path:
        return self.root / hashlib.sha256(job_id.encode()).hexdigest()[:24]
