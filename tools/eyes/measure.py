"""Measure the five eye nets of the folds on loose eye crops that they have not learned from, as `score eyes` does.

    python -m tools.eyes.measure --shared ../shared --folds ../tmp/folds

The people in the crops are unknown. So the folds and the intervals are over crops, not over people. Prints the mean of
each figure over the five folds, with its 95 % interval (standard error, t with 4 degrees of freedom).
"""

from __future__ import annotations

import argparse
import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from driver_monitor.bench.score.intervals import Figure
from driver_monitor.bench.score.nets.eyes import load_eyes, score_eyes
from driver_monitor.perception.eyes.eye_net import EyeNet
from tools import ROOT, SHARED
from tools.eyes.data import loose_fold
from tools.training.people import FOLDS

SETS = {"web": "web_24px.npz", "closeup": "closeup_96px.npz"}
T_975 = 2.776
"""The 97.5 % quantile of Student's t with 4 degrees of freedom."""


def measure(path: Path, source: str, nets: list[EyeNet]) -> dict[str, Any]:
    """Return for each figure the mean over the folds, the interval and the value of each fold."""
    images, closed = load_eyes(path)
    fold = loose_fold(source, len(images))
    scores = [score_eyes(images[fold == k], closed[fold == k], net.classify) for k, net in enumerate(nets)]
    names = [f.name for f in fields(scores[0]) if isinstance(getattr(scores[0], f.name), Figure)]
    out: dict[str, Any] = {}
    for name in names:
        values = [getattr(score, name).value for score in scores]
        reach = T_975 * float(np.std(values, ddof=1)) / FOLDS**0.5
        mean = float(np.mean(values))
        out[name] = {"mean": mean, "low": mean - reach, "high": min(mean + reach, 1.0), "folds": values}
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--shared", type=Path, default=SHARED)
    parser.add_argument("--folds", type=Path, default=ROOT.parent / "tmp/folds")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    nets = [EyeNet(options.folds / str(k) / "eyes.onnx") for k in range(FOLDS)]
    result = {name: measure(options.shared / "data/eyes" / name, source, nets) for source, name in SETS.items()}
    for name, figures in result.items():
        for figure, value in figures.items():
            print(f"{name:18} {figure:18} {value['mean']:.4f} ({value['low']:.4f} to {value['high']:.4f})")
    if options.json:
        options.json.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
