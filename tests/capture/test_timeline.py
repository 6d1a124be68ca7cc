from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver_monitor.capture.recordings.timeline import MAX_PAUSE_S, Timeline

MS = Fraction(1, 1000)


def exact(stamps: Sequence[int | None], rate: float | None = 20.0) -> list[float]:
    timeline = Timeline(MS, rate)
    return [timeline.at(stamp, after) for stamp, after in zip(stamps, [*stamps[1:], None], strict=False)]


def times(stamps: Sequence[int | None], rate: float | None = 20.0) -> list[float]:
    return [round(t, 4) for t in exact(stamps, rate)]


def test_ok__the_first_frame_is_at_zero_and_the_others_at_their_own_times() -> None:
    assert times([5000, 5033, 5066, 5400]) == [0.0, 0.033, 0.066, 0.4]


def test_ok__a_clip_without_stamps_uses_its_rate() -> None:
    assert times([None] * 4) == [0.0, 0.05, 0.1, 0.15]
    assert times([7] * 4) == [0.0, 0.05, 0.1, 0.15]


def test_ok__an_absurd_or_missing_rate_is_replaced() -> None:
    for rate in (None, 0.0, 90_000.0):
        assert times([None, None], rate) == [0.0, 0.04]


def test_ok__a_repeated_stamp_does_not_shift_the_ones_after_it() -> None:
    assert times([0, 50, 50, 100, 150, 200]) == [0.0, 0.05, 0.075, 0.1, 0.15, 0.2]


def test_ok__joined_clips_continue_from_the_end_of_the_first() -> None:
    assert times([0, 1000, 2000, 0, 100, 200]) == [0.0, 1.0, 2.0, 2.05, 2.15, 2.25]


def test_ok__one_damaged_stamp_does_not_shift_the_clip() -> None:
    times_s = times([0, 50, 10**12, 150, 200, 250])
    assert times_s == [0.0, 0.05, 0.1, 0.15, 0.2, 0.25]


def test_ok__a_pause_in_the_recording_is_kept() -> None:
    assert times([0, 50, 300_050, 300_100]) == [0.0, 0.05, 300.05, 300.1]
    assert times([0, 5000, 10_000, 15_000]) == [0.0, 5.0, 10.0, 15.0]


def test_ok__stamps_that_start_late_keep_the_time_so_far() -> None:
    assert times([None, None, 700, 750]) == [0.0, 0.05, 0.1, 0.15]


STEADY = [number * 50 for number in range(12)]


@pytest.mark.parametrize("off", [500_000, -500_000, 10**12, -(10**12), 800, -800, 120, -120])
@pytest.mark.parametrize("place", range(12))
def test_ok__one_damaged_stamp_moves_nothing_but_its_own_frame(place: int, off: int) -> None:
    stamps = [*STEADY[:place], STEADY[place] + off, *STEADY[place + 1 :]]
    for number, t in enumerate(times(stamps)):
        assert number == place or t == pytest.approx(number / 20, abs=1e-3), number
    assert times(stamps)[-1] < 1.4


@pytest.mark.parametrize("overlap", [100, 150, 800, 5000])
def test_ok__joined_segments_that_overlap_go_on_by_a_frames_time(overlap: int) -> None:
    segment = [number * 50 for number in range(200)]
    joined = segment + [stamp + 10_000 - overlap for stamp in segment]
    assert times(joined) == [round(number / 20, 4) for number in range(400)]


def test_ok__the_last_stamp_is_believed_only_near_the_one_before() -> None:
    assert times([0, 50, 100, 500_150]) == [0.0, 0.05, 0.1, 0.15]
    assert times([0, 50, 100, 900]) == [0.0, 0.05, 0.1, 0.9]


def test_ok__a_pause_right_after_the_first_frame_is_the_damage_of_that_frame() -> None:
    assert times([-500_000, 50, 100, 150]) == [0.0, 0.05, 0.1, 0.15]


def test_ok__two_damaged_stamps_apart_from_each_other_move_nothing_else() -> None:
    stamps = [0, 50, 900_000, 150, 200, 250, -7, 350, 400]
    assert times(stamps) == [round(number / 20, 4) for number in range(9)]


@given(st.lists(st.none() | st.integers(-(2**40), 2**40), max_size=50), st.none() | st.floats(0, 1e6))
def test_ok__time_always_increases(stamps: list[int | None], rate: float | None) -> None:
    times_s = exact(stamps, rate)
    assert not times_s or times_s[0] == 0.0
    assert all(0 < later - earlier <= MAX_PAUSE_S + 1e-3 for earlier, later in pairwise(times_s))


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=30), st.integers(-(10**9), 10**9))
def test_ok__stamps_that_move_forward_are_kept_exactly(steps: list[int], start: int) -> None:
    stamps = [start]
    for step in (50, 50, *steps):
        stamps.append(stamps[-1] + step)
    for stamp, t in zip(stamps, exact(stamps), strict=True):
        assert abs(t - (stamp - start) / 1000) < 1e-6
