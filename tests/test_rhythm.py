"""A rhythm keeps its period whatever the frame rate."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from driver_monitor.timing.periodic import PeriodicTimer


@given(st.floats(0.05, 1.0), st.floats(1.0, 120.0))
def test_ok__the_mean_period_is_kept_while_frames_come_more_often(period: float, fps_over_rate: float) -> None:
    fps = max(1.0, fps_over_rate) / period
    rhythm = PeriodicTimer(period)
    beats = sum(rhythm.due(i / fps) for i in range(round(20 * period * fps)))
    assert 19 <= beats <= 21


def test_ok__after_a_long_gap_it_beats_once_and_not_for_all_it_missed() -> None:
    rhythm = PeriodicTimer(0.1)
    assert [rhythm.due(t) for t in (0.0, 0.05, 50.0, 50.05, 50.1)] == [True, False, True, False, True]


def test_ok__a_time_that_starts_anew_starts_it_anew() -> None:
    rhythm = PeriodicTimer(1.0)
    assert [rhythm.due(t) for t in (500.0, 0.0, 0.5, 1.0)] == [True, True, False, True]


def test_ok__two_works_of_one_period_that_begin_together_meet_no_more() -> None:
    one, other = PeriodicTimer(1.0), PeriodicTimer(1.0, shift_s=0.25)
    due = [(one.due(i / 20), other.due(i / 20)) for i in range(200)]
    assert due[0] == (True, True)
    assert (True, True) not in due[1:]
    assert sum(second for _, second in due) == 10


def test_ok__nor_after_a_pause_of_both() -> None:
    one, other = PeriodicTimer(1.0), PeriodicTimer(1.0, shift_s=0.25)
    times = [*(i / 20 for i in range(30)), *(60 + i / 20 for i in range(60))]
    due = [(one.due(t), other.due(t)) for t in times]
    assert [number for number, both in enumerate(due) if both == (True, True)] == [0, 30]


def test_ok__a_shifted_time_that_starts_anew_starts_it_anew() -> None:
    rhythm = PeriodicTimer(1.0, shift_s=0.25)
    assert [rhythm.due(t) for t in (500.0, 0.0, 1.0, 1.25, 2.25)] == [True, True, False, True, True]
