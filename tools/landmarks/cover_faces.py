"""Draw hands, masks, cups, bars and reflections over faces, and label whether they hide the mouth.

OpenCV draws one picture at a time: at 112 pixels this takes microseconds.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

HIDDEN, IN_SIGHT, PARTLY = 1.0, 0.0, -1.0
"""Labels of a mouth: most of it is hidden, nearly all is visible, or in between, which is not learned."""
MOST, LEAST = 0.7, 0.2
"""Share of the covered points of the mouth from which it is `HIDDEN`, and up to which it is `IN_SIGHT`."""
SHARE = 0.45
"""Share of the faces that get a cover."""
MOUTH = slice(48, 68)

Mask = NDArray[np.uint8]
Picture = NDArray[np.float32]


def cover(images: Tensor, points: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Cover a share of `images` (N, 1, S, S), 0 to 1, whose points (N, 70, 2) are in units of the picture.

    Returns the pictures, changed in place, and the label of each mouth (N,): `HIDDEN`, `IN_SIGHT` or `PARTLY`.
    """
    rng = np.random.default_rng(int(torch.randint(2**31, (1,), generator=generator)))
    pictures, spots = images.numpy()[:, 0], points.numpy() * images.shape[2] - 0.5
    state = np.zeros(len(pictures), np.float32)
    for i in np.flatnonzero(rng.random(len(pictures)) < SHARE):
        draw = DRAWN[rng.choice(len(DRAWN), p=ODDS)]
        mask = draw(spots[i], pictures.shape[1], rng)
        if rng.random() < 0.3:
            mask = np.asarray(cv2.blur(mask, (3, 3)), np.uint8)
        state[i] = mouth_state(mask, spots[i])
        over = (mask / np.float32(255)).astype(np.float32)
        pictures[i] = pictures[i] * (1 - over) + filling(pictures, int(i), spots[i], rng, draw is hand) * over
    for i in np.flatnonzero(rng.random(len(pictures)) < 0.08):
        reflect(pictures[i], spots[i], rng)
    for i in np.flatnonzero(rng.random(len(pictures)) < 0.08):
        cut_off(pictures[i], rng)
    return images, torch.from_numpy(state)


def mouth_state(mask: Mask, spots: Picture) -> float:
    """Return the label of the mouth, by the share of its points under `mask` (S, S)."""
    at = np.clip(np.round(spots[MOUTH]).astype(int), 0, len(mask) - 1)
    share = float((mask[at[:, 1], at[:, 0]] > 127).mean())
    return HIDDEN if share >= MOST else IN_SIGHT if share <= LEAST else PARTLY


def filling(pictures: Picture, i: int, spots: Picture, rng: np.random.Generator, skin: bool) -> Picture:
    """Return the surface of the cover (S, S): skin, cloth, or a piece of another picture."""
    size = pictures.shape[1]
    other = pictures[rng.integers(len(pictures))]
    if not skin and rng.random() < 0.3:
        x, y = rng.integers(0, size // 2, 2)
        return np.asarray(cv2.resize(other[y : y + size // 2, x : x + size // 2], (size, size)), np.float32)
    at = np.clip(spots[[2, 14, 29, 30]].astype(int), 0, size - 1)
    tone = np.median(pictures[i][at[:, 1], at[:, 0]]) * rng.uniform(0.7, 1.3) if skin else rng.uniform(0, 1)
    coarse = rng.normal(0, rng.uniform(0.01, 0.12), (rng.integers(3, 9), rng.integers(3, 9))).astype(np.float32)
    shade = cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)
    slope = np.linspace(-1, 1, size, dtype=np.float32) * rng.uniform(-0.25, 0.25)
    slope = slope[:, None] if rng.random() < 0.5 else slope[None]
    grain = rng.normal(0, rng.uniform(0, 0.04), (size, size)).astype(np.float32)
    if rng.random() < 0.3:
        grain += 0.1 * np.sign(np.sin(np.arange(size) * rng.uniform(0.2, 1.0)))[:, None].astype(np.float32)
    return np.asarray(np.clip(tone + shade + slope + grain, 0, 1), np.float32)


def target(spots: Picture, rng: np.random.Generator) -> Picture:
    """Return where an object is held: mostly at the mouth, otherwise at any point of the face."""
    aim = spots[MOUTH].mean(0) if rng.random() < 0.65 else spots[rng.integers(0, 70)]
    return np.asarray(aim + rng.normal(0, 0.06, 2) * face_size(spots), np.float32)


def face_size(spots: Picture) -> float:
    """Return the longer side of the box around the points, pixels."""
    return float(np.ptp(spots[:68], axis=0).max())


def mask_of_cloth(spots: Picture, size: int, rng: np.random.Generator) -> Mask:
    """Draw a face mask over mouth and chin. Its upper edge is on the nose or below it."""
    low, high = (1, 16) if rng.random() < 0.5 else (2, 15)
    edge = spots[low:high] + (spots[low:high] - spots[30]) * rng.uniform(-0.03, 0.08)
    top = spots[28] + (spots[33] - spots[28]) * rng.uniform(0, 1.05)
    outline = np.concatenate([edge, top[None] + rng.normal(0, 1, (1, 2))]) + rng.normal(0, 0.5, (len(edge) + 1, 2))
    drawn = np.zeros((size, size), np.uint8)
    cv2.fillPoly(drawn, [np.round(outline).astype(np.int32)], 255)
    return drawn


def hand(spots: Picture, size: int, rng: np.random.Generator) -> Mask:
    """Draw a palm with fingers, flat or as a fist."""
    drawn = np.zeros((size, size), np.uint8)
    face, at, angle = face_size(spots), target(spots, rng), rng.uniform(0, 2 * np.pi)
    along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    width = face * rng.uniform(0.3, 0.55)
    palm = at - along * width * rng.uniform(-0.2, 0.6)
    axes = (round(width * 0.6), round(width * 0.5))
    cv2.ellipse(drawn, _pixel(palm), axes, float(np.degrees(angle)), 0, 360, 255, -1)
    long = width * rng.choice([0.2, rng.uniform(0.6, 1.2)])
    for finger in range(4):
        root = palm + across * width * (finger - 1.5) * 0.26 + along * width * 0.4
        bend = along + across * rng.normal(0, 0.12)
        cv2.line(drawn, _pixel(root), _pixel(root + bend * long), 255, max(2, round(width * rng.uniform(0.2, 0.3))))
    cv2.line(drawn, _pixel(palm), _pixel(palm - along * face), 255, max(2, round(width * 0.7)))
    return drawn


def thing(spots: Picture, size: int, rng: np.random.Generator) -> Mask:
    """Draw a rotated rectangle or ellipse of any size, as a cup, a telephone or the rim of a wheel."""
    drawn = np.zeros((size, size), np.uint8)
    face, at = face_size(spots), target(spots, rng)
    w, h = face * np.exp(rng.uniform(np.log(0.05), np.log(0.8), 2))
    angle = float(rng.uniform(0, 180))
    if rng.random() < 0.3:
        cv2.ellipse(drawn, _pixel(at), (max(1, round(w / 2)), max(1, round(h / 2))), angle, 0, 360, 255, -1)
    else:
        corners = cv2.boxPoints(((float(at[0]), float(at[1])), (float(w), float(h)), angle))
        cv2.fillConvexPoly(drawn, np.round(corners).astype(np.int32), 255)
    return drawn


def half(spots: Picture, size: int, rng: np.random.Generator) -> Mask:
    """Draw a half plane that hides a part of the face, as a large object does."""
    y, x = np.mgrid[:size, :size].astype(np.float32)
    angle, face = rng.uniform(0, 2 * np.pi), face_size(spots)
    at = spots[:68].mean(0) + rng.uniform(0.05, 0.4) * face * np.array([np.cos(angle), np.sin(angle)])
    beyond = (x - at[0]) * np.cos(angle) + (y - at[1]) * np.sin(angle) > 0
    return np.asarray(beyond * 255, np.uint8)


def reflect(picture: Picture, spots: Picture, rng: np.random.Generator) -> None:
    """Draw a bright patch over one or both eyes, as glasses reflect the sky."""
    for eye in (spots[36:42], spots[42:48]):
        if rng.random() < 0.7:
            wide = float(np.ptp(eye, axis=0).max()) * rng.uniform(0.3, 1.0)
            drawn = np.zeros(picture.shape, np.float32)
            corners = eye.mean(0) + rng.normal(0, 0.7, (5, 2)) * wide
            cv2.fillConvexPoly(drawn, cv2.convexHull(np.round(corners).astype(np.int32)), float(rng.uniform(0.2, 0.9)))
            picture += (1 - picture) * cv2.blur(drawn, (3, 3))


def cut_off(picture: Picture, rng: np.random.Generator) -> None:
    """End the picture within the crop. The rest repeats its last column or row."""
    turned = np.rot90(picture, int(rng.choice(4, p=(0.35, 0.15, 0.35, 0.15))))
    end = int(len(picture) * rng.uniform(0.45, 0.9))
    turned[:, end:] = turned[:, end - 1 : end]


def _pixel(at: NDArray[np.floating]) -> tuple[int, int]:
    return round(float(at[0])), round(float(at[1]))


DRAWN: tuple[Callable[[Picture, int, np.random.Generator], Mask], ...] = (mask_of_cloth, hand, thing, half)
ODDS = (0.2, 0.3, 0.42, 0.08)
