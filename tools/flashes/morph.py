"""Morph one picture of a person into another with another expression, and film it: a face that shows a flash.

The pictures are photographs. Between them shape and grey are blended (Beier and Neely, SIGGRAPH 1992, with landmarks
in place of lines). Around the face everything stays as in the first picture.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from driver_monitor.imaging.frame import Frame, Image

STILL = (36, 39, 42, 45, 27, 28, 29, 30, 33)
"""iBUG points that an expression hardly moves: corners of the eyes, and the nose."""
REACH = 0.06
"""How far a landmark pulls the picture around it, as a share of the face's width."""
RAMP_S = 0.07
"""Seconds from nothing to the whole expression, and back."""
SWAY = (0.010, 0.010, 0.010, 0.006)
"""Standard deviation of the head's movement: across and down (share of the face's width), turn (radians), scale."""
SWAY_S = 0.6
"""Time constant of the head's movement, seconds."""
NOISE = 2.0
"""Standard deviation of the camera's noise, grey levels."""
FPS = 30.0

Points = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Photograph:
    """A grey picture (H, W), and the landmarks of its face: (68, 2), pixels."""

    grey: Image
    points: Points


@dataclass(frozen=True)
class Flash:
    """An expression in a film. It lasts from `start` to `end`, seconds, measured at half of its strength."""

    start: float
    end: float

    def strength(self, t: float, ramp_s: float = RAMP_S) -> float:
        """Return how much of the expression is shown at `t`, 0 to 1. `ramp_s` 0: it is there and gone at once."""
        if not ramp_s:
            return float(self.start <= t < self.end)
        return float(np.clip(min(t - self.start, self.end - t) / ramp_s + 0.5, 0, 1))


class Morph:
    """Blends from `one` picture of a person to `other`. `most`: how far it goes at the most, 0 to 1.

    Raises `ValueError` if the faces cannot be brought over each other.
    """

    def __init__(self, one: Photograph, other: Photograph, most: float = 1.0) -> None:
        self._pair, self._most = (one, other), most
        self._one, self._points = one.grey, one.points
        turn = cv2.estimateAffinePartial2D(other.points[list(STILL)], one.points[list(STILL)], method=cv2.LMEDS)[0]
        if turn is None:
            raise ValueError("the faces of the two pictures cannot be brought over each other")
        self._target = other.points @ turn[:, :2].T + turn[:, 2]
        moved = cv2.warpAffine(other.grey, turn, one.grey.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
        mask = self._mask
        self._other = _as_bright(moved.astype(np.float32), one.grey.astype(np.float32), mask > 0.5)

    def picture(self, strength: float) -> NDArray[np.float32]:
        """Return the picture (H, W) with so much of the second expression: 0 to 1."""
        strength *= self._most
        one = _warp(self._one.astype(np.float32), -strength * self._there)
        if strength <= 0:
            return one
        other = _warp(self._other, (1 - strength) * self._back)
        share = strength * self._mask
        return np.asarray((1 - share) * one + share * other, np.float32)

    def weakened(self, most: float) -> Morph:
        """Return a morph that goes only so far, 0 to 1."""
        return Morph(*self._pair, most)

    @cached_property
    def width(self) -> float:
        """The width of the first face, pixels."""
        return float(np.ptp(self._points[:, 0]))

    @cached_property
    def middle(self) -> Points:
        """The middle of the first face, pixels."""
        return np.asarray(self._points.mean(0))

    @cached_property
    def _there(self) -> NDArray[np.float32]:
        return _field(self._one.shape, self._points, self._target - self._points, REACH * self.width)

    @cached_property
    def _back(self) -> NDArray[np.float32]:
        return _field(self._one.shape, self._target, self._target - self._points, REACH * self.width)

    @cached_property
    def _mask(self) -> NDArray[np.float32]:
        """1 on both faces and a little around them, falling to 0 at a fifth of their width."""
        hull = cv2.convexHull(np.concatenate([self._points, self._target]).astype(np.int32))
        mask = cv2.fillConvexPoly(np.zeros(self._one.shape, np.float32), hull, 1.0)
        size = 2 * round(0.1 * self.width) + 1
        return np.asarray(cv2.blur(cv2.dilate(mask, np.ones((size, size))), (size, size)), np.float32)


def film(
    morph: Morph, flashes: Sequence[Flash], seconds: float, seed: tuple[int, ...], ramp_s: float = RAMP_S
) -> Iterator[Frame]:
    """Yield the frames of a face that sways a little and shows the `flashes`, at `FPS`, with the camera's noise."""
    random = np.random.default_rng(seed)
    phase, kept = random.uniform(0, 1 / FPS), np.exp(-1 / FPS / SWAY_S)
    speed, sway = np.zeros(4), np.zeros(4)
    for i in range(round(seconds * FPS)):
        t = i / FPS
        # Two low-pass filters one after the other: a head has a mass, so its speed does not jump.
        speed = kept * speed + np.sqrt(1 - kept**2) * random.normal(size=4)
        sway = kept * sway + (1 - kept) * np.sqrt(2) * np.asarray(SWAY) * speed
        strength = max((flash.strength(t + phase, ramp_s) for flash in flashes), default=0.0)
        still = morph.picture(strength)
        moved = cv2.warpAffine(still, _sway(morph, sway), still.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
        noisy = moved + random.normal(0, NOISE, moved.shape)
        yield Frame(np.clip(noisy, 0, 255).astype(np.uint8), t, i, "morph")


def _sway(morph: Morph, sway: NDArray[np.float64]) -> NDArray[np.float64]:
    x, y, turn, scale = sway.tolist()
    matrix = cv2.getRotationMatrix2D(tuple(morph.middle.tolist()), float(np.degrees(turn)), 1 + scale)
    shift = np.array([x, y], np.float64) * morph.width
    return np.column_stack([matrix[:, :2], matrix[:, 2] + shift])


def _field(shape: tuple[int, ...], at: Points, shift: Points, reach: float) -> NDArray[np.float32]:
    """Return the shift (H, W, 2) of each pixel: the mean of the points' shifts, weighted by nearness."""
    y, x = np.mgrid[0 : shape[0] : 4, 0 : shape[1] : 4].astype(np.float64)
    far = (x[..., None] - at[:, 0]) ** 2 + (y[..., None] - at[:, 1]) ** 2
    weight = np.exp(-far / (2 * reach**2))
    field = (weight @ shift) / (weight.sum(-1, keepdims=True) + 0.05)
    return np.asarray(cv2.resize(field.astype(np.float32), shape[::-1], interpolation=cv2.INTER_LINEAR))


def _warp(picture: NDArray[np.float32], shift: NDArray[np.float32]) -> NDArray[np.float32]:
    y, x = np.mgrid[0 : picture.shape[0], 0 : picture.shape[1]].astype(np.float32)
    return np.asarray(cv2.remap(picture, x + shift[..., 0], y + shift[..., 1], cv2.INTER_LINEAR, borderMode=1))


def _as_bright(picture: NDArray[np.float32], aim: NDArray[np.float32], where: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return `picture` with mean and spread of `aim` in the region: the light is that of the first picture."""
    gain = float(aim[where].std() / max(picture[where].std(), 1.0))
    return np.asarray((picture - picture[where].mean()) * gain + aim[where].mean(), np.float32)
