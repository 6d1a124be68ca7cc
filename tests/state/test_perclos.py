"""PERCLOS and blinks by time, with their coverage."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver_monitor.data.driver_state import DriverState
from driver_monitor.data.observation import Observation
from driver_monitor.timing.window import WindowedTime
from tests.timeline import attentive, film, shut, states, unreadable


def last(frames: list[Observation]) -> DriverState:
    return states(frames)[-1]


@pytest.mark.parametrize("fps", [10, 15, 20, 30])
def test_ok__a_minute_with_a_tenth_closed_reads_a_tenth(fps: float) -> None:
    state = last(film([attentive(9), shut(1)] * 7, fps))
    assert state.perclos.value == pytest.approx(0.1, abs=0.012)
    assert state.perclos.coverage == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("fps", [10, 20, 30])
def test_ok__blinks_are_counted_as_blinks_and_not_in_perclos(fps: float) -> None:
    state = last(film([attentive(3.8), shut(0.2)] * 20, fps))
    assert state.perclos.value == 0.0
    assert state.blink_rate == pytest.approx(15, abs=1)


def test_ok__a_long_closure_counts_from_its_beginning_and_is_no_blink() -> None:
    state = last(film([attentive(60), shut(3)]))
    assert state.perclos.value == pytest.approx(3 / 60, abs=0.002)
    assert state.blink_rate == 0.0


def test_ok__below_half_coverage_the_value_is_unknown_and_at_half_it_is_known() -> None:
    seen = states(film([attentive(29.9), attentive(0.3)]))
    assert (seen[590].perclos.value, seen[590].blink_rate) == (None, None)
    assert seen[-1].perclos.value == 0.0


def test_ok__time_that_could_not_be_read_lowers_the_coverage_and_not_the_value() -> None:
    state = last(film([attentive(8), shut(2), unreadable(5)] * 4))
    assert state.perclos.coverage == pytest.approx(2 / 3, abs=0.02)
    assert state.perclos.value == pytest.approx(0.2, abs=0.02)


def test_ok__a_gap_between_frames_is_not_covered() -> None:
    frames = film([attentive(60)])
    state = last([frame for frame in frames if not 10 < frame.t < 30])
    assert state.perclos.coverage == pytest.approx(40 / 60, abs=0.01)


@given(st.lists(st.tuples(st.floats(0.01, 5), st.booleans()), max_size=60), st.floats(0.5, 20))
def test_ok__windowed_time_agrees_with_the_plain_sum(parts: list[tuple[float, bool]], window: float) -> None:
    ticker, now, kept = WindowedTime(window), 0.0, []
    for seconds, counted in parts:
        if counted:
            ticker.add(now, now + seconds)
            kept.append((now, now + seconds))
        now += seconds
        plain = sum(max(0.0, end - max(start, now - window)) for start, end in kept)
        assert ticker.total(now) == pytest.approx(plain, abs=1e-6)
