"""Where picture and text lie in a drawn frame (pure). The text stands below the picture and never covers it."""

from __future__ import annotations

from dataclasses import dataclass

LONGEST_SIDE = 1280
"""Most pixels of a side of the drawn picture (ours). It bounds the memory of drawing and encoding, whatever the length
of the clip: 174 MB at 1280x1280, 52 MB at 640x480 (measured). A larger picture is made smaller."""
LEAST_WIDTH = 480
"""Least width of a drawn frame, pixels (ours): the longest usual line of text fits. A smaller picture is enlarged."""
LINES, BANNERS = 5, 3
"""Rows of text, and rows for active alerts below them (ours)."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Sizes in pixels. `width`, `height`: of the whole frame, both even, as H.264 needs.

    `scale`: size of the drawn picture over that of the clip's. `left`: columns to the left of the picture, which
    begins in the first row. `picture`: its width and height. `row`: height of a row of text. `font`: scale of the font.
    """

    width: int
    height: int
    scale: float
    left: int
    picture: tuple[int, int]
    row: int
    font: float


def layout_of(width: int, height: int) -> Layout:
    """Return the layout for pictures of `width` and `height` pixels."""
    scale = min(LONGEST_SIDE / max(width, height), max(1.0, LEAST_WIDTH / width))
    drawn = max(1, round(width * scale)), max(1, round(height * scale))
    whole = _even(max(LEAST_WIDTH, drawn[0]))
    font = min(max(whole / 1120, 0.5), 0.8)
    row = round(44 * font)
    return Layout(whole, _even(drawn[1] + (LINES + BANNERS) * row), scale, (whole - drawn[0]) // 2, drawn, row, font)


def _even(number: int) -> int:
    return number + number % 2
