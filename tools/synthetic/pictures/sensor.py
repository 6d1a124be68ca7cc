"""What a camera makes of the light: exposure, lens, noise, tone curve, JPEG."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

NOISE = {False: (0.0005, 0.012), True: (0.0005, 0.007)}
"""Standard deviation of the noise over white by day (False) and in infrared (True): range. In the flat parts of our
infrared stills it is 0.5 to 2 grey levels, less than by day."""


def expose(
    rng: np.random.Generator, light: NDArray[np.float32], alpha: NDArray[np.float32], infrared: bool, skin: float
) -> NDArray[np.uint8]:
    """Return the grey picture (h, w) of linear light. `skin`: reflectance; a camera exposes dark skin darker."""
    face = alpha > 0.9
    level = float(np.median(light[face])) if face.any() else 0.2
    aim = float(np.exp(rng.uniform(np.log(0.10), np.log(0.42)))) * (skin / 0.3) ** 0.35
    shown = light * aim / max(level, 1e-4) + (1 - alpha) * _behind(rng, light.shape[1], light.shape[0], infrared)
    shown = cv2.GaussianBlur(shown, (0, 0), rng.uniform(0.35, 0.9))
    low, high = np.log(NOISE[infrared])
    strength = float(np.exp(rng.uniform(low, high)))
    shown = shown + rng.normal(0, strength, shown.shape) * np.sqrt(0.3 + np.clip(shown, 0, 1) * 2)
    grey = np.clip(np.clip(shown, 0, 1) ** (1 / rng.uniform(1.7, 2.4)) * 255, 0, 255).astype(np.uint8)
    _, packed = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(72, 97))])
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE), np.uint8)


def _behind(rng: np.random.Generator, wide: int, high: int, infrared: bool) -> NDArray[np.float32]:
    """Return what is behind the head: a dark cabin, by day with bright windows with straight edges."""
    out = cv2.resize(rng.uniform(0, 1, (3, 4)).astype(np.float32), (wide, high), interpolation=cv2.INTER_CUBIC)
    out = np.clip(out, 0, 1) * float(rng.uniform(0, 0.08) if infrared else rng.uniform(0.02, 0.4))
    for _ in range(0 if infrared else int(rng.integers(0, 4))):
        corners = (rng.uniform(-0.3, 1.3, (4, 2)) * [wide, high]).astype(np.int32)
        bright = rng.uniform(0.4, 1.2) if rng.random() < 0.5 else rng.uniform(0, 0.2)
        cv2.fillConvexPoly(out, cv2.convexHull(corners), float(bright))
    return np.asarray(out, np.float32)
