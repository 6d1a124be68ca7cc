from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from driver_monitor.capture.recordings.timeline import MAX_PAUSE_S, Timeline

MS = Fraction(1, 1000)


def times(stamps: list[int | None], rate: float | None = 20.0) -> list[float]:
    timeline = Timeline(MS, rate)
    return [round(timeline.at(stamp), 4) for stamp in stamps]


def test_ok__the_first_frame_is_at_zero_and_the_others_at_their_own_times() -> None:
    assert times([5000, 5033, 5066, 5400]) == [0.0, 0.033, 0.066, 0.4]


def test_ok__a_clip_without_stamps_uses_its_rate() -> None:
    assert times([None] * 4) == [0.0, 0.05, 0.1, 0.15]
    assert times([7] * 4) == [0.0, 0.05, 0.1, 0.15]


def test_ok__an_absurd_or_missing_rate_is_replaced() -> None:
    for rate in (None, 0.0, 90_000.0):
        assert times([None, None], rate) == [0.0, 0.04]


def test_ok__a_repeated_stamp_does_not_shift_the_ones_after_it() -> None:
    assert times([0, 50, 50, 100, 150, 200]) == [0.0, 0.05, 0.1, 0.1, 0.15, 0.2]


def test_ok__joined_clips_continue_from_the_end_of_the_first() -> None:
    assert times([0, 1000, 2000, 0, 100, 200]) == [0.0, 1.0, 2.0, 2.05, 2.15, 2.25]


def test_ok__one_damaged_stamp_does_not_shift_the_clip() -> None:
    times_s = times([0, 50, 10**12, 150, 200, 250])
    assert times_s == [0.0, 0.05, 0.1, 0.15, 0.2, 0.25]


def test_ok__a_pause_in_the_recording_is_kept() -> None:
    assert times([0, 300_000, 300_050]) == [0.0, 300.0, 300.05]


def test_ok__stamps_that_start_late_keep_the_time_so_far() -> None:
    assert times([None, None, 700, 750]) == [0.0, 0.05, 0.1, 0.15]


@given(st.lists(st.none() | st.integers(-(2**40), 2**40), max_size=50), st.none() | st.floats(0, 1e6))
def test_ok__time_never_decreases(stamps: list[int | None], rate: float | None) -> None:
    timeline = Timeline(MS, rate)
    times_s = [timeline.at(stamp) for stamp in stamps]
    assert times_s == sorted(times_s)
    assert not times_s or times_s[0] == 0.0
    assert all(later - earlier <= MAX_PAUSE_S + 1e-3 for earlier, later in pairwise(times_s))


@given(st.lists(st.integers(1, 100_000), min_size=1, max_size=30), st.integers(-(10**9), 10**9))
def test_ok__stamps_that_move_forward_are_kept_exactly(steps: list[int], start: int) -> None:
    stamps = [start]
    for step in steps:
        stamps.append(stamps[-1] + step)
    timeline = Timeline(MS, 20.0)
    for stamp in stamps:
        assert abs(timeline.at(stamp) - (stamp - start) / 1000) < 1e-6
