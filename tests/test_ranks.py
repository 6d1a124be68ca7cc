"""Medians, quantiles and shares are those of numpy, without what numpy imports or does for them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from driver_monitor.statistics.ranks import median, quantile
from driver_monitor.statistics.share import share_of

numbers = st.floats(-1e3, 1e3, width=32)


@given(arrays(np.float32, st.tuples(st.integers(1, 4), st.integers(2, 60)), elements=numbers))
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_ok__a_quantile_is_that_of_numpy(share: float, values: np.ndarray) -> None:
    found = quantile(values, share)
    assert found.dtype == np.float32
    assert found == pytest.approx(np.quantile(values, share, axis=-1), rel=1e-6, abs=1e-4)


@given(arrays(np.float64, st.tuples(st.integers(1, 4), st.integers(1, 60)), elements=numbers))
def test_ok__a_median_is_that_of_numpy(values: np.ndarray) -> None:
    assert (median(values) == np.median(values, axis=-1)).all()


@given(arrays(np.uint8, st.integers(1, 600)))
def test_ok__a_median_of_grey_levels_does_not_overflow(levels: np.ndarray) -> None:
    assert median(levels) == np.median(levels)


@given(arrays(np.bool_, st.tuples(st.integers(1, 4), st.integers(1, 60))))
def test_ok__a_share_is_the_mean_of_numpy(true: np.ndarray) -> None:
    assert share_of(true) == np.mean(true)


def test_ok__the_values_are_left_as_they_are() -> None:
    values = np.array([3.0, 1.0, 2.0, 0.0])
    assert (median(values), quantile(values, 0.1)) == (1.5, pytest.approx(0.3))
    assert values.tolist() == [3.0, 1.0, 2.0, 0.0]
