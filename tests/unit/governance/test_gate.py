from __future__ import annotations

import pytest

from overread.access.role import Role
from overread.governance.gate import PhaseRule, Policy, Release, Withheld, gate
from overread.governance.phase import Phase
from overread.model.card import ModelRef, ModelStatus
from overread.result.result import Finding, Result
from overread.vocabulary.code import Code
from overread.vocabulary.uid import derive_uid

_CODE = Code("1386000", "SCT", "Intracranial hemorrhage")


def make_result(*, is_flagged: bool) -> Result:
    finding = Finding(
        output="bleed",
        label="Bleed",
        finding=_CODE,
        category=Code("49755003", "SCT", "Morphologically Altered Structure"),
        site=None,
        laterality=None,
        confidence=0.9,
        is_flagged=is_flagged,
        regions=(),
        measurements=(),
        key_image=None,
        tracking_id="bleed 1",
        tracking_uid=derive_uid("t"),
        color_rgb=(1, 2, 3),
    )
    return Result(
        result_uid=derive_uid("r"),
        study_instance_uid=derive_uid("s"),
        series_instance_uid=derive_uid("se"),
        frame_of_reference_uid=None,
        model=ModelRef("m", "1.0", "d"),
        model_title="M",
        model_manufacturer="O",
        model_status=ModelStatus.DEMONSTRATION,
        algorithm_family=_CODE,
        score_meaning="share",
        flag_text="suspected bleed",
        input_digest="0" * 64,
        started_at="2026-01-01T00:00:00+00:00",
        source_images=(),
        findings=(finding,),
        notices=(),
    )


def make_policy(phase: Phase) -> Policy:
    rule = PhaseRule("m", phase, "note", frozenset({Role.READER}), stores_to_archive=True)
    return Policy("1", (rule,))


def test_a_model_without_a_rule_stays_silent() -> None:
    decision = gate(make_result(is_flagged=True), Policy("1", ()))
    assert isinstance(decision, Withheld)
    assert "m" in decision.reason


def test_silent_is_withheld() -> None:
    assert isinstance(gate(make_result(is_flagged=True), make_policy(Phase.SILENT)), Withheld)


@pytest.mark.parametrize(
    ("phase", "flags"),
    [(Phase.OPTIONAL, False), (Phase.PASSIVE, True), (Phase.AUTOMATIC, True)],
)
def test_only_passive_and_automatic_reach_the_worklist(phase: Phase, flags: bool) -> None:
    decision = gate(make_result(is_flagged=True), make_policy(phase))
    assert isinstance(decision, Release)
    assert decision.flags_worklist is flags
    assert decision.audience == {Role.READER}


def test_what_is_not_flagged_never_flags() -> None:
    decision = gate(make_result(is_flagged=False), make_policy(Phase.AUTOMATIC))
    assert isinstance(decision, Release)
    assert not decision.flags_worklist
