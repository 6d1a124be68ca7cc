"""95 % intervals: how far a figure may be trusted. Pure, and the same on every run."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95
DRAWS = 2000
"""Resamplings: the ends of a 95 % interval then move by under a tenth of its width from seed to seed."""
SEED = 20231
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured `value` and the 95 % interval around it; None where there is nothing to measure it on."""

    value: float | None
    low: float | None = None
    high: float | None = None


def in_words(figure: Figure, none: str = "-") -> str:
    """Return `figure` with its interval to four digits, or `none` where there is none."""
    if figure.value is None:
        return none
    if figure.low is None or figure.high is None:
        return f"{figure.value:.4f}"
    return f"{figure.value:.4f}  ({figure.low:.4f} to {figure.high:.4f})"


@dataclass(frozen=True, slots=True)
class Rate:
    """`count` events in `hours`, and what that says of the rate an hour.

    `low` to `high`: the exact two-sided 95 % interval. `below`: the rate is below this with 95 % confidence, which is
    what is to be told where nothing was found.
    """

    count: int
    hours: float
    per_hour: float | None
    low: float | None
    high: float | None
    below: float | None


def ratio(over: float, under: float) -> float | None:
    """Return `over` / `under`, None where that is 0 / 0."""
    return over / under if under else None


def bootstrap_ratio(over: Floats, under: Floats) -> Figure:
    """Return sum(`over`) / sum(`under`) with its interval, drawing the rows (persons) anew with replacement.

    Both (n,). One person says nothing of others: then there is no interval. The interval is the percentile one,
    widened to hold the value where the draws are so few that it would not.
    """
    value = ratio(float(over.sum()), float(under.sum()))
    if value is None or int(np.count_nonzero(under)) < 2:
        return Figure(value)
    chance = np.random.default_rng(SEED)
    draws = chance.multinomial(len(over), np.full(len(over), 1 / len(over)), size=DRAWS)
    below = draws @ under
    seen = below > 0
    return _around(value, (draws @ over)[seen] / below[seen])


def bootstrap(count: int, measure: Callable[[NDArray[np.int64]], float | None]) -> Figure:
    """Return `measure` of `count` things, each counted once, with its interval over drawing them anew.

    `measure` takes how often each thing counts, (count,), and returns None where it is not defined.
    """
    value = measure(np.ones(count, np.int64))
    if value is None or count < 2:
        return Figure(value)
    chance = np.random.default_rng(SEED)
    drawn = (measure(np.bincount(chance.integers(0, count, count), minlength=count)) for _ in range(DRAWS))
    return _around(value, np.array([one for one in drawn if one is not None]))


def _around(value: float, draws: Floats) -> Figure:
    if not len(draws):
        return Figure(value)
    low, high = np.quantile(draws, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return Figure(value, min(float(low), value), max(float(high), value))


def poisson_rate(count: int, hours: float) -> Rate:
    """Return the rate of `count` events in `hours`, with the exact interval (Garwood, Biometrika 28, 1936)."""
    if hours <= 0:
        return Rate(count, hours, None, None, None, None)
    tail = (1 - LEVEL) / 2
    low = 0.0 if count == 0 else _mean_at(count - 1, 1 - tail)
    ends = (low, _mean_at(count, tail), _mean_at(count, 1 - LEVEL))
    return Rate(count, hours, count / hours, *(end / hours for end in ends))


def _mean_at(count: int, share: float) -> float:
    """Return the mean of the Poisson distribution that gives at most `count` events in this `share` of cases."""
    low, high = 0.0, 2.0 * count + 20.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _at_most(count, middle) > share else (low, middle)
    return (low + high) / 2


def _at_most(count: int, mean: float) -> float:
    if mean == 0:
        return 1.0
    return math.fsum(math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(count + 1))
