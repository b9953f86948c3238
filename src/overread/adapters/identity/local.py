"""Port Identity with local users: argon2id passwords, sessions in a cookie, tokens for programs."""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from overread.access.ports import Accounts
from overread.access.role import Principal, Role
from overread.access.session import Account, Session, SessionRecord
from overread.vocabulary.errors import NotAuthenticated, NotFound, Rejected, TooManyAttempts

SESSION_AGE = timedelta(hours=8)
IDLE_AGE = timedelta(hours=1)
FAILURE_WINDOW = timedelta(minutes=15)
MAX_FAILURES_HERE = 5
"""Of one user from one address: a stranger elsewhere does not lock the user out."""
MAX_FAILURES_OF_USER = 50
MAX_FAILURES_OF_ADDRESS = 20
MIN_PASSWORD_LENGTH = 12

_TOUCH_EVERY = timedelta(minutes=1)
_MAX_PASSWORD_BYTES = 1024
_USER_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
_HASHES_AT_ONCE = 2  # each takes 64 MiB


@dataclass(frozen=True, slots=True)
class DemoUser:
    """A user made for a demonstration, with the password to print once."""

    name: str
    display_name: str
    password: str
    roles: frozenset[Role]


_DEMO = (
    ("reader", "Demo reader", Role.READER),
    ("referrer", "Demo referring physician", Role.REFERRING),
    ("admin", "Demo administrator", Role.ADMINISTRATOR),
)


class LocalIdentity:
    def __init__(
        self,
        accounts: Accounts,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        hasher: PasswordHasher | None = None,
    ) -> None:
        self._accounts = accounts
        self._clock = clock
        self._hasher = hasher or PasswordHasher()
        self._hashing = asyncio.Semaphore(_HASHES_AT_ONCE)
        self._nobody_hash: str | None = None

    async def sign_in(self, name: str, password: str, address: str) -> tuple[str, Session]:
        now = self._clock()
        limits = {
            _subject("user and address", name, address): MAX_FAILURES_HERE,
            _subject("user", name): MAX_FAILURES_OF_USER,
            _subject("address", address): MAX_FAILURES_OF_ADDRESS,
        }
        await self._require_patience(limits, now)
        account = await self._accounts.find_account(name)
        if not await self._is_password(account, password):
            for subject in limits:
                await self._accounts.add_failure(subject, now.isoformat())
            raise NotAuthenticated("User name or password is wrong. Check both and try again.")
        if account is None:  # unreachable: nobody's password is never right
            raise NotAuthenticated("User name or password is wrong. Check both and try again.")
        await self._accounts.clear_failures(_subject("user and address", name, address))
        return await self._open_session(account, now)

    async def find_session(self, secret: str, is_activity: bool = True) -> Session:
        now = self._clock()
        record = await self._accounts.find_session(_hash(secret))
        if record is None or _ends_at(record) <= now:
            raise NotAuthenticated("The session has ended: sign in again.")
        account = await self._accounts.find_account(record.user_name)
        if account is None:
            raise NotAuthenticated("The session's user is no more: sign in again.")
        if is_activity and now - datetime.fromisoformat(record.seen_at) >= _TOUCH_EVERY:
            await self._accounts.touch_session(record.token_hash, now.isoformat())
            record = replace(record, seen_at=now.isoformat())
        return Session(_to_principal(account), record.csrf_token, _ends_at(record).isoformat())

    async def sign_out(self, secret: str) -> None:
        await self._accounts.remove_session(_hash(secret))

    async def find_bearer(self, token: str) -> Principal:
        name = await self._accounts.find_token(_hash(token))
        account = None if name is None else await self._accounts.find_account(name)
        if account is None:
            raise NotAuthenticated("The bearer token is not known here: make one and use that.")
        return _to_principal(account)

    async def save_user(
        self, name: str, display_name: str, roles: Iterable[Role], password: str | None
    ) -> None:
        """Make a user, or give one a new password and roles: open sessions and tokens end.

        Raises:
            Rejected: the name or the password can't be used.
        """
        if not _USER_NAME.fullmatch(name):
            raise Rejected(
                "A user name is 1 to 64 of a-z, 0-9, dot, dash, underscore and @, and starts with "
                "a letter or digit."
            )
        password_hash = None if password is None else await self._hash_password(password)
        await self._accounts.save_account(
            Account(name, display_name or name, frozenset(roles), password_hash)
        )
        await self._accounts.remove_secrets(name)

    async def create_token(self, name: str) -> str:
        """A bearer token for a user; it is shown this once.

        Raises:
            NotFound: no such user.
        """
        if await self._accounts.find_account(name) is None:
            raise NotFound(f"No user is called {name!r}: make it first.")
        token = secrets.token_urlsafe(32)
        await self._accounts.add_token(_hash(token), name, self._clock().isoformat())
        return token

    async def seed_demo_users(self, passwords: dict[str, str] | None = None) -> list[DemoUser]:
        """Make (or reset) a reader, a referring physician and an administrator.

        Args:
            passwords: by user name ("reader", "referrer", "admin"); random where left out.
        """
        users = [
            DemoUser(
                name,
                title,
                (passwords or {}).get(name) or secrets.token_urlsafe(12),
                frozenset({role}),
            )
            for name, title, role in _DEMO
        ]
        for user in users:
            await self.save_user(user.name, user.display_name, user.roles, user.password)
        return users

    async def _require_patience(self, limits: dict[str, int], now: datetime) -> None:
        since = (now - FAILURE_WINDOW).isoformat()
        for subject, limit in limits.items():
            failures = await self._accounts.list_failures(subject, since)
            if len(failures) >= limit:
                free_at = datetime.fromisoformat(failures[-limit]) + FAILURE_WINDOW
                wait = max(1.0, (free_at - now).total_seconds())
                raise TooManyAttempts(
                    f"Too many failed sign-ins: try again in {wait:.0f} seconds.", wait
                )

    async def _is_password(self, account: Account | None, password: str) -> bool:
        """Takes as long for a user that does not exist as for one that does."""
        if len(password.encode()) > _MAX_PASSWORD_BYTES:
            return False
        password_hash = account.password_hash if account else None
        if password_hash is None:
            if self._nobody_hash is None:
                self._nobody_hash = await self._hash_password(secrets.token_urlsafe(32))
            await self._verify(self._nobody_hash, password)
            return False
        return await self._verify(password_hash, password)

    async def _verify(self, password_hash: str, password: str) -> bool:
        async with self._hashing:
            try:
                return await asyncio.to_thread(self._hasher.verify, password_hash, password)
            except (VerificationError, InvalidHashError):
                return False

    async def _hash_password(self, password: str) -> str:
        if not MIN_PASSWORD_LENGTH <= len(password) <= _MAX_PASSWORD_BYTES // 4:
            raise Rejected(
                f"A password has {MIN_PASSWORD_LENGTH} to {_MAX_PASSWORD_BYTES // 4} characters."
            )
        async with self._hashing:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def _open_session(self, account: Account, now: datetime) -> tuple[str, Session]:
        secret = secrets.token_urlsafe(32)
        record = SessionRecord(
            token_hash=_hash(secret),
            user_name=account.name,
            csrf_token=secrets.token_urlsafe(32),
            created_at=now.isoformat(),
            seen_at=now.isoformat(),
            expires_at=(now + SESSION_AGE).isoformat(),
        )
        await self._accounts.add_session(record)
        session = Session(_to_principal(account), record.csrf_token, _ends_at(record).isoformat())
        return secret, session


def _ends_at(record: SessionRecord) -> datetime:
    return min(
        datetime.fromisoformat(record.expires_at),
        datetime.fromisoformat(record.seen_at) + IDLE_AGE,
    )


def _to_principal(account: Account) -> Principal:
    return Principal(account.name, account.display_name, account.roles)


def _hash(secret: str) -> str:
    """Secrets have 256 random bits, so a plain hash can't be guessed back; the look-up is by hash
    and its timing says nothing of the secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _subject(*parts: str) -> str:
    """What was typed as a name may be a password: it is kept as a hash."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
