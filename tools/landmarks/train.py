"""Train `models/landmarks.onnx` on the cache of `tools.landmarks.teach`, on a CPU. Seeded; can be resumed.

    python -m tools.landmarks.train base --minutes 35 [--resume]
    python -m tools.landmarks.train shipped --minutes 7 --export models/landmarks.onnx
    python -m tools.landmarks.train 0 --minutes 4 --export ../tmp/folds/0/landmarks.onnx     and so on to 4

The base learns from nobody in `incar_stills`. The shipped net and those of the folds start from it and learn from the
allowed persons (`tools.training.people`). The learning rate falls with the share of `--minutes` that is used. So any
budget ends in a finished net.
"""

from __future__ import annotations

import argparse
import copy
import math
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from driver_monitor.perception.face.landmarks import IMAGE_SIZE
from tools.landmarks.cache import Cache, Stage, allowed, draw
from tools.landmarks.cover_faces import cover
from tools.landmarks.net import LandmarkNet
from tools.training import onnx_file
from tools.training.augment import BatchRandom, Views, map_points, map_turn, photograph, resample
from tools.training.mesh_teacher import MIRROR, eye_aspect_ratio
from tools.training.nets import follow, half_floats
from tools.training.people import folds

BASE_SIDE = 1.4 / 3.0
"""Side of the crop at run time, in sides of the cached crop."""
FACES, STRAYS, BACKGROUNDS = 48, 8, 8
"""Pictures in a batch: good crops, crops that miss the face, crops without a face."""
PEAK, PEAK_AFTER = 3e-3, 1.2e-3
"""Highest learning rate of the base, and of the nets that start from it."""
SWAP = torch.tensor(MIRROR)
LID_PAIRS = ((37, 41), (38, 40), (43, 47), (44, 46))
LIP_PAIRS = ((61, 67), (62, 66), (63, 65))


def point_weights() -> Tensor:
    """Return the weights of the points in the loss. Lids matter most; the jaw line is vague even for the teacher."""
    weights = torch.ones(70)
    weights[:17], weights[17:27], weights[36:48], weights[68:] = 0.4, 0.7, 3.0, 2.0
    return weights / weights.mean()


@dataclass(frozen=True)
class Batch:
    """Images (N, 1, 112, 112) and whether each shows a face (N,).

    Only of the first `FACES`: points, `hidden` mouth (-1: not known) and rotation (NaN: unknown).
    """

    images: Tensor
    face: Tensor
    points: Tensor
    hidden: Tensor
    turn: Tensor


def batch(cache: Cache, generator: torch.Generator) -> Batch:
    """Draw faces, move, cover and photograph them, and add pictures without a face."""
    picked = draw(cache, FACES + STRAYS, generator)
    crops, points = cache.crops[picked][:, None].float() / 255, cache.points[picked]
    random = BatchRandom(generator, len(picked))
    views = draw_views(random)
    images = resample(crops, views, IMAGE_SIZE)
    points = map_points(points, views, SWAP)
    images, hidden = cover(images, points, generator)
    images = photograph(images, points[:, 68:], generator)
    empty = torch.zeros(BACKGROUNDS, 1, IMAGE_SIZE, IMAGE_SIZE)
    if len(cache.backgrounds):
        chosen = torch.randint(len(cache.backgrounds), (BACKGROUNDS,), generator=generator)
        empty = cache.backgrounds[chosen][:, None].float() / 255
        empty = functional.interpolate(empty, (IMAGE_SIZE, IMAGE_SIZE), mode="bilinear")
    else:
        empty += torch.rand(BACKGROUNDS, 1, 1, 1, generator=generator)
    empty[0] = torch.rand(1, generator=generator)
    empty[1] = torch.rand(empty[1].shape, generator=generator)
    images = torch.cat([images, photograph(empty, None, generator)])
    face = torch.zeros(len(images))
    face[:FACES] = 1
    turn = map_turn(cache.turn[picked], views)
    return Batch(images, face, points[:FACES], hidden[:FACES], turn[:FACES])


def draw_views(random: BatchRandom) -> Views:
    """Draw the place of each crop: small errors (tracker) or large ones (detector). The last ones miss the face."""
    coarse = random.chance(0.4)
    spread = torch.where(coarse, 1.0, 0.35)
    roll = torch.where(coarse, random.uniform(-30, 30), 6 * random.normal())
    shift = random.uniform(-0.22, 0.22, 2) * spread[:, None]
    scale = torch.exp(random.uniform(math.log(0.75), math.log(1.35)) * spread)
    aspect = torch.exp(random.uniform(-0.08, 0.08))
    kind = torch.randint(3, (random.n,), generator=random.generator)
    angle, far = random.uniform(0, 2 * math.pi), random.uniform(0.55, 0.95)
    away = torch.stack([torch.cos(angle), torch.sin(angle)], 1) * far[:, None]
    wrong_scale = torch.where(random.chance(0.5), random.uniform(0.25, 0.42), random.uniform(1.95, 2.1))
    wrong_roll = random.uniform(75, 285)
    stray = torch.arange(random.n) >= FACES
    shift = torch.where((stray & (kind == 0))[:, None], away, shift)
    scale = torch.where(stray & (kind == 1), wrong_scale, scale)
    roll = torch.where(stray & (kind == 2), wrong_roll, roll)
    side = BASE_SIDE * scale
    sides = torch.stack([side * aspect, side / aspect], 1)
    return Views(0.5 + shift * side[:, None], sides, torch.deg2rad(roll), random.chance(0.5))


def loss_of(
    points: Tensor, logits: Tensor, turn: Tensor, truth: Batch, weights: Tensor
) -> tuple[Tensor, dict[str, float]]:
    """Return the loss and its parts.

    The sum of: places (Huber, pixels), gaps of the lids (eye aspect ratio) and of the lips (yawns), face or not, mouth
    hidden or not, and the angle between the rotations (radians).
    """
    error = (points[:FACES] - truth.points) * IMAGE_SIZE
    place = (functional.huber_loss(error, torch.zeros_like(error), reduction="none", delta=1.0).sum(2) * weights).mean()
    lids = gap_loss(error, LID_PAIRS, 0.3) / 0.3
    lips = gap_loss(error, LIP_PAIRS, 1.0)
    face = functional.binary_cross_entropy_with_logits(logits[:, 0], truth.face)
    labelled = truth.hidden >= 0
    hidden = functional.binary_cross_entropy_with_logits(logits[:FACES, 1][labelled], truth.hidden[labelled])
    known = torch.isfinite(truth.turn[:, 0, 0])
    apart = (((turn[:FACES] - truth.turn)[known] ** 2).sum(dim=(1, 2)) / 2 + 1e-4).sqrt()
    shown = {"px": error.norm(dim=2).mean(), "face": face, "hidden": hidden, "degrees": torch.rad2deg(apart.mean())}
    shown["lid"] = torch.stack([error[:, a, 1] - error[:, b, 1] for a, b in LID_PAIRS]).abs().mean()
    loss = place + 3.0 * lids + lips + face + 0.5 * hidden + 8.0 * apart.mean()
    return loss, {name: value.item() for name, value in shown.items()}


def gap_loss(error: Tensor, pairs: tuple[tuple[int, int], ...], delta: float) -> Tensor:
    """Return the Huber loss of the differences between the errors (N, 70, 2) of two points each."""
    gaps = torch.stack([error[:, a] - error[:, b] for a, b in pairs], 1)
    return functional.huber_loss(gaps, torch.zeros_like(gaps), delta=delta)


class Trainer:
    """The net, the running mean of its weights, and the optimiser. One checkpoint holds them all."""

    def __init__(self, seed: int) -> None:
        torch.manual_seed(seed)
        self.net = LandmarkNet().to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.net)
        self.optimizer = torch.optim.AdamW(self.net.parameters(), lr=PEAK, weight_decay=0.01)
        self.generator = torch.Generator().manual_seed(seed)
        self.drawn = self.generator.get_state()
        """State of the generator before the next batch, which a thread may be drawing already."""
        self.step = 0
        self.weights = point_weights()
        self.history: list[tuple[int, dict[str, float]]] = []

    def begin_from(self, path: Path) -> None:
        """Start with the averaged weights of another checkpoint."""
        state = torch.load(path, weights_only=False)["average"]
        self.net.load_state_dict(state)
        self.average.load_state_dict(state)

    def load(self, path: Path) -> None:
        """Load a checkpoint to continue from it."""
        state = torch.load(path, weights_only=False)
        self.net.load_state_dict(state["net"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.generator.set_state(state["generator"])
        self.drawn = state["generator"]
        self.step, self.history = state["step"], state["history"]

    def save(self, path: Path) -> None:
        """Write a checkpoint. An interrupted write does not damage the one before."""
        state = {
            "net": self.net.state_dict(), "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(), "generator": self.drawn,
            "step": self.step, "history": self.history,
        }  # fmt: skip
        torch.save(state, path.with_suffix(".part"))
        path.with_suffix(".part").replace(path)

    def learn(self, truth: Batch, rate: float) -> dict[str, float]:
        """Take one step on a batch at learning rate `rate`. Returns the parts of the loss."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.net.train()
        with half_floats():
            points, logits, turn = self.net.logits(truth.images.contiguous(memory_format=torch.channels_last))
        loss, shown = loss_of(points, logits, turn, truth, self.weights)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 20.0)
        self.optimizer.step()
        self.step += 1
        keep = min(0.998, self.step / (self.step + 10))
        follow(self.average, self.net, keep)
        return shown


def check(net: LandmarkNet, folder: Path, place: dict[str, int], stage: Stage) -> str:
    """Measure people that the net has not learned from, in the crop of run time, and describe the result.

    NME over the outer eye corners, correlation and error of the eye aspect ratio, mean error of the rotation (degrees).
    """
    table, turn = np.load(folder / "stills.npz"), np.load(folder / "stills_pose.npz")["turn"]
    unseen = np.array([not allowed(person, stage, place) for person in table["person"]])
    net, words = net.eval(), []
    for source in ("incar", "portrait"):
        own = unseen if source == "incar" else table["held_out"]
        rows = np.flatnonzero(own & (table["source"] == source))[::2][:300]
        crops = torch.from_numpy(np.load(folder / "stills_crops.npy", mmap_mode="r")[rows])[:, None].float() / 255
        n, side = len(rows), torch.full((len(rows), 2), BASE_SIDE)
        views = Views(torch.full((n, 2), 0.5), side, torch.zeros(n), torch.zeros(n, dtype=torch.bool))
        with torch.no_grad():
            points, logits, turned = net.logits(resample(crops, views, IMAGE_SIZE))
        found, hidden = points.numpy(), logits[:, 1].numpy() > 0
        truth = map_points(torch.from_numpy(table["points"][rows]), views, SWAP).numpy()
        distance = np.linalg.norm(truth[:, 36] - truth[:, 45], axis=1)
        error = np.linalg.norm(found - truth, axis=2)[:, :68].mean(axis=1) / distance
        ear, ear_truth = eye_aspect_ratio(found).mean(axis=1), eye_aspect_ratio(truth).mean(axis=1)
        r = np.corrcoef(ear, ear_truth)[0, 1]
        apart = np.degrees(np.sqrt(((turned.numpy() - turn[rows]) ** 2).sum(axis=(1, 2)) / 2))
        words.append(
            f"{source} NME {error.mean():.4f} EAR r {r:.3f} mae {np.abs(ear - ear_truth).mean():.4f} "
            f"turn {np.nanmean(apart):.1f} hidden {np.mean(hidden):.3f}"
        )
    return "; ".join(words)


def export(net: LandmarkNet, path: Path) -> None:
    """Write the net as one ONNX file."""
    net = copy.deepcopy(net).to(memory_format=torch.contiguous_format).eval()
    image = torch.rand(2, 1, IMAGE_SIZE, IMAGE_SIZE)
    onnx_file.export(net, {"image": image}, ["points", "face", "mouth_hidden", "turn"], path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", choices=get_args(Stage), help="which net")
    parser.add_argument("--cache", type=Path, default=Path("training/landmarks"))
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--minutes", type=float, default=35.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--resume", action="store_true", help="continue from the checkpoint of this stage")
    parser.add_argument("--peak", type=float, help="highest learning rate")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--export", type=Path, help="ONNX file to write")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.set_flush_denormal(True)
    stage: Stage = arguments.stage
    cache, trainer = Cache(arguments.cache, arguments.data, stage), Trainer(arguments.seed)
    checkpoint = arguments.cache / f"checkpoint_{stage}.pt"
    if arguments.resume:
        trainer.load(checkpoint)
    elif stage != "base":
        trainer.begin_from(arguments.cache / "checkpoint_base.pt")
    print(f"{stage}: {len(cache.crops)} faces, {len(cache.backgrounds)} backgrounds", flush=True)
    peak = arguments.peak or (PEAK if stage == "base" else PEAK_AFTER)
    train(trainer, cache, arguments.minutes * 60, peak, checkpoint)
    words = check(trainer.average, arguments.cache, folds(arguments.data / "incar_stills"), stage)
    print(f"step {trainer.step}: {words}", flush=True)
    if arguments.export:
        export(trainer.average, arguments.export)


def train(trainer: Trainer, cache: Cache, seconds: float, peak: float, checkpoint: Path) -> None:
    """Learn for `seconds`, with a checkpoint every 200 steps. A second thread draws the batches, in the same order."""
    begin, first = time.monotonic(), trainer.step
    with ThreadPoolExecutor(1) as painter:
        coming = painter.submit(batch, cache, trainer.generator)
        while (used := (time.monotonic() - begin) / seconds) < 1:
            truth, trainer.drawn = coming.result(), trainer.generator.get_state()
            coming = painter.submit(batch, cache, trainer.generator)
            warm = min(1.0, (trainer.step - first + 1) / 100)
            shown = trainer.learn(truth, max(2e-5, peak * warm * 0.5 * (1 + math.cos(math.pi * used))))
            if trainer.step % 20 == 0:
                trainer.history.append((trainer.step, shown))
            if trainer.step % 200 == 0:
                recent = [values for _, values in trainer.history[-10:]]
                words = {key: round(float(np.mean([values[key] for values in recent])), 3) for key in shown}
                print(trainer.step, f"{used:.2f}", words, flush=True)
                trainer.save(checkpoint)
    trainer.save(checkpoint)


if __name__ == "__main__":
    main()
