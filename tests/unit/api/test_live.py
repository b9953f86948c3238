"""Live events: nothing lost, nothing twice, over any disconnect; only what one may see."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from doors import HIDDEN_RESULT, RESULT, STUDY, Doors
from hypothesis import given, settings
from hypothesis import strategies as st

from overread.access.role import Principal, Role
from overread.adapters.store.database import Database
from overread.adapters.store.event_log import SqlEventLog, SqlWorklist
from overread.adapters.store.migrate import migrate
from overread.api import live
from overread.api.live import LiveFeed
from overread.api.rest import schema
from overread.vocabulary.event import EventKind

READER = Principal("reader", "Reader", frozenset({Role.READER}))


class Wire:
    """One request driven over ASGI itself, since a stream never ends by itself."""

    def __init__(self, doors: Doors, path: str, headers: dict[str, str], kind: str) -> None:
        base, _, query = path.partition("?")
        self.scope = {
            "type": kind,
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http" if kind == "http" else "ws",
            "path": base,
            "raw_path": base.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(k.lower().encode(), v.encode()) for k, v in headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("overread.test", 80),
            "subprotocols": [],
            "state": {},
        }
        self.incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.task = asyncio.create_task(
            doors.app(self.scope, self.incoming.get, self.sent.put)  # type: ignore[arg-type]  # dicts
        )

    async def next(self) -> dict[str, Any]:
        return await asyncio.wait_for(self.sent.get(), 30)

    async def read_sse(self) -> tuple[int, str, dict[str, Any]]:
        while True:
            text = (await self.next())["body"].decode()
            if text.startswith("id: "):
                lines = dict(line.split(": ", 1) for line in text.strip().split("\n"))
                return int(lines["id"]), lines["event"], json.loads(lines["data"])


@asynccontextmanager
async def opened(
    doors: Doors, path: str, cookie: str, kind: str = "http", **headers: str
) -> AsyncIterator[Wire]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    wire = Wire(doors, path, {"host": "overread.test", "cookie": cookie, **named}, kind)
    try:
        yield wire
    finally:
        end = "http.disconnect" if kind == "http" else "websocket.disconnect"
        await wire.incoming.put({"type": end, "code": 1000})
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(wire.task), 2)
        wire.task.cancel()


async def get_cookie(doors: Doors, name: str) -> str:
    client = await doors.sign_in(name)
    return f"overread_session={client.cookies['overread_session']}"


async def test_sse_resumes_after_the_id_of_header_or_query(doors: Doors) -> None:
    cookie = await get_cookie(doors, "reader")
    async with opened(doors, "/api/v1/events", cookie, last_event_id="1") as wire:
        start = await wire.next()
        headers = dict(start["headers"])
        assert headers[b"content-type"].startswith(b"text/event-stream")
        event_id, kind, data = await wire.read_sse()
        assert (event_id, kind) == (2, "ResultReleased")
        view = schema.EventView.model_validate(data)
        assert view.row is not None
        assert view.row.is_critical
        assert view.row.rank is None
        assert "flags" not in view.data
        assert "audience" not in view.data
    async with opened(doors, "/api/v1/events?last_event_id=0", cookie) as wire:
        await wire.next()
        assert [(await wire.read_sse())[0] for _ in range(2)] == [1, 2]


async def test_event_of_this_process_arrives_at_once(doors: Doors) -> None:
    cookie = await get_cookie(doors, "reader")
    async with opened(doors, "/api/v1/events", cookie) as wire:
        await wire.next()
        assert (await wire.next())["body"] == b": live\n\n"
        began = asyncio.get_running_loop().time()
        event = await doors.events.append(EventKind.STUDY_ARRIVED, "7.7", {"instances_received": 1})
        event_id, _, data = await wire.read_sse()
        assert event_id == event.event_id
        assert data["row"]["study_instance_uid"] == "7.7"
        assert asyncio.get_running_loop().time() - began < 2


async def test_event_of_another_process_arrives(doors: Doors, tmp_path: Path) -> None:
    cookie = await get_cookie(doors, "reader")
    database = Database(f"sqlite:///{tmp_path / 'overread.sqlite'}")
    async with opened(doors, "/api/v1/events", cookie) as wire:
        await wire.next()
        await wire.next()
        await SqlEventLog(database).append(EventKind.STUDY_ARRIVED, "7.8", {})
        assert (await wire.read_sse())[2]["study_instance_uid"] == "7.8"
    database.close()


@pytest.mark.parametrize("text", ["-1", "x", "1" * 30, "1.5", "٣"])
async def test_what_is_no_event_id_is_refused(doors: Doors, text: str) -> None:
    client = await doors.sign_in("reader")
    answer = await client.get("/api/v1/events", params={"last_event_id": text})
    assert answer.status_code == 422


async def test_stream_says_no_more_than_its_follower_may_see(doors: Doors) -> None:
    referrer = await get_cookie(doors, "referrer")
    await doors.events.append(EventKind.INSTANCE_QUARANTINED, None, {"reason": "no UID"})
    await doors.events.append(EventKind.STUDY_ARRIVED, "7.7", {"instances_received": 1})
    async with opened(doors, "/api/v1/events?last_event_id=0", referrer) as wire:
        await wire.next()
        seen = [await wire.read_sse() for _ in range(3)]
    assert [event_id for event_id, _, _ in seen] == [1, 2, 4]
    released = seen[1][2]
    assert released["data"] == {}
    assert released["row"]["flag"] is None
    assert RESULT not in json.dumps(seen)
    assert HIDDEN_RESULT not in json.dumps(seen)
    modality = await doors.sign_in("modality")
    assert (await modality.get("/api/v1/events")).status_code == 403


async def test_websocket_sends_the_same_objects(doors: Doors) -> None:
    cookie = await get_cookie(doors, "reader")
    path = "/api/v1/ws?last_event_id=1"
    async with opened(doors, path, cookie, "websocket", origin="http://overread.test") as wire:
        await wire.incoming.put({"type": "websocket.connect"})
        assert (await wire.next())["type"] == "websocket.accept"
        frame = json.loads((await wire.next())["text"])
        assert schema.EventView.model_validate(frame).event_id == 2
        await doors.events.append(EventKind.STUDY_ARRIVED, STUDY, {"instances_received": 5})
        assert json.loads((await wire.next())["text"])["event_id"] == 3


@pytest.mark.parametrize(
    ("cookie", "origin"), [("", "http://overread.test"), (None, "https://evil.test")]
)
async def test_websocket_of_a_stranger_or_another_page_is_closed(
    doors: Doors, cookie: str | None, origin: str
) -> None:
    cookie = await get_cookie(doors, "reader") if cookie is None else cookie
    async with opened(doors, "/api/v1/ws", cookie, "websocket", origin=origin) as wire:
        await wire.incoming.put({"type": "websocket.connect"})
        assert (await wire.next())["type"] == "websocket.close"


async def test_stream_ends_with_its_session(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors.app.state.feed, "_heartbeat_seconds", 0.05)
    client = await doors.sign_in("reader")
    cookie = f"overread_session={client.cookies['overread_session']}"
    async with opened(doors, "/api/v1/events", cookie) as wire:
        await wire.next()
        await wire.next()
        assert (await wire.next())["body"] == b": alive\n\n"
        await client.delete("/api/v1/session")
        await asyncio.wait_for(wire.task, 5)


async def test_job_is_followed_to_its_end(doors: Doors) -> None:
    from dataclasses import replace  # noqa: PLC0415  # only here

    from overread.pipeline.ports import JobState  # noqa: PLC0415  # only here

    client = await doors.sign_in("reader")
    await client.post("/api/v1/inference", json={"study_instance_uid": STUDY})
    cookie = f"overread_session={client.cookies['overread_session']}"
    async with opened(doors, "/api/v1/inference/j1/events", cookie) as wire:
        await wire.next()
        assert b'"queued"' in (await wire.next())["body"]
        job = await doors.jobs.read("j1")
        await doors.jobs.save(replace(job, state=JobState.DONE, share=1.0))
        assert b'"done"' in (await wire.next())["body"]
        await asyncio.wait_for(wire.task, 5)


@settings(max_examples=15, deadline=None)
@given(
    bursts=st.lists(st.integers(0, 7), min_size=1, max_size=6),
    breaks=st.lists(st.integers(1, 9), min_size=1, max_size=6),
    ring=st.sampled_from([1, 3, 1000]),
)
def test_no_event_is_lost_or_doubled_over_random_disconnects(
    bursts: list[int], breaks: list[int], ring: int
) -> None:
    asyncio.run(follow_with_breaks(bursts, breaks, ring))


async def follow_with_breaks(bursts: list[int], breaks: list[int], ring: int) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(live, "_RING_LENGTH", ring)
        patch.setattr(live, "_BATCH", 3)
        database = Database(f"sqlite:///{folder}/events.sqlite")
        migrate(database)
        log = SqlEventLog(database)
        feed = LiveFeed(log, SqlWorklist(database), poll_seconds=0.01)
        await feed.start()
        total = sum(bursts)

        async def write() -> None:
            for burst in bursts:
                for _ in range(burst):
                    await log.append(EventKind.STUDY_ARRIVED, "1.2", {"instances_received": 1})
                await asyncio.sleep(0)

        writing = asyncio.create_task(write())
        seen: list[int] = []
        turn = 0
        async with asyncio.timeout(20):
            while len(seen) < total:
                stay = breaks[turn % len(breaks)]
                turn += 1
                async with aclosing(feed.follow(seen[-1] if seen else 0, READER)) as events:
                    async for item in events:
                        if item is not None:
                            seen.append(item[0])
                            stay -= 1
                        if stay == 0 or len(seen) == total:
                            break
        await writing
        await feed.stop()
        database.close()
        assert seen == list(range(1, total + 1))


async def test_many_followers_write_each_event_once(doors: Doors) -> None:
    feed: LiveFeed = doors.app.state.feed

    async def take_one() -> bytes:
        async with aclosing(feed.follow(None, READER)) as events:
            async for item in events:
                if item is not None:
                    return item[2]
        raise AssertionError("the stream ended")

    followers = [asyncio.create_task(take_one()) for _ in range(200)]
    await asyncio.sleep(0.2)
    await doors.events.append(EventKind.STUDY_ARRIVED, "7.9", {})
    texts = await asyncio.wait_for(asyncio.gather(*followers), 10)
    assert len({id(text) for text in texts}) == 1
