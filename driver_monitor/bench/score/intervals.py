"""Compute 95 % intervals of measured figures. The intervals are the same on every run."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95
DRAWS = 2000
"""Bootstrap samples. With 2,000, another seed moves the ends of a 95 % interval by less than a tenth of its width."""
SEED = 20231
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured `value` and its 95 % interval, `low` to `high`. None: not enough data for a value or an interval."""

    value: float | None
    low: float | None = None
    high: float | None = None


def in_words(figure: Figure, none: str = "-") -> str:
    """Return the value with four decimals, and the interval if there is one. Without a value, return `none`."""
    if figure.value is None:
        return none
    if figure.low is None or figure.high is None:
        return f"{figure.value:.4f}"
    return f"{figure.value:.4f}  ({figure.low:.4f} to {figure.high:.4f})"


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate: `count` events in `hours`. All other fields are per hour, and None if `hours` is 0.

    `low` to `high`: exact two-sided 95 % interval. `below`: one-sided 95 % upper limit; tables show it for 0 events.
    """

    count: int
    hours: float
    per_hour: float | None
    low: float | None
    high: float | None
    below: float | None


def ratio(numerator: float, denominator: float) -> float | None:
    """Return `numerator` / `denominator`, None if `denominator` is 0."""
    return numerator / denominator if denominator else None


def rounded(value: Any, digits: int = 5) -> Any:
    """Return `value` with floats, also in nested dicts, rounded to `digits` decimals. Lists and tuples are kept."""
    if isinstance(value, dict):
        return {key: rounded(part, digits) for key, part in value.items()}
    return round(value, digits) if isinstance(value, float) else value


def bootstrap_ratio(numerators: Floats, denominators: Floats) -> Figure:
    """Return sum(`numerators`) / sum(`denominators`) with its interval by resampling the rows (persons).

    Both (n,). The percentile interval is widened if necessary to contain the value. There is no value if the
    denominators sum to 0, and no interval if less than two of them are not 0.
    """
    value = ratio(float(numerators.sum()), float(denominators.sum()))
    if value is None or int(np.count_nonzero(denominators)) < 2:
        return Figure(value)
    draws = _draws(len(numerators))
    below = draws @ denominators
    defined = below > 0
    return _around(value, (draws @ numerators)[defined] / below[defined])


def bootstrap_difference(a: tuple[Floats, Floats], b: tuple[Floats, Floats]) -> Figure:
    """Return the ratio of `b` minus that of `a`, with its interval by resampling the rows (persons).

    Each of the two: numerators and denominators, (n,) each. A draw has the same persons for both: what is common to
    both cancels out. There is no value if denominators sum to 0, and no interval if less than two rows have any.
    """
    first, second = (ratio(float(above.sum()), float(below.sum())) for above, below in (a, b))
    if first is None or second is None:
        return Figure(None)
    value = second - first
    if int(np.count_nonzero(a[1] + b[1])) < 2:
        return Figure(value)
    draws = _draws(len(a[0]))
    below_a, below_b = draws @ a[1], draws @ b[1]
    defined = (below_a > 0) & (below_b > 0)
    return _around(value, ((draws @ b[0])[defined] / below_b[defined]) - (draws @ a[0])[defined] / below_a[defined])


@functools.lru_cache(maxsize=1)
def _draws(count: int) -> NDArray[np.int64]:
    """Return (DRAWS, count): how often each item counts in each sample. A sweep asks for the same ones many times."""
    draws = np.random.default_rng(SEED).multinomial(count, np.full(count, 1 / count), size=DRAWS)
    draws.setflags(write=False)
    return draws


def bootstrap(count: int, measure: Callable[[NDArray[np.int64]], float | None]) -> Figure:
    """Return the value of `measure` over `count` items with its 95 % interval by resampling the items.

    `measure` takes how often each item counts, (count,), and returns None if undefined. One item gives no interval.
    """
    value = measure(np.ones(count, np.int64))
    if value is None or count < 2:
        return Figure(value)
    random = np.random.default_rng(SEED)
    draws = (measure(np.bincount(random.integers(0, count, count), minlength=count)) for _ in range(DRAWS))
    return _around(value, np.array([draw for draw in draws if draw is not None]))


def bootstrap_share(mask: NDArray[np.bool_]) -> Figure:
    """Return the share of true values in `mask` (n,), with its interval by resampling. An empty mask has no value."""
    return bootstrap(len(mask), lambda times: float(times @ mask) / len(mask)) if len(mask) else Figure(None)


def _around(value: float, draws: Floats) -> Figure:
    if not len(draws):
        return Figure(value)
    low, high = np.quantile(draws, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return Figure(value, min(float(low), value), max(float(high), value))


def poisson_rate(count: int, hours: float) -> Rate:
    """Return the rate of `count` events in `hours`, with its exact interval (Garwood, Biometrika 28, 1936)."""
    if hours <= 0:
        return Rate(count, hours, None, None, None, None)
    return Rate(count, hours, count / hours, *(end / hours for end in _ends(count)))


@functools.lru_cache(maxsize=4096)
def _ends(count: int) -> tuple[float, float, float]:
    """Return the interval of the mean and its one-sided upper limit. A table of a fleet asks for few counts often."""
    tail = (1 - LEVEL) / 2
    low = 0.0 if count == 0 else _mean_at(count - 1, 1 - tail)
    return low, _mean_at(count, tail), _mean_at(count, 1 - LEVEL)


def _mean_at(count: int, share: float) -> float:
    """Return the mean of the Poisson distribution in which `count` or less events have the probability `share`."""
    reach = 10.0 * math.sqrt(count + 1.0) + 20.0
    low, high = max(0.0, count - reach), count + reach
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if _at_most(count, middle) > share else (low, middle)
    return (low + high) / 2


def _at_most(count: int, mean: float) -> float:
    """Return the probability of `count` or less events. Terms that are too small to change it are left out."""
    if mean == 0:
        return 1.0
    first = max(0, math.floor(mean - 12.0 * math.sqrt(mean) - 40.0))
    logarithm = math.log(mean)
    return math.fsum(math.exp(k * logarithm - mean - math.lgamma(k + 1)) for k in range(first, count + 1))
