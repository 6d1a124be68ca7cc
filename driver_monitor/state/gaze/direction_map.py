"""Sums the time spent in each direction, and finds the directions in which most of it was spent."""

from __future__ import annotations

import math
from typing import cast

import numpy as np
from numpy.typing import NDArray

BOUNDS_YAW, BOUNDS_PITCH = 45.0, 30.0
"""Degrees. Directions beyond are not summed: straight ahead lies within this of the camera's axis. In 51 cars with the
camera at the mirror or on the dashboard, drivers who look forwards read 9 to 40 degrees aside. In 52 labelled clips the
usual direction reads 26 degrees down to 17 up."""
STEP = 3.0
"""Degrees between the places of the map. It is finer than `SPREAD`, and peaks are interpolated."""
SPREAD = 5.0
"""Degrees (standard deviation) by which a driver who looks at one place is seen to look beside it. Ours, from the
labelled clips: 2 to 6."""

Direction = tuple[float, float]
"""Yaw and pitch, degrees."""
Grid = NDArray[np.float64]
"""A value for each place of the map: one row for each yaw, one column for each pitch."""

YAWS = np.arange(-BOUNDS_YAW - STEP, BOUNDS_YAW + 1.5 * STEP, STEP)
PITCHES = np.arange(-BOUNDS_PITCH - STEP, BOUNDS_PITCH + 1.5 * STEP, STEP)
"""The places of the map. One more than the bounds on each side: a peak has neighbours."""
_MIDDLE = len(YAWS) // 2, len(PITCHES) // 2
"""Row and column of the direction 0, 0."""
_ROW = len(PITCHES)
"""Places in a row."""


def _nearness(places: Grid) -> Grid:
    """Return how much time at each place counts at each other one, 1 at itself: a normal curve of width `SPREAD`."""
    return np.asarray(np.exp(-0.5 * ((places[:, None] - places[None, :]) / SPREAD) ** 2))


_NEAR_YAW, _NEAR_PITCH = _nearness(YAWS), _nearness(PITCHES)


class DirectionMap:
    """Sums seconds by direction. Older time fades. While time is added, `near` must be called now and then."""

    def __init__(self) -> None:
        self._seconds: Grid = np.zeros((len(YAWS), len(PITCHES)))
        self._places = cast("memoryview[float]", self._seconds.reshape(-1).data)
        """The same numbers, one row after the other. It reads and writes one of them in half of numpy's time."""
        self._faded = 1.0
        """The seconds of each place are its number times this factor: a frame changes five numbers, not 800. `near`
        makes it 1 again; without that, the numbers would grow without limit."""

    def add(self, direction: Direction, seconds: float, memory_s: float) -> bool:
        """Add `seconds` at `direction`. Older time fades with time constant `memory_s`. False: it is out of bounds."""
        yaw, pitch = direction
        if abs(yaw) > BOUNDS_YAW or abs(pitch) > BOUNDS_PITCH:
            return False
        across, up = yaw / STEP + _MIDDLE[0], pitch / STEP + _MIDDLE[1]
        row, column = int(across), int(up)
        right, over = across - row, up - column
        places, place = self._places, row * _ROW + column
        self._faded *= math.exp(-seconds / memory_s)
        added = seconds / self._faded
        # Shared among the four nearest places, so that a direction between them stays where it is.
        places[place] += added * (1 - right) * (1 - over)
        places[place + 1] += added * (1 - right) * over
        places[place + _ROW] += added * right * (1 - over)
        places[place + _ROW + 1] += added * right * over
        return True

    def near(self) -> Grid:
        """Return the seconds near each place: time at the place itself counts whole, and less with the distance."""
        self._seconds *= self._faded
        self._faded = 1.0
        near: Grid = _NEAR_YAW.dot(self._seconds).dot(_NEAR_PITCH)
        return near


def peaks(scores: Grid, least: float) -> list[tuple[float, Direction]]:
    """Return score and direction of each place that has at least `least` and no neighbour with more, best first.

    The direction is interpolated: the scores are taken for normal curves. Scores must be above 0.
    """
    # One row after the other. The places at the edge have no two neighbours on each side.
    flat, row_length = scores.ravel(), scores.shape[1]
    # Few places have the least score: only they are compared with their neighbours, as plain numbers.
    score = cast("memoryview[float]", flat.data)
    found = []
    for place in (flat >= least).nonzero()[0].tolist():
        here = score[place]
        # Most have one of these neighbours with more. Before the edge the index counts from the end: no matter.
        if here < (below := score[place - 1]) or here < (one_side := score[place - row_length]):
            continue
        row, column = divmod(place, row_length)
        if not (0 < row < scores.shape[0] - 1 and 0 < column < row_length - 1):
            continue
        if here < (above := score[place + 1]) or here < (other_side := score[place + row_length]):
            continue
        across, up = _peak(one_side, here, other_side), _peak(below, here, above)
        found.append((here, (YAWS.item(row) + STEP * across, PITCHES.item(column) + STEP * up)))
    found.sort(reverse=True)
    return found


def _peak(before: float, middle: float, after: float) -> float:
    """Return where the normal curve through three neighbours is highest, relative to the middle one, -0.5 to 0.5."""
    low, high = math.log(middle / before), math.log(middle / after)
    return 0.5 * (low - high) / (low + high) if low + high > 0 else 0.0
