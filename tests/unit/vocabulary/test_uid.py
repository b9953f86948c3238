from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.vocabulary.errors import Rejected
from overread.vocabulary.uid import derive_uid, parse_uid


@given(st.lists(st.text(max_size=40), max_size=6))
def test_derived_uids_are_well_formed_and_repeatable(parts: list[str]) -> None:
    uid = derive_uid(*parts)
    assert parse_uid(uid) == uid
    assert uid.startswith("2.25.")
    assert derive_uid(*parts) == uid


def test_parts_are_not_merely_joined() -> None:
    assert derive_uid("a", "bc") != derive_uid("ab", "c")


@pytest.mark.parametrize(
    "text", ["", "1", "1.", ".1", "1..2", "1.02", "1.2.a", "1.2 ", "1." + "2" * 64, "1.2\n"]
)
def test_refuses_what_ps3_5_refuses(text: str) -> None:
    with pytest.raises(Rejected, match=r"PS3\.5"):
        parse_uid(text)


@pytest.mark.parametrize("text", ["1.2", "0.0", "1.2.840.10008.1.1", "1." + "2" * 62])
def test_takes_what_ps3_5_allows(text: str) -> None:
    assert parse_uid(text) == text
