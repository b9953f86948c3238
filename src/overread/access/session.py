"""Who is signed in, and until when."""

from __future__ import annotations

from dataclasses import dataclass

from overread.access.role import Principal, Role


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser.

    Attributes:
        csrf_token: to be sent with every unsafe request that relies on the cookie.
        expires_at: ISO 8601 with offset, should nothing more be asked.
    """

    principal: Principal
    csrf_token: str
    expires_at: str


@dataclass(frozen=True, slots=True)
class Account:
    """A local user as kept.

    Attributes:
        password_hash: argon2id in PHC form; None for one who can't sign in with a password.
    """

    name: str
    display_name: str
    roles: frozenset[Role]
    password_hash: str | None


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """A session as kept; times are ISO 8601 with offset.

    Attributes:
        token_hash: SHA-256 (hex) of what the cookie holds.
    """

    token_hash: str
    user_name: str
    csrf_token: str
    created_at: str
    seen_at: str
    expires_at: str
