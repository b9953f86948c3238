"""The edges of access: who somebody is, and where accounts are kept."""

from __future__ import annotations

from typing import Protocol

from overread.access.role import Principal
from overread.access.session import Account, Session, SessionRecord


class Identity(Protocol):
    """Says who is asking. Raises NotAuthenticated where it can't."""

    async def sign_in(self, name: str, password: str, address: str) -> tuple[str, Session]:
        """Returns the session's secret, known to nobody else from then on, and the session.

        Raises:
            NotAuthenticated: name or password is wrong; which one is not said.
            TooManyAttempts: too many failures of late.
        """
        ...

    async def find_session(self, secret: str, is_activity: bool = True) -> Session:
        """Args:
        is_activity: whether asking counts as use and puts off the end of an idle session.
        """
        ...

    async def sign_out(self, secret: str) -> None: ...

    async def find_bearer(self, token: str) -> Principal: ...


class Accounts(Protocol):
    """Kept users, sessions and tokens: secrets as hashes alone."""

    async def save_account(self, account: Account) -> None:
        """Insert or replace."""
        ...

    async def find_account(self, name: str) -> Account | None: ...

    async def list_accounts(self) -> list[Account]: ...

    async def add_session(self, session: SessionRecord) -> None:
        """Insert; sessions that have expired meanwhile are taken out."""
        ...

    async def find_session(self, token_hash: str) -> SessionRecord | None: ...

    async def touch_session(self, token_hash: str, seen_at: str) -> None: ...

    async def remove_session(self, token_hash: str) -> None: ...

    async def add_token(self, token_hash: str, user_name: str, created_at: str) -> None: ...

    async def find_token(self, token_hash: str) -> str | None:
        """The name of the user it was made for."""
        ...

    async def remove_secrets(self, user_name: str) -> None:
        """End all sessions and tokens of a user."""
        ...

    async def add_failure(self, subject: str, failed_at: str) -> None: ...

    async def list_failures(self, subject: str, since: str) -> list[str]:
        """Times of failures from `since` on, ascending; older ones are taken out."""
        ...

    async def clear_failures(self, subject: str) -> None: ...
