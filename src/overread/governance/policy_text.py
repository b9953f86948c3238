"""A site's policy as TOML, checked key by key: what is not said stays silent.

version = "2026-11-01"

[models.head-ct-hyperdensity]
phase = "automatic"                       # silent, optional, passive, automatic
note = "demonstration, no checkpoint"
audience = ["reader", "referring", "administrator"]
stores_to_archive = true
"""

from __future__ import annotations

import tomllib
from typing import Any

from overread.access.role import Role
from overread.governance.gate import PhaseRule, Policy
from overread.governance.phase import Phase
from overread.vocabulary.errors import Rejected

_RULE_KEYS = {"phase", "note", "audience", "stores_to_archive"}


def parse_policy(text: str) -> Policy:
    """Read a policy.

    Raises:
        Rejected: naming the key, the rule and what is allowed.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Rejected(f"The policy is not TOML: {error}.") from error
    unknown = set(document) - {"version", "models"}
    if unknown:
        raise Rejected(f"The policy holds unknown keys {sorted(unknown)}: version, models.")
    version = document.get("version")
    if not isinstance(version, str) or not version:
        raise Rejected('The policy needs a version, for example version = "2026-11-01".')
    models = document.get("models", {})
    if not isinstance(models, dict):
        raise Rejected("The policy's models must be tables, one [models.NAME] each.")
    rules = tuple(_parse_rule(name, rule) for name, rule in sorted(models.items()))
    return Policy(version=version, rules=rules)


def _parse_rule(name: str, rule: Any) -> PhaseRule:
    if not isinstance(rule, dict):
        raise Rejected(f"[models.{name}] must be a table.")
    unknown = set(rule) - _RULE_KEYS
    if unknown:
        raise Rejected(f"[models.{name}] holds unknown keys {sorted(unknown)}: {_RULE_KEYS}.")
    try:
        phase = Phase(rule.get("phase", ""))
    except ValueError as error:
        raise Rejected(
            f"[models.{name}] phase is {rule.get('phase')!r}; allowed are {', '.join(Phase)}."
        ) from error
    audience = rule.get("audience", [])
    try:
        roles = frozenset(Role(role) for role in audience)
    except (ValueError, TypeError) as error:
        raise Rejected(f"[models.{name}] audience must be a list of {', '.join(Role)}.") from error
    stores = rule.get("stores_to_archive", False)
    note = rule.get("note", "")
    if not isinstance(stores, bool) or not isinstance(note, str):
        raise Rejected(f"[models.{name}]: stores_to_archive is true or false, note is text.")
    return PhaseRule(
        model_name=name, phase=phase, note=note, audience=roles, stores_to_archive=stores
    )
