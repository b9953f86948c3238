"""Phases of a model at a site, from unseen to acting by itself."""

from __future__ import annotations

from enum import StrEnum


class Phase(StrEnum):
    SILENT = "silent"
    OPTIONAL = "optional"
    PASSIVE = "passive"
    AUTOMATIC = "automatic"
