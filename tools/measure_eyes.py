"""Measures the five fold eye nets on loose eye crops none of them learned from: `score eyes`, fold by fold.

    .venv/bin/python tools/measure_eyes.py --shared ../shared --folds ../tmp/folds

Who is in the crops is unknown, so a fold parts crops, not people, and so do the intervals. Prints the five-fold mean
of every figure of `score eyes` with the standard error's 95 % interval over the folds (t, 4 degrees of freedom), and
the area over all crops, each answered by the net that has not seen it.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from eyes_data import loose_fold
from people import FOLDS

from driver_monitor.bench.score.intervals import Figure
from driver_monitor.bench.score.nets.eyes import load_eyes, score_eyes
from driver_monitor.perception.eyes.eye_net import EyeNet

SETS = {"web": "web_24px.npz", "closeup": "closeup_96px.npz"}
T_975 = 2.776
"""Student's t for 4 degrees of freedom, 97.5 %."""


def measure(path: Path, source: str, nets: list[EyeNet]) -> dict[str, Any]:
    """Return each figure's mean over the folds, its interval, and the folds' values."""
    images, closed = load_eyes(path)
    fold = loose_fold(source, len(images))
    scores = [score_eyes(images[fold == k], closed[fold == k], net) for k, net in enumerate(nets)]
    names = [f.name for f in fields(scores[0]) if isinstance(getattr(scores[0], f.name), Figure)]
    out: dict[str, Any] = {}
    for name in names:
        values = [getattr(score, name).value for score in scores]
        reach = T_975 * float(np.std(values, ddof=1)) / FOLDS**0.5
        mean = float(np.mean(values))
        out[name] = {"mean": mean, "low": mean - reach, "high": min(mean + reach, 1.0), "folds": values}
    return out


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    root = Path(__file__).parent.parent
    parser.add_argument("--shared", type=Path, default=root.parent / "shared")
    parser.add_argument("--folds", type=Path, default=root.parent / "tmp/folds")
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
