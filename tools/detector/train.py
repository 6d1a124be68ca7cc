"""Train the base of `models/detector.onnx` on the cache of `tools.detector.data`, on a CPU. Seeded; can be resumed.

    python -m tools.detector.train --cache training/detector --minutes 20 [--resume] --export models/detector.onnx
    python -m tools.detector.train --sets portraits faces68 incar nir --from training/detector/base.pt --fold 2 ...

The learning rate falls with the share of `--minutes` that is used. So any budget ends in a finished net.
`--fold k` leaves out the persons of fold k (`tools.training.people`; near-infrared persons: their number modulo 5).
"""

from __future__ import annotations

import argparse
import copy
import math
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, IterableDataset

from driver_monitor.perception.face.detectors.net_detector import CELL, SIZE_UNIT
from tools.detector.net import DetectorNet
from tools.detector.scenes import Library, sample
from tools.training.nets import follow, half_floats
from tools.training.onnx_file import strip
from tools.training.people import CLIP_PERSONS, is_held_out

SIZES = (((192, 160), 24), ((192, 160), 24), ((160, 192), 24), ((320, 256), 9))
"""Picture sizes (width, height) and the batch size of each. Small pictures suffice: the net is convolutional."""
LEARNING_RATE = 3e-3


class Batches(IterableDataset[tuple[Tensor, Tensor, Tensor]]):
    """An endless stream of batches. A process of its own makes them."""

    def __init__(self, folder: Path, allowed: NDArray[np.bool_], seed: int) -> None:
        self.folder, self.allowed, self.seed = folder, allowed, seed

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Yield pictures (N, 1, H, W), targets (N, 10, H / 8, W / 8) and the folds of the people in them (N,)."""
        cv2.setNumThreads(1)
        library, rng = Library(self.folder, self.allowed), np.random.default_rng(self.seed)
        while True:
            size, count = SIZES[rng.integers(len(SIZES))]
            images, answers, folds = zip(*(sample(library, size, rng) for _ in range(count)), strict=True)
            yield torch.from_numpy(np.stack(images))[:, None], torch.from_numpy(np.stack(answers)), torch.tensor(folds)


def allowed(folder: Path, sets: list[str], fold: int | None) -> NDArray[np.bool_]:
    """Return which cached pictures the net of `fold` (None: the shipped net) may learn from (N,)."""
    table = np.load(folder / "pictures.npz")
    use = np.isin(table["sets"], sets) & ~np.isin(table["persons"], sorted(CLIP_PERSONS))
    held_out = np.array([is_held_out(str(name)) for name in table["persons"]]) & (table["sets"] == "portraits")
    return np.asarray(use & ~held_out & ((table["folds"] != fold) if fold is not None else True), np.bool_)


def loss(answers: Tensor, target: Tensor) -> tuple[Tensor, dict[str, float]]:
    """Return the loss and its parts.

    Focal loss for the score (Lin et al., ICCV 2017), distance-IoU (Zheng et al., AAAI 2020), L1 for the eyes.
    """
    face, none, near = target[:, 0], target[:, 1], target[:, 2]
    logit = answers[:, 0]
    p = torch.sigmoid(logit)
    count = (near > 0).flatten(1).any(1).sum().clamp_min(1) + 0.2 * len(answers)
    positive = (functional.softplus(-logit) * (1 - p) ** 2 * face).sum() / count
    negative = (functional.softplus(logit) * p**2 * none).sum() / count
    at = near > 0
    weight = near[at]
    if not len(weight):
        return positive + negative, {"face": positive.item(), "none": negative.item()}
    box, eyes = answers[:, 1:5].permute(0, 2, 3, 1)[at], answers[:, 5:7].permute(0, 2, 3, 1)[at]
    want = target[:, 3:].permute(0, 2, 3, 1)[at]
    _, y, x = torch.nonzero(at, as_tuple=True)
    centre = torch.stack([(x + 0.5 + box[:, 0]) * CELL, (y + 0.5 + box[:, 1]) * CELL], dim=1)
    side = SIZE_UNIT * box[:, 2:].clamp(-3, 3).exp()
    iou, apart = overlap(centre, side, want[:, :2], want[:, 2:4])
    boxes = ((1 - iou + apart) * weight).sum() / weight.sum()
    aim = ((eyes - want[:, 4:6]).abs().sum(1) * want[:, 6] * weight).sum() / weight.sum()
    total = positive + negative + 1.5 * boxes + 0.3 * aim
    shown = {"face": positive, "none": negative, "iou": (iou * weight).sum() / weight.sum(), "eyes": aim}
    return total, {k: v.item() for k, v in shown.items()}


def overlap(centre: Tensor, side: Tensor, want_centre: Tensor, want_side: Tensor) -> tuple[Tensor, Tensor]:
    """Return the intersection over union, and the squared distance of the centres over that of the common diagonal."""
    low, high = centre - side / 2, centre + side / 2
    want_low, want_high = want_centre - want_side / 2, want_centre + want_side / 2
    inside = (torch.minimum(high, want_high) - torch.maximum(low, want_low)).clamp_min(0).prod(1)
    iou = inside / (side.prod(1) + want_side.prod(1) - inside + 1e-6)
    hull = (torch.maximum(high, want_high) - torch.minimum(low, want_low)).square().sum(1)
    return iou, (centre - want_centre).square().sum(1) / (hull + 1e-6)


class Trainer:
    """The net, the running mean of its weights, the optimiser and the number of steps."""

    def __init__(self, seed: int, steady: bool = False) -> None:
        """Start a new net. `steady`: do not change the means and variances of the normalisation."""
        self.steady = steady
        torch.manual_seed(seed)
        self.net = DetectorNet().to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.net).eval()
        decay = [p for p in self.net.parameters() if p.ndim > 1]
        rest = [p for p in self.net.parameters() if p.ndim <= 1]
        self.optimiser = torch.optim.AdamW(
            [{"params": decay, "weight_decay": 0.01}, {"params": rest, "weight_decay": 0.0}]
        )
        self.step = 0

    def learn(self, images: Tensor, target: Tensor, rate: float) -> dict[str, float]:
        """Take one step. Returns the parts of the loss."""
        self.net.train()
        if self.steady:
            for part in self.net.modules():
                if isinstance(part, nn.BatchNorm2d):
                    part.eval()
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        with half_floats():
            answers = self.net.logits(images.contiguous(memory_format=torch.channels_last))
        total, shown = loss(answers.float(), target)
        self.optimiser.zero_grad()
        total.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        self.optimiser.step()
        self.step += 1
        keep = min(0.998, (1 + self.step) / (10 + self.step))
        follow(self.average, self.net, keep)
        return shown

    def save(self, path: Path) -> None:
        """Write a checkpoint. An interrupted write does not damage the one before."""
        state = {"net": self.net.state_dict(), "average": self.average.state_dict(), "step": self.step,
                 "optimiser": self.optimiser.state_dict()}  # fmt: skip
        torch.save(state, path.with_suffix(".part"))
        path.with_suffix(".part").replace(path)

    def load(self, path: Path, begin: bool) -> None:
        """Load the checkpoint `path`. `begin`: take only the averaged weights, not the optimiser."""
        state = torch.load(path)
        self.net.load_state_dict(state["average" if begin else "net"])
        self.average.load_state_dict(state["average"])
        if not begin:
            self.optimiser.load_state_dict(state["optimiser"])
            self.step = state["step"]


def export(net: DetectorNet, path: Path) -> None:
    """Write the net with free height and width."""
    torch.onnx.export(
        net.eval(), (torch.zeros(1, 1, 256, 320),), path, input_names=["image"], output_names=["cells"],
        dynamic_axes={"image": {2: "height", 3: "width"}, "cells": {2: "rows", 3: "columns"}},
        dynamo=False, opset_version=17,
    )  # fmt: skip
    strip(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=Path("training/detector"))
    parser.add_argument("--sets", nargs="+", default=["portraits", "faces68"])
    parser.add_argument("--fold", type=int, help="leave out the persons of this fold")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--peak", type=float, default=LEARNING_RATE, help="highest learning rate")
    parser.add_argument("--from", dest="begin", type=Path, help="checkpoint whose weights are the start")
    parser.add_argument("--resume", action="store_true", help="continue from --checkpoint")
    parser.add_argument("--checkpoint", type=Path, default=Path("training/detector/checkpoint.pt"))
    parser.add_argument("--export", type=Path, required=True, help="ONNX file to write")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    trainer = Trainer(arguments.seed)
    if arguments.begin:
        trainer.load(arguments.begin, begin=True)
    if arguments.resume:
        trainer.load(arguments.checkpoint, begin=False)
    may = allowed(arguments.cache, arguments.sets, arguments.fold)
    print(f"{may.sum()} pictures", flush=True)
    stream = Batches(arguments.cache, may, arguments.seed + trainer.step)
    batches = iter(DataLoader(stream, batch_size=None, num_workers=1, prefetch_factor=8))
    begin, first, printed = time.monotonic(), trainer.step, time.monotonic()
    while (used := (time.monotonic() - begin) / (60 * arguments.minutes)) < 1:
        warm = min(1.0, (trainer.step - first + 1) / 200)
        images, answers, _ = next(batches)
        shown = trainer.learn(images, answers, max(2e-5, arguments.peak * warm * 0.5 * (1 + math.cos(math.pi * used))))
        if time.monotonic() - printed > 30:
            printed = time.monotonic()
            print(trainer.step, f"{used:.2f}", {k: round(v, 3) for k, v in shown.items()}, flush=True)
            trainer.save(arguments.checkpoint)
    trainer.save(arguments.checkpoint)
    export(trainer.average, arguments.export)
    print(f"step {trainer.step} -> {arguments.export}")


if __name__ == "__main__":
    main()
