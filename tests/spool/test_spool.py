"""What the spool keeps, what goes first, and what it tells about itself."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from driver_monitor.data.alert import LEVELS
from driver_monitor.spool.entry import SpoolLimits
from driver_monitor.spool.file import FILE
from driver_monitor.spool.spool import Spool
from driver_monitor.spool.store import LONGEST_QUEUE, MOST_BODY
from tests.spool.cars import DAY_S, Clocks, alert, killed, numbers, parked

SMALL = SpoolLimits(size=1_000_000)


def test_ok__an_alert_waits_with_its_bytes_until_the_operator_has_it(tmp_path: Path) -> None:
    with closing(Spool(tmp_path / "new" / "folder")) as spool:
        assert spool.put(alert(1))
    with closing(Spool(tmp_path / "new" / "folder")) as spool:
        assert spool.waiting(10) == [alert(1)]
        assert spool.confirm([alert(1).id]) == 1
        assert spool.confirm([alert(1).id]) == 0
        assert spool.waiting(10) == []
    with closing(Spool(tmp_path / "new" / "folder")) as spool:
        assert spool.waiting(10) == []


def test_ok__the_worst_and_oldest_comes_first_without_those_on_their_way(tmp_path: Path) -> None:
    with closing(Spool(tmp_path)) as spool:
        for seq, level in enumerate(("info", "critical", "warning", "critical"), 1):
            spool.put(alert(seq, level))  # type: ignore[arg-type]
        assert numbers(spool) == [2, 4, 3, 1]
        assert [entry.seq for entry in spool.waiting(2, {alert(2).id})] == [4, 3]


def test_ok__an_alert_that_is_put_twice_is_kept_once_as_first_published(tmp_path: Path) -> None:
    with closing(Spool(tmp_path)) as spool:
        assert spool.put(alert(1))
        assert spool.put(alert(1, size=50))
        assert spool.waiting(10) == [alert(1)]
        spool.confirm([alert(1).id])
        assert spool.put(alert(1))
        assert spool.waiting(10) == [], "it was stored already"


def test_ok__ids_that_no_operator_would_send_confirm_nothing(tmp_path: Path) -> None:
    with closing(Spool(tmp_path)) as spool:
        spool.put(alert(1))
        strange: list[object] = [7, None, ["x"], {}, "\ud800", "", "x" * 1_000_000, "%", 0.5]
        assert spool.confirm(strange) == 0  # type: ignore[arg-type]
        assert spool.fault is None
        assert numbers(spool) == [1]


def test_ok__only_its_owner_can_read_the_files(tmp_path: Path) -> None:
    with closing(Spool(tmp_path)) as spool:
        spool.put(alert(1))
        files = [path for path in tmp_path.iterdir() if path.is_file()]
        assert {path.name for path in files} == {FILE, f"{FILE}-wal", f"{FILE}-shm"}
        assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_ok__all_files_together_stay_within_the_limit(tmp_path: Path) -> None:
    with closing(Spool(tmp_path, SMALL)) as spool:
        for seq in range(1, 700):
            spool.put(alert(seq, LEVELS[seq % 3], size=300 + seq % 7 * 400))
            if seq % 5 == 0:
                spool.confirm([alert(seq - 1).id, alert(seq - 3).id])
            total = sum(path.stat().st_size for path in tmp_path.iterdir())
            assert spool.counts().size == total <= SMALL.size
        kept = sum(len(entry.body) for entry in spool.waiting(10_000))
        assert kept > 200_000, "the room is used, although what was dropped lay between what was kept"


def test_ok__what_was_sent_goes_before_anything_that_waits(tmp_path: Path) -> None:
    with closing(Spool(tmp_path, SMALL)) as spool:
        for seq in range(1, 251):
            spool.put(alert(seq, "info"))
        spool.confirm([alert(seq).id for seq in range(101, 251)])
        for seq in range(251, 351):
            assert spool.put(alert(seq, "critical"))
        assert spool.counts().dropped == 0
        assert len(numbers(spool)) == 200


def test_ok__the_mildest_and_oldest_waiting_ones_go_next_and_are_counted(tmp_path: Path) -> None:
    with closing(Spool(tmp_path, SMALL)) as spool:
        for seq in range(1, 601):
            spool.put(alert(seq, LEVELS[seq % 3]))
        counts = spool.counts()
        kept = set(numbers(spool))
        gone = set(range(1, 601)) - kept
        assert {seq for seq in gone if seq % 3 == 2} == set(), "no critical one"
        infos, warnings = ([seq for seq in range(1, 601) if seq % 3 == level] for level in (0, 1))
        assert all(seq in gone for seq in infos[:-1]), "all of level info, but for the newest"
        assert [seq for seq in warnings if seq in gone] == warnings[: sum(seq in gone for seq in warnings)]
        assert (counts.waiting, counts.dropped) == (len(kept), len(gone))


def test_ok__a_mild_alert_drives_no_worse_one_out(tmp_path: Path) -> None:
    with closing(Spool(tmp_path, SMALL)) as spool:
        seq = 1
        while spool.counts().dropped == 0:
            spool.put(alert(seq, "critical"))
            seq += 1
        before = numbers(spool)
        assert not spool.put(alert(seq, "info"))
        assert numbers(spool) == before
        assert spool.counts().absent == ((1, 1, "dropped"), (seq, seq, "dropped"))


def test_ok__an_alert_of_a_size_that_none_has_is_dropped_and_counted(tmp_path: Path) -> None:
    with closing(Spool(tmp_path)) as spool:
        assert not spool.put(alert(1, size=MOST_BODY + 1))
        assert spool.put(alert(2, size=MOST_BODY))
        assert numbers(spool) == [2]
        assert spool.counts().absent == ((1, 1, "dropped"),)


def test_ok__a_lower_limit_makes_the_file_smaller(tmp_path: Path) -> None:
    with closing(Spool(tmp_path, SpoolLimits(size=8_000_000))) as spool:
        for seq in range(1, 701):
            spool.put(alert(seq))
        assert spool.counts().size > 1.2 * SMALL.size
    with closing(Spool(tmp_path, SMALL)) as spool:
        for _ in range(40):
            spool.waiting(1)
        counts = spool.counts()
        assert counts.size <= SMALL.size
        assert counts.waiting + counts.dropped == 700
        assert counts.absent == ((1, counts.dropped, "dropped"),)
        assert spool.put(alert(701))


def test_ok__numbers_that_a_power_cut_skipped_are_told(tmp_path: Path) -> None:
    with closing(Spool(tmp_path / "a")) as spool:
        spool.put(alert(1))
        spool.put(alert(2))
        killed(tmp_path / "a", tmp_path / "b")
    with closing(Spool(tmp_path / "b")) as spool:
        spool.put(alert(17))
        spool.put(alert(18))
        assert spool.counts().absent == ((3, 16, "power_cut"),)
        assert spool.counts().dropped == 0
    with closing(Spool(tmp_path / "b")) as spool:
        spool.put(alert(19))
        assert spool.counts().absent == ((3, 16, "power_cut"),), "an ordinary stop skips nothing"


def test_ok__the_first_number_of_all_follows_on_nothing(tmp_path: Path) -> None:
    with closing(Spool(tmp_path)) as spool:
        spool.put(alert(5000))
        assert spool.counts().absent == ()


def test_ok__a_number_that_is_missing_within_a_run_was_dropped_on_the_way(tmp_path: Path) -> None:
    with closing(Spool(tmp_path)) as spool:
        spool.put(alert(1))
        spool.put(alert(4))
        assert spool.counts().absent == ((2, 3, "dropped"),)
        assert spool.counts().dropped == 2


def test_ok__a_count_that_goes_on_with_the_clock_drops_nothing(tmp_path: Path) -> None:
    with closing(Spool(tmp_path)) as spool:
        spool.put(alert(1))
        spool.put(alert(1 + LONGEST_QUEUE + 1))
        spool.put(alert(2**51))
        spool.put(alert(3))
        spool.put(alert(4))
        assert {reason for _, _, reason in spool.counts().absent} == {"power_cut"}
        assert spool.counts().dropped == 0
        assert len(numbers(spool)) == 5


def test_ok__ranges_grow_together_and_the_newest_hundred_stay(tmp_path: Path) -> None:
    with closing(Spool(tmp_path)) as spool:
        for seq in (1, 2, 4, 5, 3):
            spool.put(alert(seq, size=MOST_BODY + 1))
        assert spool.counts().absent == ((1, 5, "dropped"),)
        for seq in range(10, 500, 2):
            spool.put(alert(seq, size=10))
        absent = spool.counts().absent
        assert len(absent) == 100
        assert absent[-1] == (497, 497, "dropped")


def test_ok__counts_tell_the_age_of_the_oldest(tmp_path: Path) -> None:
    clocks = Clocks()
    with closing(parked(tmp_path, clocks)) as spool:
        assert spool.counts().oldest_s is None
        spool.put(alert(1, "info"))
        clocks.true_s += 50
        spool.put(alert(2, "critical"))
        clocks.true_s += 10
        assert spool.counts().oldest_s == 60
        spool.confirm([alert(1).id])
        assert spool.counts().oldest_s == 10
    clocks.true_s += DAY_S
    with closing(parked(tmp_path, clocks)) as spool:
        assert spool.counts().oldest_s == DAY_S + 10


def test_ok__after_close_it_keeps_nothing_and_says_so(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.put(alert(1))
    spool.close()
    spool.close()
    assert not spool.put(alert(2))
    assert spool.waiting(1) == []
    assert spool.confirm([alert(1).id]) == 0
    assert spool.counts().waiting == 1


@pytest.mark.parametrize("sent_days", [0.0, 30.0])
def test_ok__nothing_of_what_was_sent_is_kept_if_the_driver_may_not_see_it(tmp_path: Path, sent_days: float) -> None:
    with closing(Spool(tmp_path, SpoolLimits(sent_days=sent_days))) as spool:
        spool.put(alert(1))
        spool.confirm([alert(1).id])
        with closing(sqlite3.connect(tmp_path / FILE)) as file:
            assert file.execute("SELECT count(*) FROM alert").fetchone() == (int(sent_days > 0),)
