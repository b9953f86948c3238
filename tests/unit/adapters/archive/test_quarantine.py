"""The folder of refused files: each once, listed with its reason, the oldest giving way."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from overread.adapters.archive import quarantine as quarantine_module
from overread.adapters.archive.quarantine import FolderQuarantine
from overread.study.ports import QuarantinedFile
from overread.vocabulary.errors import Unavailable

LIMIT = 1000


@pytest.fixture
def quarantine(tmp_path: Path) -> Iterator[FolderQuarantine]:
    moments = (datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=n) for n in range(10_000))
    opened = FolderQuarantine(tmp_path / "quarantine", LIMIT, lambda: next(moments))
    yield opened
    opened.close()


def write(folder: Path, name: str, size: int, fill: bytes = b"x") -> Path:
    path = folder / name
    path.write_bytes((fill * size)[:size])
    return path


async def put(
    quarantine: FolderQuarantine, file: Path, reason: str = "broken", source: str = "import"
) -> QuarantinedFile:
    return await quarantine.put(file, source, reason, "Send it again.", file_name=file.name)


def list_kept(folder: Path) -> list[Path]:
    return sorted((folder / "quarantine").glob("*.refused"))


async def test_the_same_file_twice_is_one_entry(
    quarantine: FolderQuarantine, tmp_path: Path
) -> None:
    file = write(tmp_path, "a.dcm", 100)
    first = await put(quarantine, file)
    copy = write(tmp_path, "other-name.dcm", 100)
    assert await put(quarantine, copy) == first
    assert await quarantine.count() == 1
    # Another reason or another door is news, and the bytes are there once all the same.
    await put(quarantine, file, reason="duplicate")
    await put(quarantine, file, source="STOW-RS")
    assert await quarantine.count() == 3
    assert [path.read_bytes() for path in list_kept(tmp_path)] == [b"x" * 100]


async def test_entries_are_listed_newest_first_with_their_reason(
    quarantine: FolderQuarantine, tmp_path: Path
) -> None:
    for n in range(3):
        await put(quarantine, write(tmp_path, f"{n}.dcm", 50, bytes([n])), reason=f"reason {n}")
    items = await quarantine.list_items()
    assert [item.reason for item in items] == ["reason 2", "reason 1", "reason 0"]
    assert [item.file_name for item in items] == ["2.dcm", "1.dcm", "0.dcm"]
    assert items[2].received_at == "2024-01-01T00:00:00+00:00"
    assert (items[0].remedy, items[0].source, items[0].size_bytes) == (
        "Send it again.",
        "import",
        50,
    )
    assert [item.reason for item in await quarantine.list_items(limit=1)] == ["reason 2"]


async def test_the_oldest_give_way_and_stay_listed(
    quarantine: FolderQuarantine, tmp_path: Path
) -> None:
    for n in range(5):
        await put(quarantine, write(tmp_path, f"{n}.dcm", 400, bytes([n])))
        assert sum(path.stat().st_size for path in list_kept(tmp_path)) <= LIMIT
    items = await quarantine.list_items()
    assert [item.is_kept for item in items] == [True, True, False, False, False]
    assert sorted(path.read_bytes()[0] for path in list_kept(tmp_path)) == [3, 4]
    # One that gave way and comes again is kept again, as the entry that it was.
    again = await put(quarantine, write(tmp_path, "0.dcm", 400, bytes([0])))
    assert again.is_kept
    assert again.quarantine_id == items[4].quarantine_id
    assert await quarantine.count() == 5
    assert sum(path.stat().st_size for path in list_kept(tmp_path)) <= LIMIT


async def test_a_file_larger_than_all_is_listed_and_not_kept(
    quarantine: FolderQuarantine, tmp_path: Path
) -> None:
    small = await put(quarantine, write(tmp_path, "small.dcm", 10))
    large = await put(quarantine, write(tmp_path, "large.dcm", LIMIT + 1))
    assert (small.is_kept, large.is_kept) == (True, False)
    assert [item.is_kept for item in await quarantine.list_items()] == [False, True]
    assert len(list_kept(tmp_path)) == 1


async def test_a_flood_drops_the_oldest_entries(
    quarantine: FolderQuarantine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine_module, "MAX_ENTRIES", 10)
    for n in range(30):
        await put(quarantine, write(tmp_path, "f.dcm", LIMIT, n.to_bytes(2, "big")))
    assert await quarantine.count() == 10


async def test_what_was_refused_is_there_after_a_restart(
    quarantine: FolderQuarantine, tmp_path: Path
) -> None:
    entry = await put(quarantine, write(tmp_path, "a.dcm", 100))
    reopened = FolderQuarantine(tmp_path / "quarantine", LIMIT)
    assert await reopened.list_items() == [entry]
    reopened.close()


async def test_two_at_once_make_one_entry_and_no_rubbish(
    quarantine: FolderQuarantine, tmp_path: Path
) -> None:
    file = write(tmp_path, "a.dcm", 100)
    other = FolderQuarantine(tmp_path / "quarantine", LIMIT)
    entries = await asyncio.gather(*(put(q, file) for q in (quarantine, other) * 4))
    other.close()
    assert len({entry.quarantine_id for entry in entries}) == 1
    assert list((tmp_path / "quarantine").glob("*.part")) == []


async def test_a_missing_file_is_said_in_our_words(
    quarantine: FolderQuarantine, tmp_path: Path
) -> None:
    with pytest.raises(Unavailable, match="quarantine"):
        await put(quarantine, tmp_path / "absent.dcm")
    with pytest.raises(Unavailable, match="quarantine"):
        FolderQuarantine(write(tmp_path, "a-file", 1) / "below", LIMIT)
