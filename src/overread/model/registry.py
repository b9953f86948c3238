"""The models of this machine: plug-ins found by entry point, and card files of a site's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from overread.model.card import ModelCard
from overread.model.card_file import read_card_file
from overread.model.prediction import Plugin
from overread.vocabulary.errors import NotFound, OverreadError

GROUP = "overread.models"

_PLUGIN_FAILURES = (
    OverreadError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    NameError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)
"""What a stranger's module may raise while it is imported: it is reported and left out."""


class ModelKind(StrEnum):
    PLUGIN = "plugin"
    """Python, named by an entry point."""
    ONNX = "onnx"
    """An ONNX file, described by a card file."""
    COMMAND = "command"
    """A program, described by a card file."""


@dataclass(frozen=True, slots=True)
class RegisteredModel:
    """One model and how it is started.

    Attributes:
        source: `module:function` of a plug-in, the card file's path of the others.
        missing: "" where it can run, else what is missing and how to install it.
    """

    card: ModelCard
    kind: ModelKind
    source: str
    missing: str = ""

    @property
    def is_available(self) -> bool:
        return not self.missing


@dataclass(frozen=True, slots=True)
class RegistryProblem:
    """A plug-in or card file that was left out, and why."""

    name: str
    message: str


@dataclass(frozen=True, slots=True)
class Registry:
    """All models found, by name, and what could not be taken."""

    models: tuple[RegisteredModel, ...]
    problems: tuple[RegistryProblem, ...] = ()

    def find_model(self, name: str) -> RegisteredModel:
        """Raises NotFound."""
        model = next((model for model in self.models if model.card.ref.name == name), None)
        if model is None:
            known = ", ".join(model.card.ref.name for model in self.models) or "none"
            raise NotFound(f"No model is named {name[:80]!r}; there are: {known}.")
        return model

    def find(self, name: str) -> ModelCard:
        """Raises NotFound where no model of this name is registered."""
        return self.find_model(name).card

    def list_ready(self) -> tuple[ModelCard, ...]:
        """Cards of the models that can run now, by name."""
        return tuple(model.card for model in self.models if model.is_available)

    def list_cards(self) -> tuple[ModelCard, ...]:
        """All cards, by name; those whose weights are missing too."""
        return tuple(model.card for model in self.models)


def read_registry(
    models_dir: Path,
    cards_dir: Path | None = None,
    points: Iterable[EntryPoint] | None = None,
) -> Registry:
    """Find all models. What is broken is reported and left out; nothing stops the others.

    Args:
        models_dir: folder of installed weights.
        cards_dir: folder of card files (*.toml), which need not exist.
        points: entry points to read instead of the installed ones.
    """
    models: dict[str, RegisteredModel] = {}
    problems: list[RegistryProblem] = []
    named = entry_points(group=GROUP) if points is None else points
    for point in sorted(named, key=lambda point: point.name):
        _take(models, problems, point.name, partial(_read_plugin, point, models_dir))
    if cards_dir is not None and cards_dir.is_dir():
        for path in sorted(cards_dir.glob("*.toml")):
            _take(models, problems, path.name, partial(read_card_model, path))
    ordered = sorted(models.values(), key=lambda model: model.card.ref.name)
    return Registry(tuple(ordered), tuple(problems))


def read_card_model(path: Path) -> RegisteredModel:
    """A model from its card file.

    Raises:
        Rejected: as `card_file.read_card_file`.
    """
    described = read_card_file(path)
    kind = ModelKind.ONNX if described.onnx is not None else ModelKind.COMMAND
    return RegisteredModel(described.card, kind, str(path.resolve()), described.find_missing())


def _read_plugin(point: EntryPoint, models_dir: Path) -> RegisteredModel:
    plugin = point.load()()
    if not isinstance(plugin, Plugin):
        raise TypeError(
            f"{point.value} returned {type(plugin).__name__}; an entry point of {GROUP} names a "
            "function without arguments that returns a Plugin."
        )
    return RegisteredModel(
        plugin.card, ModelKind.PLUGIN, point.value, plugin.find_missing(models_dir)
    )


def _take(
    models: dict[str, RegisteredModel],
    problems: list[RegistryProblem],
    name: str,
    read: Callable[[], RegisteredModel],
) -> None:
    try:
        model = read()
    except _PLUGIN_FAILURES as error:
        message = error.message if isinstance(error, OverreadError) else str(error)
        problems.append(RegistryProblem(name, f"{type(error).__name__}: {message}"))
        return
    if model.card.ref.name in models:
        problems.append(
            RegistryProblem(name, f"Another model is named {model.card.ref.name}: rename one.")
        )
        return
    models[model.card.ref.name] = model
