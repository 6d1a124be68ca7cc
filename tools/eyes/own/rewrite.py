"""Write the eye net again as `tools.eyes.net` computes it today, with the weights of its file.

    python -m tools.eyes.own.rewrite

Use it after the module was changed to compute the same with fewer operators: nothing is trained, and the answers stay
the same. The file stays as it is if an answer on random pictures differs. Run `make manifest` afterwards. Needs the
extra `train`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from driver_monitor.errors import ModelError
from driver_monitor.perception.eyes.eye_net import EyeNet
from tools import ROOT
from tools.eyes.net import Answers, example
from tools.eyes.own.read_back import read_back
from tools.training.onnx_file import export

SAME = 1e-6
"""Largest difference of an answer."""


def rewrite(path: Path, out: Path) -> float:
    """Write the eye net of `path` to `out`. Return the largest difference of an answer on random pictures.

    Raises `ModelError` if the file is missing or has other layers.
    """
    export(Answers(*read_back(path)).eval(), example(), ["p", "aspect", "sunglasses"], out)
    feeds = {name: torch.rand(20, *one.shape[1:]).numpy() for name, one in example().items()}
    answers = zip(EyeNet(path).model.run(feeds), EyeNet(out).model.run(feeds), strict=True)
    return max(float(np.abs(old - new).max()) for old, new in answers)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=(__doc__ or ""), formatter_class=argparse.RawDescriptionHelpFormatter, prog="tools.eyes.own.rewrite"
    )
    parser.add_argument("--file", type=Path, default=ROOT / "models/eyes.onnx", help="the net")
    path = parser.parse_args().file
    beside = path.with_suffix(".new")
    torch.manual_seed(1)
    try:
        apart = rewrite(path, beside)
    except ModelError as error:
        parser.error(str(error))
    if not apart <= SAME:
        beside.unlink()
        parser.error(f"{path}: its answers would differ by {apart:.1e}; the file is as before")
    beside.replace(path)
    print(f"{path}: written again; largest difference of an answer: {apart:.1e}")


if __name__ == "__main__":
    main()
