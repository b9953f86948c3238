"""Port Accounts: users, sessions and tokens; every secret as a hash alone."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import Row, delete, insert, select, update

from overread.access.role import Role
from overread.access.session import Account, SessionRecord
from overread.adapters.store.database import Database
from overread.adapters.store.schema import api_token, local_user, sign_in_failure, user_session


class SqlAccounts:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def save_account(self, account: Account) -> None:
        await self._database.run(self._save_account, account)

    async def find_account(self, name: str) -> Account | None:
        return await self._database.run(self._find_account, name)

    async def list_accounts(self) -> list[Account]:
        return await self._database.run(self._list_accounts)

    async def add_session(self, session: SessionRecord) -> None:
        await self._database.run(self._add_session, session)

    async def find_session(self, token_hash: str) -> SessionRecord | None:
        return await self._database.run(self._find_session, token_hash)

    async def touch_session(self, token_hash: str, seen_at: str) -> None:
        place = user_session.c.token_hash == token_hash
        await self._database.run(
            self._write, update(user_session).where(place).values(seen_at=seen_at)
        )

    async def remove_session(self, token_hash: str) -> None:
        place = user_session.c.token_hash == token_hash
        await self._database.run(self._write, delete(user_session).where(place))

    async def add_token(self, token_hash: str, user_name: str, created_at: str) -> None:
        values = {"token_hash": token_hash, "user_name": user_name, "created_at": created_at}
        await self._database.run(self._write, insert(api_token).values(**values))

    async def find_token(self, token_hash: str) -> str | None:
        return await self._database.run(self._find_token, token_hash)

    async def remove_secrets(self, user_name: str) -> None:
        await self._database.run(
            self._write,
            delete(user_session).where(user_session.c.user_name == user_name),
            delete(api_token).where(api_token.c.user_name == user_name),
        )

    async def add_failure(self, subject: str, failed_at: str) -> None:
        values = {"subject": subject, "failed_at": failed_at}
        await self._database.run(self._write, insert(sign_in_failure).values(**values))

    async def list_failures(self, subject: str, since: str) -> list[str]:
        return await self._database.run(self._list_failures, subject, since)

    async def clear_failures(self, subject: str) -> None:
        place = sign_in_failure.c.subject == subject
        await self._database.run(self._write, delete(sign_in_failure).where(place))

    def _write(self, *statements: Any) -> None:
        with self._database.writing() as connection:
            for statement in statements:
                connection.execute(statement)

    def _save_account(self, account: Account) -> None:
        place = local_user.c.name == account.name
        values = {
            "display_name": account.display_name,
            "roles": orjson.dumps(sorted(account.roles)).decode(),
            "password_hash": account.password_hash,
        }
        with self._database.writing() as connection:
            self._database.hold_order(connection, "local_user")
            if not connection.execute(update(local_user).where(place).values(**values)).rowcount:
                connection.execute(insert(local_user).values(name=account.name, **values))

    def _find_account(self, name: str) -> Account | None:
        with self._database.reading() as connection:
            row = connection.execute(select(local_user).where(local_user.c.name == name)).first()
        return None if row is None else _read_account(row)

    def _list_accounts(self) -> list[Account]:
        with self._database.reading() as connection:
            rows = connection.execute(select(local_user).order_by(local_user.c.name)).all()
        return [_read_account(row) for row in rows]

    def _add_session(self, session: SessionRecord) -> None:
        self._write(
            delete(user_session).where(user_session.c.expires_at < session.created_at),
            insert(user_session).values(
                token_hash=session.token_hash,
                user_name=session.user_name,
                csrf_token=session.csrf_token,
                created_at=session.created_at,
                seen_at=session.seen_at,
                expires_at=session.expires_at,
            ),
        )

    def _find_session(self, token_hash: str) -> SessionRecord | None:
        query = select(user_session).where(user_session.c.token_hash == token_hash)
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else SessionRecord(**row._mapping)

    def _find_token(self, token_hash: str) -> str | None:
        query = select(api_token.c.user_name).where(api_token.c.token_hash == token_hash)
        with self._database.reading() as connection:
            return connection.execute(query).scalar()

    def _list_failures(self, subject: str, since: str) -> list[str]:
        place = sign_in_failure.c.subject == subject
        query = select(sign_in_failure.c.failed_at).where(
            place, sign_in_failure.c.failed_at >= since
        )
        with self._database.writing() as connection:
            connection.execute(delete(sign_in_failure).where(sign_in_failure.c.failed_at < since))
            return list(connection.execute(query.order_by(sign_in_failure.c.failed_at)).scalars())


def _read_account(row: Row[Any]) -> Account:
    return Account(
        name=row.name,
        display_name=row.display_name,
        roles=frozenset(Role(role) for role in orjson.loads(row.roles)),
        password_hash=row.password_hash,
    )
