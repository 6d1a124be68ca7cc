"""Train six eye nets: the shipped one, and five for the figures that each leave out a fifth of the people.

    python -m tools.eyes.train --shared ../shared

All nets share one stream of batches; each learns from the persons it may (`tools.training.people`). Seeded. A new start
continues from the checkpoint in `--work`. Reads the detector and landmark nets of the folds in `--folds`. Writes
`models/eyes.onnx`, and `<k>/eyes.onnx` to `--folds`. `tools.eyes.stills` and `tools.eyes.measure` measure the nets.
Needs the extra `train`.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from tools import ROOT, SHARED
from tools.eyes.augment import Batch, augment
from tools.eyes.data import NOBODY, arrays_of, as_placed, collect, loose_fold, scenery
from tools.eyes.net import Answers, Net, example
from tools.training.nets import follow, scale_of_rate
from tools.training.onnx_file import export
from tools.training.people import FOLDS, folds, may_teach

BATCH = 128
PEAK_LR, WARM = 2.5e-3, 0.05
WEIGHT_DECAY = 0.05
EMA = 0.997
SMOOTH = 0.02
"""Label smoothing: the probability of the other answer."""
LOOSE = ("web", "closeup")
"""Sources of loose eye crops."""
DOUBT, DOUBT_FROM = 1.0, 0.3
"""Above this logit of hidden a label of the mesh is ignored, after this share of the training."""
SHARES = {
    ("incar", "open"): 0.13, ("incar", "lowered"): 0.10, ("incar", "closed"): 0.08, ("incar", "hidden"): 0.12,
    ("made", "closed"): 0.06, ("made", "lowered"): 0.05, ("made", "open"): 0.02,
    ("web", "open"): 0.08, ("web", "closed"): 0.09, ("closeup", "open"): 0.03, ("closeup", "closed"): 0.04,
    ("taught", "open"): 0.16, ("taught", "unsure"): 0.04,
}  # fmt: skip
"""Share of each kind in a batch. No net learns from near-infrared stills or clips."""


SIGHT_SHARES = {
    ("incar", "open"): 0.18, ("incar", "lowered"): 0.09, ("incar", "closed"): 0.07, ("incar", "hidden"): 0.20,
    ("made", "closed"): 0.05, ("made", "lowered"): 0.03, ("made", "open"): 0.03, ("web", "open"): 0.03,
    ("web", "closed"): 0.03, ("closeup", "open"): 0.02, ("closeup", "closed"): 0.02, ("taught", "open"): 0.25,
}  # fmt: skip
"""The shares while only `sight` is trained: whether an eye is visible."""
SIGHT_LR = 1.5e-3


class Samples:
    """All strips, their labels, and which net may learn from each."""

    def __init__(self, data: dict[str, np.ndarray], scenes: np.ndarray, place: dict[str, int]) -> None:
        label, source = data["label"], data["source"]
        self.strips, self.scenes = torch.from_numpy(data["strip"]), torch.from_numpy(scenes)
        self.points, self.ears = torch.from_numpy(data["points"]), torch.from_numpy(data["ear"])
        self.closed = torch.from_numpy(_known(label == "closed", np.isin(label, ("open", "lowered", "closed"))))
        self.hidden = torch.from_numpy(_known(label == "hidden", label != "unsure"))
        worn = data["eyewear"] == "sunglasses"
        self.sunglasses = torch.from_numpy(_known(worn, (source == "incar") & ((label == "hidden") | ~worn)))
        self.loose = torch.from_numpy(np.isin(source, LOOSE))
        self.taught = torch.from_numpy(source == "taught")
        self.source, self.label = source, label
        self.allowed = torch.from_numpy(np.stack([_allowed(data, place, k) for k in (*range(FOLDS), None)]))

    def weights(self, shares: dict[tuple[str, str], float]) -> np.ndarray:
        """Return the probability of each sample to be drawn."""
        weight = np.zeros(len(self.label))
        for (of, kind), share in shares.items():
            rows = (self.source == of) & (self.label == kind)
            weight[rows] = share / max(rows.sum(), 1)
        return np.asarray(weight / weight.sum())

    def draw(self, seed: int, weight: np.ndarray) -> tuple[Batch, torch.Tensor, torch.Tensor]:
        """Return a batch, the eye aspect ratios of both eyes, and which net may learn from which sample (6, n)."""
        rows = torch.from_numpy(np.random.default_rng(seed).choice(len(weight), BATCH, p=weight))
        batch = Batch(
            self.strips[rows].unsqueeze(1).float() / 255, self.points[rows], self.closed[rows], self.hidden[rows],
            self.sunglasses[rows], torch.empty(BATCH), self.loose[rows], self.taught[rows],
        )  # fmt: skip
        return batch, self.ears[rows], self.allowed[:, rows]


def _known(value: np.ndarray, where: np.ndarray) -> np.ndarray:
    return np.where(where, value, np.nan).astype(np.float32)


def _allowed(data: dict[str, np.ndarray], place: dict[str, int], fold: int | None) -> np.ndarray:
    """Return from which samples the net of `fold` may learn. Loose crops name no people: each crop has its own fold."""
    may = np.array([
        all(name == NOBODY or may_teach(str(name), fold, place) for name in both)
        for both in zip(data["person"], data["other"], strict=True)
    ])  # fmt: skip
    for source in LOOSE:
        rows = data["source"] == source
        may[rows] = loose_fold(source, rows.sum()) != fold
    return may


class Training:
    """The six nets, the running means of their weights and their optimizers."""

    def __init__(self) -> None:
        torch.manual_seed(11)
        self.nets = [Net().to(memory_format=torch.channels_last) for _ in range(FOLDS + 1)]
        self.means = [Net() for _ in self.nets]
        for mean, net in zip(self.means, self.nets, strict=True):
            mean.load_state_dict(net.state_dict())
        self.optimizers = [torch.optim.AdamW(n.parameters(), PEAK_LR, weight_decay=WEIGHT_DECAY) for n in self.nets]
        self.step = 0

    def save(self, path: Path) -> None:
        """Write a checkpoint."""
        parts = {k: [m.state_dict() for m in getattr(self, k)] for k in ("nets", "means", "optimizers")}
        torch.save({**parts, "step": self.step}, path)

    def load(self, path: Path) -> None:
        """Load a checkpoint to continue from it."""
        saved = torch.load(path, weights_only=True)
        for k in ("nets", "means", "optimizers"):
            for module, state in zip(getattr(self, k), saved[k], strict=True):
                module.load_state_dict(state)
        self.step = saved["step"]

    def learn(
        self, eye: torch.Tensor, band: torch.Tensor, batch: Batch, allowed: torch.Tensor, rate: float, doubting: bool
    ) -> float:
        """Take one step of each net on the samples it may learn from. Returns the loss of the shipped net."""
        value = 0.0
        for net, mean, optimizer, may in zip(self.nets, self.means, self.optimizers, allowed, strict=True):
            optimizer.param_groups[0]["lr"] = rate
            net.train()
            with torch.autocast("cpu", torch.bfloat16):
                out = net(eye[may].contiguous(memory_format=torch.channels_last), band[may])
            loss = loss_of(out.float(), batch, may, doubting)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            follow(mean, net, EMA)
            value = loss.item()
        return value


def loss_of(out: torch.Tensor, batch: Batch, may: torch.Tensor, doubting: bool) -> torch.Tensor:
    """Return the loss of logits of hidden, closed, sunglasses, and of the eye aspect ratio, (n, 4).

    `doubting`: ignore labels of the mesh where the net is sure that the eye is hidden: some portraits wear sunglasses.
    """
    hidden, ear = batch.hidden[may], batch.ear[may]
    if doubting:
        hidden = torch.where(batch.taught[may] & (hidden == 0) & (out[:, 0] > DOUBT), torch.nan, hidden)
    visible = hidden == 0
    closed = torch.where(visible, batch.closed[may], torch.nan)
    known = torch.isfinite(ear) & visible
    opening = functional.smooth_l1_loss(out[known, 3], ear[known], beta=0.03)
    sunglasses = _cross(out[:, 2], batch.sunglasses[may])
    return _cross(out[:, 0], hidden) + _cross(out[:, 1], closed) + 0.2 * sunglasses + 5 * opening


def _cross(logit: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    known = torch.isfinite(wanted)
    target = wanted[known] * (1 - SMOOTH) + SMOOTH / 2
    return functional.binary_cross_entropy_with_logits(logit[known], target)


def train(samples: Samples, work: Path, steps: int) -> list[Net]:
    training, checkpoint = Training(), work / "checkpoint.pt"
    if checkpoint.exists():
        training.load(checkpoint)
    began, total, weight = time.monotonic(), 0.0, samples.weights(SHARES)
    while training.step < steps:
        torch.manual_seed(100_000 + training.step)
        batch, ears, allowed = samples.draw(training.step, weight)
        eye, band = augment(batch, ears, samples.scenes)
        rate = PEAK_LR * scale_of_rate(training.step, steps, WARM)
        total += training.learn(eye, band, batch, allowed, rate, training.step > DOUBT_FROM * steps)
        training.step += 1
        if training.step % 100 == 0 or training.step == steps:
            training.save(checkpoint)
            print(f"step {training.step}/{steps} loss {total / 100:.4f} {time.monotonic() - began:.0f} s", flush=True)
            total = 0.0
    return [mean.eval() for mean in training.means]


def train_sight(nets: list[Net], samples: Samples, steps: int) -> list[Net]:
    """Train only whether an eye is visible (`band` and `sight`), in place. The other weights stay."""
    parts = [nn.ModuleList([net.band, net.sight]) for net in nets]
    optimizers = [torch.optim.AdamW(part.parameters(), SIGHT_LR, weight_decay=WEIGHT_DECAY) for part in parts]
    weight, began, total = samples.weights(SIGHT_SHARES), time.monotonic(), 0.0
    for step in range(steps):
        torch.manual_seed(500_000 + step)
        batch, ears, allowed = samples.draw(500_000 + step, weight)
        eye, band = augment(batch, ears, samples.scenes)
        for net, part, optimizer, may in zip(nets, parts, optimizers, allowed, strict=True):
            part.train()
            optimizer.param_groups[0]["lr"] = SIGHT_LR * scale_of_rate(step, steps, WARM)
            with torch.autocast("cpu", torch.bfloat16):
                with torch.no_grad():
                    of_eye = net.eye(eye[may])
                out = net.sight(torch.cat([of_eye, net.band(band[may])], 1)).float()
            hidden = batch.hidden[may]
            doubted = batch.taught[may] & (hidden == 0) & (out[:, 0] > DOUBT)
            hidden = torch.where(doubted, torch.nan, hidden)
            loss = _cross(out[:, 0], hidden) + 0.2 * _cross(out[:, 1], batch.sunglasses[may])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        total += loss.item()
        if (step + 1) % 50 == 0:
            print(f"sight {step + 1}/{steps} loss {total / 50:.4f} {time.monotonic() - began:.0f} s", flush=True)
            total = 0.0
    return [net.eval() for net in nets]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder with data/ and anchors/")
    parser.add_argument("--work", type=Path, default=ROOT.parent / "tmp/eyes")
    parser.add_argument("--folds", type=Path, default=ROOT.parent / "tmp/folds", help="folder of the nets of the folds")
    parser.add_argument("--out", type=Path, default=ROOT / "models/eyes.onnx")
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--sight-steps", type=int, default=700, help="steps that train only whether an eye is visible")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.work.mkdir(parents=True, exist_ok=True)
    stills = options.shared / "data/incar_stills"
    data = collect(options.shared, options.work / "strips.npz")
    place, scenes = folds(stills), scenery(stills)
    nets = train(Samples(data, scenes, place), options.work, options.steps)
    placed = arrays_of(list(as_placed(stills, options.folds, place)))
    both = {name: np.concatenate([data[name], placed[name]]) for name in data}
    nets = train_sight(nets, Samples(both, scenes, place), options.sight_steps)
    paths = [options.folds / str(k) / "eyes.onnx" for k in range(FOLDS)]
    for net, path in zip(nets, [*paths, options.out], strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        export(Answers(net).eval(), example(), ["p", "aspect", "sunglasses"], path)


if __name__ == "__main__":
    main()
