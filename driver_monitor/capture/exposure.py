"""Sets exposure and gain of a V4L2 camera, and says what the camera refuses."""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterator

import cv2

from driver_monitor.config.schema import CameraConfig

MANUAL, APERTURE_PRIORITY, AUTO = 1, 3, 0
"""Values of the V4L2 control `exposure_auto`. UVC cameras know the first two; with the second, they choose the
exposure themselves. Some others know only the third."""
UNITS_PER_MS = 10.0
"""V4L2 counts exposure in units of 100 microseconds (`V4L2_CID_EXPOSURE_ABSOLUTE`)."""
NEAR = 0.2
"""A camera rounds an exposure to its own steps: a difference of up to this share is not told (ours)."""
HINT = "`v4l2-ctl -L` shows what the camera can do"

log = logging.getLogger(__name__)


def set_exposure(device: cv2.VideoCapture, config: CameraConfig) -> Iterator[str]:
    """Set exposure and gain of `config`, and yield a line for each setting that the camera refuses.

    With `auto`, nothing is asked of the camera but to choose itself: it keeps a fixed exposure of an earlier run. It is
    no fault if it has no such control.
    """
    if config.exposure_ms is None:
        if not device.set(cv2.CAP_PROP_AUTO_EXPOSURE, APERTURE_PRIORITY):
            device.set(cv2.CAP_PROP_AUTO_EXPOSURE, AUTO)
        return
    if not device.set(cv2.CAP_PROP_AUTO_EXPOSURE, MANUAL):
        yield f"refuses camera.exposure: fixed, and chooses the exposure itself; {HINT}"
        return
    asked = max(1, round(config.exposure_ms * UNITS_PER_MS))
    if not device.set(cv2.CAP_PROP_EXPOSURE, asked):
        yield f"refuses camera.exposure_ms: {config.exposure_ms:g}; {HINT}"
    elif abs((given := device.get(cv2.CAP_PROP_EXPOSURE)) - asked) > NEAR * asked:
        yield f"uses an exposure of {given / UNITS_PER_MS:g} ms, not of {config.exposure_ms:g} ms; {HINT}"
    if config.gain is not None and not device.set(cv2.CAP_PROP_GAIN, config.gain):
        yield f"refuses camera.gain: {config.gain:g}; {HINT}"


@functools.cache
def warn_once(text: str) -> None:
    """Log `text` as a warning, once in this process: a camera may be opened many times."""
    log.warning("%s", text)
