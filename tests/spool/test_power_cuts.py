"""The power may go after any system call of the spool: no alert that was said to be safe is lost."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from driver_monitor.spool.file import FILE
from driver_monitor.spool.spool import Spool
from tools.spool import drive
from tools.spool.disk_model import Content, DiskModel
from tools.spool.power_cuts import Facts, judge, story, try_all
from tools.spool.recording import CannotTraceError, Event, parse

FOLDER = Path("/state")


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A folder in memory: the power is cut on paper, so no disk need be waited for."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        yield Path(name)


def recorded(synchronous: str, scratch: Path, alerts: int, parts: Sequence[str]) -> list[Event]:
    try:
        return story(synchronous, alerts, scratch, parts)
    except CannotTraceError as error:
        pytest.skip(f"power cuts are not enumerated: {error}")


def states(events: Sequence[Event], count: int = 40) -> list[Content]:
    disk = DiskModel()
    for event in events:
        disk.apply(event)
    found = {tuple(sorted(state.items())): state for state in disk.states(random.Random(1), count)}
    return list(found.values())


def written(data: bytes, name: str = "a", offset: int = 0) -> Event:
    return Event("write", name, offset=offset, data=data)


def test_ok__no_power_cut_loses_an_alert_or_damages_the_file(scratch: Path) -> None:
    events = recorded("FULL", scratch, 16, drive.PARTS)
    renamed = {event.to for event in events if event.kind == "rename"}
    assert {FILE, f"{FILE}.damaged"} <= renamed, "the story has a first creation, and the replacing of a damaged file"
    assert any(event.kind == "write" and event.name == FILE for event in events), "and the log is written back"
    outcome = try_all(events, 3, scratch, share=0.15)
    assert not outcome.faults
    assert outcome.cuts > 300


def test_ok__the_same_cuts_find_what_a_weaker_synchronisation_loses(scratch: Path) -> None:
    outcome = try_all(recorded("NORMAL", scratch, 16, ["begin"]), 3, scratch, share=0.3)
    assert outcome.faults["acknowledged alerts are lost"] > 20


def test_ok__every_part_of_what_is_not_safe_may_be_lost() -> None:
    created = [Event("create", "a"), Event("sync_folder")]
    assert states(created) == [{"a": b""}]
    two = states([*created, written(b"xx"), written(b"yy", offset=2)])
    assert {state["a"] for state in two} >= {b"", b"xx", b"\0\0yy", b"xxyy"}
    safe = states([*created, written(b"xx"), Event("sync", "a"), written(b"yy", offset=2)])
    assert {state["a"] for state in safe} == {b"xx", b"xxyy"}


def test_ok__a_write_is_torn_at_sectors() -> None:
    torn = states([Event("create", "a"), Event("sync_folder"), written(b"x" * 512 + b"y" * 512)])
    assert {state["a"] for state in torn} >= {b"x" * 512, bytes(512) + b"y" * 512, b"x" * 512 + b"y" * 512, b""}


def test_ok__a_new_name_is_safe_only_after_its_folder_is() -> None:
    events = [Event("create", "a"), written(b"x"), Event("sync", "a")]
    assert {tuple(state) for state in states(events)} == {(), ("a",)}
    assert states([*events, Event("sync_folder")]) == [{"a": b"x"}]


def test_ok__a_rename_takes_place_whole_or_not_at_all() -> None:
    events = [
        *(Event("create", "a"), written(b"old"), Event("sync", "a")),
        *(Event("create", "b"), written(b"new", "b"), Event("sync", "b"), Event("sync_folder")),
        Event("rename", "b", "a"),
    ]
    assert states(events) == [{"a": b"old", "b": b"new"}, {"a": b"new"}]
    assert states([*events, Event("sync_folder")]) == [{"a": b"new"}]


def test_ok__a_removed_file_may_come_back_and_a_new_one_of_its_name_is_another() -> None:
    events = [Event("create", "a"), written(b"old"), Event("sync", "a"), Event("sync_folder"), Event("unlink", "a")]
    assert states(events) == [{"a": b"old"}, {}]
    again = states([*events, Event("create", "a"), written(b"new")])
    assert {state.get("a") for state in again} == {b"old", None, b"", b"new"}


def test_ok__the_index_of_the_log_is_anything() -> None:
    events = [Event("create", "a-shm"), Event("create", "b"), Event("sync_folder"), written(b"x" * 512, "b")]
    found = {state.get("a-shm") for state in states([*events, *(written(b"y", "b", offset) for offset in range(9))])}
    assert {None, bytes(32_768)} < found


def test_ok__a_trace_is_read_with_calls_that_another_thread_splits() -> None:
    def hexadecimal(text: str) -> str:
        return "".join(f"\\x{byte:02x}" for byte in text.encode())

    folder, name, other = hexadecimal("/state"), hexadecimal("/state/a"), hexadecimal("/other/a")
    trace = [
        f'7 openat(AT_FDCWD<{other}>, "{name}", O_RDWR|O_CREAT|O_CLOEXEC, 0600) = 5<{name}>',
        f'7 pwrite64(5<{name}>, "{hexadecimal("x")}", 1, 512 <unfinished ...>',
        f'8 write(1</dev/null>, "{hexadecimal("PUT 1")}", 5) = 5'.replace("/dev/null", hexadecimal("/dev/null")),
        "7 <... pwrite64 resumed>) = 1",
        f"7 ftruncate(5<{name}>, 3) = 0",
        f"7 fdatasync(5<{name}>) = 0",
        f'7 rename("{name}", "{hexadecimal("/state/b")}") = 0',
        f'7 unlink("{other}") = 0',
        f'7 unlink("{name}") = -1 ENOENT (No such file or directory)',
        f"7 fsync(3<{folder}>) = 0",
    ]
    assert list(parse(trace, FOLDER)) == [
        Event("create", "a"),
        Event("said", data=b"PUT 1"),
        Event("write", "a", offset=512, data=b"x"),
        Event("truncate", "a", offset=3),
        Event("sync", "a"),
        Event("rename", "a", "b"),
        Event("sync_folder"),
    ]


def test_fail__a_call_that_is_not_modelled_ends_the_reading() -> None:
    name = "".join(f"\\x{byte:02x}" for byte in b"/state/a")
    with pytest.raises(RuntimeError, match="fallocate of a is not modelled"):
        list(parse([f"7 fallocate(5<{name}>, 0, 0, 4096) = 0"], FOLDER))


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (["PUT 1", "PUT 2"], []),
        (["PUT 1", "PUT 2", "PUT 3"], ["acknowledged alerts are lost"]),
        (["PUT 1", "PUT 2", "PUT 3", "DAMAGED"], []),
        (["PUT 1", "PUT 2", "PUT 3", "ASK 3"], []),
        (["PUT 1", "PUT 2", "ASK 1", "CONFIRMED 1"], ["confirmed alerts wait again"]),
    ],
)
def test_ok__the_judge_compares_what_is_there_with_what_was_said(
    tmp_path: Path, said: list[str], found: list[str]
) -> None:
    spool = Spool(tmp_path / "spool", drive.LIMITS)
    spool.put(drive.entry(1))
    spool.put(drive.entry(2))
    spool.close()
    facts = Facts()
    for line in said:
        facts.add(line)
    content = {path.name: path.read_bytes() for path in (tmp_path / "spool").iterdir()}
    shutil.rmtree(tmp_path / "spool")
    assert list(judge(content, facts, tmp_path)) == found


def test_ok__the_judge_finds_a_damaged_database(tmp_path: Path) -> None:
    assert list(judge({FILE: b"no database, " * 500}, Facts(), tmp_path)) == ["the database is damaged"]
