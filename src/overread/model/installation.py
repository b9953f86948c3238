"""Where installed weights lie. Weights that may not be shipped are brought by the site once."""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "OVERREAD_MODELS_DIR"


def find_models_dir() -> Path:
    """The folder of installed weights: OVERREAD_MODELS_DIR, else `models` in the data folder."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named).expanduser().resolve()
    data = os.environ.get("OVERREAD_DATA_DIR") or "~/.local/share/overread"
    return Path(data).expanduser().resolve() / "models"
