"""Local users: passwords, the life of a session, tokens, patience."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from argon2 import PasswordHasher

from overread.access.role import Role
from overread.adapters.identity.local import (
    FAILURE_WINDOW,
    IDLE_AGE,
    MAX_FAILURES_HERE,
    MAX_FAILURES_OF_ADDRESS,
    SESSION_AGE,
    LocalIdentity,
)
from overread.adapters.store.database import Database
from overread.adapters.store.migrate import migrate
from overread.adapters.store.users import SqlAccounts
from overread.vocabulary.errors import NotAuthenticated, NotFound, Rejected, TooManyAttempts

PASSWORD = "correct horse battery"


@dataclass(slots=True)
class Clock:
    now: datetime = datetime(2026, 1, 2, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@dataclass(slots=True)
class People:
    identity: LocalIdentity
    accounts: SqlAccounts
    clock: Clock
    file: Path


@pytest_asyncio.fixture
async def people(tmp_path: Path) -> AsyncIterator[People]:
    database = Database(f"sqlite:///{tmp_path / 'users.sqlite'}")
    migrate(database)
    clock, accounts = Clock(), SqlAccounts(database)
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    identity = LocalIdentity(accounts, clock, hasher)
    await identity.save_user("anna", "Anna", {Role.READER}, PASSWORD)
    yield People(identity, accounts, clock, tmp_path / "users.sqlite")
    database.close()


async def test_secrets_are_kept_as_hashes_alone(people: People) -> None:
    secret, session = await people.identity.sign_in("anna", PASSWORD, "here")
    token = await people.identity.create_token("anna")
    kept = b"".join(path.read_bytes() for path in people.file.parent.glob("users.sqlite*"))
    assert b"$argon2id$" in kept
    for hidden in (PASSWORD, secret, token):
        assert hidden.encode() not in kept
    assert len(secret) >= 43  # 256 bits in base64
    assert session.csrf_token != secret


async def test_default_passwords_are_argon2id() -> None:
    assert PasswordHasher().hash("x" * 12).startswith("$argon2id$v=19$m=65536,t=3,p=4$")


async def test_idle_session_ends_and_a_used_one_lasts_to_its_age(people: People) -> None:
    secret, _ = await people.identity.sign_in("anna", PASSWORD, "here")
    for _ in range(9):
        people.clock.now += IDLE_AGE - timedelta(minutes=10)
        await people.identity.find_session(secret)
    people.clock.now = datetime(2026, 1, 2, tzinfo=UTC) + SESSION_AGE
    with pytest.raises(NotAuthenticated):
        await people.identity.find_session(secret)
    second, _ = await people.identity.sign_in("anna", PASSWORD, "here")
    people.clock.now += IDLE_AGE
    with pytest.raises(NotAuthenticated):
        await people.identity.find_session(second)


async def test_open_stream_does_not_keep_a_session_alive(people: People) -> None:
    secret, _ = await people.identity.sign_in("anna", PASSWORD, "here")
    people.clock.now += IDLE_AGE / 2
    await people.identity.find_session(secret, is_activity=False)
    people.clock.now += IDLE_AGE / 2
    with pytest.raises(NotAuthenticated):
        await people.identity.find_session(secret)


async def test_new_password_ends_sessions_and_tokens(people: People) -> None:
    secret, _ = await people.identity.sign_in("anna", PASSWORD, "here")
    token = await people.identity.create_token("anna")
    assert (await people.identity.find_bearer(token)).name == "anna"
    await people.identity.save_user("anna", "Anna", {Role.READER}, "another password")
    with pytest.raises(NotAuthenticated):
        await people.identity.find_session(secret)
    with pytest.raises(NotAuthenticated):
        await people.identity.find_bearer(token)
    with pytest.raises(NotAuthenticated):
        await people.identity.sign_in("anna", PASSWORD, "here")


async def test_stranger_elsewhere_does_not_lock_the_user_out(people: People) -> None:
    for _ in range(MAX_FAILURES_HERE):
        with pytest.raises(NotAuthenticated):
            await people.identity.sign_in("anna", "guess", "elsewhere")
    with pytest.raises(TooManyAttempts) as refused:
        await people.identity.sign_in("anna", PASSWORD, "elsewhere")
    assert 0 < refused.value.retry_after_seconds <= FAILURE_WINDOW.total_seconds()
    await people.identity.sign_in("anna", PASSWORD, "here")
    people.clock.now += FAILURE_WINDOW + timedelta(seconds=1)
    await people.identity.sign_in("anna", PASSWORD, "elsewhere")


async def test_one_address_may_not_try_many_names(people: People) -> None:
    for number in range(MAX_FAILURES_OF_ADDRESS):
        with pytest.raises(NotAuthenticated):
            await people.identity.sign_in(f"user{number}", "guess", "there")
    with pytest.raises(TooManyAttempts):
        await people.identity.sign_in("anna", PASSWORD, "there")


@pytest.mark.parametrize(
    ("name", "password"),
    [("Anna", PASSWORD), ("", PASSWORD), ("a b", PASSWORD), ("ben", "short"), ("ben", "x" * 2000)],
)
async def test_unusable_names_and_passwords_are_refused(
    people: People, name: str, password: str
) -> None:
    with pytest.raises(Rejected):
        await people.identity.save_user(name, "", {Role.READER}, password)


async def test_user_without_password_can_only_use_a_token(people: People) -> None:
    await people.identity.save_user("ct-1", "CT", {Role.SERVICE}, None)
    with pytest.raises(NotAuthenticated):
        await people.identity.sign_in("ct-1", "", "here")
    token = await people.identity.create_token("ct-1")
    assert (await people.identity.find_bearer(token)).roles == {Role.SERVICE}
    with pytest.raises(NotFound):
        await people.identity.create_token("nobody")


async def test_demo_users_can_sign_in(people: People) -> None:
    users = await people.identity.seed_demo_users({"reader": "given password"})
    assert [user.name for user in users] == ["reader", "referrer", "admin"]
    assert users[0].password == "given password"
    for user in users:
        _, session = await people.identity.sign_in(user.name, user.password, "here")
        assert session.principal.roles == user.roles
