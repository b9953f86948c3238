"""The models that a site has, as far as the line must know them."""

from __future__ import annotations

from typing import Protocol

from overread.model.card import ModelCard


class Models(Protocol):
    def find(self, name: str) -> ModelCard:
        """Raises NotFound where no model of this name is registered."""
        ...

    def list_ready(self) -> tuple[ModelCard, ...]:
        """Cards whose weights are installed, by name."""
        ...
