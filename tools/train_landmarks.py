"""Trains `models/landmarks.onnx` on what `teach_landmarks.py` cached, on a CPU; seeded, and resumable after a stop.

    train_landmarks.py --cache training/landmarks --minutes 18 [--resume] --export models/landmarks.onnx

The learning rate falls with the share of the minutes that is used up, so any budget ends in a finished net.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from augment import Dice, Views, map_points, photograph, resample
from landmark_net import LandmarkNet
from mesh_teacher import MIRROR, eye_aspect_ratio
from torch import Tensor
from torch.nn import functional

from driver_monitor.face.landmarks import IMAGE_SIZE

BASE_SIDE = 1.4 / 3.0
"""Side of the runtime's crop in units of the cached one."""
FACES, STRAYS, BACKGROUNDS = 72, 12, 12
"""Pictures in a batch: good crops, crops that miss their face, crops of no face."""
LEARNING_RATE = 3e-3
MOST_UNSURE = 0.02
"""Faces on which the teacher's looks lie farther apart, in sizes of the face, are not learned from."""
SWAP = torch.tensor(MIRROR)
LID_PAIRS = ((37, 41), (38, 40), (43, 47), (44, 46))


def point_weights() -> Tensor:
    """Weights of the points in the loss: lids carry the product, the jaw line is vague even to the teacher."""
    weights = torch.ones(70)
    weights[:17], weights[17:27], weights[36:48], weights[68:] = 0.4, 0.7, 3.0, 2.0
    return weights / weights.mean()


class Cache:
    """Faces of the teacher and backgrounds, in memory."""

    def __init__(self, folder: Path) -> None:
        crops, points, weights = [], [], []
        for name in ("stills", "closed"):
            if not (folder / f"{name}.npz").exists():
                continue
            table = np.load(folder / f"{name}.npz")
            rows = np.flatnonzero(~table["held_out"] & (unsure(table) < MOST_UNSURE) & (table["score"] > 0.8))
            crops.append(np.load(folder / f"{name}_crops.npy", mmap_mode="r")[rows])
            points.append(table["points"][rows])
            weights.append(draw_weights(table, rows))
        self.crops = torch.from_numpy(np.concatenate(crops))
        self.points = torch.from_numpy(np.concatenate(points))
        self.weights = torch.from_numpy(np.concatenate(weights))
        self.backgrounds = torch.from_numpy(np.load(folder / "backgrounds_crops.npy"))


def unsure(table: Any) -> np.ndarray:
    """Return how far the teacher's looks at a face lie apart, in sizes of the face: eye distances shrink in profile."""
    eyes = np.linalg.norm(table["points"][:, 36] - table["points"][:, 45], axis=1)
    return np.asarray(table["spread"] * eyes * 3.0)


def draw_weights(table: Any, rows: np.ndarray) -> np.ndarray:
    """How often to draw each face: cabins, closed eyes and turned heads are rare and matter most."""
    ear, source, points = table["ear"][rows].mean(axis=1), table["source"][rows], table["points"][rows]
    nose, left, right = points[:, 30, 0], points[:, 45, 0], points[:, 36, 0]
    turned = np.abs((nose - (left + right) / 2) / (left - right).clip(0.02))
    weights = np.where(source == "incar", 3.0, 1.0)
    weights = weights * np.where(source == "synthetic", 0.6, np.where(ear < 0.15, 6.0, np.where(ear < 0.2, 2.5, 1.0)))
    return weights * np.where(turned > 0.5, 10.0, np.where(turned > 0.35, 5.0, np.where(turned > 0.2, 2.0, 1.0)))


def batch(cache: Cache, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Draw images (N, 1, 112, 112), points (FACES, 70, 2) of the first ones, and whether each holds a face (N,)."""
    picked = torch.multinomial(cache.weights, FACES + STRAYS, generator=generator)
    crops, points = cache.crops[picked][:, None].float() / 255, cache.points[picked]
    dice = Dice(generator, len(picked))
    views = draw_views(dice)
    images = resample(crops, views, IMAGE_SIZE)
    points = map_points(points, views, SWAP)
    images = photograph(images, points[:, 68:], generator)
    picked = torch.randint(len(cache.backgrounds), (BACKGROUNDS,), generator=generator)
    empty = cache.backgrounds[picked][:, None].float() / 255
    empty = functional.interpolate(empty, (IMAGE_SIZE, IMAGE_SIZE), mode="bilinear")
    empty[0] = torch.rand(1, generator=generator)
    empty[1] = torch.rand(empty[1].shape, generator=generator)
    images = torch.cat([images, photograph(empty, None, generator)])
    label = torch.zeros(len(images))
    label[:FACES] = 1
    return images, points[:FACES], label


def draw_views(dice: Dice) -> Views:
    """How each crop lies: like a tracker's (small errors) or a detector's (large ones), and the last ones astray."""
    coarse = dice.chance(0.4)
    spread = torch.where(coarse, 1.0, 0.35)
    roll = torch.where(coarse, dice.uniform(-30, 30), 6 * dice.normal())
    shift = dice.uniform(-0.22, 0.22, 2) * spread[:, None]
    scale = torch.exp(dice.uniform(math.log(0.75), math.log(1.35)) * spread)
    aspect = torch.exp(dice.uniform(-0.08, 0.08))
    kind = torch.randint(3, (dice.n,), generator=dice.generator)
    angle, far = dice.uniform(0, 2 * math.pi), dice.uniform(0.55, 0.95)
    away = torch.stack([torch.cos(angle), torch.sin(angle)], 1) * far[:, None]
    wrong_scale = torch.where(dice.chance(0.5), dice.uniform(0.25, 0.42), dice.uniform(1.95, 2.1))
    wrong_roll = dice.uniform(75, 285)
    stray = torch.arange(dice.n) >= FACES
    shift = torch.where((stray & (kind == 0))[:, None], away, shift)
    scale = torch.where(stray & (kind == 1), wrong_scale, scale)
    roll = torch.where(stray & (kind == 2), wrong_roll, roll)
    side = BASE_SIDE * scale
    sides = torch.stack([side * aspect, side / aspect], 1)
    return Views(0.5 + shift * side[:, None], sides, torch.deg2rad(roll), dice.chance(0.5))


def loss_of(
    points: Tensor, logit: Tensor, truth: Tensor, label: Tensor, weights: Tensor
) -> tuple[Tensor, dict[str, float]]:
    """Sum what is wrong: places (Huber, in pixels), lid gaps (they are the eye aspect ratio), face or not."""
    error = (points[:FACES] - truth) * IMAGE_SIZE
    place = (functional.huber_loss(error, torch.zeros_like(error), reduction="none", delta=1.0).sum(2) * weights).mean()
    gaps = torch.stack([error[:, a] - error[:, b] for a, b in LID_PAIRS], 1)
    lids = functional.huber_loss(gaps, torch.zeros_like(gaps), delta=0.3) / 0.3
    face = functional.binary_cross_entropy_with_logits(logit, label)
    shown = {"px": error.norm(dim=2).mean().item(), "lid": gaps.abs().mean().item(), "face": face.item()}
    return place + 2.0 * lids + 1.0 * face, shown


class Trainer:
    """Net, its running average, and the optimiser; all of it fits one checkpoint."""

    def __init__(self, seed: int) -> None:
        torch.manual_seed(seed)
        self.net = LandmarkNet().to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.net)
        self.optimizer = torch.optim.AdamW(self.net.parameters(), lr=LEARNING_RATE, weight_decay=0.01)
        self.generator = torch.Generator().manual_seed(seed)
        self.step = 0
        self.weights = point_weights()
        self.history: list[tuple[int, dict[str, float]]] = []

    def load(self, path: Path) -> None:
        """Go on from a checkpoint."""
        state = torch.load(path, weights_only=False)
        self.net.load_state_dict(state["net"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.generator.set_state(state["generator"])
        self.step, self.history = state["step"], state["history"]

    def save(self, path: Path) -> None:
        """Write a checkpoint; one that is cut short never replaces a whole one."""
        state = {
            "net": self.net.state_dict(), "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(), "generator": self.generator.get_state(),
            "step": self.step, "history": self.history,
        }  # fmt: skip
        torch.save(state, path.with_suffix(".part"))
        path.with_suffix(".part").replace(path)

    def learn(self, cache: Cache, rate: float) -> dict[str, float]:
        """Take one step at learning rate `rate`; returns what to show of the loss."""
        images, truth, label = batch(cache, self.generator)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.net.train()
        with torch.autocast("cpu", torch.bfloat16):
            points, logit = self.net.logits(images.contiguous(memory_format=torch.channels_last))
        loss, shown = loss_of(points, logit, truth, label, self.weights)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 20.0)
        self.optimizer.step()
        self.step += 1
        keep = min(0.998, self.step / (self.step + 10))
        with torch.no_grad():
            for mean, now in zip(self.average.state_dict().values(), self.net.state_dict().values(), strict=True):
                if mean.is_floating_point():
                    mean.lerp_(now, 1 - keep)
        return shown


def check(net: LandmarkNet, folder: Path) -> str:
    """Measure held-out faces in the runtime's own crop: NME by outer eye corners, and how EAR follows the teacher."""
    table = np.load(folder / "stills.npz")
    net = net.eval()
    words = []
    for source in ("incar", "portrait"):
        rows = np.flatnonzero(table["held_out"] & (table["source"] == source))[:400]
        crops = torch.from_numpy(np.load(folder / "stills_crops.npy", mmap_mode="r")[rows])[:, None].float() / 255
        n, side = len(rows), torch.full((len(rows), 2), BASE_SIDE)
        views = Views(torch.full((n, 2), 0.5), side, torch.zeros(n), torch.zeros(n, dtype=torch.bool))
        with torch.no_grad():
            points = net(resample(crops, views, IMAGE_SIZE))[0].numpy()
        truth = map_points(torch.from_numpy(table["points"][rows]), views, SWAP).numpy()
        distance = np.linalg.norm(truth[:, 36] - truth[:, 45], axis=1)
        error = np.linalg.norm(points - truth, axis=2)[:, :68].mean(axis=1) / distance
        ear, ear_truth = eye_aspect_ratio(points).mean(axis=1), eye_aspect_ratio(truth).mean(axis=1)
        r = np.corrcoef(ear, ear_truth)[0, 1]
        words.append(f"{source} NME {error.mean():.4f} EAR r {r:.3f} mae {np.abs(ear - ear_truth).mean():.4f}")
    return "; ".join(words)


def export(net: LandmarkNet, path: Path) -> None:
    """Write the ONNX file, one file without external data."""
    net = copy.deepcopy(net).to(memory_format=torch.contiguous_format).eval()
    example = (torch.rand(2, 1, IMAGE_SIZE, IMAGE_SIZE),)
    torch.onnx.export(
        net, example, str(path), input_names=["image"], output_names=["points", "face"],
        dynamic_shapes=({0: torch.export.Dim("N")},), external_data=False, verbose=False,
    )  # fmt: skip


def write_figures(trainer: Trainer, cache: Path, words: str) -> None:
    """Write the course of the loss and the held-out figures beside the checkpoint."""
    course = [{"step": step, **shown} for step, shown in trainer.history]
    figures = {"steps": trainer.step, "held_out": words, "parameters": sum(p.numel() for p in trainer.net.parameters())}
    (cache / "figures.json").write_text(json.dumps({**figures, "course": course}, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=Path("training/landmarks"))
    parser.add_argument("--minutes", type=float, default=18.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--resume", action="store_true", help="go on from the checkpoint, with the rate starting at --peak"
    )
    parser.add_argument("--peak", type=float, default=LEARNING_RATE)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--export", type=Path, default=Path("models/landmarks.onnx"))
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.set_flush_denormal(True)
    cache, trainer = Cache(arguments.cache), Trainer(arguments.seed)
    checkpoint = arguments.cache / "checkpoint.pt"
    if arguments.resume:
        trainer.load(checkpoint)
    print(f"{len(cache.crops)} faces, {len(cache.backgrounds)} backgrounds", flush=True)
    begin, first = time.monotonic(), trainer.step
    while (used := (time.monotonic() - begin) / (60 * arguments.minutes)) < 1:
        warm = min(1.0, (trainer.step - first + 1) / 100)
        shown = trainer.learn(cache, max(2e-5, arguments.peak * warm * 0.5 * (1 + math.cos(math.pi * used))))
        if trainer.step % 20 == 0:
            trainer.history.append((trainer.step, shown))
        if trainer.step % 200 == 0:
            words = {key: round(value, 3) for key, value in shown.items()}
            print(trainer.step, f"{used:.2f}", words, check(trainer.average, arguments.cache), flush=True)
            trainer.save(checkpoint)
    trainer.save(checkpoint)
    export(trainer.average, arguments.export)
    words = check(trainer.average, arguments.cache)
    write_figures(trainer, arguments.cache, words)
    print(f"step {trainer.step}: {words} -> {arguments.export}")


if __name__ == "__main__":
    main()
