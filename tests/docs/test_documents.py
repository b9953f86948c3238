"""What the documents say holds: blocks run, links lead somewhere, settings and goals exist."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from overread.app.settings import SETTINGS

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "web").glob("*.md")]
)
BLOCK = re.compile(r"^```(?P<language>\w+) test\n(?P<text>.*?)^```$", re.M | re.S)
ANY_BLOCK = re.compile(r"^```.*?^```$", re.M | re.S)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
GOAL = re.compile(r"make ([a-z][a-z-]*)")


@dataclass(frozen=True)
class Block:
    document: Path
    line: int
    language: str
    text: str


def find_blocks() -> Iterator[Block]:
    for document in DOCUMENTS:
        whole = document.read_text(encoding="utf-8")
        for match in BLOCK.finditer(whole):
            line = whole.count("\n", 0, match.start()) + 1
            yield Block(document, line, match["language"], match["text"])


def name(value: object) -> str:
    if isinstance(value, Block):
        return f"{value.document.relative_to(ROOT)}:{value.line}"
    return str(Path(str(value)).relative_to(ROOT))


@pytest.mark.parametrize("block", list(find_blocks()), ids=name)
def test_block_runs(block: Block, tmp_path: Path) -> None:
    """A block whose fence says `test` is run in an empty folder, with an empty home."""
    commands = {
        "sh": ["bash", "-euo", "pipefail", "-c"],
        "python": [sys.executable, "-c"],
    }
    assert block.language in commands, f"{name(block)}: sh or python, not {block.language}"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OVERREAD_")}
    for kept in ("OVERREAD_TEST_DATA",):
        if kept in os.environ:
            environment[kept] = os.environ[kept]
    environment |= {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "OVERREAD_DATA_DIR": str(tmp_path / "data"),
    }
    done = subprocess.run(
        [*commands[block.language], block.text],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, f"{name(block)}\n{done.stdout}\n{done.stderr}"


def find_anchors(document: Path) -> set[str]:
    """Headings as GitHub names them."""
    text = ANY_BLOCK.sub("", document.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_links_lead_somewhere(document: Path) -> None:
    text = ANY_BLOCK.sub("", document.read_text(encoding="utf-8"))
    broken = []
    for target in LINK.findall(text):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        file = (document.parent / path).resolve() if path else document
        if not file.exists() or (anchor and anchor not in find_anchors(file)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_goals_of_make_exist(document: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    goals = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.M))
    text = document.read_text(encoding="utf-8")
    inline = re.findall(r"`([^`\n]+)`", text) + ANY_BLOCK.findall(text)
    named = {goal for code in inline for goal in GOAL.findall(code)}
    assert named <= goals


def test_every_setting_has_its_heading_and_default() -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## `(OVERREAD_[A-Z_]+)`$", text, re.M)
    assert headings == [setting.variable for setting in SETTINGS]
    for setting in SETTINGS:
        part = text.split(f"## `{setting.variable}`\n", 1)[1].split("\n## ", 1)[0]
        assert setting.help in part
        if setting.default:
            assert f"`{setting.default}`" in part


def test_the_two_commands_stand_in_the_first_lines() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:30]
    assert "make demo" in lines
    assert "make test" in lines
