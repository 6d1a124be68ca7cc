"""Train one teacher of the expression net, a larger net, on the FER+ votes.

    python -m tools.expression.teach --seed 1

Seeded. A new start continues from the checkpoint in `--work`. In `tools.expression.train` the shipped net learns from
all teachers in that folder. Needs the extra `train`.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from tools import ROOT, SHARED
from tools.expression.data import Faces, load
from tools.expression.looks import looks
from tools.expression.nets import Teacher
from tools.training.nets import follow, half_floats, rate, resume, save

BATCH, WEIGHT_DECAY, WARM, EMA = 128, 0.05, 0.05, 0.998
COURSES = ((45, 2.5e-3), (77, 1.2e-3))
"""End epoch and peak learning rate of each course. In each course the rate rises to the peak and falls to zero."""
MIXED = (0.5, 0.3)
"""Share of the batches with mixup (Zhang et al., ICLR 2018), for each course."""
ROUGH, MILD, MILD_EPOCHS = (0.5, 0.4), 0.25, 11
"""`rough` of `looks` for each course, and its lower value in the last epochs of a course."""


def fit(faces: Faces, watch: Faces, path: Path, seed: int, epochs: int) -> None:
    """Train with soft cross-entropy, first on the votes, then on the sharpened votes.

    The running mean of the weights becomes the teacher. `watch`: faces for the printed accuracy.
    """
    torch.manual_seed(seed)
    net, mean = Teacher().to(memory_format=torch.channels_last), Teacher()
    mean.load_state_dict(net.state_dict())
    optimizer = torch.optim.AdamW(net.parameters(), lr=COURSES[0][1], weight_decay=WEIGHT_DECAY)
    start = resume(path, net, mean, optimizer)
    images = torch.from_numpy(faces.images)
    targets = torch.from_numpy(faces.target), torch.from_numpy(faces.sharp())
    per_epoch = len(images) // BATCH
    for epoch in range(start, epochs):
        dice = torch.Generator().manual_seed(1000 * seed + epoch)
        began, total = time.monotonic(), 0.0
        course = int(epoch >= COURSES[0][0])
        rough = ROUGH[course] if epoch < COURSES[course][0] - MILD_EPOCHS else MILD
        for i, rows in enumerate(torch.randperm(len(images), generator=dice)[: per_epoch * BATCH].split(BATCH)):
            for group in optimizer.param_groups:
                group["lr"] = rate(epoch + i / per_epoch, COURSES, WARM)
            x, y = looks(images[rows].unsqueeze(1).float() / 255, dice, rough), targets[course][rows]
            if torch.rand((), generator=dice) < MIXED[course]:
                x, y = mixed(x, y, dice)
            total += step(net, x.contiguous(memory_format=torch.channels_last), y, optimizer)
            follow(mean, net, EMA)
        save(path, net, mean, optimizer, epoch + 1)
        right = (logits_of(mean, torch.from_numpy(watch.images)).argmax(1).numpy() == watch.label).mean()
        print(f"epoch {epoch + 1}/{epochs} loss {total / per_epoch:.4f} held-back accuracy {right:.4f}"
              f" {time.monotonic() - began:.0f} s", flush=True)  # fmt: skip


def step(net: nn.Module, x: torch.Tensor, y: torch.Tensor, optimizer: torch.optim.Optimizer) -> float:
    net.train()
    with half_floats():
        logits = net(x)
    loss = -(y * functional.log_softmax(logits.float(), 1)).sum(1).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return float(loss.item())


def mixed(x: torch.Tensor, y: torch.Tensor, dice: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Blend each picture and its votes with those of the next one, up to one half."""
    share = torch.rand(len(x), 1, generator=dice) * 0.5
    other = torch.roll(torch.arange(len(x)), 1)
    return torch.lerp(x, x[other], share[:, :, None, None]), torch.lerp(y, y[other], share)


@torch.no_grad()
def logits_of(net: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Return (N, 8) logits of `images` (N, 48, 48) uint8."""
    net.eval()
    return torch.cat([net(some.unsqueeze(1).float() / 255) for some in images.split(500)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=SHARED / "data/emotion/ferplus48_train_valid.npz")
    parser.add_argument("--work", type=Path, default=ROOT / "training/emotion")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=COURSES[-1][0])
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.work.mkdir(parents=True, exist_ok=True)
    split = load(options.data, options.work / "decoded.npy")
    fit(split.train, split.held.certain(), options.work / f"teacher{options.seed}.pt", options.seed, options.epochs)


if __name__ == "__main__":
    main()
