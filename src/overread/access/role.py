"""Roles and what each may do. Deny by default: what is not listed is refused."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from overread.vocabulary.errors import NotPermitted


class Role(StrEnum):
    READER = "reader"
    REFERRING = "referring"
    ADMINISTRATOR = "administrator"
    SERVICE = "service"
    """A program: a modality or router that stores, never a person."""


class Permission(StrEnum):
    VIEW_STUDY = "view study"
    VIEW_AI = "view AI results"
    GIVE_VERDICT = "give verdict"
    STORE_STUDY = "store study"
    RUN_INFERENCE = "run inference"
    VIEW_QUARANTINE = "view quarantine"
    READ_AUDIT = "read audit"
    VIEW_MODELS = "view models"


PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.READER: frozenset(
        {
            Permission.VIEW_STUDY,
            Permission.VIEW_AI,
            Permission.GIVE_VERDICT,
            Permission.RUN_INFERENCE,
            Permission.VIEW_QUARANTINE,
            Permission.VIEW_MODELS,
        }
    ),
    Role.REFERRING: frozenset({Permission.VIEW_STUDY, Permission.VIEW_AI, Permission.VIEW_MODELS}),
    Role.ADMINISTRATOR: frozenset(
        {
            Permission.VIEW_STUDY,
            Permission.VIEW_AI,
            Permission.STORE_STUDY,
            Permission.RUN_INFERENCE,
            Permission.VIEW_QUARANTINE,
            Permission.READ_AUDIT,
            Permission.VIEW_MODELS,
        }
    ),
    Role.SERVICE: frozenset({Permission.STORE_STUDY}),
}


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking. `name` is the local user name, never a patient's."""

    name: str
    display_name: str
    roles: frozenset[Role]

    def has(self, permission: Permission) -> bool:
        return any(permission in PERMISSIONS[role] for role in self.roles)

    def require(self, permission: Permission) -> None:
        """Raises NotPermitted, naming the permission that is missing."""
        if not self.has(permission):
            raise NotPermitted(
                f"{self.name} may not {permission.value}: none of the roles "
                f"{', '.join(sorted(self.roles)) or '(none)'} grants it. Ask the administrator."
            )
