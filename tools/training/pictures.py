"""Read pictures as the tools need them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray


def read_grey(path: Path) -> NDArray[np.uint8]:
    """Read a picture as grey levels (H, W). Raises `OSError` when it cannot be read."""
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise OSError(f"{path}: cannot read this picture")
    return np.asarray(image, np.uint8)
