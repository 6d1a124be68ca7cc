"""Train the eye net and measure it: five nets each blind to a fifth of the people, and one that saw them all.

    /opt/train/bin/python tools/train_eyes.py --shared ../shared

The six nets share one stream of augmented batches; the five are only for the figures. Seeded, and resumed from the
checkpoint in `--work` when started again. Writes `models/eyes.onnx` and, beside the checkpoint, `figures.json`.
Needs torch, onnx, onnxruntime, OpenCV, PyAV (extra `train`).
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(ROOT / "tools"))

from eye_augment import augment  # noqa: E402
from eye_figures import measure  # noqa: E402
from eyes_data import CLOSED, HIDDEN, OPEN, collect  # noqa: E402
from onnx_file import export  # noqa: E402

FOLDS = 5
BATCH = 256
PEAK_LR = 3e-3
WEIGHT_DECAY = 0.05
EMA = 0.995
CLASS_OF = {"open": OPEN, "lowered": OPEN, "closed": CLOSED, "hidden": HIDDEN}
SHARES = {
    ("incar", "open"): 0.16, ("incar", "lowered"): 0.13, ("incar", "closed"): 0.10, ("incar", "hidden"): 0.11,
    ("web", "open"): 0.06, ("web", "closed"): 0.11, ("closeup", "open"): 0.03, ("closeup", "closed"): 0.05,
    ("taught", "open"): 0.15, ("taught", "closed"): 0.02, ("taught", "hidden"): 0.07,
}  # fmt: skip
"""How often each kind is drawn: few of the closed eyes that the mesh teaches, since narrow, smiling ones are among
them. Near-infrared stills and clips are never trained on."""


def conv(i: int, o: int, k: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(i, o, k, stride, k // 2, bias=False), nn.BatchNorm2d(o), nn.ReLU(inplace=True))


class Residual(nn.Module):
    """Two 3x3 convolutions beside the identity."""

    def __init__(self, channels: int, inner: int) -> None:
        super().__init__()
        tail = nn.Conv2d(inner, channels, 3, 1, 1, bias=False)
        self.body = nn.Sequential(conv(channels, inner), tail, nn.BatchNorm2d(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, c, h, w) to the same."""
        return functional.relu(x + self.body(x))


class Net(nn.Module):
    """About 72,000 parameters and 2.2 million multiplications; the head sees where in the patch things are."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            conv(1, 12, 5, 2), conv(12, 24, 3, 2), Residual(24, 16), conv(24, 48, 3, 2), Residual(48, 40),
            nn.AvgPool2d(2), nn.Flatten(), nn.Dropout(0.2), nn.Linear(48 * 6, 48), nn.ReLU(inplace=True),
        )  # fmt: skip
        self.head = nn.Linear(48, 3)

    def forward(self, eye: torch.Tensor) -> torch.Tensor:
        """Pictures to logits."""
        return self.head(self.features(eye))


class Probabilities(nn.Module):
    """The net with its softmax, as exported."""

    def __init__(self, net: Net) -> None:
        super().__init__()
        self.net = net

    def forward(self, eye: torch.Tensor) -> torch.Tensor:
        """Pictures to probabilities."""
        return torch.softmax(self.net(eye), 1)


def folds_of(data: dict[str, np.ndarray]) -> np.ndarray:
    """Give each person (each crop, in the sets without people) a fold; -1 is in every training: the taught ones."""
    fold = np.full(len(data["person"]), -1)
    for source in ("incar", "web", "closeup"):
        rows = data["source"] == source
        names = np.unique(data["person"][rows])
        place = dict(zip(np.random.default_rng(5).permutation(names), np.arange(len(names)) % FOLDS, strict=True))
        fold[rows] = [place[p] for p in data["person"][rows]]
    return fold


def drawing_weights(data: dict[str, np.ndarray]) -> np.ndarray:
    weight = np.zeros(len(data["label"]))
    for (source, label), share in SHARES.items():
        rows = (data["source"] == source) & (data["label"] == label)
        weight[rows] = share / max(rows.sum(), 1)
    return weight / weight.sum()


def rate_at(step: int, total: int) -> float:
    warm = 0.05 * total
    return PEAK_LR * (step / warm if step < warm else 0.5 * (1 + math.cos(math.pi * (step - warm) / (total - warm))))


@torch.no_grad()
def follow(mean: nn.Module, net: nn.Module) -> None:
    for m, v in zip(mean.state_dict().values(), net.state_dict().values(), strict=True):
        if m.dtype.is_floating_point:
            m.lerp_(v, 1 - EMA)
        else:
            m.copy_(v)


class Training:
    """The six nets, their running means and their optimizers."""

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
        """Go on from a checkpoint."""
        saved = torch.load(path, weights_only=True)
        for k in ("nets", "means", "optimizers"):
            for module, state in zip(getattr(self, k), saved[k], strict=True):
                module.load_state_dict(state)
        self.step = saved["step"]

    def learn(self, x: torch.Tensor, y: torch.Tensor, fold: torch.Tensor, rate: float) -> float:
        """One step of each net on the samples it may see; the loss of the last net, which sees all."""
        value = 0.0
        for i, (net, mean, optimizer) in enumerate(zip(self.nets, self.means, self.optimizers, strict=True)):
            seen = fold != i
            optimizer.param_groups[0]["lr"] = rate
            net.train()
            with torch.autocast("cpu", torch.bfloat16):
                logits = net(x[seen].contiguous(memory_format=torch.channels_last))
            loss = functional.cross_entropy(logits.float(), y[seen], label_smoothing=0.02)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            follow(mean, net)
            value = loss.item()
        return value


def train(data: dict[str, np.ndarray], fold: np.ndarray, work: Path, steps: int) -> list[Net]:
    training, checkpoint = Training(), work / "checkpoint.pt"
    if checkpoint.exists():
        training.load(checkpoint)
    crops, iris = torch.from_numpy(data["crop"]), torch.from_numpy(data["iris"])
    wanted = torch.tensor([CLASS_OF.get(label, -1) for label in data["label"]])
    is_loose = torch.from_numpy(np.isin(data["source"], ("web", "closeup")))
    weight, folds = drawing_weights(data), torch.from_numpy(fold)
    began, total = time.monotonic(), 0.0
    while training.step < steps:
        torch.manual_seed(100_000 + training.step)
        rows = torch.from_numpy(np.random.default_rng(training.step).choice(len(weight), BATCH, p=weight))
        x, y = augment(crops[rows].unsqueeze(1).float() / 255, wanted[rows], iris[rows], is_loose[rows])
        total += training.learn(x, y, folds[rows], rate_at(training.step, steps))
        training.step += 1
        if training.step % 50 == 0 or training.step == steps:
            training.save(checkpoint)
            print(f"step {training.step}/{steps} loss {total / 50:.4f} {time.monotonic() - began:.0f} s", flush=True)
            total = 0.0
    return [mean.eval() for mean in training.means]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared", help="the folder with data and anchors")
    parser.add_argument("--work", type=Path, default=ROOT.parent / "tmp/eyes")
    parser.add_argument("--out", type=Path, default=ROOT / "models/eyes.onnx")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.work.mkdir(parents=True, exist_ok=True)
    data = collect(options.shared, options.work / "samples.npz")
    fold = folds_of(data)
    nets = train(data, fold, options.work, options.steps)
    paths = [options.work / f"fold{i}.onnx" for i in range(FOLDS)]
    for net, path in zip(nets, [*paths, options.out], strict=True):
        export(Probabilities(net).eval(), torch.rand(2, 1, 32, 48), "eye", path)
    result = measure(data, fold, paths, options.out, shared=options.shared, work=options.work)
    (options.work / "figures.json").write_text(json.dumps(result, indent=1))
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
