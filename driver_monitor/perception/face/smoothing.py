"""Reduces the camera's noise in landmarks and head pose, with little delay, by one-euro filters.

A one-euro filter (Casiez et al., CHI 2012) is a low-pass filter whose cut-off frequency grows with the speed of the
value: a still value is smoothed, a fast one passes. The caller gives the times, so 10 and 30 frames a second are
filtered alike.
"""

from __future__ import annotations

import math
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from driver_monitor.data.observation import HeadPose
from driver_monitor.imaging import ibug

POINTS_STILL_HZ, HEAD_STILL_HZ = 1.0, 1.0
"""Cut-off frequencies for still points and still angles. On stills with fresh noise the noise of the points falls to a
third; on the clips points and yaw come a third of a frame late (`tools.measure.stability`, models/landmarks.md)."""
POINTS_SPEED_GAIN, HEAD_SPEED_GAIN = 20.0, 0.4
"""Hz added per unit of speed. Points: one distance of the outer eye corners a second. Angles: 1 degree a second."""
SPEED_HZ = 1.0
"""Cut-off frequency of the filter of the speed, from the paper (Casiez et al., 2012)."""
_LEAST_UNIT = 1.0

_EYES = slice(36, 48)
"""iBUG points of both eyes. In each half of an eye the first point is a corner, and two points of a lid follow."""
_HALVES = (2, 2, 3, 2)
"""Shape of these points: eye, half, point, x and y."""
_OUTER_CORNERS = ibug.RIGHT_EYE_CORNERS[0], ibug.LEFT_EYE_CORNERS[0]

Values = NDArray[np.float64]
Filtered = TypeVar("Filtered", float, Values)


class OneEuro(Generic[Filtered]):
    """Filters a number, or each value of an array by its own one-euro filter.

    `still_hz`: cut-off frequency for a still value; lower is smoother. `speed_gain`: Hz added for each unit a second of
    speed; higher means less delay.
    """

    def __init__(self, still_hz: float, speed_gain: float) -> None:
        self._still_hz, self._speed_gain = still_hz, speed_gain
        self._t = 0.0
        self._last: Filtered | None = None
        self._speed: Filtered | None = None

    def reset(self) -> None:
        """Forget everything. The next value starts anew."""
        self._last = self._speed = None

    def update(self, t: float, values: Filtered, unit: float = 1.0) -> Filtered:
        """Return the filtered `values` at `t` seconds. `unit`: the length that counts as 1 in the speed.

        With a unit that grows with the face, a distant face is filtered like a near one. If `t` is not later than the
        last time, or not finite, the filter starts anew: it returns `values` as they are, as at the first call.
        """
        dt, self._t = t - self._t, t
        if self._last is None or self._speed is None or not 0 < dt < math.inf:
            self._last, self._speed = +values, 0.0 * values
            return +values
        change = values - self._last
        turn = 2 * math.pi * dt
        share = turn * SPEED_HZ / (turn * SPEED_HZ + 1.0)
        self._speed = self._speed * (1.0 - share) + change * (share / dt)
        # The value goes `turns / (turns + 1)` of the way, with `turns` of 2 pi times the cut-off in this step.
        turns_and_one = abs(self._speed) * (turn * self._speed_gain / unit) + (turn * self._still_hz + 1.0)
        self._last = values - change / turns_and_one
        # The plus copies an array, so that the caller may change what it gets.
        return +self._last


class FaceSmoother:
    """Smooths points and head pose of one face. Call `reset` before another face."""

    def __init__(self) -> None:
        self._points = OneEuro[Values](POINTS_STILL_HZ, POINTS_SPEED_GAIN)
        # For three angles plain numbers take a third of the time of an array.
        self._angles = [OneEuro[float](HEAD_STILL_HZ, HEAD_SPEED_GAIN) for _ in range(3)]

    def reset(self) -> None:
        """Forget the face: the next one is another, or was not seen for a while."""
        self._points.reset()
        self._forget_head()

    def points(self, t: float, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the smoothed points (70, 2), pixels, at `t` seconds.

        The lids only move with the corners of their eye, so their gap stays as measured. A blink lasts three frames,
        and a filter that smooths still lids would make it shallower.
        """
        right, left = (points[corner].tolist() for corner in _OUTER_CORNERS)
        measured = points.astype(np.float64)
        smooth = self._points.update(t, measured, max(_LEAST_UNIT, math.dist(right, left)))
        eyes, eyes_measured = smooth[_EYES].reshape(_HALVES), measured[_EYES].reshape(_HALVES)
        moved = eyes[:, :, :1] - eyes_measured[:, :, :1]
        eyes[:, :, 1:] = eyes_measured[:, :, 1:] + (moved[:, :1] + moved[:, 1:]) / 2
        return smooth.astype(np.float32)

    def head(self, t: float, head: HeadPose | None) -> HeadPose | None:
        """Return the smoothed angles at `t` seconds. If `head` is None: None, and the filter starts anew."""
        if head is None:
            self._forget_head()
            return None
        yaw, pitch, roll = self._angles
        return HeadPose(yaw.update(t, head.yaw), pitch.update(t, head.pitch), roll.update(t, head.roll))

    def _forget_head(self) -> None:
        for angle in self._angles:
            angle.reset()
