"""Fine-tune detectors on pictures from cars and infrared cameras, several at a time on one stream of scenes. Seeded.

    python -m tools.detector.tune --cache training/detector --minutes 10 --net ship base.pt --net 0 base.pt ...

`ship` learns from everybody but the persons of the clips. Net k (0 to 4) learns from no scene with a person of fold k.
Writes `tuned_<name>.pt` and `tuned_<name>.onnx` to the folder `--out`.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import torch
from torch.utils.data import DataLoader

from tools.detector.train import Batches, Trainer, allowed, export

SETS = ["portraits", "faces68", "incar", "nir"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=Path("training/detector"))
    parser.add_argument("--net", nargs=2, action="append", metavar=("NAME", "FROM"), required=True)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--peak", type=float, default=1.2e-3, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--out", type=Path, default=Path("training/detector"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    trainers = {}
    for name, begin in arguments.net:
        trainers[name] = Trainer(arguments.seed, steady=True)
        trainers[name].load(Path(begin), begin=True)
    stream = Batches(arguments.cache, allowed(arguments.cache, SETS, None), arguments.seed)
    batches = iter(DataLoader(stream, batch_size=None, num_workers=1, prefetch_factor=4))
    images, answers, folds = next(batches)
    begin, step = time.monotonic(), 0
    while (used := (time.monotonic() - begin) / (60 * arguments.minutes)) < 1:
        rate = max(2e-5, arguments.peak * min(1.0, (step + 1) / 20) * 0.5 * (1 + math.cos(math.pi * used)))
        shown = {}
        for name, trainer in trainers.items():
            rows = torch.ones_like(folds, dtype=torch.bool) if name == "ship" else (folds >> int(name)) & 1 == 0
            shown = trainer.learn(images[rows], answers[rows], rate)
        step += 1
        if step % 20 == 0:
            print(step, f"{used:.2f}", {k: round(v, 3) for k, v in shown.items()}, flush=True)
        images, answers, folds = next(batches)
    for name, trainer in trainers.items():
        trainer.save(arguments.out / f"tuned_{name}.pt")
        export(trainer.average, arguments.out / f"tuned_{name}.onnx")
    print(f"step {step}: {', '.join(trainers)}")


if __name__ == "__main__":
    main()
