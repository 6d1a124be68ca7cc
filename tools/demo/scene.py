"""What is around the face in the demo clip: a painted cabin, daylight, infrared light and noise."""

from __future__ import annotations

import cv2
import numpy as np

from tools.demo.portrait import SIZE, Image

Shape = list[tuple[int, int]]

SEAT: Shape = [(70, 480), (96, 400), (150, 330), (205, 300), (440, 300), (500, 330), (560, 400), (590, 480)]
HEADREST: Shape = [(196, 300), (168, 230), (164, 110), (190, 66), (240, 50), (400, 50), (450, 66), (476, 110)]
HEADREST += [(472, 230), (444, 300)]
WINDOW_LEFT: Shape = [(-20, 70), (110, 92), (140, 150), (128, 272), (-20, 292)]
WINDOW_RIGHT: Shape = [(520, 120), (560, 84), (670, 52), (670, 316), (540, 290)]
SKIN_REFLECTS = np.array([0.06, 0.24, 0.70], np.float32)
"""Weights of B, G and R that look most like 850 nm: skin and cloth are bright, blue is nearly black."""


def cabin(infrared: bool) -> Image:
    """Return seat, headrest and side windows, out of focus; the windows are dark when `infrared`."""
    width, height = SIZE
    wall, window, seat = (
        ((52, 54, 58), (22, 22, 22), (70, 70, 70)) if infrared else ((88, 98, 108), (226, 222, 208), (58, 62, 70))
    )
    image = np.full((height, width, 3), wall, np.uint8)
    cv2.rectangle(image, (0, 0), (width, 40), tuple(int(c * 1.25) for c in wall), -1)
    for shape in (WINDOW_LEFT, WINDOW_RIGHT):
        cv2.fillPoly(image, [np.array(shape, np.int32)], window)
    if not infrared:
        for shape, y in ((WINDOW_LEFT, 205), (WINDOW_RIGHT, 215)):
            mask = np.zeros((height, width), np.uint8)
            cv2.fillPoly(mask, [np.array(shape, np.int32)], 1)
            mask[:y] = 0
            image[mask > 0] = (150, 176, 160)
    soft = cv2.GaussianBlur(image, (0, 0), 9).astype(np.float32)
    seats = np.zeros((height, width), np.uint8)
    for shape in (SEAT, HEADREST):
        part = np.zeros_like(seats)
        cv2.fillPoly(part, [np.array(shape, np.int32)], 1)
        opened = cv2.morphologyEx(part, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (61, 61)))
        edge = cv2.GaussianBlur(opened.astype(np.float32), (0, 0), 3.0)[:, :, None]
        round_off = 0.72 + 0.28 * cv2.GaussianBlur(opened.astype(np.float32), (0, 0), 14)[:, :, None]
        soft = np.asarray(soft * (1 - edge) + np.array(seat, np.float32) * round_off * edge, np.float32)
    return soft.astype(np.float32)


def daylight(image: Image, clouds: float, rng: np.random.Generator) -> Image:
    """Return `image` (BGR 0..255) by day: a little more light from one window, passing clouds, faint noise."""
    across = np.linspace(1.04, 0.94, SIZE[0], dtype=np.float32)[None, :, None]
    noise = rng.normal(0, 1.6, image.shape).astype(np.float32)
    return np.asarray(np.clip(image * across * clouds + noise, 0, 255), np.float32)


def infrared(image: Image, lamp: float, rng: np.random.Generator) -> Image:
    """Return `image` as a camera with its own 850 nm lamp sees it: grey, bright skin, dark corners, noise."""
    grey = (image @ SKIN_REFLECTS) / 255
    curve = 0.88 * np.clip(grey, 0, 1) ** 0.85
    rows, columns = np.mgrid[: SIZE[1], : SIZE[0]].astype(np.float32)
    distance = np.hypot((columns - 320) / 330, (rows - 225) / 290)
    lit = curve * (0.10 + 0.98 * np.exp(-(distance**2) * 1.1)) * lamp * 255
    shot = rng.normal(0, 1, lit.shape).astype(np.float32)
    sensed = lit + shot * (2.0 + 0.20 * np.sqrt(np.clip(lit, 0, None)))
    return np.repeat(np.clip(sensed, 0, 255)[:, :, None], 3, 2).astype(np.float32)


def bright_pupils(image: Image, irises: list[tuple[float, float, float]]) -> None:
    """Brighten the pupils in place, as the retina reflects the lamp. `irises`: (x, y, radius of the iris), pixels."""
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]].astype(np.float32)
    for x, y, radius in irises:
        distance = np.hypot(columns - x, rows - y)
        iris = np.clip((radius * 0.95 - distance) / 1.5, 0, 1)[:, :, None]
        image += (np.array([95, 95, 95], np.float32) - image) * iris * 0.45
        pupil = np.clip((radius * 0.46 - distance) / 1.2 + 0.5, 0, 1)[:, :, None]
        image += (np.array([200, 200, 200], np.float32) - image) * pupil * 0.85
