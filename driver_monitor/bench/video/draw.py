"""Draws what the daemon reads from a picture: face, eyes, gaze, text and active alerts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from driver_monitor.bench.video.layout import BANNERS, Layout, layout_of
from driver_monitor.bench.video.words import Banner, Line, captions, fitting
from driver_monitor.imaging.frame import Image

Colour = tuple[int, int, int]
Points = NDArray[np.floating[Any]]
BLACK: Colour = (0, 0, 0)
WHITE: Colour = (255, 255, 255)
GREEN: Colour = (90, 220, 90)
GREY: Colour = (190, 190, 190)
RED: Colour = (70, 70, 255)
CYAN: Colour = (255, 220, 60)
"""All colours are BGR."""
GROUND: Colour = (32, 32, 32)
EYES = {"open": GREEN, "closed": RED, "unknown": GREY}
LEVELS: dict[str | None, tuple[Colour, Colour]] = {
    "info": ((140, 90, 0), WHITE),
    "warning": ((0, 190, 255), BLACK),
    "critical": ((30, 30, 200), WHITE),
    None: ((70, 70, 70), WHITE),
}
"""Ground and text of a banner by level: blue, amber, red. The text has the level, too, for who sees no colours."""
RIGHT_EYE, LEFT_EYE = slice(36, 42), slice(42, 48)
"""Outlines of the driver's own eyes among the 68 iBUG points."""
ARROW = 1.5
"""Length of the arrow of a gaze 90 degrees aside, in widths of the face (ours)."""
FONT = cv2.FONT_HERSHEY_SIMPLEX


class FrameDrawer:
    """Draws the frames of one clip, all into the same `layout`: a video has one size.

    `width`, `height`: of the clip's first picture. A later picture of another size is scaled to the place of the first.
    """

    def __init__(self, width: int, height: int) -> None:
        self.layout = layout_of(width, height)

    def draw(self, picture: Image, line: Line, points: Points | None, banners: Sequence[Banner]) -> Image:
        """Return a drawn frame, BGR (`layout.height`, `layout.width`, 3). Only filtered data may be given.

        `line`: of signals.jsonl. `points`: (68 or more, 2) landmarks, pixels of `picture`; None without a face.
        """
        layout = self.layout
        canvas = np.zeros((layout.height, layout.width, 3), np.uint8)
        height, width = picture.shape[:2]
        scale = min(layout.picture[0] / width, layout.picture[1] / height)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        shrinks = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        scaled = picture if size == (width, height) else cv2.resize(picture, size, interpolation=shrinks)
        left = layout.left + (layout.picture[0] - size[0]) // 2
        place = canvas[: size[1], left : left + size[0]]
        place[:] = scaled if scaled.ndim == 3 else cv2.cvtColor(scaled, cv2.COLOR_GRAY2BGR)
        draw_face(place, line, None if points is None else np.asarray(points[:, :2]) * scale, scale)
        _text(canvas, layout, captions(line), fitting(list(banners), BANNERS))
        return canvas


def draw_face(image: Image, line: Line, points: Points | None, scale: float) -> None:
    """Draw box, landmarks, eyes and gaze of a line of signals.jsonl into the BGR `image`.

    `points`: (68 or more, 2) in pixels of `image`. `scale`: pixels of `image` for each pixel of the line's box.
    """
    box, eyes, gaze = line["face"].get("box"), line.get("eyes") or {}, line.get("gaze")
    if box is not None:
        x, y, w, h = (round(value * scale) for value in box)
        for colour, thick in ((BLACK, 3), (GREY, 1)):
            cv2.rectangle(image, (x, y), (x + w, y + h), colour, thick)
    if points is None or not np.isfinite(points).all():
        return
    for colour, radius in ((BLACK, 2), (WHITE, 1)):
        for px, py in points:
            cv2.circle(image, (round(float(px)), round(float(py))), radius, colour, -1)
    shade = EYES.get(eyes.get("state", "unknown"), GREY)
    outlines = [np.round(points[eye]).astype(np.int32) for eye in (RIGHT_EYE, LEFT_EYE)]
    for colour, thick in ((BLACK, 4), (shade, 2)):
        cv2.polylines(image, outlines, True, colour, thick, cv2.LINE_AA)
    if gaze is not None and box is not None:
        between = np.mean(np.vstack([points[RIGHT_EYE], points[LEFT_EYE]]), axis=0)
        _arrow(image, between, gaze["yaw"], gaze["pitch"], ARROW * box[2] * scale)


def _arrow(image: Image, start: Points, yaw: float, pitch: float, length: float) -> None:
    """Draw the gaze from straight ahead. The camera faces the driver: a look to the driver's left goes right."""
    across = math.sin(math.radians(max(-90.0, min(90.0, yaw))))
    up = math.sin(math.radians(max(-90.0, min(90.0, pitch))))
    begin = round(float(start[0])), round(float(start[1]))
    end = round(begin[0] + length * across), round(begin[1] - length * up)
    for colour, thick in ((BLACK, 5), (CYAN, 2)):
        cv2.circle(image, begin, 4, colour, thick, cv2.LINE_AA)
        cv2.arrowedLine(image, begin, end, colour, thick, cv2.LINE_AA, tipLength=0.2)


def _text(canvas: Image, layout: Layout, lines: Sequence[str], banners: Sequence[Banner]) -> None:
    top = layout.picture[1]
    canvas[top:] = GROUND
    rows = [(text, GROUND, WHITE) for text in lines]
    rows += [(banner.text, *LEVELS[banner.level]) for banner in banners] or [("no active alert", GROUND, GREY)]
    for number, (text, ground, colour) in enumerate(rows):
        low = top + number * layout.row
        if ground != GROUND:
            cv2.rectangle(canvas, (0, low), (layout.width - 1, low + layout.row - 1), ground, -1)
        place = layout.row // 3, low + round(0.7 * layout.row)
        shown = _cut(text, layout.width - 2 * place[0], layout.font)
        cv2.putText(canvas, shown, place, FONT, layout.font, colour, 1, cv2.LINE_AA)


def _cut(text: str, width: int, font: float) -> str:
    """Return `text`, or as much of its beginning as fits into `width` pixels with dots at the end."""
    if _wide(text, font) <= width:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _wide(f"{text[:middle]}...", font) <= width else (low, middle - 1)
    return f"{text[:low]}..."


def _wide(text: str, font: float) -> int:
    return int(cv2.getTextSize(text, FONT, font, 1)[0][0])
