"""Measure expression nets on pictures outside FER+: portraits, near-infrared stills, drivers in cars."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from driver_monitor.app import build
from driver_monitor.app.build import Request
from driver_monitor.bench.score.intervals import bootstrap_ratio
from driver_monitor.capture.recordings.images import read_image
from driver_monitor.data.observation import EXPRESSIONS, Light
from driver_monitor.imaging.frame import Frame, to_grey
from driver_monitor.perception.expression.net import SIZE, expression_crop
from driver_monitor.state.expression.expression_tracker import DISTRESS_FROM, NEGATIVE, label_of

Pictures = NDArray[np.uint8]
Floats = NDArray[np.float64]
Answer = Callable[[Pictures], Floats]
EDGE = 0.35
"""Border around portraits, as a share of the height. Portraits fill the picture; with a border the face is found."""
YAWS = ((0, 10), (10, 25), (25, 40))
"""Bands of yaw, degrees."""
GROUPS = {"neutral": "neutral", "happiness": "positive", **dict.fromkeys(NEGATIVE, "negative")}


@dataclass
class Still:
    """The labels of a picture, its face crop as the daemon cuts it, and the yaw of the head, degrees."""

    row: dict[str, str]
    crop: Pictures
    yaw: float


def rows_of(folder: Path, table: Path) -> list[dict[str, str]]:
    with table.open() as file:
        return [row for row in csv.DictReader(file) if (folder / row["file"]).is_file()]


def cut_out(rows: Sequence[dict[str, str]], folder: Path, edge: float = 0.0) -> Iterator[Still]:
    """Yield the stills in which the daemon finds a face. `edge`: border to add, as a share of the height."""
    plan = build.load_plan(Request())
    models = build.load_models(plan.config)
    for row in rows:
        grey = to_grey(read_image(folder / row["file"]))
        rim = round(edge * len(grey))
        image = cv2.copyMakeBorder(grey, rim, rim, rim, rim, cv2.BORDER_REPLICATE) if rim else grey
        observation = build.build_perception(plan.config, models).observe(Frame(np.asarray(image), 0.0, 0, row["file"]))
        if observation.face is not None:
            yaw = observation.face.head.yaw if observation.face.head else 90.0
            yield Still(row, expression_crop(np.asarray(image), observation.face.points), yaw)


def label(p: Floats, light: Light) -> str:
    return label_of(dict(zip(EXPRESSIONS, p.tolist(), strict=True)), light)


def portraits(folder: Path, table: Path, nets: Mapping[str, Answer]) -> dict[str, Any]:
    """Measure happiness against neutral: by the more probable of the two, and as the daemon answers.

    The portraits are cropped already. The nets get them whole, at 48 pixels.
    """
    rows = [row for row in rows_of(folder, table) if row["expression"] in ("neutral", "happiness")]
    happy = np.array([row["expression"] == "happiness" for row in rows])
    greys = [to_grey(read_image(folder / row["file"])) for row in rows]
    crops = np.stack([cv2.resize(grey, (SIZE, SIZE), interpolation=cv2.INTER_AREA) for grey in greys])
    result: dict[str, Any] = {"faces": len(rows)}
    for name, net in nets.items():
        p = net(np.asarray(crops))
        labels = [label(one, "day") for one in p]
        sure = np.array([one != "uncertain" for one in labels])
        right = np.array([one == row["expression"] for one, row in zip(labels, rows, strict=True)])
        result[name] = {
            **balanced(p[:, 1] > p[:, 0], happy),
            "answered": float(sure.mean()),
            "balanced_of_answered": float(np.mean([right[sure & kind].mean() for kind in (happy, ~happy)])),
        }
    turned = list(cut_out(rows[::3], folder, EDGE))
    p, expected = nets["ours"](np.stack([one.crop for one in turned])), [one.row["expression"] for one in turned]
    joy, yaw = np.array([name == "happiness" for name in expected]), np.abs([one.yaw for one in turned])
    for low, high in YAWS:
        among = (yaw >= low) & (yaw < high)
        result[f"aligned, yaw {low} to {high}"] = {
            "faces": int(among.sum()),
            **balanced(p[among, 1] > p[among, 0], joy[among]),
        }
    return result


def balanced(answer: NDArray[np.bool_], true: NDArray[np.bool_]) -> dict[str, float]:
    shares = [float(answer[true].mean()), float((~answer[~true]).mean())]
    return {"balanced": float(np.mean(shares)), "happiness": shares[0], "neutral": shares[1]}


def infrared(folder: Path, table: Path, nets: Mapping[str, Answer]) -> dict[str, Any]:
    """Measure neutral, positive and negative, as the daemon answers in infrared. Surprise is left out."""
    rows = rows_of(folder, table)
    stills = list(cut_out(rows, folder))
    kept = [still for still in stills if still.row["expression"] in GROUPS]
    crops = np.stack([still.crop for still in kept])
    result: dict[str, Any] = {"stills": len(rows), "faces": len(stills), "scored": len(kept)}
    for name, net in nets.items():
        labels = [label(one, "infrared") for one in net(crops)]
        result[name] = grouped([still.row for still in kept], labels)
        for gender in ("male", "female"):
            mine = [i for i, still in enumerate(kept) if still.row["gender"] == gender]
            result[name][gender] = grouped([kept[i].row for i in mine], [labels[i] for i in mine])["balanced"]
    return result


def grouped(rows: Sequence[dict[str, str]], labels: Sequence[str]) -> dict[str, Any]:
    """Return the answered share and the accuracy of answers for each true group, with an interval over persons."""
    table: dict[str, dict[str, int]] = {}
    for row, answer in zip(rows, labels, strict=True):
        counts = table.setdefault(GROUPS[row["expression"]], {})
        counts[answer] = counts.get(answer, 0) + 1
    sure = {true: sum(n for answer, n in counts.items() if answer != "uncertain") for true, counts in table.items()}
    right = {true: counts.get(true, 0) / max(1, sure[true]) for true, counts in table.items()}
    persons = sorted({row["person"] for row in rows})
    over = np.zeros((len(persons), 2))
    for row, answer in zip(rows, labels, strict=True):
        if answer != "uncertain":
            over[persons.index(row["person"])] += (GROUPS[row["expression"]] == answer, 1)
    plain = bootstrap_ratio(over[:, 0], over[:, 1])
    return {
        "table": table,
        "answered": {true: sure[true] / sum(counts.values()) for true, counts in table.items()},
        "right_of_answered": right,
        "balanced": float(np.mean(list(right.values()))),
        "balanced_without_negative": float(np.mean([right[true] for true in ("neutral", "positive")])),
        "plain_of_answered": [plain.value, plain.low, plain.high],
    }


def cabin(folder: Path, net: Answer) -> dict[str, Any]:
    """Count the answers for drivers in cars. Their expressions are not labelled; most are calm."""
    stills = list(cut_out(rows_of(folder, folder / "labels.csv"), folder))
    p = net(np.stack([still.crop for still in stills]))
    aroused = p[:, [EXPRESSIONS.index("anger"), EXPRESSIONS.index("fear")]].sum(1) >= DISTRESS_FROM
    labels = np.array([label(one, "day") for one in p])
    result: dict[str, Any] = {"faces": len(stills)}
    for key in ("mouth", "light", "head", "eyewear", "skin"):
        for value in sorted({still.row[key] for still in stills}):
            among = np.array(
                [still.row[key] == value and (key == "mouth" or still.row["mouth"] != "yawn") for still in stills]
            )
            if among.sum() >= 20:
                counts = {
                    str(name): int(n) for name, n in zip(*np.unique(labels[among], return_counts=True), strict=True)
                }
                distress = float(aroused[among].mean())
                result[f"{key} {value}"] = {"faces": int(among.sum()), "anger or fear": distress, "answers": counts}
    return result
