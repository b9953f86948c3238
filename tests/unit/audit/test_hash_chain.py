"""The chain finds what was changed, and where."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.audit.event import AuditAction, AuditEvent, Outcome, SealedEvent
from overread.audit.hash_chain import FIRST_HASH, Broken, Intact, hash_event, seal, verify


def make_chain(length: int) -> list[SealedEvent]:
    chain: list[SealedEvent] = []
    for sequence in range(1, length + 1):
        event = AuditEvent(
            sequence=sequence,
            occurred_at=f"2026-01-02T03:04:{sequence:02d}+00:00",
            actor="anna",
            action=AuditAction.STUDY_OPENED.value,
            outcome=Outcome.SUCCESS.value,
            study_instance_uid=f"1.2.{sequence}",
            detail={"n": sequence, "wort": "größe"},
        )
        chain.append(seal(event, chain[-1].hash if chain else FIRST_HASH))
    return chain


def test_hash_is_sha256_of_canonical_json() -> None:
    event = AuditEvent(1, "T", "a", "signed in", "success", None, {"b": 1, "a": "é"})
    text = (
        '{"action":"signed in","actor":"a","detail":{"a":"\\u00e9","b":1},"occurred_at":"T",'
        f'"outcome":"success","previous_hash":"{FIRST_HASH}","sequence":1,'
        '"study_instance_uid":null}'
    )
    assert hash_event(event, FIRST_HASH) == hashlib.sha256(text.encode()).hexdigest()


def test_untouched_chain_is_intact() -> None:
    chain = make_chain(5)
    assert verify(chain) == Intact(5, chain[-1].hash)
    assert verify([]) == Intact(0, FIRST_HASH)


def test_pieces_verify_as_the_whole_does() -> None:
    chain = make_chain(6)
    first = verify(chain[:4])
    assert isinstance(first, Intact)
    assert verify(chain[4:], first.last_hash, first.length) == verify(chain)


@given(
    length=st.integers(1, 8),
    place=st.integers(0, 7),
    change=st.sampled_from(["actor", "action", "outcome", "occurred_at", "study", "detail"]),
)
def test_any_change_is_found_at_its_place(length: int, place: int, change: str) -> None:
    chain = make_chain(length)
    index = place % length
    event = chain[index].event
    changed = {
        "actor": replace(event, actor="eve"),
        "action": replace(event, action="audit read"),
        "outcome": replace(event, outcome="failure"),
        "occurred_at": replace(event, occurred_at="2026-01-02T03:04:59+00:00"),
        "study": replace(event, study_instance_uid=None),
        "detail": replace(event, detail={**event.detail, "n": -1}),
    }[change]
    chain[index] = replace(chain[index], event=changed)
    verdict = verify(chain)
    assert isinstance(verdict, Broken)
    assert verdict.sequence == index + 1


@pytest.mark.parametrize("index", [0, 1, 3])
def test_removed_event_is_found(index: int) -> None:
    chain = make_chain(5)
    del chain[index]
    verdict = verify(chain)
    assert isinstance(verdict, Broken)
    assert verdict.sequence == index + 1


def test_resealed_forgery_breaks_the_next_event() -> None:
    chain = make_chain(4)
    forged = replace(chain[1].event, actor="eve")
    chain[1] = seal(forged, chain[0].hash)
    verdict = verify(chain)
    assert isinstance(verdict, Broken)
    assert verdict.sequence == 3


def test_swapped_events_are_found() -> None:
    chain = make_chain(4)
    chain[1], chain[2] = chain[2], chain[1]
    assert isinstance(verify(chain), Broken)
