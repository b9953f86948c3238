"""`overread models`: what is registered, what can be installed, what a maker must mend."""

from __future__ import annotations

import asyncio
from pathlib import Path

from overread.adapters.runner.checking import test_model as run_checks
from overread.app.settings import Settings
from overread.app.terminal import say
from overread.model.registry import read_card_model, read_registry
from overread.vocabulary.errors import NotFound
from overread_models.brain_mr_volumes.weights import install as install_brainchop


def list_models(settings: Settings) -> int:
    """Print every model with its honest status; 1 where a card or plug-in is broken."""
    registry = read_registry(settings.models_dir, settings.cards_dir)
    for model in registry.models:
        card = model.card
        say(f"{card.ref.name} {card.ref.version}  [{card.status}]  {card.title}")
        say(f"    {card.intended_use}")
        if not model.is_available:
            say(f"    not ready: {model.missing}")
    for problem in registry.problems:
        say(f"{problem.name}: left out: {problem.message}")
    return 1 if registry.problems else 0


def install_model(settings: Settings, name: str, source: str) -> int:
    """Install weights that may not be shipped with Overread, from a folder or a URL."""
    if name != "brainchop":
        raise NotFound(f"Nothing called {name!r} can be installed; known: brainchop.")
    say(f"Installed: {install_brainchop(source, settings.models_dir)}")
    return 0


def test_model(settings: Settings, card: str, data: Path) -> int:
    """Run the checks on a card file or a registered model; 1 where one fails."""
    path = Path(card)
    if path.suffix == ".toml" or path.exists():
        model = read_card_model(path)
    else:
        model = read_registry(settings.models_dir, settings.cards_dir).find_model(card)
    report = asyncio.run(run_checks(model, data, settings.models_dir))
    for line in report.checks:
        say(f"{'ok    ' if line.is_passed else 'FAILED'}  {line.name}: {line.detail}")
    return 0 if report.is_passed else 1
