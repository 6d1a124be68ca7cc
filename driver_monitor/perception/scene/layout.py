"""Compares the picture with what the camera showed while the driver was in it: has the camera been turned, is a part
of its view covered? Pure.

The picture is reduced to the directions of its edges on a coarse grid. These hardly change with the light. What stays
in its place while a face is followed (pillars, seats, the edges of the windows) is learned; what moves (the street
outside, the driver) averages out.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from driver_monitor.data.observation import Box
from driver_monitor.imaging.frame import Image

Grid = NDArray[np.float32]
"""A value for each cell: (30, 40), or (30, 40, 2) for a direction (x, y)."""

CELLS = (40, 30)
"""Width and height of the grid, cells. A cell is 16 pixels wide at 640x480."""
SHIFT = 4
"""Cells by which the picture may have moved and is still the same: a tenth of its width. A camera that was nudged by so
much still sees the driver (ours)."""
AROUND = 7
"""Width in cells of the surroundings by whose edges an edge is measured, so that a few strong ones do not decide."""
LEAST_EDGE = 1.0
"""Grey levels that are added to the surroundings' edges: weaker ones are noise."""
LEARN_S = 10.0
"""Time constant of learning, seconds: the street outside averages out within it, a driver's arm mostly (ours)."""
READY_S = 4.0
"""Seconds with a face after which the learned picture is compared (ours)."""
STEADY = 0.2
"""Least length of a learned direction, 0 to 1, to count as an edge that stays in its place."""
LEAST_STEADY = 40
"""Least number of such cells, of 1,200. With fewer, as before a plain wall, nothing can be said."""
LEAST_LENGTHS = 1.0
"""Least sum of the products of learned and present lengths. With less there are no edges now: nothing can be said."""
CLEAR_EDGE = 3.0
"""Least grey levels of a learned edge that can be seen to be hidden."""
HIDDEN = 0.25
"""A learned edge that is weaker now by this factor is hidden; less light weakens all edges equally and is allowed for.
Defocus of 10 pixels leaves a third of an edge on this grid."""


@dataclass(frozen=True, slots=True)
class _Edges:
    """The edges of a picture: `direction` (30, 40, 2), of length 0 to 1; `strength` (30, 40), grey levels; `level`."""

    direction: Grid
    strength: Grid
    level: float


class SceneLayout:
    """Learns where the edges of the cabin are, and compares later pictures with them."""

    def __init__(self) -> None:
        self._direction: Grid | None = None
        self._strength = np.zeros(CELLS[::-1], np.float32)
        self._level, self._learned_s = 0.0, 0.0

    def learn(self, small: Image, face: Box, dt: float) -> None:
        """Take a picture that shows the driver. `small`: the grey picture, at least as large as the grid.

        `face`: as shares of the picture's width and height. `dt`: seconds since the last call.
        """
        edges = _edges(small)
        left, top = int(face.x * CELLS[0]), int(face.y * CELLS[1])
        right, bottom = int((face.x + face.w) * CELLS[0]) + 1, int((face.y + face.h) * CELLS[1]) + 1
        edges.direction[max(0, top) : max(0, bottom), max(0, left) : max(0, right)] = 0
        if self._direction is None:
            self._direction, self._strength, self._level = edges.direction, edges.strength, edges.level
        share = min(1.0, max(dt / LEARN_S, dt / (self._learned_s + dt) if dt > 0 else 0.0))
        self._learned_s += dt
        self._direction += share * (edges.direction - self._direction)
        self._strength += share * (edges.strength - self._strength)
        self._level += share * (edges.level - self._level)

    def compare(self, small: Image) -> tuple[float | None, float | None]:
        """Return (match, hidden) of a picture of the size of the learned ones.

        match: how well the edges agree, 1 is equal, 0 is another scene; hidden: share of the learned edges that are
        not there any more. Both are None before `READY_S`, and with too few edges, as in the dark.
        """
        if self._direction is None or self._learned_s < READY_S:
            return None, None
        edges = _edges(small)
        steady = _length(self._direction) >= STEADY
        if int(steady.sum()) < LEAST_STEADY:
            return None, None
        return _match(self._direction * steady[..., None], edges.direction), self._hidden(edges, steady)

    def _hidden(self, edges: _Edges, steady: NDArray[np.bool_]) -> float | None:
        clear = steady & (self._strength >= CLEAR_EDGE)
        if int(clear.sum()) < LEAST_STEADY:
            return None
        light = min(1.0, edges.level / max(self._level, 1.0))
        return float((edges.strength[clear] < HIDDEN * light * self._strength[clear]).mean())


def _edges(small: Image) -> _Edges:
    cells = cv2.GaussianBlur(cv2.resize(small, CELLS, interpolation=cv2.INTER_AREA).astype(np.float32), (3, 3), 0)
    across, down = (cv2.Sobel(cells, cv2.CV_32F, x, y, ksize=3, scale=1 / 8) for x, y in ((1, 0), (0, 1)))
    strength = np.asarray(cv2.magnitude(across, down), np.float32)
    scale = 1 / (strength + cv2.blur(strength, (AROUND, AROUND)) + LEAST_EDGE)
    return _Edges(np.dstack([across * scale, down * scale]), strength, float(cells.mean()))


def _match(learned: Grid, now: Grid) -> float | None:
    """Return the best mean cosine between two fields of directions, weighted by their lengths, over small shifts."""
    middle = np.ascontiguousarray(learned[SHIFT:-SHIFT, SHIFT:-SHIFT])
    agreed = cv2.matchTemplate(now, middle, cv2.TM_CCORR)
    possible = cv2.matchTemplate(_length(now), _length(middle), cv2.TM_CCORR)
    return float((agreed / np.maximum(possible, 1e-6)).max()) if float(np.max(possible)) > LEAST_LENGTHS else None


def _length(field: Grid) -> Grid:
    return np.asarray(np.linalg.norm(field, axis=2), np.float32)
