"""Lashes and brows as thin strands that turn their flat side to the camera. They are made by code, without pictures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from tools.synthetic.people.head import Eye, Points

STEPS = 5
"""Points along a strand."""
Strands = NDArray[np.float64]
"""(n, STEPS, 3): from the root to the tip."""


def lashes(fine: Points, eye: Eye, rng: np.random.Generator, length: float, curl: float) -> Strands:
    """Return the lashes of both lids of an eye. `length`: of the longest, over the eye's width. `curl`: up, 0 to 1."""
    return np.concatenate([
        _row(fine[eye.upper], eye, rng, int(rng.integers(130, 230)), length, curl),
        _row(fine[eye.lower], eye, rng, int(rng.integers(25, 55)), 0.38 * length, -0.6),
    ])  # fmt: skip


def _row(edge: Points, eye: Eye, rng: np.random.Generator, count: int, length: float, curl: float) -> Strands:
    steps = np.r_[0, np.linalg.norm(np.diff(edge, axis=0), axis=1).cumsum()]
    share = np.sort(rng.uniform(0.01, 0.93, count))
    root = np.stack([np.interp(share * steps[-1], steps, edge[:, k]) for k in range(3)], 1)
    out = root - eye.centre
    out /= np.linalg.norm(out, axis=1, keepdims=True)
    # Lashes fan out: those of the outer third point outwards.
    out[:, 0] += eye.sign * (0.45 - 0.9 * share) + rng.normal(0, 0.12, count)
    long = eye.width * length * (0.55 + 0.45 * np.sin(np.pi * np.clip(1 - share, 0, 1) ** 0.8))
    along = np.linspace(0, 1, STEPS)[None, :, None]
    bend = np.array([0, curl, 0]) * rng.normal(1, 0.25, count)[:, None]
    start, rise = out * (long * rng.uniform(0.6, 1.1, count))[:, None], bend * long[:, None]
    return np.asarray(root[:, None] + start[:, None] * along + rise[:, None] * along**1.7)


def brow(fine: Points, eye: Eye, rng: np.random.Generator, style: tuple[float, float, float]) -> Strands:
    """Return a brow's strands. `style`: height over the eyeball's middle and thickness, dm; strands per dm."""
    height, thick, dense = style
    count = int(dense * 0.5)
    share = rng.uniform(0, 1, count)
    x = eye.centre[0] + eye.sign * (-0.17 + 0.42 * share)
    arch = height + 0.045 * np.sin(np.pi * np.clip(share * 1.15, 0, 1)) - 0.05 * np.clip(share - 0.6, 0, 1) ** 1.5 * 4
    y = eye.centre[1] + arch + rng.normal(0, thick, count) * (1 - 0.65 * share)
    front = np.flatnonzero((fine[:, 2] > 0) & (fine[:, 1] > eye.centre[1] + 0.08) & (fine[:, 1] < eye.centre[1] + 0.5))
    at = np.stack([x, y], 1)
    _, near = cKDTree(fine[front, :2]).query(at)
    root = np.c_[at, fine[front[near], 2] + 0.004]
    lean = rng.normal(0, 0.25, count) + 1.0 - 1.1 * share
    way = np.stack([eye.sign * np.cos(lean), np.sin(lean) * 0.8, np.full(count, 0.12)], 1)
    long = rng.uniform(0.04, 0.085, count)
    along = np.linspace(0, 1, STEPS)[None, :, None]
    drop = np.array([0, 0, -0.25]) * long[:, None]
    return np.asarray(root[:, None] + (way * long[:, None])[:, None] * along + drop[:, None] * along**2)


def ribbons(strands: Strands, camera: Points, width: float) -> tuple[Points, NDArray[np.int64]]:
    """Return vertices (k, 3) and quads (m, 4) of strands that taper from `width` (dm) to a tenth at the tip."""
    along = np.gradient(strands, axis=1)
    side = np.cross(along, strands - camera)
    side /= np.maximum(np.linalg.norm(side, axis=2, keepdims=True), 1e-9)
    half = width / 2 * np.linspace(1, 0.1, STEPS)[None, :, None]
    points = np.stack([strands - side * half, strands + side * half], 2).reshape(-1, 3)
    first = (np.arange(len(strands))[:, None] * STEPS + np.arange(STEPS - 1)).ravel() * 2
    return points, np.stack([first, first + 1, first + 3, first + 2], 1)
