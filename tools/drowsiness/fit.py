"""Fit the drowsiness estimate to blinks, and measure it on people who were not fitted.

    python -m tools.drowsiness.fit [--data ../shared/data/drowsiness] [--write]

Data: the blinks of UTA-RLDD, in four folds that share no people. Each fold is estimated by a fit on the other three.
The majority class and the published figures are printed for comparison. The figures are printed a second time with the
blink frequency, which the daemon does not use. Intervals: bootstrap over people. `--write` fits all four folds and
writes the weights to `driver_monitor/state/sleepiness/drowsiness_weights.py`. Needs the extra `train`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from driver_monitor.bench.score.intervals import bootstrap, in_words
from driver_monitor.bench.score.nets.eyes import Auc
from driver_monitor.state.sleepiness.blink_features import features, probabilities
from driver_monitor.state.sleepiness.drowsiness import KSS
from tools import ROOT, SHARED
from tools.drowsiness.blink_rows import Rows, load

OUT = ROOT / "driver_monitor/state/sleepiness/drowsiness_weights.py"
Floats = NDArray[np.float64]
LEVELS = ("alert", "low vigilance", "drowsy")
RIDGE = 0.1
"""Weight of the penalty on large weights. Chosen once; from 0.01 to 1 no figure moves by more than its interval."""
FREQUENCY = 0
"""Column of the blink frequency in the data."""


def table(rows: Rows, with_frequency: bool) -> Floats:
    """Return the features of all rows. `with_frequency` adds its mean and last value, as signed logarithms."""
    x = features(rows.z[:, :, 1:])
    if not with_frequency:
        return x
    often = rows.z[:, :, FREQUENCY]
    logs = np.sign(often) * np.log1p(np.abs(often))
    return np.column_stack([x, logs.mean(1), logs[:, -1]])


def fit(x: Floats, level: NDArray[np.int64], video: NDArray[np.int64]) -> tuple[Floats, Floats, Floats]:
    """Fit a multinomial logistic regression in which every video counts the same.

    Returns the weights, and the mean and the deviation of the features.
    """
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
    """Describe the accuracy over three levels and the AUC of alert against drowsy, with intervals over people."""
    clear, right = level != 1, p.argmax(1) == level
    people, which = np.unique(person, return_inverse=True)
    area = Auc((p[:, 2] - p[:, 0])[clear], level[clear] == 2)
    accuracy = bootstrap(len(people), lambda times: float(times[which] @ right / times[which].sum()))
    separation = bootstrap(len(people), lambda times: area(times[which][clear]))
    return f"{name}: accuracy {in_words(accuracy)}, AUC alert/drowsy {in_words(separation)}"


def confusion(p: Floats, level: NDArray[np.int64]) -> str:
    rows = [[int(((p.argmax(1) == answer) & (level == is_)).sum()) for answer in range(3)] for is_ in range(3)]
    return "\n".join(f"  {name:>14}: {row}" for name, row in zip(LEVELS, rows, strict=True))


def write(weights: Floats, mean: Floats, deviation: Floats) -> None:
    """Write the weights where the daemon reads them."""

    def shown(numbers: Floats) -> str:
        return ", ".join(f"{number:.4f}" for number in numbers)

    rows = "\n".join(f"    ({shown(row)})," for row in weights)
    OUT.write_text(
        '"""Written by tools.drowsiness.fit from UTA-RLDD (MIT), all four folds; not to be edited."""\n\n'
        f"# fmt: off\n# ruff: noqa: E501\nWEIGHTS = (\n{rows}\n)\n"
        f'"""Rows: the features of `blink_features`, then the constant; columns: alert, low vigilance, drowsy."""\n'
        f"MEAN = ({shown(mean)})\nDEVIATION = ({shown(deviation)})\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=SHARED / "data/drowsiness")
    parser.add_argument("--write", action="store_true", help="write the weights of a fit on all four folds")
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
