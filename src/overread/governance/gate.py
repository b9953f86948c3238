"""The gate: every result passes it, and only what it releases can be delivered."""

from __future__ import annotations

from dataclasses import dataclass

from overread.access.role import Role
from overread.governance.phase import Phase
from overread.model.card import ModelRef
from overread.result.result import Result


@dataclass(frozen=True, slots=True)
class PhaseRule:
    """What the site decided for one model version.

    Attributes:
        note: shown beside the phase, e.g. "demonstration, no checkpoint".
        audience: roles that may see the result at all.
    """

    model_name: str
    phase: Phase
    note: str
    audience: frozenset[Role]
    stores_to_archive: bool


@dataclass(frozen=True, slots=True)
class Policy:
    """The site's rules; a model without a rule is silent."""

    version: str
    rules: tuple[PhaseRule, ...]

    def find_rule(self, model: ModelRef) -> PhaseRule | None:
        return next((rule for rule in self.rules if rule.model_name == model.name), None)


@dataclass(frozen=True, slots=True)
class Release:
    """May leave: to this audience and these destinations. `delivery` takes nothing else."""

    result: Result
    phase: Phase
    note: str
    audience: frozenset[Role]
    stores_to_archive: bool
    flags_worklist: bool


@dataclass(frozen=True, slots=True)
class AwaitingApproval:
    """A person must approve first."""

    result: Result
    approver: Role


@dataclass(frozen=True, slots=True)
class Withheld:
    """Nobody sees it and nothing is stored; the run is logged."""

    result: Result
    reason: str


Decision = Release | AwaitingApproval | Withheld


def gate(result: Result, policy: Policy) -> Decision:
    """Decide what may happen to a result. Deny by default: no rule means withheld."""
    rule = policy.find_rule(result.model)
    if rule is None:
        return Withheld(result, f"No phase rule names {result.model.name}: it stays silent.")
    if rule.phase is Phase.SILENT:
        return Withheld(result, f"{result.model.name} is in its silent phase.")
    return Release(
        result=result,
        phase=rule.phase,
        note=rule.note,
        audience=rule.audience,
        stores_to_archive=rule.stores_to_archive,
        flags_worklist=result.is_flagged and rule.phase in (Phase.PASSIVE, Phase.AUTOMATIC),
    )
