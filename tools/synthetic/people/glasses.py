"""Frames of glasses as tubes. Reflections in the lenses are painted by the training, not here."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tools.synthetic.people.head import SIDES, Eye, Points, Side

AROUND = 8
"""Corners of a tube's cross-section."""


def frame(eyes: dict[Side, Eye], fine: Points, rng: np.random.Generator) -> tuple[Points, NDArray[np.int64]]:
    """Return vertices (n, 3) and quads (m, 4) of rims, bridge and temples. `fine`: the skin, to stay in front of it."""
    wide, high, drop = rng.uniform(0.23, 0.31), rng.uniform(0.15, 0.24), rng.uniform(-0.02, 0.06)
    corner, tilt = rng.uniform(2, 4.5), rng.uniform(0, 0.15)
    thick = rng.choice([0.005, 0.009, 0.015, 0.024], p=[0.35, 0.3, 0.2, 0.15])
    turn = np.linspace(0, 2 * np.pi, 49)
    shape = (np.abs(np.cos(turn)) ** corner + np.abs(np.sin(turn)) ** corner) ** (-1 / corner)
    between = fine[np.abs(fine[:, 0]) < 0.06]
    front = float(between[np.abs(between[:, 1]) < 0.06, 2].max()) + 0.03
    parts, inner = [], []
    for side in SIDES:
        eye = eyes[side]
        x = eye.sign * (0.32 + rng.normal(0, 0.004) + wide * shape * np.cos(turn))
        y = high * shape * np.sin(turn) - drop
        z = front - 0.35 * np.clip(np.abs(x) - 0.25, 0, None) ** 1.5 + tilt * y
        ring = np.stack([x, y, z], 1)
        parts.append(_tube(ring, thick))
        hinge, close = ring[np.abs(x).argmax()], ring[np.abs(x).argmin()]
        inner.append(close + np.array([0, 0.4 * high, 0]))
        parts.append(_tube(np.linspace(hinge, [eye.sign * 0.78, hinge[1] + 0.03, -0.3], 8), thick))
    parts.append(_tube(np.linspace(inner[0], inner[1], 6), thick))
    starts = np.cumsum([0, *(len(points) for points, _ in parts)])
    quads = np.concatenate([part + start for (_, part), start in zip(parts, starts[:-1], strict=True)])
    return np.concatenate([points for points, _ in parts]), quads


def _tube(line: Points, radius: float) -> tuple[Points, NDArray[np.int64]]:
    way = np.gradient(line, axis=0)
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    first = np.cross(way, [0.13, 0.31, 0.94])
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second = np.cross(way, first)
    turn = np.linspace(0, 2 * np.pi, AROUND, endpoint=False)[None, :, None]
    points = line[:, None] + radius * (first[:, None] * np.cos(turn) + second[:, None] * np.sin(turn))
    i, j = np.mgrid[0 : len(line) - 1, 0:AROUND]
    corners = [(i, j), (i, j + 1), (i + 1, j + 1), (i + 1, j)]
    quads = np.stack([a * AROUND + b % AROUND for a, b in corners], -1).reshape(-1, 4)
    return points.reshape(-1, 3), quads.astype(np.int64)
