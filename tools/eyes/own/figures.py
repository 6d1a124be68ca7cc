"""Measure an eye net on labelled eyes: the start net beside the new one, on the same frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from driver_monitor.bench.score.intervals import Figure, bootstrap, bootstrap_ratio
from driver_monitor.bench.score.nets.eyes import Auc
from driver_monitor.perception.eyes.eye_net import CLOSED, HIDDEN, Answers
from driver_monitor.state.eyes.eyelids import SURE_CLOSED, SURE_OPEN
from tools.eyes.own.table import EyeTable

AT_ONCE = 256
LEAST_UNITS = 3
"""Fewest persons, or stretches, with closed eyes that give an interval."""
SUREST = 1e-6


class ReadsEyes(Protocol):
    """An eye net: `EyeNet`, or a torch net before it is written."""

    def read(self, patches: NDArray[np.uint8], bands: NDArray[np.uint8]) -> Answers:
        """Return the answers for n eyes: `patches` (n, 32, 48), `bands` (n, 32, 64)."""


@dataclass(frozen=True)
class Counts:
    """`right` of `total` frames."""

    right: int
    total: int

    def __str__(self) -> str:
        return f"{self.right} of {self.total}" if self.total else "-"


@dataclass(frozen=True)
class EyeFigures:
    """What a net answers about labelled frames. A frame is judged by the mean log odds of closed of its readable eyes.

    `auc`: closed against open and lowered. `accuracy`: at even odds. `missed`: closed frames called open, `false`: the
    reverse. `sure_closed`, `sure_open`: frames on the right side of the limits from which the daemon trusts the net
    (`SURE_CLOSED`, `SURE_OPEN` of `state.eyes.eyelids`). `loss`: cross entropy, nats. `hidden`: mean probability.
    """

    auc: Figure
    accuracy: Figure
    missed: Counts
    false: Counts
    sure_closed: Counts
    sure_open: Counts
    loss: float
    hidden: float


def read_table(net: ReadsEyes, table: EyeTable) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the log odds of closed and the probability of hidden (n,), of the readable eyes of each frame."""
    patches = table.crops.patches.reshape(-1, *table.crops.patches.shape[2:])
    bands = table.crops.bands.reshape(-1, *table.crops.bands.shape[2:])
    parts = [net.read(patches[i : i + AT_ONCE], bands[i : i + AT_ONCE]).p for i in range(0, len(patches), AT_ONCE)]
    p = np.concatenate(parts).astype(np.float64).reshape(-1, 2, 4)
    closed = np.clip(p[..., CLOSED] / np.maximum(p[..., :HIDDEN].sum(2), SUREST), SUREST, 1 - SUREST)
    weight = table.crops.readable / np.maximum(table.crops.readable.sum(1, keepdims=True), 1)
    return (np.log(closed / (1 - closed)) * weight).sum(1), (p[..., HIDDEN] * weight).sum(1)


def figures(odds: NDArray[np.float64], hidden: NDArray[np.float64], table: EyeTable) -> EyeFigures:
    """Return the figures of the usable frames. Intervals: bootstrap over persons, or, of one person, over events."""
    use = table.usable
    odds, closed = odds[use], table.closed[use]
    persons, of_person = np.unique(table.person[use], return_inverse=True)
    events, of_event = np.unique(table.crops.event[use], return_inverse=True)
    unit = of_person if len(persons) > 1 else of_event
    count = len(persons) if len(persons) > 1 else len(events)
    with_closed = len(np.unique(unit[closed]))
    area = Auc(odds, closed)
    right = (odds > 0) == closed
    p = 1 / (1 + np.exp(-odds))
    rows, right_rows = (np.bincount(unit, of).astype(np.float64) for of in (None, right))
    return EyeFigures(
        _sure(bootstrap(count, lambda times: area(times[unit])), with_closed),
        _sure(
            bootstrap_ratio(right_rows, rows),
            with_closed,
        ),
        Counts(int((~right & closed).sum()), int(closed.sum())),
        Counts(int((~right & ~closed).sum()), int((~closed).sum())),
        Counts(int((p[closed] >= SURE_CLOSED).sum()), int(closed.sum())),
        Counts(int((p[~closed] <= SURE_OPEN).sum()), int((~closed).sum())),
        float(np.mean(np.logaddexp(0, np.where(closed, -odds, odds)))) if len(odds) else 0.0,
        float(hidden[use].mean()) if use.any() else 0.0,
    )


def _sure(figure: Figure, with_closed: int) -> Figure:
    return figure if with_closed >= LEAST_UNITS else Figure(figure.value)


def of_net(net: ReadsEyes, table: EyeTable) -> EyeFigures:
    """Return the figures of one net."""
    return figures(*read_table(net, table), table)


def of_parts(nets: Sequence[ReadsEyes], table: EyeTable, part: NDArray[np.int64]) -> EyeFigures:
    """Return the figures of all rows, each read by the net that has not learned from its part."""
    odds, hidden = np.zeros(len(table)), np.zeros(len(table))
    for number, net in enumerate(nets):
        rows = part == number
        if rows.any():
            odds[rows], hidden[rows] = read_table(net, table.of(rows))
    return figures(odds, hidden, table)
