"""The one order of the worklist."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from overread.access.role import Principal, Role
from overread.worklist.ranking import AGEING, rank
from overread.worklist.row import Flag, Mark, Released, Row
from overread.worklist.showing import ShownRow, show

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
READER = Principal("reader", "Reader", frozenset({Role.READER}))


def make(
    uid: str, minutes: int, priority: str = "routine", flagged: bool = False, rejected: bool = False
) -> ShownRow:
    flag = Flag("1.8", "1.9", "text", "finding", 0.9, None, "m", "1", "research")
    row = Row(
        study_instance_uid=uid,
        received_at=(NOW - timedelta(minutes=minutes)).isoformat(),
        priority=priority,
        is_complete=True,
        results=(Released("1.8", "1.2", "m", "automatic", None, (flag,), None),) if flagged else (),
        marks=(Mark("1.8", "1.9", "reject", "anna"),) if rejected else (),
    )
    return show(row, READER)


def order(*rows: ShownRow) -> list[str]:
    return [shown.row.study_instance_uid for shown in rank(rows, NOW)]


def test_critical_then_priority_then_waiting() -> None:
    rows = (
        make("1.1", 10),
        make("1.2", 20),
        make("1.3", 1, "stat"),
        make("1.4", 1, "high"),
        make("1.5", 0, flagged=True),
    )
    assert order(*rows) == ["1.5", "1.3", "1.4", "1.2", "1.1"]


def test_rejected_flag_ranks_as_none() -> None:
    rows = (make("1.1", 5, flagged=True, rejected=True), make("1.2", 6))
    assert order(*rows) == ["1.2", "1.1"]


def test_long_wait_lifts_a_study_but_never_past_a_critical_one() -> None:
    waited = int(AGEING.total_seconds() // 60)
    assert order(make("1.1", 1, "high"), make("1.2", waited)) == ["1.2", "1.1"]
    assert order(make("1.1", 1, "high"), make("1.2", waited - 1)) == ["1.1", "1.2"]
    assert order(make("1.1", 0, flagged=True), make("1.2", 100 * waited, "stat"))[0] == "1.1"


ROWS = st.lists(
    st.builds(
        make,
        uid=st.integers(1, 10**6).map(lambda n: f"1.{n}"),
        minutes=st.integers(-5, 3000),
        priority=st.sampled_from(["stat", "high", "routine", "unheard of"]),
        flagged=st.booleans(),
        rejected=st.booleans(),
    ),
    max_size=12,
    unique_by=lambda shown: shown.row.study_instance_uid,
)


@given(ROWS, st.randoms(use_true_random=False))
def test_order_is_total_and_does_not_depend_on_the_input_order(rows, random) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert order(*rows) == order(*shuffled)
    ranked = rank(rows, NOW)
    criticals = [shown.is_critical for shown in ranked]
    assert criticals == sorted(criticals, reverse=True)


@given(ROWS)
def test_any_part_of_the_list_is_in_the_same_order(rows) -> None:
    whole = order(*rows)
    assert order(*rows[::2]) == [uid for uid in whole if uid in set(order(*rows[::2]))]
