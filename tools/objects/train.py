"""Train the objects net.

    python -m tools.objects.crops --data ../shared/data --anchors ../shared/anchors --out training/objects
    python -m tools.objects.train --fold 0     # to 3: nets that have not learned from the groups of a fold
    python -m tools.objects.train              # the shipped net, which learns from all groups

A fold holds groups of pictures of the same people. A run that is started again goes on from its last checkpoint.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from tools import ROOT
from tools.objects.faces import UNKNOWN, Faces, load
from tools.objects.mix import Mixer
from tools.objects.net import Net
from tools.training.nets import follow, rate, resume, save
from tools.training.people import CLIP_PERSONS


@dataclass(frozen=True)
class Course:
    """One rise and fall of the learning rate, up to step `last`. `framed`, `things`, `prints`: see `Mixer`.

    `weights`: share of each answer in the loss. A telephone is the hardest, and has two answers.
    """

    last: int
    peak: float
    framed: float
    things: bool
    weights: tuple[float, ...]
    prints: float = 0.0


COURSES = (
    Course(2400, 2e-3, 0.0, False, (1.0, 1.0, 0.5, 0.5, 0.5, 0.5)),
    Course(3000, 6e-4, 0.15, True, (1.0, 1.0, 0.5, 0.5, 0.5, 0.5)),
    Course(6000, 1.5e-3, 0.3, True, (1.0, 1.0, 0.5, 0.7, 1.0, 0.5)),
    Course(7000, 1e-3, 0.3, True, (1.0, 1.0, 0.5, 0.7, 1.0, 0.5), 0.5),
)
"""The third has twice the mask, and twice the pictures that end around the face: the errors after the second. Masks
with a print of strong contrast were those after the third."""
BATCH, DECAY = 64, 0.03
ROUND = 200
"""Steps between two checkpoints."""
SMOOTH = 0.02
"""Labels are wrong in 2 to 15 % of the pictures: no net should be surer than this."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=(__doc__ or ""), formatter_class=argparse.RawDescriptionHelpFormatter, prog="tools.objects.train"
    )
    parser.add_argument("--work", type=Path, default=ROOT / "training/objects", help="folder of crops and nets")
    parser.add_argument("--fold", type=int, help="leave out the groups of this fold; without it: the shipped net")
    parser.add_argument("--without", help="leave out this source, for the figures of sources that no net has seen")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    faces = load(options.work)
    kept = np.ones(len(faces), bool) if options.fold is None else faces.fold != options.fold
    kept &= ~np.isin(faces.groups, list(CLIP_PERSONS))
    if options.without:
        kept &= faces.source != options.without
    name = f"net-{options.fold if options.fold is not None else options.without or 'all'}-{options.seed}"
    train(faces, np.flatnonzero(kept), options.work / f"{name}.pt", options.seed)


def train(faces: Faces, usable: np.ndarray, path: Path, seed: int) -> Net:
    """Train on the faces `usable`, with checkpoints in `path`. Return the running mean of the net."""
    torch.manual_seed(seed)
    net, mean = Net(), Net()
    for each in (net, mean):
        each.to(memory_format=torch.channels_last)  # a tenth faster
    mean.load_state_dict(net.state_dict())
    optimizer = torch.optim.AdamW(net.parameters(), COURSES[0].peak, weight_decay=DECAY)
    first = resume(path, net, mean, optimizer)
    mixer = Mixer(faces, usable, seed + 1000 * first)
    rates = [(course.last, course.peak) for course in COURSES]
    began = time.monotonic()
    for number in range(first, COURSES[-1].last // ROUND):
        course = next(course for course in COURSES if number * ROUND < course.last)
        mixer.framed, mixer.things, mixer.prints = course.framed, course.things, course.prints
        weights = torch.tensor(course.weights)
        total = 0.0
        for step in range(number * ROUND, (number + 1) * ROUND):
            for group in optimizer.param_groups:
                group["lr"] = rate(step, rates, 0.1)
            batch = mixer.batch(BATCH)
            net.train()
            value = loss(net(batch.faces), batch.targets, weights)
            optimizer.zero_grad()
            value.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
            optimizer.step()
            follow(mean, net, min(0.998, 1 - 1 / (step + 1)))
            total += float(value.detach())
        save(path, net, mean, optimizer, number + 1)
        print(f"{path.stem} step {step + 1} loss {total / ROUND:.4f} {time.monotonic() - began:.0f} s", flush=True)
    mean.eval()
    return mean


def loss(logits: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Return the mean cross-entropy of the known answers, each answer with its weight."""
    known = (targets != UNKNOWN).float() * weights
    soft = targets.clamp(0, 1) * (1 - 2 * SMOOTH) + SMOOTH
    each = functional.binary_cross_entropy_with_logits(logits, soft, reduction="none")
    return (each * known).sum() / known.sum()


if __name__ == "__main__":
    main()
