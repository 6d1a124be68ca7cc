"""Cut eyes out of strips with the errors of landmarks, cameras and light. Cheaper than the training's changes."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from driver_monitor.imaging import ibug
from driver_monitor.imaging.crop import cut
from driver_monitor.perception.eyes.patch import CORNER_SHARE, HEIGHT, WIDTH, normalise

Patch = NDArray[np.uint8]
ROLL, SCALE, SHIFT = 0.09, 0.10, 0.05
"""Standard deviation of the landmarks' errors: radians, logarithm, share of the eye's width. As in the training."""
COARSEST = 0.25
"""Smallest size, over the patch's, to which an eye is shrunk and enlarged again."""
BAR = 0.2
"""Share of the patches that get a bright bar or a dark half: reflections and shadows."""


def changed(strip: NDArray[np.uint8], points: NDArray[np.float32], rng: np.random.Generator) -> Patch:
    """Return a patch (32, 48) of one eye of a strip (88, 168), cut and lit by chance, contrast stretched."""
    left = bool(rng.random() < 0.5)
    outer, inner = points[list(ibug.EYES["left" if left else "right"])][[0, 3]].astype(np.float64)
    along, middle = inner - outer, (inner + outer) / 2
    middle = middle + rng.normal(0, SHIFT, 2) * np.linalg.norm(along)
    angle, scale = rng.normal(0, ROLL), np.exp(rng.normal(0, SCALE)) / (CORNER_SHARE * WIDTH)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    right = turn @ along * scale
    down = np.array([-right[1], right[0]]) * (-1 if left else 1) * np.exp(rng.normal(0, SCALE))
    start = middle - right * (WIDTH - 1) / 2 - down * (HEIGHT - 1) / 2
    patch = cut(strip, np.column_stack([right, down, start]), (WIDTH, HEIGHT))
    return normalise(
        np.clip(_seen(_lit(_coarse(np.asarray(patch / 255, np.float32), rng), rng), rng) * 255, 0, 255).astype(np.uint8)
    )


def _coarse(patch: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    share = float(np.exp(rng.uniform(np.log(COARSEST), 0.4)))
    if share >= 1:
        return patch
    small = cv2.resize(patch, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR), np.float32)


def _lit(patch: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    y, x = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
    out = np.clip(patch, 1e-3, 1) ** np.exp(rng.normal(0, 0.3)) * (1 + rng.normal(0, 0.2) * x + rng.normal(0, 0.15) * y)
    if rng.random() < BAR:
        angle, place = rng.uniform(0, np.pi), rng.normal(0, 0.6)
        across = x * np.cos(angle) + y * np.sin(angle) - place
        dark = rng.random() < 0.5
        out = np.where(across > 0, out * rng.uniform(0.3, 0.8), out) if dark else np.where(
            np.abs(across) < rng.uniform(0.03, 0.12), rng.uniform(0, 1.2), out
        )  # fmt: skip
    return np.asarray(out, np.float32)


def _seen(patch: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    gain = float(np.exp2(rng.uniform(-3, 0))) if rng.random() < 0.3 else 1.0
    noise = rng.normal(0, 1, patch.shape) * rng.uniform(0, 0.02)
    return np.asarray(patch * gain + noise, np.float32)
