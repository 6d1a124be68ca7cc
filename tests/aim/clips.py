"""Clips of what an installer may see: made of the bundled demo and a drawn cabin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from driver_monitor.imaging.frame import Image, rotate, stretch
from tests.conftest import demo_frames, write_clip

SECONDS, FPS = 8, 10
COUNT = SECONDS * FPS
TURNED, NIGHT = 600, 470
"""Frames of the demo: from these on she looks to her left for four seconds, and sees the road in infrared."""


def awake() -> list[Image]:
    return demo_frames(0, COUNT)


def too_far() -> list[Image]:
    """The same, at two fifths of the size, in a wide cabin."""
    return [_inside(_cabin(seed), stretch(one, (0.36, 0.36))) for seed, one in enumerate(awake())]


def too_dark() -> list[Image]:
    return [np.asarray(one * 0.2, np.uint8) for one in awake()]


def turned() -> list[Image]:
    return _there_and_back(demo_frames(TURNED, TURNED + COUNT // 2))


def at_night() -> list[Image]:
    return _there_and_back(demo_frames(NIGHT, NIGHT + COUNT // 2 - 4))


def no_face() -> list[Image]:
    return [_cabin(seed) for seed in range(COUNT)]


def two_faces() -> list[Image]:
    """Two of her, side by side; the left one is an eighth smaller."""
    return [
        np.hstack([_inside(_middle(one) // 2, stretch(_middle(one), (0.87, 0.87))), _middle(one)]) for one in awake()
    ]


def upside_down() -> list[Image]:
    return [rotate(one, 180) for one in awake()]


CLIPS: dict[str, Callable[[], Sequence[Image]]] = {
    "good": awake,
    "too_far": too_far,
    "too_dark": too_dark,
    "turned": turned,
    "night": at_night,
    "no_face": no_face,
    "two_faces": two_faces,
    "upside_down": upside_down,
}


def clip(name: str, folder: Path) -> Path:
    """Write the clip of this name and return its path."""
    path = folder / f"{name}.mp4"
    write_clip(path, list(CLIPS[name]()), FPS)
    return path


def _there_and_back(frames: list[Image]) -> list[Image]:
    return [*frames, *reversed(frames)]


def _cabin(seed: int) -> Image:
    """A drawn cabin by day, out of focus and with the noise of a sensor: wall, two windows, seat and headrest."""
    image = np.full((480, 640, 3), (88, 98, 108), np.uint8)
    for corner, opposite in (((0, 80), (130, 280)), ((530, 90), (639, 300))):
        cv2.rectangle(image, corner, opposite, (226, 222, 208), -1)
    cv2.ellipse(image, (320, 480), (250, 190), 0, 0, 360, (58, 62, 70), -1)
    cv2.rectangle(image, (230, 90), (410, 250), (58, 62, 70), -1)
    noise = np.random.default_rng(seed).normal(0, 1.6, image.shape)
    return np.asarray(np.clip(cv2.GaussianBlur(image, (0, 0), 6) + noise, 0, 255), np.uint8)


def _middle(frame: Image) -> Image:
    return np.asarray(np.split(frame, (160, 480), axis=1)[1], np.uint8)


def _inside(picture: Image, smaller: Image) -> Image:
    """Return `picture` with `smaller` in its middle."""
    result: Image = np.array(picture, np.uint8)
    height, width = smaller.shape[:2]
    top, left = (picture.shape[0] - height) // 2, (picture.shape[1] - width) // 2
    result[top : top + height, left : left + width] = smaller
    return np.asarray(result, np.uint8)
