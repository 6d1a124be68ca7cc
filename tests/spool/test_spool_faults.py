"""Disks and files that fail: one clear error, logged once, and alerts go on."""

from __future__ import annotations

import logging
import os
import resource
import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from driver_monitor.spool import spool as spool_module
from driver_monitor.spool.disk import RETRY_S
from driver_monitor.spool.entry import SpoolLimits
from driver_monitor.spool.file import FILE, LOG_BYTES, PAGE
from driver_monitor.spool.spool import Spool
from tests.spool.cars import DAY_S, Clocks, alert, numbers, parked

Logs = pytest.LogCaptureFixture


def errors(caplog: Logs) -> list[str]:
    return [record.message for record in caplog.records if record.levelno == logging.ERROR]


@contextmanager
def failing_disk() -> Iterator[None]:
    """No file of this process may grow: writes fail as on a card that is worn out."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with 300 kB. Needs root."""
    disk = tmp_path / "disk"
    disk.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if done.returncode != 0:
        pytest.skip("needs root: a file system of its own cannot be mounted")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=False)


def test_ok__while_the_disk_fails_alerts_wait_in_memory_and_move_to_it_later(tmp_path: Path, caplog: Logs) -> None:
    clocks = Clocks()
    with closing(parked(tmp_path, clocks)) as spool:
        assert spool.put(alert(1, "info"))
        with failing_disk():
            for seq in range(2, 6):
                assert not spool.put(alert(seq))
                clocks.true_s += RETRY_S
            assert numbers(spool) == [2, 3, 4, 5, 1], "also those on disk can be read"
            assert spool.counts().waiting == 5
            assert spool.confirm([alert(3).id]) == 1
        assert len(errors(caplog)) == 1
        assert f"{tmp_path / FILE}: alerts for the operator cannot be kept: disk I/O error; check" in errors(caplog)[0]
        assert spool.fault is not None
        clocks.true_s += RETRY_S
        assert spool.put(alert(6))
        assert spool.fault is None
    with closing(parked(tmp_path, clocks)) as spool:
        assert numbers(spool) == [2, 4, 5, 6, 1]
        assert spool.counts().absent == ()


def test_ok__a_failing_disk_is_not_asked_for_each_alert(tmp_path: Path) -> None:
    clocks = Clocks()
    with closing(parked(tmp_path, clocks)) as spool:
        with failing_disk():
            spool.put(alert(1))
        assert not spool.put(alert(2)), "the disk works, but it was not asked"
        clocks.true_s += RETRY_S
        assert spool.put(alert(3))
        assert numbers(spool) == [1, 2, 3]


def test_ok__close_writes_what_is_in_memory_if_the_disk_works_again(tmp_path: Path) -> None:
    clocks = Clocks()
    spool = parked(tmp_path, clocks)
    with failing_disk():
        spool.put(alert(1))
    spool.close()
    with closing(parked(tmp_path, clocks)) as spool:
        assert numbers(spool) == [1]


def test_fail__close_says_how_many_alerts_are_lost_with_a_disk_that_fails(tmp_path: Path, caplog: Logs) -> None:
    clocks = Clocks()
    spool = parked(tmp_path, clocks)
    with failing_disk():
        for seq in (1, 2, 3):
            spool.put(alert(seq))
        spool.confirm([alert(2).id])
        spool.close()
    assert "2 alerts in memory are lost, because the daemon ends" in errors(caplog)[-1]
    assert len(errors(caplog)) == 2


def test_ok__a_disk_that_failed_for_nothing_is_closed_without_a_loss(tmp_path: Path, caplog: Logs) -> None:
    spool = parked(tmp_path, Clocks())
    with failing_disk():
        spool.put(alert(1))
        spool.confirm([alert(1).id])
        spool.close()
    assert len(errors(caplog)) == 1


def test_ok__memory_is_bounded_too_and_what_it_dropped_is_told(tmp_path: Path) -> None:
    clocks = Clocks()
    with closing(parked(tmp_path, clocks, SpoolLimits(size=1_000_000))) as spool:
        with failing_disk():
            for seq in range(1, 601):
                spool.put(alert(seq))
            waiting, dropped = spool.counts().waiting, spool.counts().dropped
            assert waiting + dropped == 600
            assert dropped > 100
        clocks.true_s += RETRY_S
        assert spool.put(alert(601))
        counts = spool.counts()
        assert counts.waiting + counts.dropped == 601
        assert counts.absent == ((1, counts.dropped, "dropped"),)


def test_ok__a_power_cut_before_a_start_without_disk_is_told_when_the_disk_works(tmp_path: Path) -> None:
    clocks = Clocks()
    with closing(parked(tmp_path, clocks)) as spool:
        spool.put(alert(3))
    (tmp_path / FILE).rename(tmp_path / "elsewhere")
    (tmp_path / FILE).mkdir()
    with closing(parked(tmp_path, clocks)) as spool:
        assert not spool.put(alert(17))
        (tmp_path / FILE).rmdir()
        (tmp_path / "elsewhere").rename(tmp_path / FILE)
        clocks.true_s += RETRY_S
        assert spool.put(alert(18))
        assert spool.counts().absent == ((4, 16, "power_cut"),)
        assert numbers(spool) == [3, 17, 18]


def test_ok__a_full_disk_gives_what_it_holds_and_takes_more_when_there_is_room(small_disk: Path, caplog: Logs) -> None:
    clocks = Clocks()
    with closing(parked(small_disk, clocks)) as spool:
        seq = 1
        while spool.put(alert(seq)):
            seq += 1
        assert len(numbers(spool)) == seq
        assert "database or disk is full" in errors(caplog)[0]
        spool.confirm([alert(one).id for one in range(1, seq + 1)])
        clocks.true_s += RETRY_S
        spool.confirm([alert(one).id for one in range(1, seq + 1)])
        subprocess.run(["mount", "-o", "remount,size=2m", str(small_disk)], check=True)
        clocks.true_s += RETRY_S
        assert spool.put(alert(seq + 1))
        assert seq + 1 in numbers(spool)
        assert len(errors(caplog)) <= 2


def test_ok__a_disk_that_becomes_read_only_is_one_error(small_disk: Path, caplog: Logs) -> None:
    clocks = Clocks()
    with closing(parked(small_disk, clocks)) as spool:
        spool.put(alert(1))
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with closing(parked(small_disk, clocks)) as spool:
        for seq in range(2, 5):
            assert not spool.put(alert(seq))
            clocks.true_s += RETRY_S
        assert set(numbers(spool)) >= {2, 3, 4}
        assert len(errors(caplog)) == 1
        subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
        clocks.true_s += RETRY_S
        assert spool.put(alert(5))
        assert numbers(spool) == [1, 2, 3, 4, 5]


def file_in_place_of_folder(folder: Path) -> None:
    folder.write_text("a file")


def folder_in_place_of_file(folder: Path) -> None:
    (folder / FILE).mkdir(parents=True)


def pipe_in_place_of_file(folder: Path) -> None:
    folder.mkdir()
    os.mkfifo(folder / FILE)


@pytest.mark.parametrize("obstacle", [file_in_place_of_folder, folder_in_place_of_file, pipe_in_place_of_file])
def test_fail__what_is_no_file_is_one_error_and_stays(
    tmp_path: Path, obstacle: Callable[[Path], None], caplog: Logs
) -> None:
    obstacle(tmp_path / "state")
    clocks = Clocks()
    with closing(parked(tmp_path / "state", clocks)) as spool:
        assert not spool.put(alert(1))
        clocks.true_s += RETRY_S
        assert not spool.put(alert(2))
        assert numbers(spool) == [1, 2]
        assert len(errors(caplog)) == 1


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "text": lambda _: b"not a spool, " * 1000,
    "cut": lambda content: content[: len(content) // 2],
    "zeros in the middle": lambda content: content[:2048] + bytes(len(content) - 2048),
    "noise in the middle": lambda content: content[:1024] + os.urandom(len(content) - 1024),
    "no header": lambda content: bytes(100) + content[100:],
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_fail__a_damaged_file_is_renamed_and_a_new_one_begun(tmp_path: Path, kind: str, caplog: Logs) -> None:
    clocks = Clocks()
    with closing(parked(tmp_path, clocks)) as spool:
        for seq in range(1, 200):
            spool.put(alert(seq))
    damaged = DAMAGE[kind]((tmp_path / FILE).read_bytes())
    (tmp_path / FILE).write_bytes(damaged)
    with closing(parked(tmp_path, clocks)) as spool:
        spool.waiting(1000)
        assert spool.put(alert(200))
        assert spool.waiting(1000)[-1] == alert(200)
        assert spool.fault is None
    (error,) = errors(caplog)
    assert f"{tmp_path / FILE} is damaged (" in error
    assert f"renamed to {FILE}.damaged; a new file is begun, with " in error
    with closing(parked(tmp_path, clocks)) as spool:
        assert spool.waiting(1000)[-1] == alert(200)


def test_ok__what_is_whole_in_a_damaged_file_is_taken_over(tmp_path: Path, caplog: Logs) -> None:
    clocks = Clocks()
    with closing(parked(tmp_path, clocks)) as spool:
        for seq in range(1, 301):
            spool.put(alert(seq, size=1000 + seq))
        spool.confirm([alert(seq, size=1000 + seq).id for seq in range(1, 101)])
        spool.put(alert(303))
    with (tmp_path / FILE).open("r+b") as file:
        file.seek((tmp_path / FILE).stat().st_size // 2)
        file.write(os.urandom(3 * PAGE))
    clocks.true_s += 3600
    with closing(parked(tmp_path, clocks)) as spool:
        found = spool.waiting(1000)
        assert all(entry == alert(entry.seq, size=1000 + entry.seq) for entry in found if entry.seq != 303)
        assert len(found) > 150
        assert found[-1] == alert(303)
        assert spool.counts().absent == ((301, 302, "dropped"),)
        assert spool.counts().oldest_s == 3600
        assert f"with {len(found)} waiting alerts that were whole" in errors(caplog)[0]
        assert spool.put(alert(304))
        assert spool.counts().absent == ((301, 302, "dropped"),)
    with closing(sqlite3.connect(tmp_path / FILE)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert database.execute("SELECT count(*) FROM alert WHERE sent = 1").fetchone()[0] > 50


def test_ok__a_body_whose_bytes_are_not_those_that_were_put_is_never_sent(tmp_path: Path, caplog: Logs) -> None:
    clocks = Clocks()
    with closing(parked(tmp_path, clocks)) as spool:
        for seq in range(1, 10):
            spool.put(alert(seq))
    content = (tmp_path / FILE).read_bytes()
    at = content.index(alert(5).body[:12])
    (tmp_path / FILE).write_bytes(content[:at] + b"X" + content[at + 1 :])
    with closing(parked(tmp_path, clocks)) as spool:
        assert numbers(spool) == [1, 2, 3, 4, 6, 7, 8, 9]
        assert "is damaged (an alert in it is not what was put)" in errors(caplog)[0]


def test_fail__an_index_that_names_an_alert_that_is_not_there_is_damage(tmp_path: Path, caplog: Logs) -> None:
    clocks = Clocks()
    with closing(parked(tmp_path, clocks)) as spool:
        for seq in range(1, 4):
            spool.put(alert(seq))
    index = "SELECT type, name, tbl_name, rootpage, sql FROM sqlite_master WHERE name = 'waiting'"
    with closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as file:
        row = file.execute(index).fetchone()
        file.execute("PRAGMA writable_schema=ON")
        file.execute("DELETE FROM sqlite_master WHERE name = 'waiting'")
    with closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as file:
        file.execute("DELETE FROM alert WHERE seq = 2")
        file.execute("PRAGMA writable_schema=ON")
        file.execute("INSERT INTO sqlite_master VALUES (?, ?, ?, ?, ?)", row)
    with closing(parked(tmp_path, clocks)) as spool:
        assert numbers(spool) == [1, 3]
        assert "is damaged (" in errors(caplog)[0]
        assert spool.counts().waiting == 2


def test_fail__a_count_that_is_not_that_of_the_alerts_is_damage(tmp_path: Path, caplog: Logs) -> None:
    clocks = Clocks()
    with closing(parked(tmp_path, clocks)) as spool:
        spool.put(alert(1))
    with closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as file:
        file.execute("UPDATE total SET waiting = 7")
    with closing(parked(tmp_path, clocks)) as spool:
        assert numbers(spool) == [1]
        assert spool.counts().waiting == 1
        assert "is damaged (its totals are wrong)" in errors(caplog)[0]


def test_ok__a_damaged_file_is_forgotten_as_its_alerts_would_have_been(tmp_path: Path) -> None:
    clocks = Clocks()
    damaged = tmp_path / f"{FILE}.damaged"
    parked(tmp_path, clocks).close()
    (tmp_path / FILE).write_bytes(b"no spool, " * 500)
    parked(tmp_path, clocks).close()
    os.utime(damaged, (clocks.true_s, clocks.true_s))
    for days, known, there in ((59, True, True), (61, False, True), (61, True, False)):
        later = Clocks(clocks.true_s + days * DAY_S, known=known)
        parked(tmp_path, later).close()
        assert damaged.exists() == there, (days, known)


def test_fail__damage_that_shows_while_the_daemon_runs_ends_nothing(tmp_path: Path, caplog: Logs) -> None:
    clocks = Clocks()
    with closing(parked(tmp_path, clocks)) as spool:
        for seq in range(1, 400):
            spool.put(alert(seq))
    with closing(parked(tmp_path, clocks)) as spool:
        with (tmp_path / FILE).open("r+b") as file:
            file.seek(2048)
            file.write(os.urandom(300_000))
        spool.waiting(1000)
        assert spool.put(alert(400))
        assert numbers(spool)[-1] == 400
        assert len(errors(caplog)) == 1
        assert oct((tmp_path / FILE).stat().st_mode) == "0o100600"


COLUMNS = {
    "alert": ("id", "seq", "rule", "t_wall", "ran_s", "wall_s", "body"),
    "absent": ("first", "last", "reason"),
    "total": ("last_seq", "waiting", "dropped", "ran_s"),
}


@pytest.mark.parametrize("table", COLUMNS)
def test_fail__values_of_a_wrong_kind_end_nothing(tmp_path: Path, table: str, caplog: Logs) -> None:
    clocks = Clocks()
    with closing(parked(tmp_path, clocks)) as spool:
        spool.put(alert(1))
        spool.put(alert(3))
    sound = (tmp_path / FILE).read_bytes()
    for column in COLUMNS[table]:
        for value in (None, "text", b"\xff", 1e308):
            (tmp_path / FILE).write_bytes(sound)
            with closing(sqlite3.connect(tmp_path / FILE)) as file:
                file.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = 1", (value,))
                file.commit()
            with closing(parked(tmp_path, clocks)) as spool:
                assert spool.put(alert(4)), (column, value)
                clocks.true_s += DAY_S
                assert alert(4) in spool.waiting(10), (column, value)
                assert spool.confirm([alert(4).id]) == 1
                spool.counts()
                assert spool.fault is None
                assert alert(3) in spool.waiting(10)
    assert all("is damaged (" in error for error in errors(caplog))


@pytest.mark.parametrize("damage", ["lost", "empty", "torn", "foreign"])
def test_ok__whatever_happens_to_the_log_of_a_closed_spool_the_alerts_stay(tmp_path: Path, damage: str) -> None:
    clocks = Clocks()
    with closing(parked(tmp_path, clocks)) as spool:
        spool.put(alert(1))
    foreign = {"lost": None, "empty": b"", "torn": b"\x37\x7f\x06\x82" * 200, "foreign": b"no log of ours, " * 300}[
        damage
    ]
    for ending in ("-wal", "-shm", "-journal"):
        if foreign is not None:
            (tmp_path / f"{FILE}{ending}").write_bytes(foreign)
    with closing(parked(tmp_path, clocks)) as spool:
        assert spool.put(alert(2))
        assert numbers(spool) == [1, 2]


def test_fail__a_file_of_a_newer_version_is_left_as_it_is(tmp_path: Path, caplog: Logs) -> None:
    clocks = Clocks()
    parked(tmp_path, clocks).close()
    with closing(sqlite3.connect(tmp_path / FILE)) as file:
        file.execute("PRAGMA user_version=99")
    before = (tmp_path / FILE).read_bytes()
    with closing(parked(tmp_path, clocks)) as spool:
        assert not spool.put(alert(1))
        assert numbers(spool) == [1]
    assert (tmp_path / FILE).read_bytes() == before
    error, _ = errors(caplog)
    assert "written by a newer version of this program (tables of version 99; this one knows 1); update" in error


def test_fail__a_second_daemon_keeps_nothing_on_disk_and_says_so(tmp_path: Path, caplog: Logs) -> None:
    clocks = Clocks()
    with closing(parked(tmp_path, clocks)) as first, closing(parked(tmp_path, clocks)) as second:
        assert not second.put(alert(7))
        assert first.put(alert(1))
        assert numbers(first) == [1]
        (error,) = errors(caplog)
        assert "another daemon keeps its alerts there; end the other daemon, or set service.state_dir" in error
    with closing(parked(tmp_path, clocks)) as third:
        assert third.put(alert(2))


def test_ok__another_program_that_holds_the_file_hangs_nothing(tmp_path: Path, caplog: Logs) -> None:
    clocks = Clocks()
    with closing(parked(tmp_path, clocks)) as spool:
        spool.put(alert(1))
        with closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert not spool.put(alert(2))
            assert numbers(spool) == [1, 2]
            assert "locked; end the program that holds the file" in errors(caplog)[0]
        clocks.true_s += RETRY_S
        assert spool.put(alert(3))
        assert numbers(spool) == [1, 2, 3]


def test_ok__a_reader_without_an_end_does_not_let_the_log_grow(tmp_path: Path, caplog: Logs) -> None:
    clocks = Clocks()
    log = tmp_path / f"{FILE}-wal"
    with closing(parked(tmp_path, clocks, SpoolLimits(size=2_000_000))) as spool:
        spool.put(alert(1))
        with closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM alert").fetchone()
            for seq in range(2, 500):
                spool.put(alert(seq))
            assert log.stat().st_size < 1.2 * LOG_BYTES
            assert "another program reads the file without an end" in errors(caplog)[0]
        clocks.true_s += RETRY_S
        assert spool.put(alert(500))
        assert numbers(spool) == list(range(1, 501))
        assert log.stat().st_size <= LOG_BYTES


def test_ok__a_file_that_somebody_takes_away_is_begun_anew(tmp_path: Path, caplog: Logs) -> None:
    clocks = Clocks()
    with closing(parked(tmp_path / "a", clocks)) as spool:
        spool.put(alert(1))
        shutil.rmtree(tmp_path / "a")
        spool.put(alert(2))
        clocks.true_s += RETRY_S
        assert spool.put(alert(3))
        assert numbers(spool) == [2, 3]
        assert "was taken away" in errors(caplog)[0]
    with closing(parked(tmp_path / "a", clocks)) as spool:
        assert numbers(spool) == [2, 3]


def test_ok__threads_that_put_and_ask_together_get_all(tmp_path: Path) -> None:
    with closing(Spool(tmp_path)) as spool:

        def put(start: int) -> None:
            for seq in range(start, start + 50):
                spool.put(alert(seq))
                spool.counts()
                spool.confirm([entry.id for entry in spool.waiting(1)])

        threads = [threading.Thread(target=put, args=(start,)) for start in (1, 101, 201)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert spool.counts().waiting == len(numbers(spool)) < 150


def test_ok__close_does_not_wait_for_a_disk_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_module, "CLOSE_S", 0.05)
    spool = Spool(tmp_path)
    with spool._lock:  # as a thread that waits for the disk holds it
        spool.close()
        assert spool.counts().waiting == 0
    spool.close()
