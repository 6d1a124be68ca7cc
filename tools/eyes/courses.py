"""Train six eye nets: the shipped one, and five for the figures that each leave out a fifth of the people.

    python -m tools.eyes.train --shared ../shared

First one net learns from faces of people without a hand label: lid gap, iris and painted covers. All six begin with its
weights. They share one stream of batches; each learns from the persons it may (`tools.training.people`). After half of
their steps the nets label the faces without a hand label (`tools.eyes.teach`), and learn from these labels too. A
second course goes on from there with new labels of the teacher and more in-car eyes. At the end the probabilities are
calibrated on people left out (`tools.eyes.calibrate`).

Seeded. A new start continues from the checkpoint in `--work`. Reads the detector and landmark nets of the folds in
`--folds`. Writes `training/eyes.onnx`, and `<k>/eyes.onnx` to `--folds`. `tools.eyes.stills` and `tools.eyes.measure`
measure the nets. Needs the extra `train`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from tools.eyes.calibrate import calibrated
from tools.eyes.data import NOBODY, collect, loose_fold, places, scenery
from tools.eyes.net import ASPECT, CLOSED, DOWN, HIDDEN, IRIS, LOWERED, SUNGLASSES, Answers, Net, example
from tools.eyes.painting.augment import Batch, augment
from tools.eyes.teach import soft_labels
from tools.training.nets import follow, scale_of_rate
from tools.training.onnx_file import export
from tools.training.people import FOLDS, may_teach

BATCH = 128
BASE_LR, PEAK_LR, SECOND_LR, WARM = 2.5e-3, 2.0e-3, 1.2e-3, 0.05
WEIGHT_DECAY = 0.05
EMA = 0.995
SMOOTH = 0.02
"""Label smoothing: the probability of the other answer."""
LOOSE = ("web", "closeup")
"""Sources of loose eye crops."""
DOUBT, DOUBT_FROM = 1.0, 0.3
"""Above this logit of hidden a label of the mesh is ignored, after this share of the training."""
TEACH_FROM = 0.5
"""Share of the steps after which the nets label the faces that nobody labelled by hand."""
SHARES = {
    ("incar", "open"): 0.12, ("incar", "lowered"): 0.10, ("incar", "closed"): 0.10, ("incar", "hidden"): 0.10,
    ("made", "closed"): 0.09, ("made", "lowered"): 0.08, ("made", "open"): 0.03,
    ("mixed", "closed"): 0.03, ("mixed", "lowered"): 0.02,
    ("wild", "closed"): 0.05, ("wild", "lowered"): 0.04, ("wild", "narrow"): 0.06, ("wild", "hidden"): 0.02,
    ("wild", "open"): 0.003,
    ("web", "open"): 0.05, ("web", "closed"): 0.05, ("closeup", "open"): 0.02, ("closeup", "closed"): 0.02,
    ("taught", "open"): 0.07, ("taught", "unsure"): 0.06,
}  # fmt: skip
"""Share of each kind in a batch. No net learns from near-infrared stills or clips."""
SECOND_SHARES = {
    **SHARES,
    ("incar", "lowered"): 0.12, ("incar", "closed"): 0.12, ("incar", "hidden"): 0.09,
    ("made", "closed"): 0.11, ("made", "lowered"): 0.10, ("mixed", "closed"): 0.02,
    ("taught", "open"): 0.05, ("taught", "unsure"): 0.05,
}  # fmt: skip
"""The same in the second course. Closed in-car eyes are the rarest, and the slowest to learn."""
BASE_SHARES = {("taught", "open"): 0.6, ("taught", "unsure"): 0.4}
"""The same for the net from which all begin. It sees nobody who has a fold."""
FACE_IN_CAR = 3.0
"""How much more often a composite on the face of a driver is drawn than one on a portrait."""
STEPS = (800, 5200, 900)
"""Steps of the base, the first and the second course: about 80 minutes on one core (ours)."""


class Samples:
    """All strips, their labels, and which net may learn from each."""

    def __init__(self, data: dict[str, np.ndarray], scenes: np.ndarray, place: dict[str, int]) -> None:
        label, source = data["label"], data["source"]
        opened = np.isin(label, ("open", "narrow", "lowered"))
        of_loose = np.isin(source, LOOSE)
        self.strips, self.scenes = torch.from_numpy(data["strip"]), torch.from_numpy(scenes)
        self.points, self.ears = torch.from_numpy(data["points"]), torch.from_numpy(data["ear"])
        self.closed = torch.from_numpy(_known(label == "closed", opened | (label == "closed")))
        # The open eyes among loose crops include lowered ones.
        self.lowered = torch.from_numpy(_known(label == "lowered", opened & ~of_loose))
        self.hidden = torch.from_numpy(_known(label == "hidden", label != "unsure"))
        worn = data["eyewear"] == "sunglasses"
        self.sunglasses = torch.from_numpy(_known(worn, (source == "incar") & ((label == "hidden") | ~worn)))
        self.loose, self.taught = torch.from_numpy(of_loose), torch.from_numpy(source == "taught")
        self.meshed = torch.from_numpy(np.isin(source, ("incar", "wild", "taught")) & ~data["placed"])
        self.source, self.label = source, label
        drivers = np.unique(data["person"][source == "incar"])
        self.likelihood = np.where(np.isin(data["other"], drivers), FACE_IN_CAR, 1.0)
        self.allowed = torch.from_numpy(np.stack([_allowed(data, place, k) for k in (*range(FOLDS), None)]))
        self.soft = torch.full((len(label), 2, FOLDS + 1, 3), torch.nan)
        self.nobodys = (data["person"] == NOBODY) & (source == "taught")
        self.unlabelled = torch.from_numpy(np.flatnonzero((source == "taught") & (label == "unsure")))
        self.placed = torch.from_numpy(data["placed"])
        self.fold = torch.tensor([place.get(str(person), -1) for person in data["person"]])

    def weights(self, shares: dict[tuple[str, str], float], where: np.ndarray | bool = True) -> np.ndarray:
        """Return the probability of each sample to be drawn, 0 outside `where`."""
        weight = np.zeros(len(self.label))
        for (of, kind), share in shares.items():
            rows = (self.source == of) & (self.label == kind) & where
            likelihood = np.where(rows, self.likelihood, 0.0)
            weight += share * likelihood / max(likelihood.sum(), 1.0)
        return np.asarray(weight / weight.sum())

    def learn_from(self, teachers: list[Net], cache: Path) -> None:
        """Take the labels of `teachers` for the faces that nobody labelled by hand, from the cache if it exists."""
        if not cache.exists():
            torch.save(soft_labels(teachers, self.strips, self.points, self.unlabelled), cache)
        self.soft = torch.load(cache, weights_only=True)

    def draw(self, seed: int, weight: np.ndarray) -> tuple[Batch, torch.Tensor, torch.Tensor]:
        """Return a batch that is cut and changed as by a camera, and its eyes and bands."""
        rows = torch.from_numpy(np.random.default_rng(seed).choice(len(weight), BATCH, p=weight))
        torch.manual_seed(100_000 + seed)
        unknown = torch.full((BATCH,), torch.nan)
        batch = Batch(
            self.strips[rows].unsqueeze(1).float() / 255, self.points[rows], self.closed[rows], self.lowered[rows],
            self.hidden[rows], self.sunglasses[rows], unknown, unknown, unknown, torch.empty(0), self.loose[rows],
            self.taught[rows], self.meshed[rows], self.allowed[:, rows], torch.zeros(BATCH, dtype=torch.bool),
        )  # fmt: skip
        eye, band = augment(batch, self.ears[rows], self.soft[rows], self.scenes)
        return batch, eye.contiguous(memory_format=torch.channels_last), band


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
    """Nets, the running means of their weights, and their optimizers. They begin with the weights of `starts`."""

    def __init__(self, starts: list[Net]) -> None:
        self.nets = [Net().to(memory_format=torch.channels_last) for _ in starts]
        self.means = [Net() for _ in starts]
        for start, mean, net in zip(starts, self.means, self.nets, strict=True):
            net.load_state_dict(start.state_dict())
            mean.load_state_dict(start.state_dict())
        self.optimizers = [torch.optim.AdamW(n.parameters(), PEAK_LR, weight_decay=WEIGHT_DECAY) for n in self.nets]
        self.step = 0

    def save(self, path: Path) -> None:
        """Write a checkpoint. An interrupted write does not damage the one before."""
        parts = {k: [m.state_dict() for m in getattr(self, k)] for k in ("nets", "means", "optimizers")}
        torch.save({**parts, "step": self.step}, path.with_suffix(".new"))
        path.with_suffix(".new").rename(path)

    def load(self, path: Path) -> None:
        """Load a checkpoint to continue from it."""
        saved = torch.load(path, weights_only=True)
        for k in ("nets", "means", "optimizers"):
            for module, state in zip(getattr(self, k), saved[k], strict=True):
                module.load_state_dict(state)
        self.step = saved["step"]

    def learn(self, eye: torch.Tensor, band: torch.Tensor, batch: Batch, rate: float, doubting: bool) -> float:
        """Take one step of each net on the samples it may learn from. Returns the loss of the last net."""
        value = 0.0
        for k, (net, mean, optimizer) in enumerate(zip(self.nets, self.means, self.optimizers, strict=True)):
            may = batch.allowed[k]
            optimizer.param_groups[0]["lr"] = rate
            net.train()
            loss = loss_of(net(eye[may], band[may]), batch, k, doubting)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            follow(mean, net, EMA)
            value = loss.item()
        return value


def loss_of(out: torch.Tensor, batch: Batch, net: int, doubting: bool) -> torch.Tensor:
    """Return the loss of the answers (n, 7) of one net, the `net`th.

    `doubting`: ignore labels of the mesh where the net is sure that the eye is hidden: some portraits wear sunglasses.
    """
    may = batch.allowed[net]
    hidden, ear, soft = batch.hidden[may], batch.ear[may], batch.soft[may, net]
    if doubting:
        hidden = torch.where(batch.taught[may] & (hidden == 0) & (out[:, HIDDEN] > DOUBT), torch.nan, hidden)
    covered = hidden == 1
    told = torch.isfinite(soft[:, 2])
    hidden = torch.where(told & ~covered & ~(batch.unclear[may]), soft[:, 2], hidden)
    visible = (hidden < 0.5) & ~batch.unclear[may]
    closed = torch.where(visible, torch.where(told, soft[:, 0], batch.closed[may]), torch.nan)
    lowered = torch.where(visible, torch.where(told, soft[:, 1], batch.lowered[may]), torch.nan)
    seen = ~covered & ~batch.unclear[may]
    return (
        _cross(out[:, HIDDEN], hidden)
        + _cross(out[:, CLOSED], closed)
        + 0.5 * _cross(out[:, LOWERED], lowered)
        + 0.2 * _cross(out[:, SUNGLASSES], batch.sunglasses[may])
        + 5 * _apart(out[:, ASPECT], ear, seen, 0.03)
        + 0.5 * _apart(out[:, IRIS], batch.iris[may], seen, 0.1)
        + 2 * _apart(out[:, DOWN], batch.down[may], seen, 0.03)
    )


def _cross(logit: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    known = torch.isfinite(wanted)
    target = wanted[known] * (1 - SMOOTH) + SMOOTH / 2
    if not len(target):
        return logit.sum() * 0
    return functional.binary_cross_entropy_with_logits(logit[known], target)


def _apart(value: torch.Tensor, wanted: torch.Tensor, where: torch.Tensor, beta: float) -> torch.Tensor:
    known = torch.isfinite(wanted) & where
    if not known.any():
        return value.sum() * 0
    return functional.smooth_l1_loss(value[known], wanted[known], beta=beta)


@dataclass(frozen=True)
class Course:
    """One course of a training: its checkpoint, the number of its steps, and its highest learning rate."""

    checkpoint: Path
    steps: int
    peak: float
    seed: int = 0


def run(training: Training, samples: Samples, weight: np.ndarray, course: Course, until: int) -> None:
    """Train up to step `until` of a course, from its checkpoint if it exists."""
    checkpoint, steps, peak = course.checkpoint, course.steps, course.peak
    if checkpoint.exists():
        training.load(checkpoint)
    began, total = time.monotonic(), 0.0
    while training.step < until:
        batch, eye, band = samples.draw(course.seed + training.step, weight)
        rate = peak * scale_of_rate(training.step, steps, WARM)
        total += training.learn(eye, band, batch, rate, training.step > DOUBT_FROM * steps)
        training.step += 1
        if training.step % 50 == 0 or training.step == until:
            training.save(checkpoint)
            print(f"step {training.step}/{steps} loss {total / 50:.4f} {time.monotonic() - began:.0f} s", flush=True)
            total = 0.0


def train(samples: Samples, work: Path, steps: tuple[int, int, int]) -> list[Net]:
    """Return the five nets of the folds and the one of all people, trained. `steps`: base, first and second course."""
    base = base_of(samples, work, steps[0])
    first = Training([base] * (FOLDS + 1))
    course, weight = Course(work / "checkpoint.pt", steps[1], PEAK_LR), samples.weights(SHARES)
    run(first, samples, weight, course, round(TEACH_FROM * steps[1]))
    samples.learn_from(first.means, work / "soft.pt")
    run(first, samples, weight, course, steps[1])
    samples.learn_from(first.means, work / "soft2.pt")
    second = Training(first.means)
    course = Course(work / "checkpoint2.pt", steps[2], SECOND_LR, seed=1_000_000)
    run(second, samples, samples.weights(SECOND_SHARES), course, steps[2])
    return [mean.eval() for mean in second.means]


def base_of(samples: Samples, work: Path, steps: int) -> Net:
    """Return the net with whose weights all begin, from its checkpoint if it exists."""
    torch.manual_seed(11)
    start = Net()
    base = Training([start])
    weight = samples.weights(BASE_SHARES, samples.nobodys)
    run(base, samples, weight, Course(work / "base.pt", steps, BASE_LR), steps)
    start.load_state_dict(base.nets[0].state_dict())
    return start


def train_shipped(shared: Path, work: Path, folds: Path, out: Path, steps: tuple[int, int, int], threads: int) -> None:
    """Train the shipped net and the five of the folds, calibrate them, and write `out` and `folds/<k>/eyes.onnx`."""
    torch.set_num_threads(threads)
    work.mkdir(parents=True, exist_ok=True)
    data = shared / "data"
    samples = Samples(collect(shared, folds, work / "strips.npz"), scenery(data / "incar_stills"), places(data))
    nets = train(samples, work, steps)
    paths = [folds / str(k) / "eyes.onnx" for k in range(FOLDS)]
    lines = calibrated(nets, samples)
    for net, path in zip(nets, [*paths, out], strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        export(Answers(net, lines).eval(), example(), ["p", "aspect", "sunglasses"], path)
