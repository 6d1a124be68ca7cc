"""YOLOX-nano's answer to a telephone, for comparison in the same run."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

SIZE = 416
GREY = 114
"""Side of its input, pixels, and the level around a picture that is not square."""
TELEPHONE = 67
"""COCO class "cell phone"."""


class Yolox:
    """The score of the surest telephone in a picture."""

    def __init__(self, anchors: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._net = onnxruntime.InferenceSession(str(anchors / "yolox_nano.onnx"), options)

    def telephone(self, grey: NDArray[np.uint8]) -> float:
        """Return its highest score, objectness times class, 0 to 1, in a grey picture (H, W)."""
        scale = SIZE / max(grey.shape)
        small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
        image = np.full((SIZE, SIZE), GREY, np.float32)
        image[: small.shape[0], : small.shape[1]] = small[:SIZE, :SIZE]
        (rows,) = self._net.run(None, {"images": np.repeat(image[None, None], 3, axis=1)})
        return float((rows[0, :, 4] * rows[0, :, 5 + TELEPHONE]).max())
