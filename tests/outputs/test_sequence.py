"""The vehicle's alert number through reboots, power cuts, damaged files and full disks."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from driver_monitor.outputs import sequence
from driver_monitor.outputs.sequence import (
    BLOCK,
    CLOCK_SET_MS,
    FILE,
    IN_A_MS,
    MOST,
    AlertSequence,
)
from tools.spool.disk_model import DiskModel
from tools.spool.recording import CannotTraceError, record

NOW_MS = CLOCK_SET_MS + 10_000_000
FROM_CLOCK = NOW_MS * IN_A_MS
COUNT = (
    "import os, sys, pathlib; from driver_monitor.outputs import sequence; sequence.PATIENCE_S = 10\n"
    "counter = sequence.AlertSequence(pathlib.Path(sys.argv[1]))\n"
    "for _ in range(int(sys.argv[2])): os.write(1, b'%d\\n' % counter.next())\n"
    "os._exit(0)\n"
)
"""Counts, writes each number when it is used, and ends as a kill ends it."""


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests count faster than any vehicle, and a busy machine reserves slowly: allow a long wait."""
    monkeypatch.setattr(sequence, "PATIENCE_S", 10.0)


def numbers(counter: AlertSequence, count: int) -> list[int]:
    return [counter.next() for _ in range(count)]


def at(folder: Path, now_ms: int = NOW_MS) -> closing[AlertSequence]:
    return closing(AlertSequence(folder, lambda: now_ms))


def test_ok__it_counts_from_one_and_goes_on_after_a_clean_restart(tmp_path: Path) -> None:
    with at(tmp_path / "new" / "folder") as first:
        assert numbers(first, 40) == list(range(1, 41))
    with at(tmp_path / "new" / "folder") as second:
        assert numbers(second, 3) == [41, 42, 43]
        assert second.fault is None
    second.close()


def counted_and_killed(folder: Path, count: int) -> list[int]:
    program = [sys.executable, "-c", COUNT, str(folder), str(count)]
    done = subprocess.run(program, stdout=subprocess.PIPE, check=False)
    return [int(number) for number in done.stdout.split()]


def test_ok__after_a_power_cut_no_number_is_used_twice_and_at_most_a_block_is_skipped(tmp_path: Path) -> None:
    last = 0
    for _ in range(2):
        given = counted_and_killed(tmp_path, 8)
        assert len(given) == 8
        assert given == sorted(set(given))
        assert last < given[0] <= last + 2 * BLOCK
        last = given[-1]


@pytest.mark.parametrize("damage", ["lost", "empty", "torn", "foreign"])
def test_ok__whatever_happens_to_the_files_beside_the_database_no_number_is_used_twice(
    tmp_path: Path, damage: str
) -> None:
    last = 0
    for _ in range(2):
        given = counted_and_killed(tmp_path, 3 * BLOCK)
        assert last < given[0] == min(given)
        last = given[-1]
        for beside in [tmp_path / f"{FILE}{suffix}" for suffix in ("-journal", "-wal", "-shm")]:
            content = beside.read_bytes() if beside.exists() else b""
            beside.unlink(missing_ok=True)
            if damage == "torn" and content:
                beside.write_bytes(content[: len(content) // 1024 * 512])
            elif damage != "lost":
                beside.write_bytes(b"no journal of ours, " * 300 if damage == "foreign" else b"")


@pytest.mark.parametrize("log_is_lost", [True, False])
def test_ok__a_file_of_version_0_1_0_whose_write_ahead_log_may_be_lost_repeats_no_number(
    tmp_path: Path, log_is_lost: bool
) -> None:
    old = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    old.execute("PRAGMA journal_mode=WAL")
    old.execute("PRAGMA synchronous=OFF")
    old.execute("CREATE TABLE sequence (reserved INTEGER NOT NULL)")
    old.execute("INSERT INTO sequence VALUES (0)")
    old.execute("PRAGMA wal_checkpoint")
    for reserved in range(16, 16_000, 16):
        old.execute("UPDATE sequence SET reserved = ?", (reserved,))
    cut = tmp_path / "after the cut"
    cut.mkdir()
    for name in (FILE, *([] if log_is_lost else [f"{FILE}-wal"])):
        (cut / name).write_bytes((tmp_path / name).read_bytes())
    old.close()
    with at(cut) as counter:
        first = counter.next()
        assert 16_000 - 16 < first < CLOCK_SET_MS
    with at(cut) as counter:
        assert counter.next() == first + 1, "the leap is made once"


def test_ok__a_power_cut_between_any_two_writes_to_the_disk_repeats_no_number(tmp_path: Path) -> None:
    try:
        events = record([sys.executable, "-c", COUNT, str(tmp_path / "state"), "20"], tmp_path / "state", tmp_path)
    except CannotTraceError as error:
        pytest.skip(f"power cuts are not enumerated: {error}")
    disk, chance, tried, last = DiskModel(), random.Random(1), 0, 0
    for event in events:
        changed = disk.apply(event)
        if event.kind == "said":
            last = max(last, int(event.data))
        for content in disk.states(chance, 4) if changed or event.kind == "said" else ():
            tried += 1
            folder = tmp_path / f"cut {tried}"
            folder.mkdir()
            for name, data in content.items():
                (folder / name).write_bytes(data)
            with at(folder) as counter:
                assert counter.next() > last, event.kind
    assert tried > 100, f"the recording holds writes: {tried}"


def test_ok__two_daemons_in_one_folder_never_share_a_number(tmp_path: Path) -> None:
    with at(tmp_path) as one, at(tmp_path) as two:
        given = [counter.next() for _ in range(60) for counter in (one, two)]
        assert len(set(given)) == len(given)
    with at(tmp_path) as later:
        assert later.next() > max(given)


def test_ok__threads_that_ask_together_get_different_numbers(tmp_path: Path) -> None:
    given: list[int] = []
    with at(tmp_path) as counter:
        threads = [threading.Thread(target=lambda: given.extend(numbers(counter, 50))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(set(given)) == 200


@pytest.mark.parametrize(
    "content",
    [
        b"this is no database, " * 300,
        b"",
        b"SQLite format 3\0" + bytes(range(256)) * 40,
    ],
    ids=["foreign", "empty", "broken"],
)
def test_fail__a_damaged_file_is_renamed_and_logged_and_no_number_repeats(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / FILE).write_bytes(content)
    with at(tmp_path) as counter:
        first = numbers(counter, 2)
        assert counter.fault is None
    assert first[0] >= FROM_CLOCK
    assert first[1] == first[0] + 1
    assert (tmp_path / f"{FILE}.damaged-1").exists()
    assert caplog.text.count("is damaged") == 1
    with at(tmp_path) as again:
        assert again.next() == first[1] + 1, "and counts on from there"


@pytest.mark.parametrize("rows", ["", "INSERT INTO sequence VALUES (-3)", "INSERT INTO sequence VALUES ('many')"])
def test_fail__a_database_without_a_proper_number_is_damaged_too(tmp_path: Path, rows: str) -> None:
    with sqlite3.connect(tmp_path / FILE) as store:
        store.executescript(f"CREATE TABLE sequence (reserved INTEGER NOT NULL); {rows};")
    store.close()
    with at(tmp_path) as counter:
        assert counter.next() > CLOCK_SET_MS


@pytest.mark.parametrize("number", [MOST + 1, 2**53, 2**62, 2**63 - BLOCK - 1, 2**63 - BLOCK, 2**63 - 1])
def test_fail__a_number_that_no_count_reaches_is_damage_and_what_follows_is_exact_in_every_json_reader(
    tmp_path: Path, number: int, caplog: pytest.LogCaptureFixture
) -> None:
    write_number(tmp_path, number)
    with at(tmp_path) as counter:
        given = numbers(counter, 2 * BLOCK)
    with at(tmp_path) as counter:
        given += numbers(counter, 2)
    assert given == sorted(set(given))
    assert given[0] >= FROM_CLOCK
    assert given[-1] < 2**53
    assert caplog.text.count(f"it holds {number}, which no count reaches") == 1


@pytest.mark.parametrize("number", [2**31, 2**40, MOST - 3 * BLOCK])
def test_ok__a_large_number_is_counted_on_from(tmp_path: Path, number: int) -> None:
    write_number(tmp_path, number)
    with at(tmp_path) as counter:
        assert numbers(counter, 2) == [number + 1, number + 2]


def test_fail__a_number_that_another_program_writes_meanwhile_ends_nothing(tmp_path: Path) -> None:
    with at(tmp_path) as counter:
        given = numbers(counter, 3)
        write_number(tmp_path, 2**63 - 1)
        given += numbers(counter, 3 * BLOCK)
    assert given == sorted(set(given))
    with at(tmp_path) as counter:
        assert given[-1] < counter.next() < 2**53


def write_number(folder: Path, number: int) -> None:
    with sqlite3.connect(folder / FILE) as store:
        store.execute("CREATE TABLE IF NOT EXISTS sequence (reserved INTEGER NOT NULL)")
        store.execute("DELETE FROM sequence")
        store.execute("INSERT INTO sequence VALUES (?)", (number,))
    store.close()


def test_ok__a_clock_that_was_set_back_repeats_no_number(tmp_path: Path) -> None:
    given = []
    for _ in range(3):  # three starts in the same millisecond, with a disk that cannot be used
        (tmp_path / "file").touch()
        with at(tmp_path / "file" / "state") as counter:
            given.append(counter.next())
    assert len(set(given)) > 1


@pytest.mark.parametrize(
    "foreign",
    [
        "CREATE TABLE notes (text)",
        "CREATE TABLE sequence (other INTEGER); INSERT INTO sequence VALUES (1)",
        "CREATE TABLE sequence (reserved); INSERT INTO sequence VALUES (CAST(x'ff' AS TEXT))",
        "CREATE VIEW sequence AS SELECT 5 AS reserved",
    ],
)
def test_fail__a_database_of_another_program_is_one_line_and_no_number_repeats(
    tmp_path: Path, foreign: str, caplog: pytest.LogCaptureFixture
) -> None:
    with sqlite3.connect(tmp_path / FILE) as store:
        store.executescript(foreign)
    store.close()
    given = []
    for start in range(2):
        with at(tmp_path, NOW_MS + start) as counter:
            given += numbers(counter, 20)
    assert given == sorted(set(given))
    assert given[0] >= FROM_CLOCK
    assert len({record.getMessage() for record in caplog.records}) == 1


def test_fail__a_journal_left_beside_a_damaged_file_does_not_reach_the_new_file(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"x" * 5000)
    (tmp_path / f"{FILE}-journal").write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + bytes(5000))
    with at(tmp_path) as counter:
        assert counter.next() >= FROM_CLOCK
        assert counter.fault is None


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_fail__something_that_is_no_file_costs_no_alert(
    tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    os.mkfifo(tmp_path / FILE) if kind == "pipe" else (tmp_path / FILE).mkdir()
    with at(tmp_path) as counter:
        assert counter.next() >= FROM_CLOCK
    assert len(caplog.records) == 1


def test_fail__damaged_with_a_clock_that_was_never_set_still_does_not_repeat_a_number(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"x" * 5000)
    with at(tmp_path, now_ms=3600_000) as counter:
        assert 2**51 < counter.next() < 2**53


def test_fail__a_folder_that_cannot_be_used_costs_no_alert(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    with at(tmp_path / "file" / "state") as counter:
        given = numbers(counter, 50)
        assert given == sorted(set(given))
        assert given[0] >= FROM_CLOCK
        assert counter.fault is not None
        assert str(tmp_path / "file" / "state") in counter.fault
    assert caplog.text.count("cannot be kept") == 1, "logged once, not for every alert"


def test_fail__a_disk_that_fills_up_costs_no_alert_and_no_number_comes_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: Any) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with at(tmp_path) as counter:
        given = numbers(counter, 5)
        with monkeypatch.context() as patch:
            patch.setattr(sequence, "_write", full)
            given += numbers(counter, 3 * BLOCK)
            assert counter.fault is not None
        given += numbers(counter, 3 * BLOCK)
    assert given == sorted(set(given))
    assert given[:16] == list(range(1, 17))
    assert caplog.text.count("disk is full") == 1
    with at(tmp_path, NOW_MS + 60_000) as later:
        assert later.next() > max(given)


def test_ok__what_is_reserved_is_written_with_full_synchronisation(tmp_path: Path) -> None:
    with at(tmp_path) as counter:
        counter.next()
        store = sqlite3.connect(tmp_path / FILE)
        assert store.execute("SELECT reserved FROM sequence").fetchone()[0] >= BLOCK
        assert store.execute("PRAGMA journal_mode").fetchone()[0] != "wal"
        store.close()
        assert counter._store is not None
        assert counter._store.execute("PRAGMA journal_mode").fetchone()[0] == "truncate"
        assert counter._store.execute("PRAGMA synchronous").fetchone()[0] == 2


def test_fail__a_thread_that_dies_is_a_failure_and_alerts_are_numbered_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter = AlertSequence(tmp_path, lambda: NOW_MS)

    def broken() -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(counter, "_reserve", broken)
    given = numbers(counter, 3 * BLOCK)
    assert given == sorted(set(given))
    assert counter.failure is not None
    assert "ZeroDivisionError: oops" in counter.failure
    counter.close()


def test_fail__many_alerts_at_once_wait_for_a_slow_disk_only_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sequence, "PATIENCE_S", 0.3)
    with at(tmp_path) as counter:
        extend, disk, done = counter._extend, threading.Event(), threading.Event()

        def slow(store: sqlite3.Connection) -> None:
            disk.wait(10.0)
            extend(store)
            done.set()

        monkeypatch.setattr(counter, "_extend", slow)
        assert numbers(counter, BLOCK) == list(range(1, BLOCK + 1))
        begin = time.monotonic()
        given = numbers(counter, 20)
        assert 0.3 <= time.monotonic() - begin < 3.0
        assert given == sorted(set(given))
        assert given[0] >= FROM_CLOCK
        disk.set()
        assert done.wait(10.0)
        later = numbers(counter, BLOCK)
        assert later == list(range(given[-1] + 1, given[-1] + 1 + BLOCK)), "the disk has answered: it is waited for"
