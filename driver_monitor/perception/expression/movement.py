"""Finds out that a face moves more than it usually does. Pure: time comes with the landmarks."""

from __future__ import annotations

import math
from collections import deque

import numpy as np
from numpy.typing import NDArray

STILL = np.array([36, 39, 42, 45, 27, 30, 33])
"""iBUG points that an expression hardly moves: corners of the eyes, bridge, tip and base of the nose."""
MOVING = np.array([*range(17, 27), *range(48, 60)])
"""iBUG points of brows and outer lips. The lids are left out: a blink is no expression."""
SPAN_S = 0.1
"""The shape is compared with that of so long ago. A flash is there within about this time. Over longer spans
movements of head and mouth add up (tools.flashes.measure)."""
MORE = 3.0
"""A movement of so many times the usual one counts. Chosen on 40 films with 80 morphed flashes: 3.0 found all, and so
did 3.2; 4.0 lost more than half of them. On other films 74 of 80 are found (models/emotion.md)."""
USUAL_S = 4.0
"""Time constant of the usual movement: a sentence. With 8 s the labelled clips are looked at 3 % more often, and a face
that has spoken stays longer without looks at its movements."""
AT_FIRST, LEAST = 0.005, 0.003
"""The usual movement of a new face, and the least: that of a still face before a camera with noise (evm_face 0.003).
Unit: distance of the outer corners of the eyes."""
OUTLIER = 3.0
"""A movement counts as at most so many times the usual one when the usual one is learned: a flash hardly changes it."""

_OUTER_TO_OUTER = 0.9
_PLACES = [(-0.45, 0.0), (-0.17, 0.0), (0.17, 0.0), (0.45, 0.0), (0.0, -0.02), (0.0, 0.42), (0.0, 0.5)]
"""Places (x, y) of `STILL` in a frontal face. The median face of the clips, rounded."""
_MIDDLE = [sum(place[axis] for place in _PLACES) / len(_PLACES) for axis in (0, 1)]
_TEMPLATE = [((x - _MIDDLE[0]) / _OUTER_TO_OUTER, (y - _MIDDLE[1]) / _OUTER_TO_OUTER) for x, y in _PLACES]
_ROWS = np.concatenate([STILL, MOVING])
_ROUNDING_S = 1e-3


class Movement:
    """Measures how fast brows and lips move in the face, and compares it with what is usual for this face."""

    def __init__(self) -> None:
        self._shapes: deque[tuple[float, list[float]]] = deque()
        self._usual = AT_FIRST

    def update(self, t: float, points: NDArray[np.float32]) -> bool:
        """Return whether the face moves more than usual at `t`, seconds. `points`: (68 or more, 2), iBUG, finite.

        False at the first call, and after a time that is not later than the last: then it starts anew.
        """
        before = self._shapes[-1][0] if self._shapes else t
        if not before < t:
            self._shapes.clear()
        shape = _shape(points)
        self._shapes.append((t, shape))
        while t - self._shapes[0][0] > SPAN_S + _ROUNDING_S and len(self._shapes) > 2:
            self._shapes.popleft()
        moved = math.dist(shape, self._shapes[0][1]) / math.sqrt(len(MOVING))
        more = moved > MORE * max(self._usual, LEAST)
        share = 1 - math.exp(-max(t - before, 0.0) / USUAL_S)
        self._usual += share * (min(moved, OUTLIER * self._usual) - self._usual)
        return more


def _shape(points: NDArray[np.float32]) -> list[float]:
    """Return the places of `MOVING`, all x and then all y, in a face that is level, of one size and at one place.

    Plain numbers: for so few points lists take half of the time of arrays.
    """
    xs, ys = points.take(_ROWS, 0).T.tolist()
    count = len(STILL)
    x, y = sum(xs[:count]) / count, sum(ys[:count]) / count
    xs, ys = [value - x for value in xs], [value - y for value in ys]
    cosine = sine = size = 0.0
    for (across, down), u, v in zip(_TEMPLATE, xs[:count], ys[:count], strict=True):
        cosine += across * u + down * v
        sine += down * u - across * v
        size += u * u + v * v
    cosine, sine = cosine / max(size, 1e-6), sine / max(size, 1e-6)
    moving = list(zip(xs[count:], ys[count:], strict=True))
    return [u * cosine - v * sine for u, v in moving] + [u * sine + v * cosine for u, v in moving]
