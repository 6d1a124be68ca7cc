"""The mean face of `tools.landmarks.mean_shape`: a face whose points are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np

_FILE = Path(__file__).parents[1] / "tools" / "landmarks" / "mean_face.csv"
MEAN_FACE = np.loadtxt(_FILE, delimiter=",", skiprows=1)[:, 1:]
"""Points (70, 3): x to the driver's left, y up, z towards the camera, 1 between the outer eye corners."""
