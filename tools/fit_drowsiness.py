"""Fit sleepiness to blinks and say how well that works on people who were not fitted.

    .venv/bin/python tools/fit_drowsiness.py [--data ../shared/data/drowsiness] [--write]

UTA-RLDD's blinks, four folds without shared people: each is told by the fit on the other three, with the majority and
the published figures beside it, and once more with the blink frequency, which the daemon does not use. Intervals: drawn
over people. `--write` fits all four folds and puts the weights into `driver_monitor/state/drowsiness_weights.py`.
Needs scipy (extra `train`).
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from driver_monitor.bench.score.intervals import bootstrap, in_words
from driver_monitor.bench.score.nets.eyes import Auc
from driver_monitor.state.sleepiness.blink_features import features, probabilities
from driver_monitor.state.sleepiness.drowsiness import KSS

ROOT = Path(__file__).parent.parent
OUT = ROOT / "driver_monitor/state/drowsiness_weights.py"
Floats = NDArray[np.float64]
LEVELS = ("alert", "low vigilance", "drowsy")
RIDGE = 0.1
"""Chosen once, between 0.01 and 1, where no figure moves by more than its interval."""
FREQUENCY = 0
STRIDE, OVERLAP = 2, 28
"""A row's blinks are those of the row before, two further on."""


@dataclass(frozen=True)
class Rows:
    """`z` (n, 30, 4); `level` (n,) 0 to 2; `video`, `person`, `fold` (n,)."""

    z: Floats
    level: NDArray[np.int64]
    video: NDArray[np.int64]
    person: NDArray[np.int64]
    fold: NDArray[np.int64]


def load(folder: Path) -> Rows:
    """Read the four folds; a break in the overlap of two rows is a new video, three videos are a person."""
    parts = []
    for fold in range(1, 5):
        z = np.load(folder / f"rldd_fold{fold}.npz")
        blinks, level = z["blinks"].astype(np.float64), z["label"].astype(np.int64) // 5
        goes_on = np.isclose(blinks[1:, :OVERLAP], blinks[:-1, STRIDE:]).all((1, 2))
        video = np.concatenate([[0], np.cumsum(~goes_on)]) + 1000 * fold
        parts.append((blinks, level, video, (video - 1000 * fold) // 3 + 1000 * fold, np.full(len(level), fold)))
    return Rows(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def table(rows: Rows, with_frequency: bool) -> Floats:
    """Return the features of all rows; the frequency's are its mean and last value, as signed logarithms."""
    x = features(rows.z[:, :, 1:])
    if not with_frequency:
        return x
    often = rows.z[:, :, FREQUENCY]
    logs = np.sign(often) * np.log1p(np.abs(often))
    return np.column_stack([x, logs.mean(1), logs[:, -1]])


def fit(x: Floats, level: NDArray[np.int64], video: NDArray[np.int64]) -> tuple[Floats, Floats, Floats]:
    """Return weights, mean and deviation of a multinomial logistic regression in which every video counts the same."""
    mean, deviation = x.mean(0), x.std(0) + 1e-9
    z = (x - mean) / deviation
    _, which, count = np.unique(video, return_inverse=True, return_counts=True)
    worth = 1.0 / count[which]
    n, d = z.shape

    def loss(flat: Floats) -> tuple[float, Floats]:
        w = flat.reshape(d + 1, 3)
        p = probabilities(x, w, mean, deviation)
        total = -(worth * np.log(p[np.arange(n), level] + 1e-12)).sum() + RIDGE * (w[:-1] ** 2).sum()
        p[np.arange(n), level] -= 1
        p *= worth[:, None]
        return float(total), np.concatenate([z.T @ p + 2 * RIDGE * w[:-1], p.sum(0)[None]]).ravel()

    found = minimize(loss, np.zeros((d + 1) * 3), jac=True, method="L-BFGS-B", options={"maxiter": 500})
    return found.x.reshape(d + 1, 3), mean, deviation


def left_out(rows: Rows, x: Floats) -> Floats:
    """Return (n, 3) probabilities, each fold's by the fit on the other three."""
    p = np.zeros((len(x), 3))
    for fold in np.unique(rows.fold):
        seen = rows.fold != fold
        p[~seen] = probabilities(x[~seen], *fit(x[seen], rows.level[seen], rows.video[seen]))
    return p


def by_video(rows: Rows, p: Floats) -> tuple[Floats, NDArray[np.int64], NDArray[np.int64]]:
    """Return the mean probabilities of every video, its level and its person."""
    _, first, which = np.unique(rows.video, return_index=True, return_inverse=True)
    mean = np.stack([np.bincount(which, p[:, i]) / np.bincount(which) for i in range(3)], 1)
    return mean, rows.level[first], rows.person[first]


def figures(name: str, p: Floats, level: NDArray[np.int64], person: NDArray[np.int64]) -> str:
    """Return accuracy over three levels and AUC of alert against drowsy, drawn over people."""
    clear, right = level != 1, p.argmax(1) == level
    people, which = np.unique(person, return_inverse=True)
    area = Auc((p[:, 2] - p[:, 0])[clear], level[clear] == 2)
    accuracy = bootstrap(len(people), lambda times: float(times[which] @ right / times[which].sum()))
    separation = bootstrap(len(people), lambda times: area(times[which][clear]))
    return f"{name}: accuracy {in_words(accuracy)}, AUC alert/drowsy {in_words(separation)}"


def confusion(p: Floats, level: NDArray[np.int64]) -> str:
    rows = [[int(((p.argmax(1) == said) & (level == is_)).sum()) for said in range(3)] for is_ in range(3)]
    return "\n".join(f"  {name:>14}: {row}" for name, row in zip(LEVELS, rows, strict=True))


def write(weights: Floats, mean: Floats, deviation: Floats) -> None:
    """Leave the weights where the daemon finds them."""

    def shown(numbers: Floats) -> str:
        return ", ".join(f"{number:.4f}" for number in numbers)

    rows = "\n".join(f"    ({shown(row)})," for row in weights)
    OUT.write_text(
        '"""Written by tools/fit_drowsiness.py from UTA-RLDD (MIT), all four folds; not to be edited."""\n\n'
        f"# fmt: off\n# ruff: noqa: E501\nWEIGHTS = (\n{rows}\n)\n"
        f'"""Rows: the features of `blink_features`, then the constant; columns: alert, low vigilance, drowsy."""\n'
        f"MEAN = ({shown(mean)})\nDEVIATION = ({shown(deviation)})\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared/data/drowsiness")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    rows = load(options.data)
    print(f"{len(rows.level)} rows, {len(np.unique(rows.video))} videos, {len(np.unique(rows.person))} people")
    share = np.bincount(rows.level) / len(rows.level)
    print(f"majority ({LEVELS[int(share.argmax())]}): {share.max():.3f} of rows; a third of videos")
    for name, often in (("without the frequency (the daemon)", False), ("with it", True)):
        p = left_out(rows, table(rows, often))
        print(figures(f"rows, {name}", p, rows.level, rows.person))
        q, level, person = by_video(rows, p)
        print(figures(f"videos, {name}", q, level, person))
        if not often:
            print(confusion(q, level))
            off = np.sqrt(np.mean((p @ np.array(KSS) - np.array(KSS)[rows.level]) ** 2))
            print(f"  Karolinska off by {off:.2f} (root mean square, rows)")
    print("published: rows about 0.54, videos 0.652 (HM-LSTM), human judges 0.578 of videos (arXiv 1904.07312)")
    if options.write:
        write(*fit(table(rows, False), rows.level, rows.video))
        print(f"wrote {OUT}")


if __name__ == "__main__":
    main()
