"""A filter that calms what is still and lets through what moves."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver_monitor.perception.face.smoothing import OneEuro, Values

values = st.floats(-1000, 1000)


def filtered(times: np.ndarray, series: np.ndarray, still_hz: float = 1.0, eager: float = 1.0) -> np.ndarray:
    euro = OneEuro[Values](still_hz, eager)
    return np.array([euro.update(float(t), np.array([v]))[0] for t, v in zip(times, series, strict=True)])


def test_ok__noise_on_a_still_value_is_less_than_half() -> None:
    times = np.arange(90) / 30
    noise = np.random.default_rng(1).normal(0, 0.1, 90)
    assert filtered(times, noise)[30:].std() < 0.5 * noise[30:].std()


def test_ok__a_fast_move_arrives_within_a_tenth_of_a_second() -> None:
    times = np.arange(60) / 30
    move = np.where(times < 1.0, 0.0, 20.0)
    assert filtered(times, move)[33] > 0.9 * 20


@pytest.mark.parametrize("fps", [10, 15])
def test_ok__ten_frames_a_second_are_filtered_like_thirty(fps: int) -> None:
    """A head turns by 40 degrees in a second: where the filter sees it at each tenth of a second."""
    seen = []
    for rate in (30, fps):
        times = np.arange(2 * rate + 1) / rate
        seen.append(filtered(times, 40 * np.clip(times - 0.5, 0, 1), 1.5, 0.15)[:: rate // 5])
    assert seen[0] == pytest.approx(seen[1], abs=2.5)


@given(st.lists(st.tuples(st.floats(0.001, 1), values), min_size=1, max_size=30), st.floats(0.1, 10), st.floats(0, 10))
def test_ok__nothing_beyond_what_was_measured(steps: list[tuple[float, float]], still_hz: float, eager: float) -> None:
    times, series = np.cumsum([dt for dt, _ in steps]), np.array([value for _, value in steps])
    for index, value in enumerate(filtered(times, series, still_hz, eager)):
        so_far = series[: index + 1]
        assert so_far.min() - 1e-6 <= value <= so_far.max() + 1e-6


@given(values, values)
def test_ok__time_that_does_not_go_on_starts_anew(first: float, second: float) -> None:
    euro = OneEuro[Values](1.0, 1.0)
    euro.update(5.0, np.array([first]))
    assert euro.update(5.0, np.array([second])) == pytest.approx([second])


@given(st.sampled_from([math.nan, math.inf, -math.inf]), values)
def test_ok__a_time_that_is_no_number_leaves_no_trace(odd: float, value: float) -> None:
    euro = OneEuro[Values](1.0, 1.0)
    times = (0.0, 0.1, odd, 0.2, 0.3, 0.4)
    assert np.isfinite([euro.update(t, np.array([value])) for t in times]).all()
    assert euro.update(0.5, np.array([value])) == pytest.approx([value])


@given(values, values)
def test_ok__after_a_reset_nothing_is_remembered(first: float, second: float) -> None:
    euro = OneEuro[Values](1.0, 1.0)
    euro.update(1.0, np.array([first]))
    euro.reset()
    assert euro.update(1.1, np.array([second])) == pytest.approx([second])


def test_ok__what_is_handed_out_may_be_changed() -> None:
    euro = OneEuro[Values](1.0, 1.0)
    euro.update(0.0, np.zeros(2))[:] = 99.0
    assert euro.update(0.1, np.zeros(2)) == pytest.approx([0.0, 0.0])


@given(st.lists(st.tuples(st.floats(-1, 2), values), min_size=1, max_size=10), st.floats(0.1, 10), st.floats(0, 10))
def test_ok__a_number_is_filtered_as_the_value_of_an_array(
    steps: list[tuple[float, float]], still_hz: float, gain: float
) -> None:
    alone, of_array = OneEuro[float](still_hz, gain), OneEuro[Values](still_hz, gain)
    for t, value in steps:
        assert alone.update(t, value) == of_array.update(t, np.array([value]))[0]
