from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.access.role import Role
from overread.governance.phase import Phase
from overread.governance.policy_text import parse_policy
from overread.vocabulary.errors import Rejected

GOOD = """
version = "2026-11-01"
[models.head-ct-hyperdensity]
phase = "automatic"
note = "demonstration, no checkpoint"
audience = ["reader", "administrator"]
stores_to_archive = true
"""


def test_reads_every_key() -> None:
    policy = parse_policy(GOOD)
    (rule,) = policy.rules
    assert policy.version == "2026-11-01"
    assert rule.model_name == "head-ct-hyperdensity"
    assert rule.phase is Phase.AUTOMATIC
    assert rule.note == "demonstration, no checkpoint"
    assert rule.audience == {Role.READER, Role.ADMINISTRATOR}
    assert rule.stores_to_archive


def test_what_is_not_said_is_denied() -> None:
    (rule,) = parse_policy('version = "1"\n[models.x]\nphase = "optional"').rules
    assert not rule.audience
    assert not rule.stores_to_archive


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("version = ", "TOML"),
        ("", "version"),
        ('version = "1"\nphases = 3', "phases"),
        ('version = "1"\nmodels = 3', "tables"),
        ('version = "1"\n[models.x]\nphase = "loud"', "loud"),
        ('version = "1"\n[models.x]\nphase = "silent"\naudience = ["god"]', "audience"),
        ('version = "1"\n[models.x]\nphase = "silent"\nstores_to_archive = "yes"', "true or false"),
        ('version = "1"\n[models.x]\nphase = "silent"\nthreshold = 1', "threshold"),
    ],
)
def test_says_which_key_is_wrong(text: str, named: str) -> None:
    with pytest.raises(Rejected, match=named):
        parse_policy(text)


@given(st.text(max_size=200))
def test_any_text_is_a_policy_or_a_clear_refusal(text: str) -> None:
    try:
        parse_policy(text)
    except Rejected as error:
        assert error.message  # noqa: PT017 - either outcome is right, silence is not
