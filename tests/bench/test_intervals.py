"""Intervals that hold what they should, and the numbers of the tables."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driver_monitor.bench.score.intervals import bootstrap, bootstrap_ratio, poisson_rate


@pytest.mark.parametrize(
    ("count", "low", "high"),
    # Garwood's table, as reprinted in every handbook: 95 % limits of a Poisson count.
    [(0, 0.0, 3.689), (1, 0.0253, 5.572), (3, 0.619, 8.767), (10, 4.795, 18.39), (50, 37.11, 65.92)],
)
def test_ok__the_exact_limits_of_a_count(count: int, low: float, high: float) -> None:
    rate = poisson_rate(count, 1.0)
    assert rate.low == pytest.approx(low, rel=2e-3)
    assert rate.high == pytest.approx(high, rel=2e-3)


def test_ok__none_in_three_minutes_shows_fewer_than_sixty_an_hour() -> None:
    rate = poisson_rate(0, 3 / 60)
    assert rate.per_hour == 0
    assert rate.below == pytest.approx(-np.log(0.05) * 20)


def test_ok__no_time_gives_no_rate() -> None:
    assert poisson_rate(0, 0.0).per_hour is None


@given(st.integers(0, 300), st.floats(0.01, 1000))
def test_ok__a_rate_lies_in_its_interval(count: int, hours: float) -> None:
    rate = poisson_rate(count, hours)
    assert rate.low is not None
    assert rate.per_hour is not None
    assert rate.below is not None
    assert rate.high is not None
    assert 0 <= rate.low <= rate.per_hour * (1 + 1e-9)
    assert rate.per_hour < rate.below < rate.high


def test_ok__a_person_who_is_ten_times_longer_in_view_does_not_narrow_the_interval() -> None:
    short = bootstrap_ratio(np.array([9.0, 2, 8, 3]), np.array([10.0, 10, 10, 10]))
    long = bootstrap_ratio(np.array([90.0, 20, 80, 30]), np.array([100.0, 100, 100, 100]))
    assert short == long
    assert short.value == pytest.approx(0.55)
    assert short.low is not None
    assert short.high is not None
    assert short.low < 0.4
    assert short.high > 0.7


def test_ok__one_person_says_nothing_of_others() -> None:
    figure = bootstrap_ratio(np.array([9.0, 0.0]), np.array([10.0, 0.0]))
    assert (figure.value, figure.low, figure.high) == (0.9, None, None)


def test_ok__nothing_to_measure_on_is_no_figure() -> None:
    assert bootstrap_ratio(np.zeros(3), np.zeros(3)).value is None
    assert bootstrap(5, lambda times: None).value is None


parts = st.tuples(st.integers(0, 50), st.integers(0, 50))


@settings(max_examples=50)
@given(st.lists(parts, min_size=1, max_size=12))
def test_ok__an_interval_holds_its_estimate(counts: list[tuple[int, int]]) -> None:
    over = np.array([float(a) for a, _ in counts])
    under = over + [float(b) for _, b in counts]
    figure = bootstrap_ratio(over, under)
    if figure.low is not None and figure.value is not None and figure.high is not None:
        assert 0 <= figure.low <= figure.value <= figure.high <= 1
    assert figure == bootstrap_ratio(over, under)


@pytest.mark.parametrize("count", [10_000, 400_000])
def test_ok__a_large_count_has_the_limits_of_the_normal_distribution_and_takes_no_time(count: int) -> None:
    rate = poisson_rate(count, 1.0)
    assert rate.low == pytest.approx(count - 1.96 * count**0.5, abs=2)
    assert rate.high == pytest.approx(count + 1.96 * count**0.5, abs=3)
