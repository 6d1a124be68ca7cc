"""The mean face of `tools/mean_shape.py`: a face whose points are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np

MEAN_FACE = np.loadtxt(Path(__file__).parents[1] / "tools" / "mean_face.csv", delimiter=",", skiprows=1)[:, 1:]
"""Points (70, 3): x to the driver's left, y up, z towards the camera, 1 between the outer eye corners."""
