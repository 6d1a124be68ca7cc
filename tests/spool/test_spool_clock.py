"""Alerts and what was sent are forgotten by their age, whatever the clock of the car shows."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from driver_monitor.spool.clock import JUMP_S, SETTLED_S
from driver_monitor.spool.entry import SpoolLimits
from driver_monitor.spool.file import FILE
from driver_monitor.spool.spool import Spool
from tests.spool.cars import DAY_S, NOON_S, Clocks, alert, killed, numbers, parked

YEAR_S = 365 * DAY_S


def drive(spool: Spool, clocks: Clocks, seconds: float) -> None:
    """Let time pass. The uplink asks for what waits all the time."""
    clocks.true_s += seconds
    for _ in range(10):
        spool.waiting(1)


def test_ok__an_alert_that_nobody_takes_is_dropped_after_the_days_and_counted(tmp_path: Path) -> None:
    clocks = Clocks()
    with closing(parked(tmp_path, clocks)) as spool:
        spool.put(alert(1))
        drive(spool, clocks, 59 * DAY_S)
        spool.put(alert(2))
        assert numbers(spool) == [1, 2]
        drive(spool, clocks, 1.1 * DAY_S)
        assert numbers(spool) == [2]
        assert spool.counts().absent == ((1, 1, "expired"),)
        assert spool.counts().dropped == 1


def test_ok__what_grew_old_in_a_parked_car_has_time_to_be_sent(tmp_path: Path) -> None:
    clocks = Clocks()
    with closing(parked(tmp_path, clocks)) as spool:
        spool.put(alert(1))
    clocks.true_s += 61 * DAY_S
    with closing(parked(tmp_path, clocks)) as spool:
        drive(spool, clocks, SETTLED_S - 1)
        assert numbers(spool) == [1]
        drive(spool, clocks, 11)
        assert numbers(spool) == []


@pytest.mark.parametrize("wrong_s", [-NOON_S, -10 * YEAR_S, 10 * YEAR_S])
def test_ok__a_clock_that_was_never_set_drops_nothing(tmp_path: Path, wrong_s: float) -> None:
    clocks = Clocks(error_s=wrong_s, known=False)
    with closing(parked(tmp_path, clocks)) as spool:
        spool.put(alert(1))
        drive(spool, clocks, DAY_S)
    clocks.error_s = -wrong_s
    with closing(parked(tmp_path, clocks)) as spool:
        drive(spool, clocks, DAY_S)
        assert numbers(spool) == [1]


@pytest.mark.parametrize("wrong_s", [-10 * YEAR_S, 10 * YEAR_S])
def test_ok__an_alert_from_before_the_clock_was_set_gets_its_age_from_then_on(tmp_path: Path, wrong_s: float) -> None:
    clocks = Clocks(error_s=wrong_s, known=False)
    with closing(parked(tmp_path, clocks)) as spool:
        spool.put(alert(1))
        drive(spool, clocks, 3600)
        clocks.error_s, clocks.known = 0, True
        drive(spool, clocks, 3600)
    clocks.true_s += 59.8 * DAY_S
    with closing(parked(tmp_path, clocks)) as spool:
        drive(spool, clocks, 3600)
        assert numbers(spool) == [1]
        drive(spool, clocks, 6 * 3600)
        assert numbers(spool) == []


@pytest.mark.parametrize("wrong_s", [-10 * YEAR_S, 10 * YEAR_S, 2 * JUMP_S])
def test_ok__a_clock_that_jumps_drops_nothing_in_this_run_or_the_next(tmp_path: Path, wrong_s: float) -> None:
    clocks = Clocks(error_s=wrong_s)
    with closing(parked(tmp_path, clocks)) as spool:
        spool.put(alert(1))
        drive(spool, clocks, DAY_S)
        clocks.error_s = 0
        spool.put(alert(2))
        drive(spool, clocks, DAY_S)
        assert numbers(spool) == [1, 2]
    clocks.true_s += DAY_S
    with closing(parked(tmp_path, clocks)) as spool:
        drive(spool, clocks, DAY_S)
        assert numbers(spool) == [1, 2]
        drive(spool, clocks, 60 * DAY_S)
        assert numbers(spool) == [], "running time counts whatever the clock shows"


@pytest.mark.parametrize("shown_s", [0.0, 5.0, 1.7e10, 1e300, -5.0])
def test_ok__a_clock_that_says_it_is_set_to_an_impossible_time_loses_nothing(tmp_path: Path, shown_s: float) -> None:
    clocks = Clocks(known=False)
    with closing(parked(tmp_path, clocks)) as spool:
        spool.put(alert(1))
        drive(spool, clocks, DAY_S)
        clocks.error_s, clocks.known = shown_s - clocks.true_s, True
        drive(spool, clocks, DAY_S)
        spool.put(alert(2))
        assert numbers(spool) == [1, 2]
        assert spool.fault is None
    with closing(parked(tmp_path, Clocks(clocks.true_s))) as spool:
        assert spool.put(alert(3))
        assert not (tmp_path / f"{FILE}.damaged").exists()


def test_ok__running_time_counts_over_reboots_without_any_clock(tmp_path: Path) -> None:
    clocks = Clocks(known=False)
    for day in range(60):
        with closing(parked(tmp_path, clocks)) as spool:
            if day == 0:
                spool.put(alert(1))
            assert numbers(spool) == [1], day
            drive(spool, clocks, DAY_S)
    with closing(parked(tmp_path, clocks)) as spool:
        drive(spool, clocks, SETTLED_S)
        assert numbers(spool) == []


def test_ok__after_a_kill_running_time_is_never_too_long(tmp_path: Path) -> None:
    clocks = Clocks(known=False)
    with closing(parked(tmp_path / "a", clocks)) as spool:
        spool.put(alert(1))
        drive(spool, clocks, 59 * DAY_S)
        spool.put(alert(2))
        drive(spool, clocks, 0.9 * DAY_S)
        killed(tmp_path / "a", tmp_path / "b")
    with closing(parked(tmp_path / "b", clocks)) as spool:
        drive(spool, clocks, 0.05 * DAY_S)
        assert numbers(spool) == [1, 2]
        drive(spool, clocks, DAY_S)
        assert numbers(spool) == [2]


def test_ok__what_was_sent_is_forgotten_after_its_own_days(tmp_path: Path) -> None:
    clocks = Clocks()
    with closing(parked(tmp_path, clocks, SpoolLimits(sent_days=30))) as spool:
        for seq in range(1, 101):
            spool.put(alert(seq))
        spool.confirm([alert(seq).id for seq in range(1, 51)])
        drive(spool, clocks, 20 * DAY_S)
        spool.confirm([alert(seq).id for seq in range(51, 101)])
        full = spool.counts()
        drive(spool, clocks, 11 * DAY_S)
        assert spool.put(alert(1)), "forgotten, so it is new"
        assert numbers(spool) == [1]
        assert spool.put(alert(51)), "known, so it does not wait again"
        assert numbers(spool) == [1]
        assert (full.dropped, spool.counts().dropped) == (0, 0)
        assert spool.counts().absent == ()
