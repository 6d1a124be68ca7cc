"""What can be said of a picture before any face is sought: covered, dark, blinded, by daylight or infrared (pure).

The numbers were set on 15 day clips (every tenth frame), 111 near-infrared stills, 833 grey photographs of drivers and
400 grey portraits, measured on this module's own small picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from driver_monitor.capture.frame import Image
from driver_monitor.capture.picture import as_image
from driver_monitor.observation import Light

SMALL = (160, 120)
"""Least width and height everything is measured at: it averages away the sensor's noise, and is cheap."""
CELLS = (32, 24)
"""The picture's coarse structure: width and height in cells."""
BORDER_MAX = 16
"""A black border (letterbox, pillarbox) has nothing brighter: 16 is black in studio-range video."""
STEP = 4.0
"""Grey levels by which a cell must differ from its neighbours to be structure. Sensor noise of 20 levels a pixel
averages to about 1 a cell."""
COVERED_SHARE = 0.10
"""Share of cells with structure below which the lens is covered: the poorest real picture has 0.43; a hand or tape
that lets light in at one side stays below a tenth."""
COVERED_SHARE_DARK = 0.01
"""The same in a dark picture, where a few lamps are all the structure there is: eight cells of 768."""
DARK_MEAN = 25.0
"""Mean level below which a picture is dark: about half of the darkest readable clip's 45; eyes are then black."""
SATURATED = 250
"""Level from which a pixel is blown out; 255 does not survive compression."""
GLARE_SHARE = 0.35
"""Share of blown-out pixels that makes glare: car clips with sunlit windows reach 0.20."""
GREY_CHROMA = 3.0
"""Mean spread of the three channels up to which a colour picture is grey: grey ones have 0, compressed ones about 1,
the palest colour clip 11."""
DAYLIGHT_LEVEL = 200
DAYLIGHT_SHARE = 0.06
"""Share of pixels above `DAYLIGHT_LEVEL` from which a grey picture is taken for daylight."""


@dataclass(frozen=True, slots=True)
class PictureState:
    """`covered`: no structure at all, whatever the brightness; it outweighs `light`. `mean`: grey level, 0 to 255."""

    light: Light
    covered: bool
    mean: float


def picture_state(image: Image) -> PictureState:
    """Judge one picture: grey (H, W) or BGR (H, W, 3), uint8.

    Black borders do not count. "dark" and "glare" come before "day" and "infrared". A wholly black picture is dark and
    covered: which of the two it is, no picture can tell.

    Day or infrared: a picture with colours is day. A grey one is infrared unless a good part of it is very bright, as
    the windows of a car by day are (833 grey day photographs: 0.077 or more; 111 stills lit by an infrared lamp in
    dark rooms: 0.046 or less). That is a guess from structure: a grey camera by day and an infrared one in the sun
    cannot be told apart, nor a grey camera in a dim place from an infrared one.
    """
    small = _without_borders(_shrunk(image))
    grey = small if small.ndim == 2 else as_image(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY))
    mean = float(grey.mean())
    dark = mean < DARK_MEAN
    covered = _structure(grey) < (COVERED_SHARE_DARK if dark else COVERED_SHARE)
    light: Light
    if dark:
        light = "dark"
    elif float((grey >= SATURATED).mean()) > GLARE_SHARE:
        light = "glare"
    elif _is_grey(small) and float((grey > DAYLIGHT_LEVEL).mean()) < DAYLIGHT_SHARE:
        light = "infrared"
    else:
        light = "day"
    return PictureState(light, covered, mean)


def _shrunk(image: Image) -> Image:
    """Average blocks of pixels. Whole blocks only: OpenCV takes five times as long over broken ones."""
    height, width = image.shape[:2]
    block = max(1, min(width // SMALL[0], height // SMALL[1]))
    size = width // block, height // block
    whole = image[: size[1] * block, : size[0] * block]
    return as_image(cv2.resize(whole, size, interpolation=cv2.INTER_AREA))


def _structure(grey: Image) -> float:
    """Return the share of cells that differ by more than `STEP` from the mean of their neighbours in row or column.

    Even gradients, as light leaking in beside a hand makes them, are no structure.
    """
    cells = cv2.resize(grey, CELLS, interpolation=cv2.INTER_AREA).astype(np.float32)
    across = np.abs(cells[1:-1, 1:-1] - (cells[1:-1, :-2] + cells[1:-1, 2:]) / 2)
    down = np.abs(cells[1:-1, 1:-1] - (cells[:-2, 1:-1] + cells[2:, 1:-1]) / 2)
    return float((np.maximum(across, down) > STEP).mean())


def _is_grey(small: Image) -> bool:
    if small.ndim == 2:
        return True
    blue, green, red = cv2.split(small)
    spread = cv2.subtract(cv2.max(cv2.max(blue, green), red), cv2.min(cv2.min(blue, green), red))
    return float(spread.mean()) < GREY_CHROMA


def _without_borders(small: Image) -> Image:
    """Cut off black rows and columns at the edges, unless hardly anything would be left."""
    height, width = small.shape[:2]
    rows = np.flatnonzero(cv2.reduce(small, 1, cv2.REDUCE_MAX).reshape(height, -1).max(axis=1) > BORDER_MAX)
    columns = np.flatnonzero(cv2.reduce(small, 0, cv2.REDUCE_MAX).reshape(width, -1).max(axis=1) > BORDER_MAX)
    if rows.size < height // 4 or columns.size < width // 4:
        return small
    return np.ascontiguousarray(small[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
