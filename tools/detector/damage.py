"""Damage pictures for the training of the detector: objects before the face, light, lens and sensor.

The functions work on grey float32 pictures, 0 to 255. All random numbers come from the given generator.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.float32]
Face = NDArray[np.float32]
"""cx, cy, w, h, roll in degrees, and 1 where the places of the eyes are known."""


def hide(image: Grey, face: Face, rng: np.random.Generator, patch: Grey) -> None:
    """Cover a part of `face` in place. `patch`: a texture of the size of the picture."""
    kinds = ("half", "half", "half", "half", "block", "mask", "sunglasses", "hand", "hair", "frame")
    kind = kinds[rng.integers(len(kinds))]
    shape = np.zeros(image.shape, np.uint8)
    {"half": _half, "block": _block, "mask": _mask, "sunglasses": _sunglasses, "hand": hand, "hair": _hair,
     "frame": _frame}[kind](shape, face, rng)  # fmt: skip
    dark = kind in ("sunglasses", "hair", "frame")
    level = rng.uniform(0, 60) if dark else rng.choice([rng.uniform(5, 40), rng.uniform(0, 255), image.mean()])
    filling = np.full(image.shape, level, np.float32)
    if rng.random() < (0.3 if kind == "half" else 0.6):
        filling += (patch - patch.mean()) * np.float32(rng.uniform(0.1, 0.8 if not dark else 0.3))
    alpha = shape.astype(np.float32) / 255
    if rng.random() < 0.4:
        soft = cv2.GaussianBlur(shape, (0, 0), float(rng.uniform(0.5, 1.5)))
        alpha = soft.astype(np.float32) / 255
    image += (filling - image) * alpha


def _spot(face: Face, u: float, v: float) -> tuple[int, int]:
    """Return the pixel of (u, v), given in half sides of the face's box from its centre. The box is rolled."""
    a = math.radians(float(face[4]))
    x, y = u * face[2] / 2, v * face[3] / 2
    return round(float(face[0] + math.cos(a) * x - math.sin(a) * y)), round(
        float(face[1] + math.sin(a) * x + math.cos(a) * y)
    )


def _polygon(shape: NDArray[np.uint8], face: Face, corners: list[tuple[float, float]]) -> None:
    cv2.fillPoly(shape, [np.array([_spot(face, u, v) for u, v in corners], np.int32)], 255)


def _half(shape: NDArray[np.uint8], face: Face, rng: np.random.Generator) -> None:
    edge, far = rng.uniform(-0.2, 0.2), rng.uniform(0.95, 1.15) if rng.random() < 0.6 else rng.uniform(1.1, 1.6)
    side = rng.choice([-1, 1])
    corners = [(edge, -far), (side * far, -far), (side * far, far), (edge, far)]
    _polygon(shape, face, corners if rng.random() < 0.75 else [(v, u) for u, v in corners])


def _block(shape: NDArray[np.uint8], face: Face, rng: np.random.Generator) -> None:
    u, v = rng.uniform(-1, 1, 2)
    a, b = rng.uniform(0.2, 0.7, 2)
    _polygon(shape, face, [(u - a, v - b), (u + a, v - b), (u + a, v + b), (u - a, v + b)])


def _mask(shape: NDArray[np.uint8], face: Face, rng: np.random.Generator) -> None:
    top, side = rng.uniform(-0.15, 0.3), rng.uniform(0.7, 1.0)
    _polygon(
        shape,
        face,
        [(-side, top + 0.1), (0, top - 0.1), (side, top + 0.1), (side * 0.8, 0.75), (0, 1.1), (-side * 0.8, 0.75)],
    )


def _sunglasses(shape: NDArray[np.uint8], face: Face, rng: np.random.Generator) -> None:
    size, high, v = rng.uniform(0.28, 0.45), rng.uniform(0.16, 0.3), rng.uniform(-0.3, -0.15)
    for u in (-0.42, 0.42):
        axes = (max(1, round(size * float(face[2]) / 2)), max(1, round(high * float(face[3]) / 2)))
        cv2.ellipse(shape, _spot(face, u, v), axes, float(face[4]), 0, 360, 255, -1)
    cv2.line(shape, _spot(face, -1, v - 0.1), _spot(face, 1, v - 0.1), 255, max(1, round(float(face[2]) / 25)))


def _frame(shape: NDArray[np.uint8], face: Face, rng: np.random.Generator) -> None:
    size, v, thick = rng.uniform(0.28, 0.42), rng.uniform(-0.3, -0.15), max(1, round(float(face[2]) / 40))
    for u in (-0.42, 0.42):
        axes = (max(1, round(size * float(face[2]) / 2)), max(1, round(size * 0.7 * float(face[3]) / 2)))
        cv2.ellipse(shape, _spot(face, u, v), axes, float(face[4]), 0, 360, 255, thick)
    cv2.line(shape, _spot(face, -0.15, v), _spot(face, 0.15, v), 255, thick)


def _hair(shape: NDArray[np.uint8], face: Face, rng: np.random.Generator) -> None:
    low, side = rng.uniform(-0.8, -0.25), rng.uniform(-0.8, 0.8)
    _polygon(shape, face, [(-1.2, -1.4), (1.2, -1.4), (1.1, low + 0.2), (side, low), (-1.1, low + 0.3)])


def hand(shape: NDArray[np.uint8], face: Face, rng: np.random.Generator) -> None:
    """Draw a palm with fingers at a random place before the face."""
    turn, size = rng.uniform(0, 2 * math.pi), float(face[2]) * rng.uniform(0.35, 0.6)
    x, y = _spot(face, *rng.uniform(-0.9, 0.9, 2))
    cv2.circle(shape, (x, y), max(1, round(size * 0.5)), 255, -1)
    for k in range(4):
        a = turn + (k - 1.5) * rng.uniform(0.15, 0.3)
        tip = (round(x + math.cos(a) * size * 1.3), round(y + math.sin(a) * size * 1.3))
        cv2.line(shape, (x, y), tip, 255, max(1, round(size * 0.22)))
    wrist = (round(x - math.cos(turn) * size * 3), round(y - math.sin(turn) * size * 3))
    cv2.line(shape, (x, y), wrist, 255, max(1, round(size * 0.6)))


def pupils(image: Grey, face: Face, rng: np.random.Generator) -> None:
    """Make the pupils glow, as they do when the lamp is close to the lens."""
    for u in (-0.42, 0.42):
        cv2.circle(image, _spot(face, u, -0.22), max(1, round(float(face[2]) / 35)), float(rng.uniform(160, 255)), -1)


def photograph(image: Grey, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return the picture that a camera takes of `image`, after light, lens and sensor."""
    if rng.random() < 0.5:
        image = 255 * (np.clip(image, 0, 255) / 255) ** np.float32(np.exp(rng.uniform(-0.7, 0.7)))
    if rng.random() < 0.3:
        image = _light(image, rng)
    image = _lens(image, rng)
    kind = rng.random()
    if kind < 0.3:
        image = image * np.float32(np.exp(-rng.uniform(0, math.log(18))))
    elif kind < 0.45:
        image = image * np.float32(rng.uniform(1.2, 2.2)) + np.float32(rng.uniform(0, 45))
    # Strong noise and little light are not combined: no face would be left to learn from.
    sigma = rng.uniform(0, 5) if rng.random() < 0.6 else rng.uniform(3, 32) if kind > 0.4 and rng.random() < 0.4 else 0
    if sigma > 0:
        noise = rng.standard_normal(image.shape, np.float32)
        if rng.random() < 0.2:
            noise = cv2.GaussianBlur(noise, (3, 3), 0) * 1.8
        image = image + noise * np.float32(sigma)
    sensed = np.clip(np.rint(image), 0, 255).astype(np.uint8)
    if rng.random() < 0.15:
        done, data = cv2.imencode(".jpg", sensed, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 90))])
        sensed = np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8) if done else sensed
    return sensed


def _light(image: Grey, rng: np.random.Generator) -> Grey:
    """Darken with the distance from the axis of an infrared lamp, or shade one side as the sun does."""
    h, w = image.shape
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    x, y = x / w, y / h
    if rng.random() < 0.5:
        away = (x - rng.uniform(0, 1)) ** 2 + (y - rng.uniform(0, 1)) ** 2
        return np.asarray(image * np.exp(-away * rng.uniform(0.5, 5)), np.float32)
    a = rng.uniform(0, 2 * math.pi)
    edge = math.cos(a) * (x - 0.5) + math.sin(a) * (y - 0.5) + rng.uniform(-0.3, 0.3)
    shade = 1 / (1 + np.exp(-np.clip(edge * np.exp(rng.uniform(1, 4.5)), -30, 30)))
    return np.asarray(image * (1 - rng.uniform(0.3, 0.92) * shade), np.float32)


def _lens(image: Grey, rng: np.random.Generator) -> Grey:
    kind = rng.random()
    if kind < 0.2:
        return _streak(image, float(rng.uniform(2, 15)), rng.uniform(0, 180) if rng.random() < 0.6 else 0.0)
    if kind < 0.35:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.4, 2.2))), np.float32)
    if kind < 0.5:
        s = rng.uniform(0.3, 0.8)
        small = cv2.resize(image, None, fx=s, fy=s, interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(small, image.shape[::-1]), np.float32)
    return image


def _streak(image: Grey, length: float, angle: float) -> Grey:
    n = int(length) | 1
    kernel = np.zeros((n, n), np.float32)
    dx, dy = math.cos(math.radians(angle)) * n / 2, math.sin(math.radians(angle)) * n / 2
    cv2.line(
        kernel,
        (round(n / 2 - 0.5 - dx), round(n / 2 - 0.5 - dy)),
        (round(n / 2 - 0.5 + dx), round(n / 2 - 0.5 + dy)),
        1.0,
    )
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT), np.float32)
