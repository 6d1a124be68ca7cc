"""Opens the detector that the configuration names."""

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

    `auto` is the project's own net from `folder`, run on `threads` CPU threads. If the net's file is missing, `auto` is
    HOG, with a warning in the log: HOG finds a face less often, but that is better than never. Raises `ModelError` if a
    file is damaged or the wrong model, or if the YuNet file is missing.
    """
    if name == "hog":
        return HogDetector()
    if name != "auto":
        return YunetDetector(Path(name))
    if is_missing(folder / FILE):
        _log.warning(
            "%s is missing: using dlib's HOG detector, which finds fewer faces; reinstall driver-monitor", folder / FILE
        )
        return HogDetector()
    return NetDetector(folder / FILE, threads)


def is_missing(path: Path) -> bool:
    """Return whether there is no such file. A file without read permission is not missing: loading it says why."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False
