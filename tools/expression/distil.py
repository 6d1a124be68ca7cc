"""Train the expression net on the answers of its teachers and on the FER+ votes.

    python -m tools.expression.teach --seed 1; python -m tools.expression.teach --seed 2
    python -m tools.expression.train
    python -m tools.expression.quantise

Seeded. A new start continues from the checkpoint in `--work`. Needs the extra `train`.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

from driver_monitor.data.observation import EXPRESSIONS
from driver_monitor.errors import UsageError
from tools.expression.data import Faces, load
from tools.expression.looks import SIZE, looks, mouths_hidden
from tools.expression.nets import Mirrored, Net, Teacher
from tools.expression.teach import logits_of, step
from tools.training.nets import follow, half_floats, rate, resume, save

BATCH, WEIGHT_DECAY, WARM, EMA = 128, 0.05, 0.03, 0.999
TAUGHT = 0.7
"""Weight of the teachers' answers in the target. The votes have the rest."""
VIEWS = 20
"""Pictures of each face."""
MILD_FROM, ROUGH, MILD = 12, 0.45, 0.25
"""`rough` of `looks` is `ROUGH`, and `MILD` from picture `MILD_FROM` on."""
COURSES = ((100, 3e-3), (110, 8e-4))
"""End epoch and peak learning rate of each course."""
HIDDEN, DOUBT = 0.2, 0.3
"""In the second course: the share of pictures with a hidden mouth, and the weight of the mean votes in their targets.

The calibration is fitted on whole faces. It sharpens the answers, so the net would be too sure of half a face.
"""
LATE_FROM = 78
"""From this epoch on only the mild pictures are used."""


class Views:
    """`VIEWS` pictures of each face and the answers of the teachers. Made at first use and kept on disk.

    Teachers and net get the same picture ("consistent teaching", Beyer et al., CVPR 2022).
    """

    def __init__(self, faces: Faces, teachers: list[nn.Module], work: Path) -> None:
        self._faces, self._teachers, self._work = faces, teachers, work

    def get(self, view: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the pictures (N, 48, 48) and the teachers' probabilities (N, 8)."""
        path = self._work / f"view{view}.npz"
        if not path.exists():
            dice = torch.Generator().manual_seed(500 + view)
            rough = MILD if view >= MILD_FROM else ROUGH
            parts = torch.from_numpy(self._faces.images).split(500)
            pictures = torch.cat([looks(some.unsqueeze(1).float() / 255, dice, rough)[:, 0] for some in parts])
            images = (pictures * 255).round().clamp(0, 255).to(torch.uint8)
            np.savez(path, images=images.numpy(), p=answer(self._teachers, images).numpy())
        z = np.load(path)
        return torch.from_numpy(z["images"]), torch.from_numpy(z["p"])


@torch.no_grad()
def answer(teachers: list[nn.Module], images: torch.Tensor) -> torch.Tensor:
    """Return the mean probabilities of the teachers (N, 8) for pictures (N, 48, 48), uint8."""
    total = torch.zeros(len(images), len(EXPRESSIONS))
    for teacher in teachers:
        for i, some in enumerate(images.split(500)):
            x = (some.unsqueeze(1).float() / 255).contiguous(memory_format=torch.channels_last)
            with half_floats():
                total[500 * i : 500 * i + len(some)] += torch.softmax(teacher(x).float(), 1)
    return total / len(teachers)


def fit(faces: Faces, views: Views, watch: Faces, path: Path, epochs: int) -> None:
    """Train with soft cross-entropy and keep the running mean of the weights. `watch`: for the printed accuracy."""
    torch.manual_seed(7)
    net, mean = Net().to(memory_format=torch.channels_last), Net()
    mean.load_state_dict(net.state_dict())
    optimizer = torch.optim.AdamW(net.parameters(), lr=COURSES[0][1], weight_decay=WEIGHT_DECAY)
    start = resume(path, net, mean, optimizer)
    votes = torch.from_numpy(faces.sharp())
    usual = votes.mean(0)
    per_epoch = len(faces) // BATCH
    for epoch in range(start, epochs):
        dice = torch.Generator().manual_seed(1000 + epoch)
        began, total = time.monotonic(), 0.0
        images, p = views.get(view_of(epoch))
        target = TAUGHT * p + (1 - TAUGHT) * votes
        for i, rows in enumerate(torch.randperm(len(images), generator=dice)[: per_epoch * BATCH].split(BATCH)):
            for group in optimizer.param_groups:
                group["lr"] = rate(epoch + i / per_epoch, COURSES, WARM)
            x, y = shifted(images[rows].float() / 255, dice), target[rows]
            if epoch >= COURSES[0][0]:
                chosen = torch.rand(len(x), generator=dice) < HIDDEN
                x = mouths_hidden(x, chosen, dice)
                y = torch.lerp(y, usual.expand_as(y), DOUBT * chosen[:, None])
            total += step(net, x.contiguous(memory_format=torch.channels_last), y, optimizer)
            follow(mean, net, EMA)
        save(path, net, mean, optimizer, epoch + 1)
        right = (logits_of(Mirrored(mean), torch.from_numpy(watch.images)).argmax(1).numpy() == watch.label).mean()
        print(f"epoch {epoch + 1}/{epochs} loss {total / per_epoch:.4f} held-back accuracy {right:.4f}"
              f" {time.monotonic() - began:.0f} s", flush=True)  # fmt: skip


def view_of(epoch: int) -> int:
    """Return the number of the pictures that are used in an epoch."""
    if epoch < LATE_FROM:
        return epoch % VIEWS
    return MILD_FROM + epoch % (VIEWS - MILD_FROM)


def shifted(images: torch.Tensor, dice: torch.Generator) -> torch.Tensor:
    """Mirror half of the pictures (N, 48, 48) and shift the batch by up to 2 px. Returns (N, 1, 48, 48)."""
    flip = torch.rand(len(images), 1, 1, generator=dice) < 0.5
    images = torch.where(flip, images.flip(2), images).unsqueeze(1)
    dx, dy = torch.randint(0, 5, (2,), generator=dice).tolist()
    padded = nn.functional.pad(images, (2, 2, 2, 2), mode="replicate")
    return padded[:, :, dy : dy + SIZE, dx : dx + SIZE]


def train_shipped(data: Path, work: Path, epochs: int, threads: int) -> None:
    """Train the shipped net up to `epochs`, from its checkpoint in `work` if there is one.

    Raises `UsageError` without teachers in `work`.
    """
    torch.set_num_threads(threads)
    split = load(data, work / "decoded.npy")
    teachers: list[nn.Module] = []
    for path in sorted(work.glob("teacher*.pt")):
        teachers.append(Teacher().to(memory_format=torch.channels_last).eval())
        teachers[-1].load_state_dict(torch.load(path, weights_only=True)["mean"])
    if not teachers:
        raise UsageError(f"no teacher*.pt in {work}; run python -m tools.expression.teach first")
    views = Views(split.train, teachers, work)
    fit(split.train, views, split.held.certain(), work / "net.pt", epochs)
