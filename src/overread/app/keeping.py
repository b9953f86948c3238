"""Commands of whoever keeps a site running: check, audit, users."""

from __future__ import annotations

import asyncio
import getpass
import sys
from collections.abc import Sequence

from overread.access.role import Role
from overread.app.settings import Settings
from overread.app.terminal import say
from overread.app.wiring import open_archive, open_stores, read_policy
from overread.audit.hash_chain import Intact
from overread.vocabulary.errors import OverreadError, Rejected


def check(settings: Settings) -> int:
    """Ask every wired part; 1 where one does not answer."""
    stores = open_stores(settings)

    async def ask_archive() -> str:
        return await open_archive(settings).ping()

    async def ask_events() -> str:
        return f"{await stores.events.read_last_id()} events"

    async def ask_audit() -> str:
        found = await stores.audit.verify()
        if not isinstance(found, Intact):
            raise Rejected("the audit chain is broken: run `overread audit verify`")
        return "chain intact"

    async def ask_policy() -> str:
        return f"{len(read_policy(settings.policy_file).rules)} phase rules"

    async def ask_all() -> int:
        failed = 0
        for name, question in (
            ("archive", ask_archive),
            ("event log", ask_events),
            ("audit", ask_audit),
            ("policy", ask_policy),
        ):
            try:
                say(f"{name:10} ok      {await question()}")
            except OverreadError as error:
                failed = 1
                say(f"{name:10} FAILED  {error.message}")
        return failed

    return asyncio.run(ask_all())


def verify_audit(settings: Settings) -> int:
    """Follow the hash chain; 1 where it is broken."""
    found = asyncio.run(open_stores(settings).audit.verify())
    say(str(found))
    return 0 if isinstance(found, Intact) else 1


def add_user(settings: Settings, name: str, display_name: str, roles: Sequence[str]) -> int:
    """Add or change a local user; the password comes from the terminal or a pipe."""
    known = {str(role): role for role in Role}
    wrong = [role for role in roles if role not in known]
    if wrong:
        raise Rejected(f"Unknown roles {wrong}: choose from {', '.join(known)}.")
    password = (
        getpass.getpass("Password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    )
    identity = open_stores(settings).identity
    asyncio.run(
        identity.save_user(name, display_name or name, frozenset(known[r] for r in roles), password)
    )
    say(f"{name} may sign in as {', '.join(roles)}.")
    return 0


def make_token(settings: Settings, name: str) -> int:
    """Print a bearer token of a user, once."""
    say(asyncio.run(open_stores(settings).identity.create_token(name)))
    return 0
