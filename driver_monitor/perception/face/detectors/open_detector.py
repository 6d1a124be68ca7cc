"""Turns what the configuration says about the detector into one."""

from __future__ import annotations

import logging
from pathlib import Path

from driver_monitor.perception.face.detectors.hog import FaceDetector, HogDetector
from driver_monitor.perception.face.detectors.net_detector import NetDetector
from driver_monitor.perception.face.detectors.yunet_detector import YunetDetector

FILE = "detector.onnx"
_log = logging.getLogger(__name__)


def open_detector(name: str, folder: Path, threads: int = 1) -> FaceDetector:
    """Return the detector that `face.detector` names: `auto`, `hog`, or the path of a YuNet file.

    `auto` is our own net from `folder`, and HOG, said in the log, where its file is missing: a face found less often
    is better than none. Raises `ModelError` when a file is damaged or another model, or a named one is missing.
    """
    if name == "hog":
        return HogDetector()
    if name != "auto":
        return YunetDetector(Path(name))
    if _missing(folder / FILE):
        _log.warning("%s is missing: searching with dlib's HOG detector, which sees less; reinstall", folder / FILE)
        return HogDetector()
    return NetDetector(folder / FILE, threads)


def _missing(path: Path) -> bool:
    """Say whether there is no such file. One that this user may not look at is not missing: loading it says why."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False
