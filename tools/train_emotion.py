"""Train the expression net on what its teachers and the FER+ votes say.

    .venv/bin/python tools/teach_emotion.py --seed 1; .venv/bin/python tools/teach_emotion.py --seed 2
    .venv/bin/python tools/train_emotion.py
    .venv/bin/python tools/quantise_emotion.py

Seeded, and resumed from the checkpoint in `--work` when started again. Needs torch (extra `train`).
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from expression_data import EXPRESSIONS, Faces, load
from expression_looks import SIZE, looks, mouths_hidden
from expression_nets import Mirrored, Net, Teacher
from teach_emotion import logits_of, step
from torch import nn

from training import follow, rate, resume, save

ROOT = Path(__file__).parent.parent
BATCH, WEIGHT_DECAY, WARM, EMA = 128, 0.05, 0.03, 0.999
TAUGHT = 0.7  # weight of the teachers' answer in the target, the votes have the rest
VIEWS, ROUGH, MILD_FROM, MILD = 20, 0.45, 12, 0.25  # pictures of a face; those from MILD_FROM on are taken better
COURSES = ((100, 3e-3), (110, 8e-4))
HIDDEN, DOUBT = 0.2, 0.3
"""In the second course, share of the pictures without a mouth, and how far their targets go to what faces usually show:
the calibration, which is fitted on whole faces, sharpens the answers and makes the net too sure of half a face."""
LATE_FROM = 78  # from this epoch on only the better pictures are shown


class Views:
    """`VIEWS` pictures of every face and what the teachers say to each; made when first asked for, kept on disk.

    Teacher and net see the same picture ("consistent teaching", Beyer et al., CVPR 2022).
    """

    def __init__(self, faces: Faces, teachers: list[nn.Module], work: Path) -> None:
        self._faces, self._teachers, self._work = faces, teachers, work

    def get(self, view: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return (N, 48, 48) uint8 pictures and (N, 8) probabilities."""
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
    """Return the mean answer of the teachers to (N, 48, 48) uint8 pictures."""
    total = torch.zeros(len(images), len(EXPRESSIONS))
    for teacher in teachers:
        for i, some in enumerate(images.split(500)):
            x = (some.unsqueeze(1).float() / 255).contiguous(memory_format=torch.channels_last)
            with torch.autocast("cpu", torch.bfloat16):
                total[500 * i : 500 * i + len(some)] += torch.softmax(teacher(x).float(), 1)
    return total / len(teachers)


def fit(faces: Faces, views: Views, watch: Faces, path: Path, epochs: int) -> None:
    """Train with soft cross-entropy; the exponential mean of the weights is what is kept."""
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
    """Return which pictures are shown in an epoch."""
    if epoch < LATE_FROM:
        return epoch % VIEWS
    return MILD_FROM + epoch % (VIEWS - MILD_FROM)


def shifted(images: torch.Tensor, dice: torch.Generator) -> torch.Tensor:
    """Mirror half the pictures (N, 48, 48) and move the batch by up to 2 px; returns (N, 1, 48, 48)."""
    flip = torch.rand(len(images), 1, 1, generator=dice) < 0.5
    images = torch.where(flip, images.flip(2), images).unsqueeze(1)
    dx, dy = torch.randint(0, 5, (2,), generator=dice).tolist()
    padded = nn.functional.pad(images, (2, 2, 2, 2), mode="replicate")
    return padded[:, :, dy : dy + SIZE, dx : dx + SIZE]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    shared = ROOT.parent / "shared"
    parser.add_argument("--data", type=Path, default=shared / "data/emotion/ferplus48_train_valid.npz")
    parser.add_argument("--work", type=Path, default=ROOT / "training/emotion")
    parser.add_argument("--epochs", type=int, default=COURSES[-1][0])
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    split = load(options.data, options.work / "decoded.npy")
    teachers: list[nn.Module] = []
    for path in sorted(options.work.glob("teacher*.pt")):
        teachers.append(Teacher().to(memory_format=torch.channels_last).eval())
        teachers[-1].load_state_dict(torch.load(path, weights_only=True)["mean"])
    if not teachers:
        parser.error(f"no teacher*.pt in {options.work}: run tools/teach_emotion.py first")
    views = Views(split.train, teachers, options.work)
    fit(split.train, views, split.held.certain(), options.work / "net.pt", options.epochs)


if __name__ == "__main__":
    main()
