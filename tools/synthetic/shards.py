"""The files that `tools.synthetic.eyes` writes, for trainings that do not render."""

from __future__ import annotations

from pathlib import Path

import numpy as np

SOURCE = "synthetic"
"""The `source` of a synthetic sample."""


def load(folder: Path) -> dict[str, np.ndarray]:
    """Return all shards of `folder` as one. Raises FileNotFoundError where there are none."""
    paths = sorted(folder.glob("eyes_*.npz"))
    if not paths:
        raise FileNotFoundError(f"{folder} has no eyes_*.npz; run python -m tools.synthetic.eyes --out {folder}")
    shards = [np.load(path) for path in paths]
    return {name: np.concatenate([shard[name] for shard in shards]) for name in shards[0].files}
