"""Models are found, and a broken one hinders no other."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import pytest
from test_card_file import COMMAND, HEAD, ONNX

from overread.model.registry import GROUP, ModelKind, read_registry
from overread.vocabulary.errors import NotFound

MODULE = """
from dataclasses import replace
from pathlib import Path
from overread.model.card_file import read_card_file
from overread.model.prediction import Plugin

CARD = read_card_file(Path(__file__).parent / "cards" / "a.toml").card
CARD = replace(CARD, ref=replace(CARD.ref, name="plug"))

def plugin():
    return Plugin(CARD, lambda: None)

def weightless():
    def find_missing(folder):
        return "" if (folder / "w").exists() else "Install w."
    card = replace(CARD, ref=replace(CARD.ref, name="weightless"))
    return Plugin(card, lambda: None, find_missing)

def wrong():
    return 3

def failing():
    raise RuntimeError("no licence")
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    cards = tmp_path / "cards"
    cards.mkdir()
    (cards / "model.onnx").write_bytes(b"")
    (cards / "run.sh").write_bytes(b"")
    (cards / "a.toml").write_text(HEAD + ONNX, encoding="utf-8")
    (tmp_path / "stranger.py").write_text(MODULE, encoding="utf-8")
    (tmp_path / "broken.py").write_text("import no_such_module_anywhere", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "stranger", raising=False)
    return tmp_path


def points(*values: str) -> list[EntryPoint]:
    return [EntryPoint(value.replace(":", "-"), value, GROUP) for value in values]


def test_plugins_and_card_files_are_found(folder: Path) -> None:
    registry = read_registry(folder, folder / "cards", points("stranger:plugin"))
    assert [model.card.ref.name for model in registry.models] == ["bright-things", "plug"]
    assert [model.kind for model in registry.models] == [ModelKind.ONNX, ModelKind.PLUGIN]
    assert registry.find("plug").title == "Bright things"
    assert registry.find_model("plug").source == "stranger:plugin"
    assert registry.problems == ()
    with pytest.raises(NotFound, match="bright-things, plug"):
        registry.find("other")


def test_what_is_broken_is_reported_and_hinders_nothing(folder: Path) -> None:
    (folder / "cards" / "b.toml").write_text("name = 3", encoding="utf-8")
    registry = read_registry(
        folder,
        folder / "cards",
        points(
            "broken:plugin",
            "stranger:plugin",
            "stranger:wrong",
            "stranger:failing",
            "stranger:absent",
        ),
    )
    assert [card.ref.name for card in registry.list_cards()] == ["bright-things", "plug"]
    said = {problem.name: problem.message for problem in registry.problems}
    assert said["broken-plugin"].startswith("ModuleNotFoundError")
    assert "function without arguments" in said["stranger-wrong"]
    assert "no licence" in said["stranger-failing"]
    assert said["stranger-absent"].startswith("AttributeError")
    assert "b.toml" in said


def test_missing_weights_leave_the_card_and_say_the_remedy(folder: Path) -> None:
    registry = read_registry(folder, None, points("stranger:weightless"))
    assert registry.list_ready() == ()
    (model,) = registry.models
    assert not model.is_available
    assert model.missing == "Install w."
    (folder / "w").touch()
    assert len(read_registry(folder, None, points("stranger:weightless")).list_ready()) == 1


def test_two_models_of_one_name_are_reported(folder: Path) -> None:
    (folder / "cards" / "b.toml").write_text(HEAD + COMMAND, encoding="utf-8")
    registry = read_registry(folder, folder / "cards", ())
    assert len(registry.models) == 1
    assert "Another model is named bright-things" in registry.problems[0].message


def test_the_bundled_models_are_registered() -> None:
    names = {point.name for point in entry_points(group=GROUP)}
    assert {"head-ct-hyperdensity", "brain-mr-volumes"} <= names
