"""Write the landmark or the eye net again as its module computes it today, with the weights of its file.

    python -m tools.training.rewrite landmarks
    python -m tools.training.rewrite eyes

Use it after a module was changed to compute the same with fewer operators: nothing is trained, and the answers stay the
same. It does not write if an answer on random pictures differs. Run `make manifest` afterwards. Needs the extra
`train`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from driver_monitor.errors import ModelError
from driver_monitor.perception.eyes.eye_net import EyeNet
from driver_monitor.perception.face import landmarks
from tools import ROOT
from tools.eyes import net as eyes
from tools.eyes.own.read_back import read_back
from tools.landmarks.net import LandmarkNet
from tools.training.onnx_file import export
from tools.training.read_back import load_merged, tensors_of

OLD_NAMES = {"say.weight": "classify.weight", "say.bias": "classify.bias"}
"""Tensors that had another name in the file of the landmark net until November 2026."""
SAME = 1e-6
"""Largest difference of an answer."""


def landmark_net(path: Path) -> LandmarkNet:
    """Return the landmark net of a file, in `eval`. Raises `ModelError` if the file is missing or has other layers."""
    landmarks.LandmarkNet(path)  # one clear line for a missing, damaged or other model
    net = LandmarkNet().eval()
    try:
        load_merged(net, {OLD_NAMES.get(name, name): tensor for name, tensor in tensors_of(path).items()})
    except (KeyError, RuntimeError) as error:
        raise ModelError(f"{path}: its layers are not those of tools/landmarks/net.py") from error
    return net


def rewrite_landmarks(path: Path, out: Path) -> float:
    """Write the landmark net of `path` to `out`. Return the largest difference of an answer on random pictures."""
    image = torch.rand(20, 1, landmarks.IMAGE_SIZE, landmarks.IMAGE_SIZE)
    export(landmark_net(path), {"image": image}, ["points", "face", "mouth_hidden", "turn"], out)
    feeds = {"image": image.numpy()}
    return _apart(landmarks.LandmarkNet(path).model.run(feeds), landmarks.LandmarkNet(out).model.run(feeds))


def rewrite_eyes(path: Path, out: Path) -> float:
    """Write the eye net of `path` to `out`. Return the largest difference of an answer on random pictures."""
    export(eyes.Answers(*read_back(path)).eval(), eyes.example(), ["p", "aspect", "sunglasses"], out)
    feeds = {name: torch.rand(20, *one.shape[1:]).numpy() for name, one in eyes.example().items()}
    return _apart(EyeNet(path).model.run(feeds), EyeNet(out).model.run(feeds))


def _apart(one: tuple[np.ndarray, ...], two: tuple[np.ndarray, ...]) -> float:
    return max(float(np.abs(a - b).max()) for a, b in zip(one, two, strict=True))


REWRITE = {"landmarks": rewrite_landmarks, "eyes": rewrite_eyes}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=(__doc__ or ""), formatter_class=argparse.RawDescriptionHelpFormatter, prog="tools.training.rewrite"
    )
    parser.add_argument("net", choices=REWRITE)
    parser.add_argument("--models", type=Path, default=ROOT / "models", help="folder of the file")
    options = parser.parse_args()
    path = options.models / f"{options.net}.onnx"
    beside = path.with_suffix(".new")
    torch.manual_seed(1)
    try:
        apart = REWRITE[options.net](path, beside)
    except ModelError as error:
        parser.error(str(error))
    if not apart <= SAME:
        beside.unlink()
        parser.error(f"{path}: its answers would differ by {apart:.1e}; the file is as before")
    beside.replace(path)
    print(f"{path}: written again; largest difference of an answer: {apart:.1e}")


if __name__ == "__main__":
    main()
