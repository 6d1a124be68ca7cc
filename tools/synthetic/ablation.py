"""Measure what synthetic eyes add: train a small net with and without them, and on them alone; test on unseen people.

    python -m tools.synthetic.ablation --synthetic ../tmp/synthetic --seeds 3

For each seed eleven nets learn from the same stream: for each of five folds of people one from photographs of the other
folds, and one from the same and synthetic eyes; and one from synthetic eyes alone. Each photograph is answered by the
nets that have not learned from its person. Nobody learns from near-infrared stills. Prints a table: means over the
seeds with 95 % intervals by bootstrap over persons, and the interval of the difference. Needs the extra `train`.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from driver_monitor.bench.score.intervals import Figure, bootstrap, in_words
from driver_monitor.bench.score.nets.eyes import Auc
from driver_monitor.perception.eyes.patch import eye_crops
from tools import ROOT, SHARED
from tools.eyes.data import collect, places
from tools.synthetic import CACHE
from tools.synthetic.crops import changed
from tools.synthetic.real_eyes import CLASSES, prepare, targets, weights
from tools.synthetic.shards import load
from tools.training.nets import conv, scale_of_rate
from tools.training.people import FOLDS

REAL, MADE = 72, 48
"""Photographs and synthetic eyes in a batch."""
PEAK_LR, WARM, WEIGHT_DECAY = 3e-3, 0.1, 0.02
OPEN, LOWERED, CLOSED = range(3)
WAYS = ("photographs", "both", "synthetic")
Answers = dict[str, NDArray[np.float64]]
"""For each way of learning, p(closed) of each picture by each seed, (seeds, n)."""


def net() -> nn.Sequential:
    """Return the small net: 20,000 parameters, from a patch (n, 1, 32, 48) to three logits."""
    return nn.Sequential(
        conv(1, 12, 5, 2), conv(12, 24, 3, 2), conv(24, 40, 3, 2),
        nn.AvgPool2d(2), nn.Flatten(), nn.Dropout(0.2), nn.Linear(40 * 6, 32), nn.ReLU(), nn.Linear(32, len(CLASSES)),
    )  # fmt: skip


@dataclass
class Pool:
    """Strips to draw from: (n, 88, 168), points (n, 70, 2), classes (n,), probabilities (n,)."""

    strips: NDArray[np.uint8]
    points: NDArray[np.float32]
    classes: NDArray[np.int64]
    weight: NDArray[np.float64]

    @classmethod
    def of(cls, data: dict[str, np.ndarray], weight: NDArray[np.float64]) -> Pool:
        """Make a pool of the arrays of `tools.eyes.data`."""
        return cls(data["strip"], data["points"], targets(data["label"]), weight)


def draw(pools: list[tuple[Pool, int]], rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor, np.ndarray]:
    """Return changed patches (n, 1, 32, 48), 0 to 1, their classes (n,) and their rows in the pools (n,)."""
    patches, classes, rows = [], [], []
    for pool, count in pools:
        chosen = rng.choice(len(pool.weight), count, p=pool.weight)
        patches += [changed(pool.strips[i], pool.points[i], rng) for i in chosen]
        classes.append(pool.classes[chosen])
        rows.append(chosen)
    eyes = torch.from_numpy(np.stack(patches)).float().unsqueeze(1) / 255
    return eyes, torch.from_numpy(np.concatenate(classes)), np.concatenate(rows)


def train(
    real: dict[str, np.ndarray], made: dict[str, np.ndarray], seed: int, steps: int
) -> dict[tuple[str, int], nn.Sequential]:
    """Return the nets by way of learning and fold. The one of "synthetic" has fold 0 alone."""
    torch.manual_seed(seed)
    keys = [(way, fold) for way in WAYS[:2] for fold in range(FOLDS)] + [(WAYS[2], 0)]
    nets = {key: net() for key in keys}
    optimizers = {k: torch.optim.AdamW(n.parameters(), PEAK_LR, weight_decay=WEIGHT_DECAY) for k, n in nets.items()}
    pools = [
        (Pool.of(real, weights(real["source"], real["label"])), REAL),
        (Pool.of(made, _balanced(made["label"])), MADE),
    ]
    folds, began = np.stack([real["fold"], real["other_fold"]], 1), time.monotonic()
    for step in range(steps):
        eyes, classes, rows = draw(pools, np.random.default_rng([seed, step]))
        for (way, fold), one in nets.items():
            seen = np.r_[(folds[rows[:REAL]] != fold).all(1) & (way != WAYS[2]), np.full(MADE, way != WAYS[0])]
            optimizer = optimizers[way, fold]
            optimizer.param_groups[0]["lr"] = PEAK_LR * scale_of_rate(step, steps, WARM)
            loss = functional.cross_entropy(one.train()(eyes[seen]), classes[seen], label_smoothing=0.03)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if (step + 1) % 50 == 0:
            print(f"seed {seed} step {step + 1}/{steps}, {time.monotonic() - began:.0f} s", flush=True)
    return {key: one.eval() for key, one in nets.items()}


def _balanced(label: np.ndarray) -> NDArray[np.float64]:
    kinds = targets(label)
    out = np.zeros(len(label))
    for kind, share in ((OPEN, 0.35), (LOWERED, 0.35), (CLOSED, 0.3)):
        out[kinds == kind] = share / max((kinds == kind).sum(), 1)
    return np.asarray(out / out.sum())


@torch.no_grad()
def answers(nets: dict[tuple[str, int], nn.Sequential], data: dict[str, np.ndarray]) -> dict[str, NDArray[np.float64]]:
    """Return p(closed) of each picture (n,) for each way: the mean over both eyes, by nets that do not know the person.

    Pictures of people without a fold are answered by the nets of all folds in turn.
    """
    crops = [eye_crops(s, p)[0] for s, p in zip(data["strip"], data["points"], strict=True)]
    eyes = torch.from_numpy(np.stack(crops)).float().flatten(0, 1).unsqueeze(1) / 255
    fold = np.where(data["fold"] < 0, np.arange(len(data["fold"])) % FOLDS, data["fold"])
    by_key = {k: functional.softmax(one(eyes), 1)[:, CLOSED].view(-1, 2).mean(1).numpy() for k, one in nets.items()}
    out = {way: np.stack([by_key[way, k] for k in range(FOLDS)]) for way in WAYS[:2]}
    picked = {way: p[fold, np.arange(len(fold))] for way, p in out.items()}
    return {**picked, WAYS[2]: by_key[WAYS[2], 0]}


@dataclass(frozen=True)
class Question:
    """One line of the table: AUC of the pictures `closed` against the pictures `others`, masks (n,)."""

    name: str
    closed: NDArray[np.bool_]
    others: NDArray[np.bool_]


def questions(data: dict[str, np.ndarray], skin: dict[str, str]) -> list[Question]:
    """Return the lines of the table. `skin`: as it appears in a picture, by the picture's name."""
    source, label = data["source"], data["label"]
    dark = np.array([skin.get(str(name)) == "dark" for name in data["picture"]])
    incar, nir, wild = source == "incar", source == "nir", source == "wild"
    shut, low, wide = label == "closed", label == "lowered", label == "open"
    narrow, worn = label == "narrow", data["eyewear"] == "glasses"
    return [
        Question("in-car, closed against lowered", incar & shut, incar & low),
        Question("in-car, closed against the others", incar & shut, incar & (low | wide)),
        Question("in-car with glasses, closed against the others", incar & shut & worn, incar & (low | wide) & worn),
        Question("in-car, all closed against the others of dark skin", incar & shut, incar & (low | wide) & dark),
        Question("near-infrared, closed against open", nir & shut, nir & wide),
        Question("web faces, closed against lowered", wild & shut, wild & low),
        Question("web faces, closed against the others", wild & shut, wild & (low | narrow | wide)),
    ]  # fmt: skip


def compare(given: Answers, question: Question, person: np.ndarray) -> dict[str, Figure]:
    """Return the AUC of each way, and the difference of "both" to "photographs". Persons are resampled.

    `given`: (seeds, n). `person`: (n,). An AUC is the mean over the seeds.
    """
    rows = question.closed | question.others
    names, who = np.unique(person[rows], return_inverse=True)
    areas = {way: [Auc(one[rows], question.closed[rows]) for one in given[way]] for way in WAYS}

    def mean(way: str, times: NDArray[np.int64]) -> float | None:
        values = [value for area in areas[way] if (value := area(times[who])) is not None]
        return float(np.mean(values)) if values else None

    def gain(times: NDArray[np.int64]) -> float | None:
        both, without = mean(WAYS[1], times), mean(WAYS[0], times)
        return None if both is None or without is None else both - without

    figures = {way: bootstrap(len(names), partial(mean, way)) for way in WAYS}
    return {**figures, "difference": bootstrap(len(names), gain)}


def measure(given: Answers, data: dict[str, np.ndarray], skin: dict[str, str]) -> dict[str, Any]:
    """Return for each question the counts and the figures, ready for JSON."""
    out: dict[str, Any] = {}
    for question in questions(data, skin):
        figures = compare(given, question, data["person"])
        counts = {"closed": int(question.closed.sum()), "others": int(question.others.sum())}
        out[question.name] = {**counts, **{name: asdict(figure) for name, figure in figures.items()}}
    return out


def table(measured: dict[str, Any]) -> str:
    """Return the figures of `measure` as text."""
    lines = []
    for name, row in measured.items():
        lines.append(f"{name} ({row['closed']}, {row['others']})")
        lines += [f"  {way:12} {in_words(Figure(**row[way]))}" for way in (*WAYS, "difference")]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder with data/ and anchors/")
    parser.add_argument("--synthetic", type=Path, default=CACHE, help="folder of tools.synthetic.eyes")
    parser.add_argument("--folds", type=Path, default=ROOT.parent / "tmp/folds", help="folder of the nets of the folds")
    parser.add_argument("--strips", type=Path, default=CACHE / "strips.npz", help="cache of the photographs")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--json", type=Path, help="file for all figures")
    options = parser.parse_args()
    torch.set_num_threads(1)
    stills = options.shared / "data/incar_stills"
    real = prepare(collect(options.shared, options.folds, options.strips), places(options.shared / "data"))
    made = load(options.synthetic)
    measured = np.isin(real["source"], ("incar", "nir", "wild"))
    tested = {name: values[measured] for name, values in real.items()}
    with (stills / "labels.csv").open(newline="") as lines:
        skin = {row["file"]: row["skin"] for row in csv.DictReader(lines)}
    given: dict[str, list[NDArray[np.float64]]] = {way: [] for way in WAYS}
    for seed in range(options.seeds):
        for way, answer in answers(train(real, made, seed, options.steps), tested).items():
            given[way].append(answer)
        figures = measure({way: np.stack(one) for way, one in given.items()}, tested, skin)
        print(
            f"seeds: {seed + 1}, steps: {options.steps}, synthetic: {len(made['label'])}\n{table(figures)}", flush=True
        )
        if options.json:
            options.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
