"""The vehicle's alert number through reboots, power cuts, damaged files and full disks."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from driver_monitor.outputs import sequence
from driver_monitor.outputs.sequence import (
    BLOCK,
    CLOCK_SET_MS,
    FILE,
    AlertSequence,
)

NOW_MS = CLOCK_SET_MS + 10_000_000


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


def test_ok__after_a_power_cut_no_number_is_used_twice_and_at_most_a_block_is_skipped(tmp_path: Path) -> None:
    program = (
        "import os, sys, pathlib; from driver_monitor.outputs.sequence import AlertSequence\n"
        "counter = AlertSequence(pathlib.Path(sys.argv[1]))\n"
        "print(*[counter.next() for _ in range(8)], flush=True); os.kill(os.getpid(), 9)\n"
    )
    last = 0
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, check=False)
        given = [int(number) for number in done.stdout.split()]
        assert len(given) == 8
        assert given == sorted(set(given))
        assert last < given[0] <= last + 2 * BLOCK
        last = given[-1]


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
    assert first[0] > NOW_MS - 1
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


def test_fail__damaged_with_a_clock_that_was_never_set_still_does_not_repeat_a_number(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"x" * 5000)
    with at(tmp_path, now_ms=3600_000) as counter:
        assert 2**51 < counter.next() < 2**53


def test_fail__a_folder_that_cannot_be_used_costs_no_alert(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    with at(tmp_path / "file" / "state") as counter:
        given = numbers(counter, 50)
        assert given == sorted(set(given))
        assert given[0] >= NOW_MS
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
        assert store.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        store.close()
        assert counter._store is not None
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
