"""One picture and what is known of when and where it was taken."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""Grey (H, W) or BGR (H, W, 3), uint8."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of a source.

    `image`: grey (H, W) or BGR (H, W, 3), uint8. `t`: seconds since the source's first frame, never decreasing;
    a clip's own timestamps, a camera's capture time. `t_mono`: `time.monotonic()` at capture, in seconds; None in
    a replay, where no clock is read. `sequence`: counts the source's frames from 0 as decoded; gaps are frames
    that were dropped or skipped. `source`: name for people.
    """

    image: Image
    t: float
    sequence: int
    source: str
    t_mono: float | None = None
