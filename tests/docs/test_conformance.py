"""The statement of transfer syntaxes says what the decoder does."""

from __future__ import annotations

import re
from pathlib import Path

from overread.study.part10 import MAX_DEPTH
from overread.study.pixels.decode import LOSSY_SYNTAXES, READABLE_SYNTAXES

STATEMENT = Path(__file__).parents[2] / "docs" / "conformance.md"


def test_the_table_of_transfer_syntaxes_is_the_decoders() -> None:
    text = STATEMENT.read_text(encoding="utf-8")
    rows = re.findall(r"^\| .+ \| `([0-9.]+)` \| (reversible|marked lossy) \|$", text, re.M)
    assert dict(rows) == {
        str(uid): "marked lossy" if uid in LOSSY_SYNTAXES else "reversible"
        for uid in READABLE_SYNTAXES
    }
    assert len(rows) == len(READABLE_SYNTAXES)
    assert f"more than {MAX_DEPTH} deep" in text
