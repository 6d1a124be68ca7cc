"""Judges a whole picture before a face is searched: is the lens covered, and what kind of light is it. Pure.

The limits were set on 15 day clips (every tenth frame), 111 near-infrared stills, 833 grey photographs of drivers and
400 grey portraits, measured on the small picture of this module.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from driver_monitor.data.observation import Light
from driver_monitor.imaging.crop import average, halved
from driver_monitor.imaging.frame import Image, YuvPicture, to_grey
from driver_monitor.statistics.share import share_of

SMALL = (160, 120)
"""Least width and height of the small picture that is measured. Averaged blocks have less noise and are fast."""
CELLS = (32, 24)
"""Width and height in cells of the grid on which structure is measured."""
BORDER_MAX = 16
"""Highest grey level of a black border (letterbox, pillarbox): 16 is black in studio-range video."""
STEP = 4.0
"""Grey levels by which a cell must differ from its neighbours to count as structure, in a picture of `STEP_MEAN` or
brighter. In darker pictures the step is proportionally less, because structure shrinks with the light."""
STEP_MEAN = 60.0
"""Mean grey level from which `STEP` applies in full."""
LEAST_STEP = 0.5
"""Least step in dark pictures, grey levels."""
NOISE_STEP = 0.9
"""Least step over the noise (standard deviation) of a pixel of the small picture. A cell has a fifth of it."""
COVERED_SHARE = 0.10
"""Share of cells with structure below which the lens is covered. The poorest real picture has 0.39. A hand, or tape
that lets light in at one side, stays below 0.1."""
COVERED_SHARE_EXTREME = 0.03
"""Used instead of `COVERED_SHARE` in a dark or blown-out picture, whose structure is mostly lost. At a sixteenth of the
light, with a sensor noise of 4 levels, 28 near-infrared stills have 0.08 or more (the face can still be found there)
and 70 day stills 0.30 or more. Uniform pictures of level 0 to 20 with a noise of 4 or 20 have 0.02 at most. With JPEG
blocks they have up to 0.10: they are then "dark" but not covered, and "dark" is also true."""
DARK_MEAN = 25.0
"""Mean grey level below which a picture is dark: about half of the darkest readable clip's 45. Eyes are then black."""
SATURATED = 250
"""Least grey level of a blown-out pixel. It is not 255, because compression changes that value."""
GLARE_SHARE = 0.25
"""Share of blown-out pixels above which the light is glare. Car clips with sunlit windows reach 0.20, day photographs
of drivers 0.15, portraits 0.05. Of near-infrared stills over-exposed (x 1.8 + 30) 95 % have 0.25 or more."""
GREY_CHROMA = 3.0
"""Mean difference of the largest and the smallest colour of a pixel, grey levels, below which a picture counts as grey.
Grey pictures have 0, compressed grey ones about 1, the palest colour clip 11."""
RED_V, GREEN_U, GREEN_V, BLUE_U = 1.596, -0.392, -0.813, 2.017
"""Factors from the planes U and V, minus 128, to blue, green and red minus grey (ITU-R BT.601, limited range)."""
DAYLIGHT_LEVEL = 200
"""Grey level above which a pixel counts as very bright."""
DAYLIGHT_SHARE = 0.06
"""A picture without colours is day with at least this share of very bright pixels, else infrared."""

_Region = tuple[slice, slice]
"""Rows and columns of the small picture."""


@dataclass(frozen=True, slots=True)
class PictureState:
    """Judgement of one picture. `covered`: hardly any structure. `mean`: mean grey level, 0-255, without borders.

    `grey`: it has no colours.
    """

    light: Light
    covered: bool
    mean: float
    grey: bool


def picture_state(picture: Image | YuvPicture) -> PictureState:
    """Return light, cover and mean grey level of one picture: grey (H, W), BGR (H, W, 3), or the planes of a video.

    Black borders do not count. The light is the first to apply: "dark" by the mean, "glare" by the share of blown-out
    pixels, "day" with colours, "day" with a good part very bright, as the windows of a car are by day, else "infrared".
    Cover is judged apart: a black picture is dark and covered, because it cannot show which of the two is the cause.

    Day or infrared is a guess for a grey picture. 833 grey day photographs have a very bright share of 0.076 or more,
    111 stills lit by an infrared lamp in dark rooms 0.047 or less. A grey camera by day and an infrared one in the sun
    look alike, and so do a grey camera in a dim place and an infrared one. The light is that of the whole picture: a
    face in the shade of a sunlit car (label "dark" on 95 of the photographs, "glare" on 76) is still "day".
    """
    image = picture.grey if isinstance(picture, YuvPicture) else picture
    image = halved(image)
    small = average(image, max(1, min(image.shape[1] // SMALL[0], image.shape[0] // SMALL[1])))
    inside = _inside(small if small.ndim == 2 else small.max(axis=2))
    grey = np.ascontiguousarray(to_grey(small)[inside])
    mean = float(cv2.mean(grey)[0])
    dark = mean < DARK_MEAN
    blinded = share_of(grey >= SATURATED) > GLARE_SHARE
    covered = _structure(grey, mean) < (COVERED_SHARE_EXTREME if dark or blinded else COVERED_SHARE)
    colourless = _spread(picture, small, inside) < GREY_CHROMA
    light: Light
    if dark:
        light = "dark"
    elif blinded:
        light = "glare"
    elif colourless and share_of(grey > DAYLIGHT_LEVEL) < DAYLIGHT_SHARE:
        light = "infrared"
    else:
        light = "day"
    return PictureState(light, covered, mean, colourless)


def _structure(grey: Image, mean: float) -> float:
    """Return the share of cells that differ by more than a step from the mean of their neighbours in row or column.

    Even gradients, such as light that leaks in beside a hand, are not structure.
    """
    step = max(STEP * min(mean / STEP_MEAN, 1.0), LEAST_STEP, NOISE_STEP * _noise(grey))
    cells = cv2.resize(grey.astype(np.float32), CELLS, interpolation=cv2.INTER_AREA)
    across = np.abs(cells[1:-1, 1:-1] - (cells[1:-1, :-2] + cells[1:-1, 2:]) / 2)
    down = np.abs(cells[1:-1, 1:-1] - (cells[:-2, 1:-1] + cells[2:, 1:-1]) / 2)
    return share_of(np.maximum(across, down) > step)


def _noise(grey: Image) -> float:
    """Return the noise of a pixel, standard deviation in grey levels, from the median step against its neighbours."""
    levels = grey.astype(np.int16)
    steps = np.abs(2 * levels[:, 1:-1] - levels[:, :-2] - levels[:, 2:])
    median = float(np.searchsorted(np.bincount(steps.ravel()).cumsum(), steps.size // 2, side="right")) / 2
    # Half of the deviations of Gaussian noise are below 0.6745 sigma. The mean of two adds half its variance.
    return median / (0.6745 * math.sqrt(1.5))


def _spread(picture: Image | YuvPicture, small: Image, inside: _Region) -> float:
    """Return the mean difference of the largest and the smallest of the three colours, grey levels. One channel: 0.

    It is half of the sum of the differences of all pairs, and OpenCV adds up the sizes of these in one pass.
    """
    if isinstance(picture, YuvPicture):
        u, v = (_colours(plane, small.shape, inside) for plane in (picture.u, picture.v))
        pairs = (BLUE_U - GREEN_U, -GREEN_V), (GREEN_U, GREEN_V - RED_V), (-BLUE_U, RED_V)
        sums = [
            cv2.norm(cv2.addWeighted(u, of_u, v, of_v, -128 * (of_u + of_v), dtype=cv2.CV_32F), cv2.NORM_L1)
            for of_u, of_v in pairs
        ]
        return sum(sums) / 2 / u.size
    if small.ndim == 3:
        blue, green, red = cv2.split(np.ascontiguousarray(small[inside]))
        sums = [cv2.norm(one, other, cv2.NORM_L1) for one, other in ((blue, green), (green, red), (red, blue))]
        return sum(sums) / 2 / blue.size
    return 0.0


def _colours(plane: Image, small: tuple[int, ...], inside: _Region) -> Image:
    """Return the part `inside` the borders of a colour plane, in whole blocks, about as large as the small picture.

    `small`: shape of the small picture, to which `inside` belongs. A mean over all pixels needs no equal shape, and
    to resize the plane to one takes many times as long, unless whole blocks fit.
    """
    plane = average(plane, max(1, round(plane.shape[1] / small[1])))
    rows, columns = (_part(side, whole, of) for side, whole, of in zip(inside, small, plane.shape, strict=True))
    return np.ascontiguousarray(plane[rows, columns])


def _part(inside: slice, whole: int, of: int) -> slice:
    """Return the part of a side of `of` pixels that `inside` is of one of `whole` pixels; at least one pixel."""
    start, stop, _ = inside.indices(whole)
    first = min(start * of // whole, of - 1)
    return slice(first, max(first + 1, stop * of // whole))


def _inside(levels: Image) -> _Region:
    """Return the part without black edge rows and columns, or all if under a quarter of a side would be left."""
    height, width = levels.shape
    rows, columns = (np.flatnonzero(levels.max(axis=axis) > BORDER_MAX) for axis in (1, 0))
    if rows.size < height // 4 or columns.size < width // 4:
        return slice(None), slice(None)
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
