"""Calibrate a trained objects net and write it as ONNX.

    python -m tools.objects.export

Factor and shift of each answer are fitted to the answers of the nets of the folds, on faces that they have not learned
from. The weights are stored as 16-bit floats: half the file, and the same answers within 0.002. onnxruntime
converts them when it loads the file.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from tools import ROOT
from tools.objects.calibrate import fit_lines
from tools.objects.faces import load
from tools.objects.measure import fold_answers, load_net
from tools.objects.net import SIDE, Answers
from tools.training.onnx_file import export, halve, shorten


def main() -> None:
    parser = argparse.ArgumentParser(
        description=(__doc__ or ""), formatter_class=argparse.RawDescriptionHelpFormatter, prog="tools.objects.export"
    )
    parser.add_argument("--work", type=Path, default=ROOT / "training/objects", help="folder of crops and nets")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=ROOT / "models/objects.onnx")
    options = parser.parse_args()
    faces = load(options.work)
    logits = fold_answers(faces, options.work, options.seed)
    lines = fit_lines(logits, faces.targets)
    print("factors and shifts:", lines.round(3).tolist())
    net = Answers(load_net(options.work / f"net-all-{options.seed}.pt"), torch.from_numpy(lines)).eval()
    example = torch.zeros(2, 1, SIDE, SIDE, dtype=torch.uint8)
    export(net, {"face": example}, ["p"], options.out)
    shorten(options.out)
    halve(options.out)


if __name__ == "__main__":
    main()
